//! What the loader needs to know.

use kerf_kafka::Cluster;
use kerf_kafka::topics::Layout;
use std::time::Duration;

/// The settings of one loader; loaders with the same group share the partitions.
#[derive(Clone, Debug)]
pub struct Config {
    /// The brokers.
    pub cluster: Cluster,
    /// The topic of events; dead letters go to `{topic}.dlq`.
    pub topic: String,
    /// How the topics are created where they are absent.
    pub layout: Layout,
    /// The consumer group.
    pub group: String,
    /// `http://user:password@host:port/`.
    pub clickhouse_url: String,
    /// The database; created where it is absent.
    pub clickhouse_database: String,
    /// A batch is closed when it has so many rows.
    pub batch_rows: usize,
    /// A batch is closed when its messages have so many bytes.
    pub batch_bytes: usize,
    /// A batch is closed so long after its first message.
    pub batch_period: Duration,
}

impl Config {
    /// Defaults for everything that has one: topic `kerf.events`, group `kerf-loader`, database `kerf`, batches of
    /// 500,000 rows, 64 MB or 5 s.
    pub fn new(brokers: impl Into<String>, clickhouse_url: impl Into<String>) -> Self {
        Self {
            cluster: Cluster::new(brokers),
            topic: "kerf.events".to_owned(),
            layout: Layout::default(),
            group: "kerf-loader".to_owned(),
            clickhouse_url: clickhouse_url.into(),
            clickhouse_database: "kerf".to_owned(),
            batch_rows: 500_000,
            batch_bytes: 64_000_000,
            batch_period: Duration::from_secs(5),
        }
    }
}
