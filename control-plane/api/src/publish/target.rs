//! Where bundles go.

use crate::publish::folder::Folder;
use crate::publish::workers_kv::WorkersKv;

/// A place that keeps values under keys.
#[derive(Debug)]
pub(crate) enum Target {
    /// A folder; keys are paths.
    Folder(Folder),
    /// A namespace of Workers KV.
    WorkersKv(WorkersKv),
}

/// Why a target did not do what it was asked; the text is shown in the publish status.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TargetError {
    /// The file system.
    #[error("{action} {path}: {source}")]
    File {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The other side cannot be reached.
    #[error("{url}: {reason}")]
    Network {
        /// Where.
        url: String,
        /// What the client says.
        reason: String,
    },
    /// The other side refuses.
    #[error("{url}: status {status}: {body}")]
    Refused {
        /// Where.
        url: String,
        /// Its status.
        status: u16,
        /// The begin of its answer.
        body: String,
    },
}

impl Target {
    /// Name in the publish status.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Folder(_) => "folder",
            Self::WorkersKv(_) => "workers_kv",
        }
    }

    /// Writes a value.
    pub(crate) async fn put(&self, key: &str, value: Vec<u8>) -> Result<(), TargetError> {
        match self {
            Self::Folder(folder) => folder.put(key, value).await,
            Self::WorkersKv(kv) => kv.put(key, value).await,
        }
    }

    /// Reads a value back, `None` if there is none.
    pub(crate) async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, TargetError> {
        match self {
            Self::Folder(folder) => folder.get(key).await,
            Self::WorkersKv(kv) => kv.get(key).await,
        }
    }
}
