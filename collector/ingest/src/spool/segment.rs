//! The folder: names, order and ownership of the segment files.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// A file that nothing is written to any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    /// Its place in the order of age.
    pub(crate) number: u64,
    /// Its length.
    pub(crate) bytes: u64,
}

/// A folder that this process alone uses: `spool-{number}.log`, numbers ascending with age.
pub(crate) struct Folder {
    dir: PathBuf,
    /// Held as long as the folder is; the system lets go of it when the process ends, however it ends.
    _lock: File,
}

impl Folder {
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(dir)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(dir.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { dir: dir.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(io::Error::new(
                io::ErrorKind::ResourceBusy,
                format!("another collector uses the spool {}; give each its own folder", dir.display()),
            )),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// The segments, oldest first, and the bytes of everything that counts against the limit.
    pub(crate) fn list(&self) -> io::Result<(Vec<Segment>, u64)> {
        let mut segments = Vec::new();
        let mut total = 0;
        for entry in std::fs::read_dir(&self.dir)? {
            let path = entry?.path();
            let bytes = std::fs::metadata(&path)?.len();
            if let Some(number) = number(&path) {
                total += bytes;
                segments.push(Segment { path, number, bytes });
            } else if path.extension().is_some_and(|extension| extension == "damaged") {
                total += bytes;
            }
        }
        segments.sort_unstable_by_key(|segment| segment.number);
        Ok((segments, total))
    }

    /// Creates the file of a new segment and makes its name durable.
    pub(crate) fn create(&self, number: u64) -> io::Result<(File, PathBuf)> {
        let path = self.dir.join(format!("spool-{number:016}.log"));
        let file = OpenOptions::new().append(true).create_new(true).open(&path)?;
        File::open(&self.dir)?.sync_all()?;
        Ok((file, path))
    }
}

/// The number in a segment's name.
fn number(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_prefix("spool-")?.strip_suffix(".log")?.parse().ok()
}
