//! `kerf dev`: every part of the platform on one machine, each a process of its own.

mod services;
mod urls;

pub(crate) use services::USER_ID_HEADER;
pub(crate) use urls::Urls;

use crate::control;
use crate::embedded::{Place, Servers, Wanted, workerd};
use crate::secrets::Secrets;
use crate::session::{self, Session};
use crate::signing_key;
use crate::supervisor::{Program, Supervisor};
use anyhow::{Context, Result};
use clap::Args;
use serde_json::json;
use services::Plan;
use std::path::PathBuf;
use std::process::ExitCode;

/// The environment that a development run publishes.
pub(crate) const ENVIRONMENT: &str = "development";

/// Options of `kerf dev`.
#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    stack: StackOptions,
    /// Answer in JSON and take commands from stdin (kill NAME, start NAME, status); its end ends the run.
    #[arg(long)]
    json: bool,
}

/// What a stack is made of, and how quick it is.
#[derive(Args)]
pub(crate) struct StackOptions {
    /// Keep data and logs in this folder instead of a temporary one.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// The web site behind the edge, instead of the sample site.
    #[arg(long, env = "KERF_ORIGIN", value_name = "URL")]
    origin: Option<String>,
    /// A Postgres to use instead of a private one.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: Option<String>,
    /// Kafka brokers to use instead of a private one.
    #[arg(long, env = "KAFKA_BROKERS", value_name = "BROKERS")]
    kafka_brokers: Option<String>,
    /// A ClickHouse to use instead of a private one.
    #[arg(long, env = "CLICKHOUSE_URL", hide_env_values = true, value_name = "URL")]
    clickhouse_url: Option<String>,
    /// Seconds from the end of one build of statistics to the beginning of the next.
    #[arg(long, default_value_t = 2, value_name = "SECONDS")]
    build_seconds: u64,
    /// Seconds that the loader waits for a batch to fill.
    #[arg(long, default_value_t = 1, value_name = "SECONDS")]
    batch_seconds: u64,
    /// Events at which the loader takes a batch for full.
    #[arg(long, value_name = "ROWS")]
    batch_rows: Option<u64>,
}

/// The running platform.
pub(crate) struct Stack<'a> {
    /// Where each part answers.
    pub(crate) urls: Urls,
    /// An API key of the admin role.
    pub(crate) admin_key: String,
    /// The Ed25519 public key that bundles are verified with, 64 hex digits.
    pub(crate) public_key: String,
    /// The processes, to kill and restart.
    pub(crate) supervisor: &'a Supervisor,
    /// Where the processes write what they say.
    pub(crate) logs: PathBuf,
}

/// Starts everything and keeps it until a signal, or the end of stdin (`--json`).
///
/// # Errors
/// When a part cannot be started.
pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    let json = options.json;
    with_stack(options.stack, async |stack| {
        if json {
            println!("{}", stack.describe());
            control::obey(tokio::io::stdin(), stack.supervisor).await?;
            return Ok(ExitCode::SUCCESS);
        }
        print!("{}", stack.urls);
        println!("admin key      {}\nlogs           {}", stack.admin_key, stack.logs.display());
        tracing::info!("ready; Ctrl-C ends it");
        std::future::pending().await
    })
    .await
}

/// Starts the platform, does `work` with it, and ends every process, also when a signal comes.
///
/// # Errors
/// When a part cannot be started, or what the work fails with.
pub(crate) async fn with_stack<W>(options: StackOptions, work: W) -> Result<ExitCode>
where
    W: AsyncFnOnce(&Stack<'_>) -> Result<ExitCode>,
{
    let data = options.data.clone();
    session::run(data.as_deref(), async |session| {
        let stack = start(session, options).await?;
        work(&stack).await
    })
    .await
}

impl Stack<'_> {
    /// What a program that drives the run needs to know.
    fn describe(&self) -> serde_json::Value {
        json!({
            "urls": self.urls,
            "keys": { "admin": self.admin_key, "public": self.public_key },
            "environment": ENVIRONMENT,
            "processes": control::processes(self.supervisor),
            "logs": self.logs,
        })
    }
}

/// Servers first, then what needs only them, then what needs an API key or the others.
async fn start(session: &mut Session, options: StackOptions) -> Result<Stack<'_>> {
    let logs = session.logs();
    let Session { folder, ports, runtime, supervisor } = session;
    let mut place = Place { runtime, folder, ports };
    let secrets = Secrets::of(place.folder.path())?;
    let public_key = signing_key::parse(&secrets.signing_key)?.public().to_hex();

    tracing::info!("starting Postgres, Kafka and ClickHouse, unless their addresses are given");
    let wanted = Wanted {
        postgres: options.database_url.is_none(),
        kafka: options.kafka_brokers.is_none(),
        clickhouse: options.clickhouse_url.is_none(),
    };
    let servers = Servers::prepare(&wanted, &mut place).await?;
    let mut programs: Vec<Program> = Vec::new();
    let mut address = |given: Option<String>, server: Option<crate::embedded::Server>| match server {
        Some(server) => {
            programs.push(server.program);
            Ok(server.address)
        }
        None => given.context("an address is missing"),
    };
    let database_url = address(options.database_url, servers.postgres)?;
    let kafka_brokers = address(options.kafka_brokers, servers.kafka)?;
    let clickhouse_url = address(options.clickhouse_url, servers.clickhouse)?;
    supervisor.start(programs).await?;

    tracing::info!("starting control plane, collector, loader and the edge under workerd");
    let mut plan = Plan::new(&mut place, secrets, public_key.clone())?;
    plan.database_url = database_url;
    plan.kafka_brokers = kafka_brokers;
    plan.clickhouse_url = clickhouse_url;
    plan.build_seconds = options.build_seconds;
    plan.batch_seconds = options.batch_seconds;
    plan.batch_rows = options.batch_rows;
    let mut first = Vec::new();
    match options.origin {
        Some(origin) => plan.urls.origin = origin,
        None => first.push(plan.sample_site(place.folder)),
    }
    let worker = workerd::prepare(&mut place, &plan.urls.origin, &plan.worker_bindings())?;
    plan.urls.edge.clone_from(&worker.url);
    first.push(worker.program);
    first.push(plan.control_plane(place.folder, &worker.kv_api));
    first.push(plan.collector(place.folder));
    first.push(plan.loader(place.folder));
    supervisor.start(first).await?;

    tracing::info!("starting analysis and the native edge");
    let make =
        |role: &'static str| kerf_control_api::create_key(&plan.database_url, ENVIRONMENT, role, "kerf dev");
    let (admin_key, viewer_key) = (make("admin").await?, make("viewer").await?);
    supervisor.start(vec![plan.analysis(place.folder, &viewer_key), plan.native_edge(place.folder)]).await?;
    let urls = plan.urls;
    Ok(Stack { urls, admin_key, public_key, supervisor, logs })
}
