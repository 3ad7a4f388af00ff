//! The topics that there must be.

use crate::Cluster;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use std::time::Duration;

/// How long the brokers may take.
const TIMEOUT: Duration = Duration::from_secs(15);

/// How topics are created where they are absent; existing ones are left as they are.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Partitions of the topic of events. A unit stays in one partition as long as their number does not change.
    pub partitions: i32,
    /// Copies of each partition; as many as there are brokers when `None`, at most [`COPIES`].
    pub replication: Option<i32>,
}

/// The copies that are enough: with two in sync before an event is acknowledged, any one broker may be lost.
pub const COPIES: i32 = 3;

/// 64 partitions, with as many copies as the cluster allows.
impl Default for Layout {
    fn default() -> Self {
        Self { partitions: 64, replication: None }
    }
}

/// Why topics could not be made sure of.
#[derive(Debug, thiserror::Error)]
pub enum TopicError {
    /// No broker answered, or the request as a whole failed.
    #[error("Kafka could not be asked for its topics: {0}")]
    Kafka(#[from] KafkaError),
    /// A topic was refused.
    #[error(
        "Kafka does not create the topic {topic}: {code}; create it by hand or change partitions and replication"
    )]
    Refused {
        /// Its name.
        topic: String,
        /// The broker's answer.
        code: RDKafkaErrorCode,
    },
}

/// The dead-letter topic that belongs to a topic of events.
pub fn dead_letters(topic: &str) -> String {
    format!("{topic}.dlq")
}

/// Creates `topic` and its dead-letter topic where they are absent.
///
/// The topic of events keeps 7 days; dead letters keep 30, long enough to be looked at and sent again. With
/// [`COPIES`] or more, an acknowledged event is on at least two brokers. While brokers that `cluster` names are still
/// to come, Kafka refuses, so that a cluster which just starts does not get topics with too few copies.
///
/// # Errors
/// [`TopicError`]; the call can be repeated.
pub async fn ensure(cluster: &Cluster, topic: &str, layout: Layout) -> Result<(), TopicError> {
    let admin: AdminClient<DefaultClientContext> = cluster.client().create()?;
    let letters = dead_letters(topic);
    let replication = match layout.replication {
        Some(replication) => replication,
        None => copies(cluster).await?,
    };
    let min_in_sync = if replication >= COPIES { "2" } else { "1" };
    let new = |name, partitions, retention| {
        NewTopic::new(name, partitions, TopicReplication::Fixed(replication))
            .set("retention.ms", retention)
            .set("min.insync.replicas", min_in_sync)
    };
    let topics = [new(topic, layout.partitions, "604800000"), new(&letters, 1, "2592000000")];
    let options = AdminOptions::new().operation_timeout(Some(TIMEOUT)).request_timeout(Some(TIMEOUT));
    for result in admin.create_topics(&topics, &options).await? {
        match result {
            Ok(topic) => tracing::info!(topic, replication, "topic created"),
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, code)) => return Err(TopicError::Refused { topic, code }),
        }
    }
    Ok(())
}

/// The copies that the brokers allow: those that answer, or those that are named where that is more.
async fn copies(cluster: &Cluster) -> Result<i32, TopicError> {
    let named = cluster.brokers.split(',').filter(|broker| !broker.trim().is_empty()).count();
    let consumer: BaseConsumer = cluster.client().create()?;
    // The client waits for the answer in its thread.
    let asked = tokio::task::spawn_blocking(move || {
        consumer.fetch_metadata(None, TIMEOUT).map(|metadata| metadata.brokers().len())
    });
    let brokers = asked.await.map_err(|_| KafkaError::Canceled)??;
    Ok(i32::try_from(brokers.max(named)).unwrap_or(COPIES).min(COPIES))
}
