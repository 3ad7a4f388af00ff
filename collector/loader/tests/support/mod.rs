//! Real Kafka and ClickHouse for the tests, a loader in this process or in a child, and records to load.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "a module of several test binaries, each of which uses a part of it"
)]

use clickhouse::{Client, RowOwned, RowRead};
use kerf_events::{Event, EventId, Implied, Millis, PseudonymKey, Stamp};
use kerf_kafka::topics::{self, Layout};
use kerf_kafka::{Cluster, Letter, Producer};
use kerf_loader::Config;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const HOW: &str = "is not set: run `./dev test`, or `./dev services` and export what it prints";

pub fn brokers() -> String {
    std::env::var("KERF_TEST_KAFKA_BROKERS").unwrap_or_else(|_| panic!("KERF_TEST_KAFKA_BROKERS {HOW}"))
}

pub fn clickhouse_url() -> String {
    std::env::var("KERF_TEST_CLICKHOUSE_URL").unwrap_or_else(|_| panic!("KERF_TEST_CLICKHOUSE_URL {HOW}"))
}

/// A topic and a database of one test's own; `drop` them at its end.
pub struct Place {
    pub topic: String,
    pub database: String,
    pub clickhouse: Client,
    producer: Producer,
}

impl Place {
    pub async fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
        let name = format!("{nanos}_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let (topic, database) = (format!("kerf.test.loader.{name}"), format!("kerf_loader_test_{name}"));
        let cluster = Cluster::new(brokers());
        topics::ensure(&cluster, &topic, Layout { partitions: 4, replication: None }).await.unwrap();
        let clickhouse = kerf_schema::connect(&clickhouse_url(), &database).unwrap();
        let producer = Producer::new(&cluster, Duration::from_secs(20)).unwrap();
        Self { topic, database, clickhouse, producer }
    }

    pub fn config(&self) -> Config {
        let mut config = Config::new(brokers(), clickhouse_url());
        config.topic.clone_from(&self.topic);
        config.group.clone_from(&self.topic);
        config.clickhouse_database.clone_from(&self.database);
        config.layout.partitions = 4;
        config.batch_period = Duration::from_millis(300);
        config
    }

    /// Puts messages into the topic; the key decides the partition.
    pub async fn produce(&self, messages: &[(String, Vec<u8>)]) {
        for chunk in messages.chunks(10_000) {
            let letters: Vec<_> = chunk
                .iter()
                .map(|(key, payload)| Letter { key: Some(key.as_bytes()), payload, headers: &[] })
                .collect();
            for result in self.producer.send(&self.topic, &letters).await {
                result.unwrap();
            }
        }
    }

    pub async fn one<T: RowOwned + RowRead>(&self, sql: &str) -> clickhouse::error::Result<T> {
        self.clickhouse.query_raw(sql).fetch_one().await
    }

    /// Waits until a query that counts gives this number.
    pub async fn until_count(&self, sql: &str, expected: u64) {
        let count = async || self.one::<u64>(sql).await.ok().filter(|count| *count >= expected);
        let found = until(sql, Duration::from_secs(60), count).await;
        assert_eq!(found, expected, "{sql}");
    }

    pub async fn clean(self) {
        let sql = format!("drop database {}", self.database);
        self.clickhouse.with_database("default").query_raw(&sql).execute().await.unwrap();
    }
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

pub fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Millis(i64::try_from(since.as_millis()).unwrap())
}

/// The message of an event that was received now, made as the collector makes it.
pub fn message(event: &str) -> (String, Vec<u8>) {
    let event = Event::parse(event, &Implied::default(), now()).unwrap();
    let stamp = Stamp { received_at: now(), fresh_id: EventId::v7(now(), [0; 10]) };
    let record = event.into_record(&PseudonymKey::new(&[7; 32]).unwrap(), stamp);
    (record.unit.map(|unit| unit.to_string()).unwrap_or_default(), record.to_json().unwrap())
}

/// A metric event, the same at every call with the same number: user, key, time and value follow from it.
pub fn numbered(number: u32) -> (String, Vec<u8>) {
    let hour = now().0 / 3_600_000 * 3_600_000;
    let at = Millis(hour - i64::from(number % 3) * 86_400_000 - i64::from(number)).to_rfc3339();
    message(&format!(
        r#"{{"event_type":"metric","event_id":"n-{number}","user_id":"u{}","metric":"m","value":{number},"timestamp":"{at}"}}"#,
        number % 500
    ))
}

/// A loader in this process.
pub struct Loader {
    pub url: String,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<()>,
}

impl Loader {
    pub async fn start(config: Config) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(async move {
            let shutdown = async { drop(stopped.await) };
            kerf_loader::serve(config, listener, shutdown).await.unwrap();
        });
        Self { url, stop: Some(stop), served }
    }

    pub async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.served.await.unwrap();
    }

    /// The value of a metric, by its name with labels.
    pub async fn metric(&self, name: &str) -> i64 {
        let text = reqwest::get(format!("{}/metrics", self.url)).await.unwrap().text().await.unwrap();
        let line = text
            .lines()
            .find(|line| line.starts_with(&format!("{name} ")))
            .unwrap_or_else(|| panic!("{text}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }
}

/// A loader in a process of its own (`examples/loader.rs`).
pub struct ChildLoader(Child);

impl ChildLoader {
    pub fn start(place: &Place, clickhouse_url: &str) -> Self {
        let test = std::env::current_exe().unwrap();
        let program = test.parent().unwrap().parent().unwrap().join("examples/loader");
        let mut command = Command::new(&program);
        command.args([&brokers(), &place.topic, &place.topic, clickhouse_url, &place.database]);
        Self(
            command
                .stdin(Stdio::piped())
                .spawn()
                .unwrap_or_else(|error| panic!("{}: {error}", program.display())),
        )
    }

    /// kill -9.
    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// An address that passes connections on while the gate is open; closing it cuts those that are open.
pub struct Gate {
    pub address: String,
    to: String,
    passing: Option<JoinHandle<()>>,
}

impl Gate {
    pub async fn open(to: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let passing = Some(tokio::spawn(pass(listener, to.to_owned())));
        Self { address, to: to.to_owned(), passing }
    }

    pub async fn close(&mut self) {
        let passing = self.passing.take().unwrap();
        passing.abort();
        let _ = passing.await;
    }

    pub async fn reopen(&mut self) {
        let listener = TcpListener::bind(&self.address).await.unwrap();
        self.passing = Some(tokio::spawn(pass(listener, self.to.clone())));
    }
}

async fn pass(listener: TcpListener, to: String) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (mut from, _) = listener.accept().await.unwrap();
        let to = to.clone();
        connections.spawn(async move {
            if let Ok(mut to) = TcpStream::connect(to).await {
                let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
            }
        });
    }
}
