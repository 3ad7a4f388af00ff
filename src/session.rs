//! A run of supervised processes, from their start to their orderly end.

mod orphans;

use crate::embedded::Runtime;
use crate::folder::RunFolder;
use crate::ports::Ports;
use crate::shutdown::Signals;
use crate::supervisor::Supervisor;
use anyhow::Result;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What a run has at hand.
pub(crate) struct Session {
    pub(crate) folder: RunFolder,
    pub(crate) ports: Ports,
    pub(crate) runtime: Runtime,
    pub(crate) supervisor: Supervisor,
}

/// Does `work` until it is done or a signal comes, and then ends every process that it started.
///
/// `data` is the folder to keep data and logs in; without it they go into a temporary one, which stays only when the
/// work fails.
///
/// # Errors
/// What the work fails with, or that the run cannot be prepared.
pub(crate) async fn run<W>(data: Option<&Path>, work: W) -> Result<ExitCode>
where
    W: AsyncFnOnce(&mut Session) -> Result<ExitCode>,
{
    let mut signals = Signals::listen()?;
    orphans::adopt()?;
    let mut session = Session {
        folder: RunFolder::open(data)?,
        ports: Ports::new(),
        runtime: Runtime::from_environment()?,
        supervisor: Supervisor::default(),
    };
    let outcome = tokio::select! {
        outcome = work(&mut session) => outcome,
        signal = signals.next() => {
            tracing::info!("{signal}: ending everything; once more kills it");
            Ok(ExitCode::SUCCESS)
        }
    };
    let Session { folder, supervisor, .. } = session;
    tokio::select! {
        () = supervisor.stop() => {}
        // Whatever still runs is killed as its handle is dropped.
        signal = signals.next() => tracing::warn!("{signal} again: killing what is left"),
    }
    orphans::kill();
    if outcome.is_err() {
        tracing::info!("logs are kept in {}", logs(&folder.keep()).display());
    }
    outcome
}

impl Session {
    /// Where the processes write what they say.
    pub(crate) fn logs(&self) -> PathBuf {
        logs(self.folder.path())
    }
}

fn logs(folder: &Path) -> PathBuf {
    folder.join("log")
}
