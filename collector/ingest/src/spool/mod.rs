//! The spool: events that wait on disk while Kafka is away.
//!
//! It owns a folder of append-only segments. `append` returns after the messages are fsynced; messages of several
//! callers share one fsync. `oldest` gives the segment to be drained next and `finish` removes it. The folder never
//! holds more than its limit: beyond it, `append` refuses.
//!
//! It must not know Kafka or HTTP.

mod frame;
mod segment;
mod writer;

pub(crate) use frame::{Piece, frames};
pub(crate) use segment::Segment;

use crate::pipeline::Outgoing;
use segment::Folder;
use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot};
use writer::{Command, Writer};

/// Appends that may wait for the writer.
const QUEUE: usize = 1_024;

/// Why the spool did not take messages.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("the spool is full ({limit} bytes)")]
    Full { limit: u64 },
    #[error("the spool could not be written: {0}")]
    Io(String),
    #[error("the spool is closed")]
    Closed,
}

/// What the writer and its users share.
struct Shared {
    folder: Folder,
    limit: u64,
    /// Bytes in the folder, whatever state they are in.
    bytes: AtomicU64,
    /// Segments that nothing is written to any more, oldest first.
    sealed: Mutex<VecDeque<Segment>>,
    /// Woken when something was appended.
    appended: Notify,
}

/// A folder of segments, open.
pub(crate) struct Spool {
    shared: Arc<Shared>,
    commands: mpsc::Sender<Command>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Spool {
    /// Opens a folder, creating it where it is absent; what an earlier process left in it will be drained.
    ///
    /// # Errors
    /// When the folder cannot be used, or another process uses it.
    pub(crate) fn open(dir: &Path, limit: u64) -> io::Result<Self> {
        let folder = Folder::open(dir)?;
        let (sealed, bytes) = folder.list()?;
        let next = sealed.last().map_or(1, |newest| newest.number + 1);
        if !sealed.is_empty() {
            tracing::info!(segments = sealed.len(), bytes, "the spool holds events of an earlier process");
        }
        let shared = Arc::new(Shared {
            folder,
            limit,
            bytes: AtomicU64::new(bytes),
            sealed: Mutex::new(sealed.into()),
            appended: Notify::new(),
        });
        let (commands, queue) = mpsc::channel(QUEUE);
        let writer = Writer::new(Arc::clone(&shared), next);
        let thread = std::thread::Builder::new().name("spool".to_owned()).spawn(move || writer.run(queue))?;
        Ok(Self { shared, commands, writer: Mutex::new(Some(thread)) })
    }

    /// Makes the messages durable, all or none of them.
    ///
    /// # Errors
    /// [`Refusal`]; after an I/O error some of the messages may be in the spool all the same.
    pub(crate) async fn append(&self, messages: &[Outgoing]) -> Result<(), Refusal> {
        let mut frames = Vec::new();
        for message in messages {
            frame::append(&mut frames, message);
        }
        let (done, answer) = oneshot::channel();
        self.commands.send(Command::Append { frames, done }).await.map_err(|_| Refusal::Closed)?;
        answer.await.map_err(|_| Refusal::Closed)?
    }

    /// The segment to be drained next, `None` when nothing waits. When only the segment that is being written has
    /// something in it, that one is closed.
    pub(crate) async fn oldest(&self) -> Option<Segment> {
        if let Some(segment) = self.shared.front() {
            return Some(segment);
        }
        let (done, answer) = oneshot::channel();
        self.commands.send(Command::Seal { done }).await.ok()?;
        answer.await.ok()?;
        self.shared.front()
    }

    /// Takes a drained segment out: removes its file, or keeps a damaged one under another name.
    ///
    /// # Errors
    /// When the file cannot be removed or renamed; the segment then stays the oldest.
    pub(crate) async fn finish(&self, segment: &Segment, damaged: bool) -> io::Result<()> {
        if damaged {
            tokio::fs::rename(&segment.path, segment.path.with_extension("damaged")).await?;
        } else {
            tokio::fs::remove_file(&segment.path).await?;
            self.shared.bytes.fetch_sub(segment.bytes, Ordering::Relaxed);
        }
        let mut sealed = self.shared.sealed.lock().unwrap_or_else(PoisonError::into_inner);
        sealed.retain(|other| other.path != segment.path);
        Ok(())
    }

    /// Returns when something was appended, at the latest after `longest`.
    pub(crate) async fn wait(&self, longest: Duration) {
        // Running into the limit is the other reason to return, not a fault.
        let _ = tokio::time::timeout(longest, self.shared.appended.notified()).await;
    }

    /// Bytes in the folder.
    pub(crate) fn bytes(&self) -> u64 {
        self.shared.bytes.load(Ordering::Relaxed)
    }

    /// The most bytes that the folder may hold.
    pub(crate) fn limit(&self) -> u64 {
        self.shared.limit
    }

    /// Waits until everything that was handed over is written, and stops the writer.
    pub(crate) async fn close(&self) {
        let (done, answer) = oneshot::channel();
        if self.commands.send(Command::Close { done }).await.is_ok() {
            let _ = answer.await;
        }
        let thread = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the writer of the spool had panicked");
        }
    }
}

impl Shared {
    fn front(&self) -> Option<Segment> {
        self.sealed.lock().unwrap_or_else(PoisonError::into_inner).front().cloned()
    }
}
