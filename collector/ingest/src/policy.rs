//! Policy: Kafka while it is there, the spool while it is away.
//!
//! Away begins with the first message that Kafka does not acknowledge in time, and ends with the first one that the
//! drain delivers; in between nobody waits for Kafka. Events of an outage may reach Kafka after newer ones: nothing
//! behind it depends on their order.

use crate::metrics::Metrics;
use crate::pipeline::Outgoing;
use crate::sink::Sink;
use crate::spool::{Refusal, Spool};
use kerf_kafka::SendError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Where events become durable.
pub(crate) struct Durable {
    pub(crate) sink: Sink,
    pub(crate) spool: Spool,
    pub(crate) metrics: Arc<Metrics>,
    away: AtomicBool,
}

impl Durable {
    pub(crate) fn new(sink: Sink, spool: Spool, metrics: Arc<Metrics>) -> Self {
        Self { sink, spool, metrics, away: AtomicBool::new(false) }
    }

    /// Whether Kafka did not acknowledge the last time it was asked.
    pub(crate) fn is_away(&self) -> bool {
        self.away.load(Ordering::Relaxed)
    }

    /// Makes every message durable, in Kafka or in the spool.
    ///
    /// # Errors
    /// When the spool refuses what Kafka did not take; some of the messages may be in Kafka all the same.
    pub(crate) async fn store(&self, batch: Vec<Outgoing>) -> Result<(), Refusal> {
        let missed = if self.is_away() { batch } else { self.deliver(batch).await };
        if missed.is_empty() {
            return Ok(());
        }
        let count = missed.len();
        self.spool.append(&missed).await?;
        self.metrics.spooled.inc_by(count as u64);
        Ok(())
    }

    /// Sends a batch to Kafka and returns what is not there, in order.
    pub(crate) async fn deliver(&self, batch: Vec<Outgoing>) -> Vec<Outgoing> {
        let results = self.sink.deliver(&batch).await;
        let mut missed = Vec::new();
        for (message, result) in batch.into_iter().zip(results) {
            match result {
                Ok(()) => {
                    self.metrics.produced.inc();
                }
                Err(why @ SendError::Refused(_)) => missed.extend(self.bury(message, &why).await),
                Err(SendError::Away(_)) => missed.push(message),
            }
        }
        self.note(missed.is_empty());
        missed
    }

    /// Buries a message that Kafka will never take; gives it back when even that is not possible now.
    async fn bury(&self, message: Outgoing, why: &SendError) -> Option<Outgoing> {
        match self.sink.bury(&message, why).await {
            Ok(()) => {
                self.metrics.dead_letters.inc();
                None
            }
            Err(error) => {
                tracing::error!(%why, %error, bytes = message.payload.len(),
                    "Kafka refuses an event and its dead letter; raise max.message.bytes of both topics");
                Some(message)
            }
        }
    }

    fn note(&self, there: bool) {
        let was_away = self.away.swap(!there, Ordering::Relaxed);
        match (was_away, there) {
            (false, false) => tracing::warn!("Kafka does not acknowledge; events go to the spool"),
            (true, true) => tracing::info!("Kafka acknowledges again"),
            _ => {}
        }
    }
}
