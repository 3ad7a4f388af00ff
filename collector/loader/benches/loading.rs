//! Rows a second from Kafka into `raw_metric`, beside ClickHouse alone: `insert … select` of the same rows into the
//! same table in another database. Loader, ClickHouse and (usually) the broker share the machine.
//!
//! `KERF_TEST_KAFKA_BROKERS` and `KERF_TEST_CLICKHOUSE_URL` name the servers, `KERF_BENCH_EVENTS` the number of rows
//! (default 2,000,000).

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and ends at the first fault"
)]

use clickhouse::Client;
use kerf_events::{Event, EventId, Implied, Millis, PseudonymKey, Stamp};
use kerf_kafka::topics::{self, Layout};
use kerf_kafka::{Cluster, Letter, Producer};
use kerf_loader::{Config, serve};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;

const DAY: i64 = 86_400_000;

#[tokio::main]
async fn main() {
    let (Ok(brokers), Ok(url)) =
        (std::env::var("KERF_TEST_KAFKA_BROKERS"), std::env::var("KERF_TEST_CLICKHOUSE_URL"))
    else {
        println!(
            "the servers are not named: run `./dev bench`, or `./dev services` and export what it prints"
        );
        std::process::exit(1);
    };
    let rows =
        std::env::var("KERF_BENCH_EVENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000_000);
    let name = format!("kerf_bench_{}", now().0);
    let mut config = Config::new(brokers, &url);
    (config.topic, config.group, config.clickhouse_database) = (name.clone(), name.clone(), name.clone());
    config.layout = Layout { partitions: 8, replication: None };
    let clickhouse = kerf_schema::connect(&url, &name).unwrap();
    kerf_schema::apply(&clickhouse, &name).await.unwrap();
    let version: String = clickhouse.query("select version()").fetch_one().await.unwrap();

    println!("loading");
    println!(
        "  kerf-loader {}, librdkafka {}, ClickHouse {version}; {rows} rows",
        env!("CARGO_PKG_VERSION"),
        rdkafka::util::get_rdkafka_version().1
    );
    produce(&config, rows).await;
    let loaded = rate(rows, load(config, &clickhouse, rows).await);
    let alone = rate(rows, copy(&url, &name).await);
    println!("  ClickHouse alone, insert … select: {alone:>10.0} rows/s");
    println!("  Kafka to ClickHouse, confirmed:    {loaded:>10.0} rows/s ({:.1}%)", loaded / alone * 100.0);
    drop_database(&clickhouse, &name).await;
}

fn rate(rows: u64, took: Duration) -> f64 {
    rows as f64 / took.as_secs_f64()
}

/// Metric events of the last three days: 100,000 users, 10 metrics, a property each.
async fn produce(config: &Config, rows: u64) {
    topics::ensure(&config.cluster, &config.topic, config.layout).await.unwrap();
    let producer = Producer::new(&Cluster::new(&config.cluster.brokers), Duration::from_secs(60)).unwrap();
    let key = PseudonymKey::new(&[7; 32]).unwrap();
    let received_at = now();
    for from in (0..rows).step_by(50_000) {
        let messages: Vec<_> =
            (from..rows.min(from + 50_000)).map(|n| message(n, received_at, &key)).collect();
        let letters: Vec<_> = messages
            .iter()
            .map(|(key, payload)| Letter { key: Some(key.as_slice()), payload, headers: &[] })
            .collect();
        producer.send(&config.topic, &letters).await.into_iter().for_each(Result::unwrap);
    }
}

fn message(number: u64, received_at: Millis, key: &PseudonymKey) -> ([u8; 32], Vec<u8>) {
    let scattered = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let at = Millis(received_at.0 - i64::try_from(scattered >> 20).unwrap() % (3 * DAY));
    let id = EventId::v7(at, u128::from(scattered).to_be_bytes().last_chunk().copied().unwrap());
    let event = format!(
        r#"{{"event_id":"{id}","event_type":"metric_{}","user_id":"user-{}","value":{}.25,"timestamp":"{}","properties":{{"page":"/p/{}"}}}}"#,
        number % 10,
        scattered >> 32 & 0x1_ffff,
        number % 1_000,
        at.to_rfc3339(),
        number % 100,
    );
    let event = Event::parse(&event, &Implied::default(), received_at).unwrap();
    let record = event.into_record(key, Stamp { received_at, fresh_id: id });
    (record.unit.unwrap().hex(), record.to_json().unwrap())
}

/// From the start of the loader to the last confirmed row.
async fn load(config: Config, clickhouse: &Client, rows: u64) -> Duration {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let begin = Instant::now();
    let loader = tokio::spawn(serve(config, listener, async { drop(stopped.await) }));
    while count(clickhouse).await < rows {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let took = begin.elapsed();
    stop.send(()).unwrap();
    loader.await.unwrap().unwrap();
    took
}

async fn count(clickhouse: &Client) -> u64 {
    clickhouse.query("select count() from raw_metric").fetch_one().await.unwrap()
}

async fn copy(url: &str, from: &str) -> Duration {
    let to = format!("{from}_copy");
    let clickhouse = kerf_schema::connect(url, &to).unwrap();
    kerf_schema::apply(&clickhouse, &to).await.unwrap();
    let sql = format!("insert into raw_metric select * from {from}.raw_metric");
    let begin = Instant::now();
    clickhouse.query(&sql).with_setting("async_insert", "0").execute().await.unwrap();
    let took = begin.elapsed();
    drop_database(&clickhouse, &to).await;
    took
}

async fn drop_database(clickhouse: &Client, name: &str) {
    let server = clickhouse.clone().with_database("default");
    server.query(&format!("drop database {name}")).execute().await.unwrap();
}

fn now() -> Millis {
    Millis(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap())
}
