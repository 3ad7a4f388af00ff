//! What every service command shares: where it listens, and when it ends.

use crate::shutdown::Signals;
use anyhow::{Context, Result};
use clap::Args;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tokio::net::TcpListener;

/// Where a service listens.
#[derive(Args)]
pub(crate) struct Listening {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, env = "KERF_LISTEN", value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Write the address to this file once it is listened on.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

impl Listening {
    /// Listens, on the service's own port of loopback when nothing else is said.
    ///
    /// # Errors
    /// When the address is taken or not ours, or the file cannot be written.
    pub(crate) async fn bind(&self, own_port: u16) -> Result<TcpListener> {
        let address = self.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], own_port)));
        let listener = TcpListener::bind(address).await;
        let listener = listener.with_context(|| {
            format!("cannot listen on {address}; choose another address with --listen or KERF_LISTEN")
        })?;
        let address = listener.local_addr()?;
        tracing::info!("listening on http://{address}");
        if let Some(file) = &self.ready_file {
            announce(file, address)?;
        }
        Ok(listener)
    }
}

/// The file appears whole: who waits for it never reads half an address.
fn announce(file: &Path, address: SocketAddr) -> Result<()> {
    let mut unfinished = file.as_os_str().to_owned();
    unfinished.push(".new");
    fs::write(&unfinished, format!("{address}\n"))
        .and_then(|()| fs::rename(&unfinished, file))
        .with_context(|| format!("cannot write {}", file.display()))
}

/// Completes when a signal asks this process to end.
///
/// # Errors
/// When the system refuses the handlers.
pub(crate) fn ending() -> Result<impl Future<Output = ()> + Send + 'static> {
    let mut signals = Signals::listen()?;
    Ok(async move {
        let signal = signals.next().await;
        tracing::info!("{signal}: ending");
    })
}

/// What a service command comes to once its service has ended as asked.
pub(crate) const ENDED: Result<ExitCode> = Ok(ExitCode::SUCCESS);
