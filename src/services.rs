//! `kerf services`: Postgres, Kafka and ClickHouse, for tests and for developing against.

use crate::control;
use crate::embedded::{Place, Runtime, Servers, Wanted};
use crate::folder::RunFolder;
use crate::ports::Ports;
use crate::shutdown::Signals;
use crate::supervisor::Supervisor;
use anyhow::{Context, Result};
use clap::Args;
use serde_json::json;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{ExitCode, ExitStatus};
use tokio::process::Command;

/// Options of `kerf services`.
#[derive(Args)]
pub(crate) struct Options {
    /// Answer in JSON and take commands from stdin (kill NAME, start NAME, status); its end ends the run.
    #[arg(long)]
    json: bool,
    /// Keep data and logs in this folder instead of a temporary one.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Run this command with the servers' addresses in its environment, and end with it.
    #[arg(last = true, value_name = "COMMAND", conflicts_with = "json")]
    command: Vec<OsString>,
}

/// Starts the three servers and keeps them until a signal, the end of stdin (`--json`) or of the command.
///
/// # Errors
/// When a server cannot be started.
pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    let mut signals = Signals::listen()?;
    let folder = RunFolder::open(options.data.as_deref())?;
    let mut supervisor = Supervisor::default();
    let outcome = tokio::select! {
        outcome = serve(&options, &folder, &mut supervisor) => outcome,
        signal = signals.next() => {
            tracing::info!("{signal}: ending the servers");
            Ok(ExitCode::SUCCESS)
        }
    };
    tokio::select! {
        () = supervisor.stop() => {}
        signal = signals.next() => tracing::warn!("{signal} again: killing the servers"),
    }
    if outcome.is_err() {
        tracing::info!("logs are kept in {}", folder.keep().join("log").display());
    }
    outcome
}

async fn serve(options: &Options, folder: &RunFolder, supervisor: &mut Supervisor) -> Result<ExitCode> {
    let runtime = Runtime::from_environment()?;
    let mut place = Place { runtime: &runtime, folder, ports: &mut Ports::new() };
    let wanted = Wanted { postgres: true, kafka: true, clickhouse: true };
    let servers = Servers::prepare(&wanted, &mut place).await?;
    let addresses = [
        ("KERF_TEST_DATABASE_URL", servers.postgres.as_ref()),
        ("KERF_TEST_KAFKA_BROKERS", servers.kafka.as_ref()),
        ("KERF_TEST_CLICKHOUSE_URL", servers.clickhouse.as_ref()),
    ];
    let addresses =
        addresses.map(|(name, server)| (name, server.map_or_else(String::new, |one| one.address.clone())));
    let programs = [servers.postgres, servers.kafka, servers.clickhouse];
    supervisor.start(programs.into_iter().flatten().map(|server| server.program).collect()).await?;
    if options.json {
        let environment =
            serde_json::Map::from_iter(addresses.map(|(name, value)| (name.to_owned(), value.into())));
        let logs = folder.path().join("log");
        println!(
            "{}",
            json!({ "environment": environment, "processes": control::processes(supervisor), "logs": logs })
        );
        control::obey(tokio::io::stdin(), supervisor).await?;
        return Ok(ExitCode::SUCCESS);
    }
    if options.command.is_empty() {
        for (name, value) in &addresses {
            println!("export {name}='{value}'");
        }
        tracing::info!("ready; logs in {}; Ctrl-C ends it", folder.path().join("log").display());
        std::future::pending::<()>().await;
    }
    run_command(&options.command, &addresses).await
}

/// Runs the command in our own process group, where Ctrl-C reaches it too.
async fn run_command(command: &[OsString], addresses: &[(&str, String)]) -> Result<ExitCode> {
    let [program, arguments @ ..] = command else { return Ok(ExitCode::SUCCESS) };
    let mut child = Command::new(program);
    child.args(arguments).envs(addresses.iter().map(|(name, value)| (name, value))).kill_on_drop(true);
    let status = child.status().await.with_context(|| format!("cannot run {}", program.display()))?;
    Ok(exit_code(status))
}

/// The command's own exit code; 1 when a signal ended it.
fn exit_code(status: ExitStatus) -> ExitCode {
    status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}
