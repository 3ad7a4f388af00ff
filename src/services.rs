//! `kerf services`: Postgres, Kafka and ClickHouse, for tests and for developing against.

use crate::control;
use crate::embedded::{Place, Servers, Wanted, workerd};
use crate::session::{self, Session};
use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Map, json};
use std::env;
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

/// What tests read: a variable and its value.
type Variable = (&'static str, String);

/// Starts the three servers and keeps them until a signal, the end of stdin (`--json`) or of the command.
///
/// # Errors
/// When a server cannot be started.
pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    let data = options.data.clone();
    session::run(data.as_deref(), async |session| serve(&options, session).await).await
}

async fn serve(options: &Options, session: &mut Session) -> Result<ExitCode> {
    let environment = start(session).await?;
    if options.json {
        let variables: Map<_, _> =
            environment.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        let processes = control::processes(&session.supervisor);
        println!("{}", json!({ "environment": variables, "processes": processes, "logs": session.logs() }));
        control::obey(tokio::io::stdin(), &session.supervisor).await?;
        return Ok(ExitCode::SUCCESS);
    }
    if options.command.is_empty() {
        for (name, value) in &environment {
            println!("export {name}='{value}'");
        }
        tracing::info!("ready; logs in {}; Ctrl-C ends it", session.logs().display());
        return std::future::pending().await;
    }
    run_command(&options.command, environment).await
}

/// Starts the servers and says what tests need: their addresses, this program, and how to run the Worker.
async fn start(session: &mut Session) -> Result<Vec<Variable>> {
    let Session { folder, ports, runtime, supervisor } = session;
    let wanted = Wanted { postgres: true, kafka: true, clickhouse: true };
    let servers = Servers::prepare(&wanted, &mut Place { runtime, folder, ports }).await?;
    let addressed = [
        ("KERF_TEST_DATABASE_URL", servers.postgres),
        ("KERF_TEST_KAFKA_BROKERS", servers.kafka),
        ("KERF_TEST_CLICKHOUSE_URL", servers.clickhouse),
    ];
    let mut environment = Vec::new();
    let mut programs = Vec::new();
    for (name, server) in addressed {
        let Some(server) = server else { continue };
        environment.push((name, server.address));
        programs.push(server.program);
    }
    supervisor.start(programs).await?;
    environment.push(("KERF_TEST_BINARY", env::current_exe()?.display().to_string()));
    environment.push(("KERF_TEST_NODE", runtime.node()?.display().to_string()));
    environment.push(("KERF_TEST_MINIFLARE", runtime.npm()?.display().to_string()));
    environment.push(("KERF_TEST_WORKER_DIR", workerd::build_folder().display().to_string()));
    Ok(environment)
}

/// Runs the command in our own process group, where Ctrl-C reaches it too.
async fn run_command(command: &[OsString], environment: Vec<Variable>) -> Result<ExitCode> {
    let [program, arguments @ ..] = command else { return Ok(ExitCode::SUCCESS) };
    let mut child = Command::new(program);
    child.args(arguments).envs(environment).kill_on_drop(true);
    let status = child.status().await.with_context(|| format!("cannot run {}", program.display()))?;
    Ok(exit_code(status))
}

/// The command's own exit code; 1 when a signal ended it.
fn exit_code(status: ExitStatus) -> ExitCode {
    status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}
