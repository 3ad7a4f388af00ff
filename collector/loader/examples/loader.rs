//! The smallest program around a loader: what the fault tests start, and kill.
//!
//! `loader BROKERS TOPIC GROUP CLICKHOUSE_URL DATABASE`; stops when standard input ends.

use kerf_loader::{Config, serve};
use std::io::Read;
use std::time::Duration;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [_, brokers, topic, group, url, database] =
        std::env::args().collect::<Vec<_>>().try_into().map_err(|_| "5 arguments")?;
    let mut config = Config::new(brokers, url);
    (config.topic, config.group, config.clickhouse_database) = (topic, group, database);
    config.layout.partitions = 4;
    config.batch_rows = 2_000;
    config.batch_period = Duration::from_millis(200);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (ended, stdin_ends) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        let _ = ended.send(());
    });
    serve(config, listener, async { drop(stdin_ends.await) }).await?;
    Ok(())
}
