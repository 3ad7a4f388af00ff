//! The folder in which a run keeps data and logs.

use anyhow::{Context, Result};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Data and logs of one run: a named folder that stays, or a temporary one.
pub(crate) struct RunFolder {
    path: PathBuf,
    temporary: Option<TempDir>,
}

impl RunFolder {
    /// The folder `keep`, made when it is missing, or else a new temporary one.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub(crate) fn open(keep: Option<&Path>) -> Result<Self> {
        let (path, temporary) = match keep {
            Some(path) => {
                fs::create_dir_all(path)
                    .with_context(|| format!("cannot make the folder {}", path.display()))?;
                (fs::canonicalize(path)?, None)
            }
            None => {
                let made = tempfile::Builder::new().prefix("kerf-").tempdir();
                let made = made.context("cannot make a temporary folder (TMPDIR says where)")?;
                // Postgres refuses to run as root: its own account has to be able to pass through.
                fs::set_permissions(made.path(), Permissions::from_mode(0o711))?;
                (made.path().to_path_buf(), Some(made))
            }
        };
        fs::create_dir_all(path.join("log"))?;
        Ok(Self { path, temporary })
    }

    /// Where a part keeps its data.
    pub(crate) fn data(&self, part: &str) -> PathBuf {
        self.path.join(part)
    }

    /// Where a part writes what it says.
    pub(crate) fn log(&self, part: &str) -> PathBuf {
        self.path.join("log").join(format!("{part}.log"))
    }

    /// The folder itself.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the data is deleted at the end of the run.
    pub(crate) fn is_temporary(&self) -> bool {
        self.temporary.is_some()
    }

    /// Keeps a temporary folder after the run, for its logs, and gives its path.
    pub(crate) fn keep(self) -> PathBuf {
        match self.temporary {
            Some(temporary) => temporary.keep(),
            None => self.path,
        }
    }
}
