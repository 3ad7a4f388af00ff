//! Kafka as the collector uses it: topics, and the settings of its clients.
//!
//! Ingest and the loader share what is here and nothing else: how to reach the brokers ([`Cluster`]), which topics
//! there must be ([`topics`]), and a producer that answers for a whole batch ([`Producer`]).

mod cluster;
mod producer;
pub mod topics;

pub use cluster::Cluster;
pub use producer::{Letter, Producer, SendError};
pub use rdkafka::error::{KafkaError, RDKafkaErrorCode};
