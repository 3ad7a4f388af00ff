//! Real Kafka for the tests, a collector in this process or in a child, and a look at what arrived.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "a module of several test binaries, each of which uses a part of it"
)]

use kerf_events::PseudonymKey;
use kerf_ingest::Config;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub fn brokers() -> String {
    std::env::var("KERF_TEST_KAFKA_BROKERS").expect(
        "KERF_TEST_KAFKA_BROKERS is not set: run `./dev test`, or `./dev services` and export what it prints",
    )
}

/// A topic name of this test's own.
pub fn topic() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    format!("kerf.test.ingest.{nanos}.{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

pub fn key() -> PseudonymKey {
    PseudonymKey::new(&[7; 32]).unwrap()
}

pub fn config(brokers: &str, topic: &str, spool: &Path) -> Config {
    let mut config = Config::new(brokers, key(), spool);
    config.topic = topic.to_owned();
    config.layout.partitions = 4;
    config.delivery = Duration::from_secs(2);
    config
}

/// A collector in this process.
pub struct Collector {
    pub url: String,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<()>,
}

impl Collector {
    pub async fn start(config: Config) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(async move {
            let shutdown = async {
                let _ = stopped.await;
            };
            kerf_ingest::serve(config, listener, shutdown).await.unwrap();
        });
        Self { url, stop: Some(stop), served }
    }

    pub async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.served.await.unwrap();
    }

    pub async fn post(&self, path: &str, body: impl Into<String>) -> (u16, Value) {
        post(&self.url, path, body).await
    }

    /// The value of a metric, by its line's beginning.
    pub async fn metric(&self, name: &str) -> u64 {
        metric(&self.url, name).await
    }
}

pub async fn post(url: &str, path: &str, body: impl Into<String>) -> (u16, Value) {
    let request =
        reqwest::Client::new().post(format!("{url}{path}")).header("content-type", "application/json");
    let response = request.body(body.into()).send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap())
}

pub async fn metric(url: &str, name: &str) -> u64 {
    let text = reqwest::get(format!("{url}/metrics")).await.unwrap().text().await.unwrap();
    let line =
        text.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap_or_else(|| panic!("{text}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

/// A collector in a process of its own (`examples/collector.rs`).
pub struct ChildCollector {
    pub url: String,
    child: Child,
}

impl ChildCollector {
    pub async fn start(brokers: &str, topic: &str, spool: &Path) -> Self {
        let program = example("collector");
        let ready = spool.with_extension("ready");
        let _ = std::fs::remove_file(&ready);
        let mut command = Command::new(&program);
        command.args([brokers, topic]).arg(spool).arg(&ready).stdin(Stdio::piped());
        let child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let address = until("the collector listens", Duration::from_secs(20), async || {
            std::fs::read_to_string(&ready).ok()
        })
        .await;
        Self { url: format!("http://{address}"), child }
    }

    /// kill -9.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().parent().unwrap().join("examples").join(name)
}

/// Asks until there is an answer.
pub async fn until<T>(what: &str, longest: Duration, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(begin.elapsed() < longest, "not within {longest:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A message as it lies in Kafka.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrived {
    pub key: Option<String>,
    pub record: Value,
    pub partition: i32,
}

impl Arrived {
    pub fn event_id(&self) -> String {
        self.record["event_id"].as_str().unwrap().to_owned()
    }
}

/// Everything that is in a topic now.
pub async fn read_all(topic: &str) -> Vec<Arrived> {
    let topic = topic.to_owned();
    tokio::task::spawn_blocking(move || read_all_blocking(&topic)).await.unwrap()
}

fn read_all_blocking(topic: &str) -> Vec<Arrived> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers())
        .set("group.id", "kerf-test")
        .set("enable.auto.commit", "false")
        .create()
        .unwrap();
    let limit = Duration::from_secs(20);
    let metadata = consumer.fetch_metadata(Some(topic), limit).unwrap();
    let mut assignment = TopicPartitionList::new();
    let mut expected = 0;
    for partition in metadata.topics()[0].partitions() {
        let (low, high) = consumer.fetch_watermarks(topic, partition.id(), limit).unwrap();
        expected += usize::try_from(high - low).unwrap();
        assignment.add_partition_offset(topic, partition.id(), Offset::Beginning).unwrap();
    }
    consumer.assign(&assignment).unwrap();
    let begin = Instant::now();
    let mut all = Vec::new();
    while all.len() < expected && begin.elapsed() < limit {
        if let Some(message) = consumer.poll(Duration::from_millis(100)) {
            all.push(arrived(&message.unwrap()));
        }
    }
    assert_eq!(all.len(), expected, "not everything in {topic} could be read");
    all
}

fn arrived(message: &BorrowedMessage<'_>) -> Arrived {
    Arrived {
        key: message.key().map(|key| String::from_utf8(key.to_vec()).unwrap()),
        record: serde_json::from_slice(message.payload().unwrap()).unwrap(),
        partition: message.partition(),
    }
}

/// A broker's address as clients see it: connections are passed on while the gate is open, and refused or cut while
/// it is closed.
///
/// Clients learn the broker's own address from its answers, so the proxy rewrites nothing: it listens on an address
/// of its own and is good for outages that begin before the first contact.
pub struct Gate {
    pub address: String,
    passing: Option<JoinHandle<()>>,
    to: String,
}

impl Gate {
    /// A gate that is closed: nothing listens on its address yet.
    pub async fn closed(to: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        Self { address, passing: None, to: to.to_owned() }
    }

    /// Opens the gate.
    pub async fn open(&mut self) {
        let listener = TcpListener::bind(&self.address).await.unwrap();
        let to = self.to.clone();
        self.passing = Some(tokio::spawn(async move {
            loop {
                let (mut from, _) = listener.accept().await.unwrap();
                let to = to.clone();
                tokio::spawn(async move {
                    let mut to = TcpStream::connect(to).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
                });
            }
        }));
    }
}
