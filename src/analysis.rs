//! `kerf analysis`: builds statistics in ClickHouse and answers for results.

use crate::clickhouse::ClickHouse;
use crate::service::{ENDED, Listening, ending};
use anyhow::Result;
use clap::Args;
use kerf_analysis_api::Config;
use std::process::ExitCode;

/// Options of `kerf analysis`.
#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    listening: Listening,
    #[command(flatten)]
    clickhouse: ClickHouse,
    /// Where the control plane answers.
    #[arg(long, env = "KERF_CONTROL_PLANE_URL", value_name = "URL")]
    control_plane_url: String,
    /// An API key of the viewer role, for the builder.
    #[arg(long, env = "KERF_CONTROL_PLANE_KEY", hide_env_values = true, value_name = "KEY")]
    control_plane_key: String,
    /// Seconds from the end of one build to the beginning of the next.
    #[arg(long, env = "KERF_BUILD_SECONDS", default_value_t = 60, value_name = "SECONDS")]
    build_seconds: u64,
}

/// Serves until a signal.
///
/// # Errors
/// When the options cannot be used, or the service fails.
pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    let listener = options.listening.bind(8084).await?;
    let config = Config {
        clickhouse_url: options.clickhouse.clickhouse_url,
        clickhouse_database: options.clickhouse.clickhouse_database,
        control_plane_url: options.control_plane_url,
        control_plane_key: options.control_plane_key,
        build_seconds: options.build_seconds,
    };
    kerf_analysis_api::serve(config, listener, ending()?).await?;
    ENDED
}
