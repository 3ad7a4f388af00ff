//! The command line: which subcommands there are, and what runs them.

use crate::{embedded, services};
use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use std::future::Future;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// Experimentation and feature flags decided at the CDN edge.
#[derive(Parser)]
#[command(version, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run Postgres, Kafka and ClickHouse for development, until Ctrl-C or for as long as a command runs.
    Services(services::Options),
    #[command(hide = true)]
    EmbeddedClickhouse(embedded::clickhouse::LibraryOptions),
}

impl Cli {
    /// Runs the chosen subcommand to its end.
    pub(crate) fn run(self) -> Result<ExitCode> {
        match self.command {
            // The library brings its own threads and signal handling, so it gets the process without a runtime.
            Command::EmbeddedClickhouse(options) => embedded::clickhouse::serve_library(&options),
            command => {
                start_logging();
                run_async(command.run())
            }
        }
    }
}

impl Command {
    async fn run(self) -> Result<ExitCode> {
        match self {
            Command::Services(options) => services::run(options).await,
            Command::EmbeddedClickhouse(options) => embedded::clickhouse::serve_library(&options),
        }
    }
}

fn run_async(work: impl Future<Output = Result<ExitCode>>) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("cannot start the async runtime")?.block_on(work)
}

/// Logs go to stderr, so that stdout carries only what a command answers; `RUST_LOG` chooses the level.
fn start_logging() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).init();
}
