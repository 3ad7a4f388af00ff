//! Events a second that the collector acknowledges into Kafka, beside the same server that parses, stamps and encodes
//! them but stores nothing. Client, server and (usually) broker share the machine.
//!
//! `KERF_TEST_KAFKA_BROKERS` names the broker, `KERF_BENCH_SECONDS` the length of each run (default 5).

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark prints, and ends at the first fault"
)]

use kerf_events::{Millis, PseudonymKey};
use kerf_ingest::{Config, serve, serve_without_storing};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// As edges that report by themselves: many, each waiting for its answer before it sends again.
const CONNECTIONS: u32 = 256;

#[tokio::main]
async fn main() {
    let Ok(brokers) = std::env::var("KERF_TEST_KAFKA_BROKERS") else {
        println!(
            "KERF_TEST_KAFKA_BROKERS is not set: run `./dev bench`, or `./dev services` and export what it prints"
        );
        std::process::exit(1);
    };
    let seconds = std::env::var("KERF_BENCH_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(5);
    let length = Duration::from_secs(seconds);
    println!("ingest");
    println!(
        "  kerf-ingest {}, librdkafka {}",
        env!("CARGO_PKG_VERSION"),
        rdkafka::util::get_rdkafka_version().1
    );
    println!("  {CONNECTIONS} connections, {length:?} a run; events/s");
    println!(
        "  {:>16} {:>9} {:>12} {:>12} {:>7}",
        "events a request", "bytes", "parsed only", "into Kafka", "share"
    );
    for events in [1, 10, 100, 1_000] {
        let requests: Vec<_> = (0..CONNECTIONS).map(|sender| Arc::new(request(sender, events))).collect();
        let parsed = run(&brokers, false, &requests, events, length).await;
        let acknowledged = run(&brokers, true, &requests, events, length).await;
        let share = acknowledged / parsed * 100.0;
        let bytes = requests[0].len();
        println!("  {events:>16} {bytes:>9} {parsed:>12.0} {acknowledged:>12.0} {share:>6.1}%");
    }
}

/// Events a second of one server.
async fn run(brokers: &str, stores: bool, requests: &[Arc<Vec<u8>>], events: u32, length: Duration) -> f64 {
    let spool = tempfile::tempdir().unwrap();
    let mut config = Config::new(brokers, PseudonymKey::new(&[7; 32]).unwrap(), spool.path());
    config.topic = format!("kerf.bench.{}", now().0);
    config.layout.partitions = 8;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let shutdown = async { drop(stopped.await) };
    let server = tokio::spawn(async move {
        if stores {
            serve(config, listener, shutdown).await
        } else {
            serve_without_storing(config, listener, shutdown).await
        }
    });
    // The first answer waits for the topic to be created and is not counted.
    client(address, Arc::clone(&requests[0]), Duration::ZERO).await;
    let begin = Instant::now();
    let clients: Vec<_> =
        requests.iter().map(|request| tokio::spawn(client(address, Arc::clone(request), length))).collect();
    let mut answered = 0;
    for client in clients {
        answered += client.await.unwrap();
    }
    let rate = f64::from(answered) * f64::from(events) / begin.elapsed().as_secs_f64();
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
    rate
}

/// Sends the request again and again over one connection; returns how often it was answered with 200.
async fn client(address: std::net::SocketAddr, request: Arc<Vec<u8>>, length: Duration) -> u32 {
    let mut stream = BufReader::new(TcpStream::connect(address).await.unwrap());
    stream.get_ref().set_nodelay(true).unwrap();
    let begin = Instant::now();
    let mut answered = 0;
    loop {
        stream.write_all(&request).await.unwrap();
        answer(&mut stream).await;
        answered += 1;
        if begin.elapsed() >= length {
            return answered;
        }
    }
}

/// Reads one answer, which must be 200.
async fn answer(stream: &mut BufReader<TcpStream>) {
    let mut line = String::new();
    stream.read_line(&mut line).await.unwrap();
    assert!(line.starts_with("HTTP/1.1 200"), "{line}");
    let mut length = 0;
    while line != "\r\n" {
        line.clear();
        stream.read_line(&mut line).await.unwrap();
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap();
        }
    }
    stream.read_exact(&mut vec![0; length]).await.unwrap();
}

/// A sender's request with so many events: exposures with a context, and a metric for each. Every sender has users of its own.
fn request(sender: u32, events: u32) -> Vec<u8> {
    let at = Millis(now().0 - 1_000);
    let mut body = "[".to_owned();
    for number in sender * events..(sender + 1) * events {
        let comma = if body.len() == 1 { "" } else { "," };
        let id =
            kerf_events::EventId::v7(at, u128::from(number).to_be_bytes().last_chunk().copied().unwrap());
        let head = format!(
            r#"{{"event_id":"{id}","user_id":"user-{}","timestamp":"{}""#,
            number / 2,
            at.to_rfc3339()
        );
        let rest = if number % 2 == 0 {
            r#","event_type":"exposure","experiment_id":"checkout_button_color","variant":"treatment","context":{"country":"DE","platform":"web","device":"mobile"}}"#
        } else {
            r#","event_type":"metric","metric":"checkout_conversion_rate","value":1,"properties":{"cart":"4711"}}"#
        };
        write!(body, "{comma}{head}{rest}").unwrap();
    }
    body.push(']');
    let head = format!("POST /v1/events HTTP/1.1\r\nhost: bench\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body.as_bytes()].concat()
}

fn now() -> Millis {
    Millis(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap())
}
