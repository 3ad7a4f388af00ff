//! What the collector needs to know.

use kerf_events::PseudonymKey;
use kerf_kafka::Cluster;
use kerf_kafka::topics::Layout;
use std::path::PathBuf;
use std::time::Duration;

/// The settings of one collector.
#[derive(Clone, Debug)]
pub struct Config {
    /// The brokers.
    pub cluster: Cluster,
    /// The topic of events; dead letters go to `{topic}.dlq`.
    pub topic: String,
    /// How the topics are created where they are absent.
    pub layout: Layout,
    /// The secret under which ids become units.
    pub pseudonym_key: PseudonymKey,
    /// Where events wait while Kafka is away; one folder for each collector.
    pub spool_dir: PathBuf,
    /// The most bytes that may wait there.
    pub spool_max_bytes: u64,
    /// When set, senders need `Authorization: Bearer` with it.
    pub ingest_key: Option<String>,
    /// How long an event may wait for Kafka before it goes to the spool.
    pub delivery: Duration,
    /// The most bytes of request bodies that are worked on at once.
    pub in_flight_bytes: u32,
}

impl Config {
    /// Defaults for everything that has one: topic `kerf.events`, 1 GB of spool, 5 s for a delivery, 64 MB in flight.
    pub fn new(
        brokers: impl Into<String>,
        pseudonym_key: PseudonymKey,
        spool_dir: impl Into<PathBuf>,
    ) -> Self {
        Self {
            cluster: Cluster::new(brokers),
            topic: "kerf.events".to_owned(),
            layout: Layout::default(),
            pseudonym_key,
            spool_dir: spool_dir.into(),
            spool_max_bytes: 1_000_000_000,
            ingest_key: None,
            delivery: Duration::from_secs(5),
            in_flight_bytes: 64_000_000,
        }
    }
}
