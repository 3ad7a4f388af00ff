//! The topics that there must be.

use crate::Cluster;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use std::time::Duration;

/// How long the brokers may take.
const TIMEOUT: Duration = Duration::from_secs(15);

/// How topics are created where they are absent; existing ones are left as they are.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Partitions of the topic of events. A unit stays in one partition as long as their number does not change.
    pub partitions: i32,
    /// Copies of each partition.
    pub replication: i32,
}

/// 64 partitions with one copy each, which suits a single broker; production wants a replication of 3.
impl Default for Layout {
    fn default() -> Self {
        Self { partitions: 64, replication: 1 }
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
/// The topic of events keeps 7 days; dead letters keep 30, long enough to be looked at and sent again. With a
/// replication of 3 or more, an acknowledged event is on at least two brokers.
///
/// # Errors
/// [`TopicError`]; the call can be repeated.
pub async fn ensure(cluster: &Cluster, topic: &str, layout: Layout) -> Result<(), TopicError> {
    let admin: AdminClient<DefaultClientContext> = cluster.client().create()?;
    let letters = dead_letters(topic);
    let min_in_sync = if layout.replication >= 3 { "2" } else { "1" };
    let new = |name, partitions, retention| {
        NewTopic::new(name, partitions, TopicReplication::Fixed(layout.replication))
            .set("retention.ms", retention)
            .set("min.insync.replicas", min_in_sync)
    };
    let topics = [new(topic, layout.partitions, "604800000"), new(&letters, 1, "2592000000")];
    let options = AdminOptions::new().operation_timeout(Some(TIMEOUT)).request_timeout(Some(TIMEOUT));
    for result in admin.create_topics(&topics, &options).await? {
        match result {
            Ok(topic) => tracing::info!(topic, "topic created"),
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, code)) => return Err(TopicError::Refused { topic, code }),
        }
    }
    Ok(())
}
