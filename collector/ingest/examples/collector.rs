//! The smallest program around a collector: what the fault tests start, and kill.
//!
//! `collector BROKERS TOPIC SPOOL_DIR READY_FILE`; listens on a free port of loopback and writes the address into
//! READY_FILE. Stops when standard input ends.

use kerf_events::PseudonymKey;
use kerf_ingest::{Config, serve};
use std::io::Read;
use std::time::Duration;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [_, brokers, topic, spool, ready] =
        std::env::args().collect::<Vec<_>>().try_into().map_err(|_| "4 arguments")?;
    let mut config = Config::new(brokers, PseudonymKey::new(&[7; 32])?, spool);
    config.topic = topic;
    config.layout.partitions = 4;
    config.delivery = Duration::from_secs(1);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let part = format!("{ready}.part");
    std::fs::write(&part, address)?;
    std::fs::rename(&part, ready)?;
    let (ended, stdin_ends) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        let _ = ended.send(());
    });
    serve(config, listener, async { drop(stdin_ends.await) }).await?;
    Ok(())
}
