//! A folder as a KV: each file appears whole, by one rename.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::publish::target::TargetError;

/// A folder that holds one file for each key.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The folder at this path; it is made when the first value is written.
    pub(crate) const fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Writes a file beside the final one, makes it durable, then renames it.
    pub(crate) async fn put(&self, key: &str, value: Vec<u8>) -> Result<(), TargetError> {
        let path = self.root.join(key);
        let written = path.clone();
        blocking(move || write(&written, &value)).await.map_err(|source| failed("write", &path, source))
    }

    /// Reads a file.
    pub(crate) async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, TargetError> {
        let path = self.root.join(key);
        let read = path.clone();
        match blocking(move || fs::read(read)).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(failed("read", &path, source)),
        }
    }
}

fn write(path: &Path, value: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or(ErrorKind::InvalidInput)?;
    fs::create_dir_all(folder)?;
    let name = path.file_name().ok_or(ErrorKind::InvalidInput)?.to_string_lossy();
    let temporary = folder.join(format!(".{name}.{}", std::process::id()));
    let mut file = File::create(&temporary)?;
    file.write_all(value)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    File::open(folder)?.sync_all()
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

fn failed(action: &'static str, path: &Path, source: io::Error) -> TargetError {
    TargetError::File { action, path: path.display().to_string(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_written_is_read_back_and_nothing_else_stays() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::new(root.path().join("deep/er"));
        assert_eq!(folder.get("kerf/e/current").await.unwrap(), None);
        folder.put("kerf/e/current", b"one".to_vec()).await.unwrap();
        folder.put("kerf/e/current", b"two".to_vec()).await.unwrap();
        assert_eq!(folder.get("kerf/e/current").await.unwrap().unwrap(), b"two");
        assert_eq!(fs::read_dir(root.path().join("deep/er/kerf/e")).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn an_error_says_where() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("kerf"), b"a file in the way").unwrap();
        let error = Folder::new(root.path().into()).put("kerf/e/current", Vec::new()).await.unwrap_err();
        assert!(error.to_string().contains("kerf/e/current"), "{error}");
    }
}
