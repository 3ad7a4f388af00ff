//! The one thread that writes segments.
//!
//! It takes what waits, writes it in one go, syncs once, and then answers everybody (group commit).

use super::segment::Segment;
use super::{Refusal, Shared};
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use tokio::sync::{mpsc, oneshot};

/// A segment is closed when it has so many bytes; the drain reads one segment into memory.
const SEGMENT_BYTES: u64 = 16_000_000;

/// The most bytes that share one sync.
const GROUP_BYTES: usize = 4_000_000;

type Answer = oneshot::Sender<Result<(), Refusal>>;

/// What the writer is asked to do.
pub(super) enum Command {
    /// Write frames and answer when they are durable.
    Append { frames: Vec<u8>, done: Answer },
    /// Close the current segment if there is something in it.
    Seal { done: oneshot::Sender<()> },
    /// Stop.
    Close { done: oneshot::Sender<()> },
}

/// The segment that is being written.
struct Active {
    file: File,
    path: PathBuf,
    number: u64,
    bytes: u64,
}

pub(super) struct Writer {
    shared: Arc<Shared>,
    /// The number of the next segment.
    next: u64,
    active: Option<Active>,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, next: u64) -> Self {
        Self { shared, next, active: None }
    }

    /// Serves commands until it is told to close or nobody can send any more.
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Command>) {
        let mut waiting = None;
        while let Some(command) = waiting.take().or_else(|| queue.blocking_recv()) {
            // Nobody listens any more when a request was dropped; what it sent is written all the same.
            match command {
                Command::Append { frames, done } => waiting = self.commit(frames, done, &mut queue),
                Command::Seal { done } => {
                    self.seal();
                    let _ = done.send(());
                }
                Command::Close { done } => {
                    self.seal();
                    let _ = done.send(());
                    return;
                }
            }
        }
    }

    /// Writes and syncs this append and those that wait behind it; returns the command that ended the group.
    fn commit(
        &mut self,
        first: Vec<u8>,
        done: Answer,
        queue: &mut mpsc::Receiver<Command>,
    ) -> Option<Command> {
        let mut group = Vec::new();
        let mut answers = Vec::new();
        self.admit(first, done, &mut group, &mut answers);
        let mut other = None;
        while group.len() < GROUP_BYTES {
            match queue.try_recv() {
                Ok(Command::Append { frames, done }) => self.admit(frames, done, &mut group, &mut answers),
                Ok(command) => {
                    other = Some(command);
                    break;
                }
                Err(_) => break,
            }
        }
        let outcome = self.write(&group).map_err(|error| {
            tracing::error!(%error, "the spool cannot be written");
            Refusal::Io(error.to_string())
        });
        for answer in answers {
            let _ = answer.send(outcome.clone());
        }
        self.shared.appended.notify_one();
        other
    }

    /// Takes an append into the group if there is room for it.
    fn admit(&self, frames: Vec<u8>, done: Answer, group: &mut Vec<u8>, answers: &mut Vec<Answer>) {
        let used = self.shared.bytes.load(Ordering::Relaxed) + group.len() as u64 + frames.len() as u64;
        if used > self.shared.limit {
            let _ = done.send(Err(Refusal::Full { limit: self.shared.limit }));
        } else {
            group.extend(frames);
            answers.push(done);
        }
    }

    fn write(&mut self, group: &[u8]) -> io::Result<()> {
        if group.is_empty() {
            return Ok(());
        }
        let active = match &mut self.active {
            Some(active) => active,
            None => {
                let number = self.next;
                let (file, path) = self.shared.folder.create(number)?;
                self.next += 1;
                self.active.insert(Active { file, path, number, bytes: 0 })
            }
        };
        let written = active.file.write_all(group).and_then(|()| active.file.sync_data());
        if let Err(error) = written {
            self.give_up();
            return Err(error);
        }
        active.bytes += group.len() as u64;
        let full = active.bytes >= SEGMENT_BYTES;
        self.shared.bytes.fetch_add(group.len() as u64, Ordering::Relaxed);
        if full {
            self.seal();
        }
        Ok(())
    }

    /// After a failed write or sync nobody knows what is in the file's tail: it is cut off where that works, and the
    /// file is written to no more.
    fn give_up(&mut self) {
        if let Some(active) = &self.active
            && let Err(error) = active.file.set_len(active.bytes)
        {
            tracing::warn!(%error, segment = %active.path.display(), "the tail of a segment could not be cut off");
        }
        self.seal();
    }

    /// Closes the current segment; from now on it can be drained.
    fn seal(&mut self) {
        if let Some(active) = self.active.take() {
            let segment = Segment { path: active.path, number: active.number, bytes: active.bytes };
            self.shared.sealed.lock().unwrap_or_else(PoisonError::into_inner).push_back(segment);
        }
    }
}
