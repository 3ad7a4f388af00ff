//! `kerf replay`: a recorded experiment goes in at one end, its known answer comes out at the other.
//!
//! Recorded visits are sent through the collector as an experiment that was assigned elsewhere; or, with
//! `--through-edge`, their people visit the edge and get Kerf's own assignment.

mod edge;
mod events;
mod progress;
mod recorded;
mod table;
mod visits;

use crate::service::ENDED;
use anyhow::Result;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// Options of `kerf replay`.
#[derive(Args)]
pub(crate) struct Options {
    /// Folder with visits.csv (user_id, timestamp, group, landing_page, converted) and countries.csv (user_id, country).
    #[arg(long, default_value = "../shared/data/landing_page", value_name = "FOLDER")]
    data: PathBuf,
    /// Key of the experiment that is created; the default depends on the way the visits take.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Where the control plane answers.
    #[arg(long, env = "KERF_CONTROL_PLANE_URL", default_value = "http://127.0.0.1:8081", value_name = "URL")]
    control_plane_url: String,
    /// An API key of the admin role.
    #[arg(long, env = "KERF_API_KEY", hide_env_values = true, value_name = "KEY")]
    api_key: String,
    /// Where the collector answers.
    #[arg(long, env = "KERF_COLLECTOR_URL", default_value = "http://127.0.0.1:8082", value_name = "URL")]
    collector_url: String,
    /// The collector's key, where it asks for one.
    #[arg(long, env = "KERF_INGEST_KEY", hide_env_values = true, value_name = "KEY")]
    ingest_key: Option<String>,
    /// Seed of the order in which events are sent.
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    seed: u64,
    /// Send at most so many events a second.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..), value_name = "NUMBER")]
    events_per_second: Option<u32>,
    /// How long to wait until the results contain everything that was sent.
    #[arg(long, default_value_t = 600, value_name = "SECONDS")]
    wait_seconds: u64,
    /// A file of expected results to compare with; a difference fails the command.
    #[arg(long, value_name = "FILE")]
    expect: Option<PathBuf>,
    /// Send the same people as visitors through the edge at this URL instead, each visit a request.
    #[arg(long, value_name = "URL", conflicts_with = "expect")]
    through_edge: Option<String>,
    /// The request header by which the edge is told who the visitor is.
    #[arg(
        long,
        env = "KERF_USER_ID_HEADER",
        default_value = "x-user-id",
        value_name = "NAME",
        requires = "through_edge"
    )]
    user_id_header: String,
    /// The environment whose bundle the edge serves.
    #[arg(long, env = "KERF_ENVIRONMENT", default_value = "production", value_name = "NAME")]
    environment: String,
}

/// Replays and prints the results.
///
/// # Errors
/// When the data cannot be read, a part does not answer, or the results are not what they must be.
pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    let visits = visits::read(&options.data)?;
    match options.through_edge.clone() {
        Some(edge) => edge::replay(&options, &edge, &visits).await?,
        None => recorded::replay(&options, visits).await?,
    }
    ENDED
}
