//! Drain: what waits in the spool goes to Kafka, oldest first.
//!
//! A segment is removed only after Kafka acknowledged all of it. A process that is killed in between sends the
//! segment again; repeats collapse behind Kafka.

use crate::pipeline::Outgoing;
use crate::policy::Durable;
use crate::spool::{Piece, Segment, frames};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// Messages that are sent at a time.
const CHUNK: usize = 5_000;

/// The pause between two attempts, and the longest time until an idle drain looks again.
const PAUSE: Duration = Duration::from_millis(500);

/// Drains the spool for ever; dropping the future stops it at any point without loss.
pub(crate) async fn run(durable: Arc<Durable>) {
    loop {
        durable.spool.wait(PAUSE).await;
        while let Some(segment) = durable.spool.oldest().await {
            if let Err(error) = drain(&durable, &segment).await {
                tracing::error!(%error, segment = %segment.path.display(), "a segment of the spool cannot be read");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn drain(durable: &Durable, segment: &Segment) -> io::Result<()> {
    let bytes = tokio::fs::read(&segment.path).await?;
    let mut chunk = Vec::with_capacity(CHUNK);
    let mut damaged = false;
    for piece in frames(&bytes) {
        match piece {
            Piece::Message(message) => chunk.push(message),
            Piece::Truncated { at, bytes } => {
                tracing::warn!(segment = %segment.path.display(), at, bytes,
                    "the last write to a segment was cut short; nothing in it was acknowledged");
                durable.metrics.truncated_bytes.inc_by(bytes as u64);
            }
            Piece::Damaged { at, bytes } => {
                damaged = true;
                tracing::error!(segment = %segment.path.display(), at, bytes,
                    "a segment is damaged; what can be read is sent, and the file is kept as .damaged");
                durable.metrics.damaged_bytes.inc_by(bytes as u64);
            }
        }
        if chunk.len() >= CHUNK {
            deliver(durable, std::mem::take(&mut chunk)).await;
        }
    }
    deliver(durable, chunk).await;
    durable.spool.finish(segment, damaged).await
}

/// Sends messages until Kafka has them all.
async fn deliver(durable: &Durable, mut waiting: Vec<Outgoing>) {
    let total = waiting.len();
    while !waiting.is_empty() {
        waiting = durable.deliver(waiting).await;
        if !waiting.is_empty() {
            tokio::time::sleep(PAUSE).await;
        }
    }
    durable.metrics.drained.inc_by(total as u64);
}
