//! Sinks: what became of each message, and nothing else.

use crate::pipeline::Outgoing;
use kerf_kafka::topics::dead_letters;
use kerf_kafka::{KafkaError, Letter, Producer, SendError};
use std::time::Duration;

/// Where messages go.
pub(crate) enum Sink {
    Kafka(KafkaSink),
    /// Nowhere, and all is well: the benchmark asks what the server costs apart from storing.
    Nowhere,
}

impl Sink {
    /// One result for each message, in order.
    pub(crate) async fn deliver(&self, batch: &[Outgoing]) -> Vec<Result<(), SendError>> {
        match self {
            Self::Kafka(kafka) => kafka.deliver(batch).await,
            Self::Nowhere => batch.iter().map(|_| Ok(())).collect(),
        }
    }

    /// Puts a message that the topic of events refuses into the dead-letter topic, with the reason.
    pub(crate) async fn bury(&self, message: &Outgoing, why: &SendError) -> Result<(), SendError> {
        match self {
            Self::Kafka(kafka) => kafka.bury(message, why).await,
            Self::Nowhere => Ok(()),
        }
    }

    /// Waits until nothing is on its way any more.
    pub(crate) fn flush(&self, timeout: Duration) -> Result<(), KafkaError> {
        match self {
            Self::Kafka(kafka) => kafka.producer.flush(timeout),
            Self::Nowhere => Ok(()),
        }
    }
}

/// Produces to the topic of events and to its dead-letter topic.
pub(crate) struct KafkaSink {
    producer: Producer,
    topic: String,
    dead_letters: String,
}

impl KafkaSink {
    pub(crate) fn new(producer: Producer, topic: &str) -> Self {
        Self { producer, topic: topic.to_owned(), dead_letters: dead_letters(topic) }
    }

    async fn deliver(&self, batch: &[Outgoing]) -> Vec<Result<(), SendError>> {
        let letters: Vec<_> = batch.iter().map(|message| letter(message, &[])).collect();
        self.producer.send(&self.topic, &letters).await
    }

    async fn bury(&self, message: &Outgoing, why: &SendError) -> Result<(), SendError> {
        let detail = why.to_string();
        let headers: [(&str, &[u8]); 2] = [("reason", b"refused_by_kafka"), ("detail", detail.as_bytes())];
        let results = self.producer.send(&self.dead_letters, &[letter(message, &headers)]).await;
        results.into_iter().collect()
    }
}

fn letter<'a>(message: &'a Outgoing, headers: &'a [(&'a str, &'a [u8])]) -> Letter<'a> {
    Letter { key: message.key.as_ref().map(<[u8; 32]>::as_slice), payload: &message.payload, headers }
}
