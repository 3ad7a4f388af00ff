//! The command line: which subcommands there are, and what runs them.

use crate::{
    analysis, collector, control_plane, demo, development, edge, embedded, keys, loader, replay, sample_site,
    services,
};
use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use std::future::Future;
use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::Duration;
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
    /// Decide at the edge: a gateway in front of a web site.
    Edge(edge::Options),
    /// Make, change and publish experiments.
    ControlPlane(control_plane::Options),
    /// Take events and keep them in Kafka.
    Collector(collector::Options),
    /// Carry events from Kafka into ClickHouse.
    Loader(loader::Options),
    /// Compute results.
    Analysis(analysis::Options),
    /// Make API keys and signing keys.
    Keys(keys::Options),
    /// Run everything with a sample experiment and simulated visitors, and print the results as they form.
    Demo(demo::Options),
    /// Run every part on this machine, on embedded servers where no others are named.
    Dev(development::Options),
    /// Run Postgres, Kafka and ClickHouse for development, until Ctrl-C or for as long as a command runs.
    Services(services::Options),
    /// Send a recorded experiment through the platform and print its results.
    Replay(replay::Options),
    /// Serve a page that shows what the edge decided.
    SampleSite(sample_site::Options),
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
            Command::Edge(options) => edge::run(options).await,
            Command::ControlPlane(options) => control_plane::run(options).await,
            Command::Collector(options) => collector::run(options).await,
            Command::Loader(options) => loader::run(options).await,
            Command::Analysis(options) => analysis::run(options).await,
            Command::Keys(options) => keys::run(options).await,
            Command::Demo(options) => demo::run(options).await,
            Command::Dev(options) => development::run(options).await,
            Command::Replay(options) => replay::run(options).await,
            Command::SampleSite(options) => sample_site::run(options).await,
            Command::Services(options) => services::run(options).await,
            Command::EmbeddedClickhouse(options) => embedded::clickhouse::serve_library(&options),
        }
    }
}

/// How long threads may take to end after the work. A read of stdin is one that ends only when stdin does.
const LAST_THREADS: Duration = Duration::from_secs(1);

fn run_async(work: impl Future<Output = Result<ExitCode>>) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.context("cannot start the async runtime")?;
    let done = runtime.block_on(work);
    runtime.shutdown_timeout(LAST_THREADS);
    done
}

/// Logs go to stderr, so that stdout carries only what a command answers; `RUST_LOG` chooses the level.
fn start_logging() {
    // Notices of Postgres, such as "already exists, skipping", are no news to who starts a service.
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,sqlx::postgres::notice=warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
}
