//! A producer that takes a batch and says of each message whether Kafka has it.
//!
//! It decides nothing: what becomes of a message that was not delivered is the caller's affair. A delivered message
//! was acknowledged by all in-sync replicas, once and in order for each partition (idempotent producer).

use crate::Cluster;
use rdkafka::client::ClientContext;
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::oneshot;

/// A message to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// Decides the partition; without one it is random.
    pub key: Option<&'a [u8]>,
    /// The content.
    pub payload: &'a [u8],
    /// Names with values beside the content.
    pub headers: &'a [(&'a str, &'a [u8])],
}

/// Why a message was not delivered.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SendError {
    /// The brokers did not acknowledge in time, or the producer's queue is full; sending again may help.
    #[error("not acknowledged by Kafka: {0}")]
    Away(RDKafkaErrorCode),
    /// The brokers refuse this message; sending it again does not help.
    #[error("refused by Kafka: {0}")]
    Refused(RDKafkaErrorCode),
}

/// A producer with acks=all, idempotent, with bounded memory.
///
/// librdkafka gives an idempotent producer up for good when it cannot keep its promise (say, a broker lost data);
/// such a producer is replaced by a new one at the next batch.
pub struct Producer {
    config: rdkafka::ClientConfig,
    current: RwLock<ThreadedProducer<Context>>,
}

impl Producer {
    /// A producer for this cluster. `delivery` is how long a message may wait for its acknowledgement.
    ///
    /// # Errors
    /// When librdkafka does not take the settings; brokers are not contacted yet.
    pub fn new(cluster: &Cluster, delivery: Duration) -> Result<Self, KafkaError> {
        let mut config = cluster.client();
        config
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("linger.ms", "5")
            .set("batch.size", "1000000")
            .set("compression.type", "lz4")
            .set("message.timeout.ms", delivery.as_millis().to_string())
            .set("queue.buffering.max.messages", "500000")
            .set("queue.buffering.max.kbytes", "262144");
        let config = cluster.with_options(config);
        let current = RwLock::new(ThreadedProducer::from_config_and_context(&config, Context)?);
        Ok(Self { config, current })
    }

    /// Sends all letters and waits until each is acknowledged or given up; one result for each, in order.
    pub async fn send(&self, topic: &str, letters: &[Letter<'_>]) -> Vec<Result<(), SendError>> {
        let (batch, done) = Batch::new(letters.len());
        self.enqueue(topic, letters, &batch);
        // The sender lives in the batch until the last letter is settled, so the only other end is a lost producer,
        // whose letters then count as not delivered.
        let settled = done.await.is_ok();
        let mut results = vec![Ok(()); letters.len()];
        if !settled {
            results.fill(Err(SendError::Away(RDKafkaErrorCode::Fail)));
        }
        for (at, error) in batch.take_failures() {
            if let Some(result) = results.get_mut(at) {
                *result = Err(error);
            }
        }
        results
    }

    /// Waits until nothing is on its way any more, at most for `timeout`.
    ///
    /// # Errors
    /// When something is still on its way then.
    pub fn flush(&self, timeout: Duration) -> Result<(), KafkaError> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).flush(timeout)
    }

    fn enqueue(&self, topic: &str, letters: &[Letter<'_>], batch: &Arc<Batch>) {
        if let Err(error) = self.replace_if_fatal() {
            tracing::error!(%error, "a new producer could not be made");
        }
        let producer = self.current.read().unwrap_or_else(PoisonError::into_inner);
        for (at, letter) in letters.iter().enumerate() {
            let ticket = Box::new(Ticket { batch: Arc::clone(batch), at });
            let record = BaseRecord::<[u8], [u8], _> {
                topic,
                partition: None,
                payload: Some(letter.payload),
                key: letter.key,
                timestamp: None,
                headers: headers(letter.headers),
                delivery_opaque: ticket,
            };
            if let Err((error, record)) = producer.send(record) {
                record.delivery_opaque.settle(Err(&error));
            }
        }
    }

    fn replace_if_fatal(&self) -> Result<(), KafkaError> {
        let fatal = |producer: &ThreadedProducer<Context>| producer.client().fatal_error();
        if fatal(&self.current.read().unwrap_or_else(PoisonError::into_inner)).is_none() {
            return Ok(());
        }
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if let Some((code, reason)) = fatal(&current) {
            tracing::warn!(%code, reason, "the idempotent producer gave up; a new one takes its place");
            *current = ThreadedProducer::from_config_and_context(&self.config, Context)?;
        }
        Ok(())
    }
}

fn headers(all: &[(&str, &[u8])]) -> Option<OwnedHeaders> {
    let none = OwnedHeaders::new_with_capacity(all.len());
    let add = |headers: OwnedHeaders, (key, value): &(&str, &[u8])| {
        headers.insert(Header { key, value: Some(*value) })
    };
    (!all.is_empty()).then(|| all.iter().fold(none, add))
}

/// The letters of one call: how many are not settled yet, and which of them failed.
struct Batch {
    left: AtomicUsize,
    failures: Mutex<Vec<(usize, SendError)>>,
    done: Mutex<Option<oneshot::Sender<()>>>,
}

impl Batch {
    fn new(letters: usize) -> (Arc<Self>, oneshot::Receiver<()>) {
        let (sender, receiver) = oneshot::channel();
        let batch = Self {
            left: AtomicUsize::new(letters),
            failures: Mutex::default(),
            done: Mutex::new(Some(sender)),
        };
        if letters == 0 {
            batch.finish();
        }
        (Arc::new(batch), receiver)
    }

    fn finish(&self) {
        let sender = self.done.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Nobody waits any more when the request was dropped; the letters are settled all the same.
        let _ = sender.map(|sender| sender.send(()));
    }

    fn take_failures(&self) -> Vec<(usize, SendError)> {
        std::mem::take(&mut *self.failures.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One letter on its way; librdkafka carries it and gives it back with the outcome.
struct Ticket {
    batch: Arc<Batch>,
    at: usize,
}

impl Ticket {
    fn settle(&self, outcome: Result<(), &KafkaError>) {
        if let Err(error) = outcome {
            let mut failures = self.batch.failures.lock().unwrap_or_else(PoisonError::into_inner);
            failures.push((self.at, sort(error)));
        }
        if self.batch.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.batch.finish();
        }
    }
}

/// Sorts what went wrong by what the sender can do about it.
fn sort(error: &KafkaError) -> SendError {
    use RDKafkaErrorCode as Code;
    match error.rdkafka_error_code() {
        Some(code @ (Code::MessageSizeTooLarge | Code::InvalidMessage | Code::InvalidMessageSize)) => {
            SendError::Refused(code)
        }
        Some(code) => SendError::Away(code),
        None => SendError::Away(Code::Unknown),
    }
}

struct Context;

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(?level, facility, "librdkafka: {message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "librdkafka");
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = Box<Ticket>;

    fn delivery(&self, result: &DeliveryResult<'_>, ticket: Box<Ticket>) {
        ticket.settle(result.as_ref().map(|_| ()).map_err(|(error, _)| error));
    }
}
