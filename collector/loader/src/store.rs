//! Storing a batch: dead letters, then rows, each until it is confirmed.

use crate::assignment::Offsets;
use crate::batch::{Batch, DeadLetter};
use crate::metrics::Metrics;
use crate::rows::Table;
use bytes::Bytes;
use clickhouse::Client;
use kerf_kafka::{Letter, Producer, SendError};
use std::sync::Arc;
use std::time::Duration;

/// Bytes that are compressed and sent at a time.
const CHUNK: usize = 1 << 20;

/// How long ClickHouse may take to accept a chunk, and to confirm an insert.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(180);

/// The pause after a failure grows from the first to the last of these.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LAST_PAUSE: Duration = Duration::from_secs(10);

/// Where batches go.
pub(crate) struct Store {
    pub(crate) clickhouse: Client,
    pub(crate) producer: Producer,
    pub(crate) dead_letter_topic: String,
    pub(crate) metrics: Arc<Metrics>,
}

impl Store {
    /// Stores everything in a batch and returns the offsets that may be committed then. Tries for ever: what was read
    /// must not be skipped, and sending rows again does no harm.
    pub(crate) async fn store(&self, batch: Batch) -> Offsets {
        self.bury(batch.dead_letters).await;
        for (table, encoded, rows) in batch.rows.into_tables() {
            if rows > 0 {
                self.insert_until_confirmed(table, &Bytes::from(encoded)).await;
                self.metrics.rows(table).inc_by(rows as u64);
            }
        }
        self.metrics.batches.inc();
        batch.offsets
    }

    async fn insert_until_confirmed(&self, table: Table, rows: &Bytes) {
        let mut pause = FIRST_PAUSE;
        while let Err(error) = self.insert(table, rows).await {
            self.metrics.insert_retries.inc();
            tracing::warn!(%error, table = table.name(), "ClickHouse did not confirm an insert; sending it again");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    /// One `INSERT`; confirmed when the whole answer is there.
    async fn insert(&self, table: Table, rows: &Bytes) -> clickhouse::error::Result<()> {
        let mut insert = self
            .clickhouse
            .insert_formatted_with(table.insert())
            .with_timeouts(Some(SEND_TIMEOUT), Some(CONFIRM_TIMEOUT));
        let mut rest = rows.clone();
        while !rest.is_empty() {
            insert.send(rest.split_to(CHUNK.min(rest.len()))).await?;
        }
        insert.end().await
    }

    /// Sends dead letters until Kafka has them all.
    async fn bury(&self, letters: Vec<DeadLetter>) {
        for letter in &letters {
            tracing::warn!(fault = %letter.fault, partition = letter.place.partition, offset = letter.place.offset,
                "a message cannot be used and goes to the dead-letter topic");
        }
        let mut waiting: Vec<(DeadLetter, bool)> = letters.into_iter().map(|letter| (letter, true)).collect();
        let mut pause = FIRST_PAUSE;
        while !waiting.is_empty() {
            waiting = self.try_bury(waiting).await;
            if !waiting.is_empty() {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LAST_PAUSE);
            }
        }
    }

    /// One attempt; returns what is not buried yet. A letter that Kafka refuses for its size goes without its content:
    /// partition and offset say where that lies.
    async fn try_bury(&self, letters: Vec<(DeadLetter, bool)>) -> Vec<(DeadLetter, bool)> {
        let texts: Vec<_> = letters.iter().map(|(letter, _)| Headers::of(letter)).collect();
        let headers: Vec<_> = texts.iter().map(Headers::list).collect();
        let sent: Vec<_> = letters
            .iter()
            .zip(&headers)
            .map(|((letter, whole), headers)| Letter {
                key: letter.key.as_deref(),
                payload: if *whole { &letter.payload } else { &[] },
                headers,
            })
            .collect();
        let results = self.producer.send(&self.dead_letter_topic, &sent).await;
        let mut waiting = Vec::new();
        for ((letter, whole), result) in letters.into_iter().zip(results) {
            match result {
                Ok(()) => self.metrics.dead_letter(&letter.fault),
                Err(SendError::Away(code)) => {
                    tracing::warn!(%code, "Kafka did not take a dead letter; sending it again");
                    waiting.push((letter, whole));
                }
                Err(SendError::Refused(code)) => {
                    tracing::error!(%code, "Kafka refuses a dead letter; sending it without its content");
                    waiting.push((letter, false));
                }
            }
        }
        waiting
    }
}

/// The texts behind the headers of a dead letter.
struct Headers {
    reason: &'static str,
    detail: String,
    partition: String,
    offset: String,
}

impl Headers {
    fn of(letter: &DeadLetter) -> Self {
        Self {
            reason: letter.fault.reason(),
            detail: letter.fault.to_string(),
            partition: letter.place.partition.to_string(),
            offset: letter.place.offset.to_string(),
        }
    }

    fn list(&self) -> [(&str, &[u8]); 4] {
        [
            ("reason", self.reason.as_bytes()),
            ("detail", self.detail.as_bytes()),
            ("partition", self.partition.as_bytes()),
            ("offset", self.offset.as_bytes()),
        ]
    }
}
