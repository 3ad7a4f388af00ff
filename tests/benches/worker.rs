//! Requests a second and latency of the Worker, beside a JavaScript Worker that only passes requests through, in the same
//! run under workerd. Origin, load and workerd share the machine.
//!
//! `KERF_BENCH_SECONDS` is the length of each run (default 3); every row is the sum of `ROUNDS` runs, taken in turns.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark prints, and ends at the first fault"
)]

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::Request;
use hyper_util::rt::TokioIo;
use kerf_tests::database::server;
use kerf_tests::edge::{Edge, Platform, Published, Receiver, Worker, WorkerOptions, client, wire};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

/// Runs of each row, in turns, so that a busy moment of the machine hits all.
const ROUNDS: usize = 3;
/// Connections of each load.
const LOADS: [usize; 2] = [1, 16];
/// Experiments and flags in the bundle: ten that everybody is in, and those of the tests.
const EXPERIMENTS: usize = 10;

#[tokio::main]
async fn main() {
    let seconds = std::env::var("KERF_BENCH_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(3);
    let length = Duration::from_secs(seconds);
    println!("edge");
    println!("  {}", versions());
    println!(
        "  a page of 13 bytes through the edge; {EXPERIMENTS} experiments of everybody; {ROUNDS} runs of {length:?} a row"
    );
    let contenders = Contenders::start().await;
    for connections in LOADS {
        let rows = contenders.rows();
        let mut runs: Vec<Vec<Duration>> = vec![Vec::new(); rows.len()];
        for _ in 0..ROUNDS {
            for ((_, url), latencies) in rows.iter().zip(&mut runs) {
                latencies.extend(load(url, connections, length).await);
            }
        }
        println!("  {connections:>2} connections {:>31} {:>9} {:>9}", "requests/s", "p50 ms", "p99 ms");
        for ((name, _), latencies) in rows.iter().zip(&mut runs) {
            print(name, latencies, length * u32::try_from(ROUNDS).unwrap());
        }
    }
}

fn print(name: &str, latencies: &mut [Duration], length: Duration) {
    latencies.sort_unstable();
    let at = |share: f64| {
        let index = (latencies.len() as f64 * share) as usize;
        latencies[index.min(latencies.len() - 1)].as_secs_f64() * 1_000.0
    };
    let rate = latencies.len() as f64 / length.as_secs_f64();
    println!("    {name:<30} {rate:>11.0} {:>9.3} {:>9.3}", at(0.5), at(0.99));
}

/// What is measured, all in front of the same origin.
struct Contenders {
    origin: String,
    passing: Worker,
    silent: Worker,
    deciding: Worker,
    reporting: Worker,
    _receiver: Receiver,
    native: Edge,
}

impl Contenders {
    async fn start() -> Self {
        let origin = origin().await;
        let receiver = Receiver::start().await;
        let mut passing = WorkerOptions::new(&origin);
        passing.folder =
            PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../edge/cloudflare/dev/passthrough"));
        passing.kv = false;
        let options = WorkerOptions::new(&origin);
        let mut reporting = options.clone();
        reporting.bind("KERF_COLLECTOR_URL", &receiver.url);
        let contenders = Self {
            passing: Worker::start(&passing).await,
            silent: Worker::start(&options).await,
            deciding: Worker::start(&options).await,
            reporting: Worker::start(&reporting).await,
            native: Edge::start_before(Platform::Native, &origin).await,
            _receiver: receiver,
            origin,
        };
        let published = Published::new(1, &bundle());
        for worker in [&contenders.deciding, &contenders.reporting] {
            worker.put(&published.key, &published.bytes).await;
            worker.put("kerf/production/current", published.pointer.as_bytes()).await;
            adopted(&worker.url).await;
        }
        contenders.native.publish(&published).await;
        adopted(&contenders.native.url).await;
        contenders
    }

    fn rows(&self) -> Vec<(&'static str, String)> {
        vec![
            ("origin alone", self.origin.clone()),
            ("JavaScript, passing through", self.passing.url.clone()),
            ("Worker without a bundle", self.silent.url.clone()),
            ("Worker that decides", self.deciding.url.clone()),
            ("Worker that decides and reports", self.reporting.url.clone()),
            ("native edge, the same", self.native.url.clone()),
        ]
    }
}

/// Ten experiments beside those of the tests.
fn bundle() -> Value {
    let mut wire = wire();
    for i in 0..EXPERIMENTS - 1 {
        let mut experiment = wire["experiments"][0].clone();
        experiment["key"] = json!(format!("experiment_{i}"));
        experiment["salt"] = experiment["key"].clone();
        wire["experiments"].as_array_mut().unwrap().push(experiment);
    }
    wire
}

async fn adopted(url: &str) {
    let health =
        || async { client().get(format!("{url}/kerf/health")).send().await.unwrap().json::<Value>().await };
    while health().await.unwrap()["bundle_version"] != 1 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn origin() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = axum::Router::new().fallback(|| async { "a small page\n" });
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

/// The latency of every request of so many connections, each asking again as soon as it has the answer.
async fn load(url: &str, connections: usize, length: Duration) -> Vec<Duration> {
    let address: SocketAddr = url.strip_prefix("http://").unwrap().parse().unwrap();
    let running: Vec<_> = (0..connections).map(|i| tokio::spawn(connection(address, i, length))).collect();
    let mut latencies = Vec::new();
    for connection in running {
        latencies.extend(connection.await.unwrap());
    }
    latencies
}

async fn connection(address: SocketAddr, number: usize, length: Duration) -> Vec<Duration> {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut sender, driving) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(driving);
    let mut latencies = Vec::new();
    let begin = Instant::now();
    while begin.elapsed() < length {
        let visitor = format!("kerf_id={:032x}", number * 1_000_000 + latencies.len());
        let request = Request::get("/page").header("host", "localhost").header("cookie", visitor);
        let sent = Instant::now();
        let answer = sender.send_request(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), 200);
        axum::body::to_bytes(Body::new(answer.into_body()), 1_024).await.unwrap();
        latencies.push(sent.elapsed());
    }
    latencies
}

/// Versions of what runs the Worker.
fn versions() -> String {
    let node = Command::new(server("KERF_TEST_NODE")).arg("--version").output().unwrap();
    let mut text =
        format!("kerf {}, node {}", env!("CARGO_PKG_VERSION"), String::from_utf8_lossy(&node.stdout).trim());
    for package in ["miniflare", "workerd"] {
        let path = format!("{}/node_modules/{package}/package.json", server("KERF_TEST_MINIFLARE"));
        let manifest =
            std::fs::read_to_string(path).ok().and_then(|text| serde_json::from_str::<Value>(&text).ok());
        let version = manifest.and_then(|manifest| manifest["version"].as_str().map(str::to_owned));
        let _ = write!(text, ", {package} {}", version.as_deref().unwrap_or("of unknown version"));
    }
    text
}
