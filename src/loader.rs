//! `kerf loader`: carries events from Kafka into ClickHouse.

use crate::clickhouse::ClickHouse;
use crate::kafka::Kafka;
use crate::service::{ENDED, Listening, ending};
use anyhow::Result;
use clap::Args;
use kerf_loader::Config;
use std::process::ExitCode;
use std::time::Duration;

/// Options of `kerf loader`.
#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    listening: Listening,
    #[command(flatten)]
    kafka: Kafka,
    #[command(flatten)]
    clickhouse: ClickHouse,
    /// The consumer group; loaders with the same group share the partitions.
    #[arg(long, env = "KERF_GROUP", value_name = "NAME")]
    group: Option<String>,
    /// Rows at which a batch is full.
    #[arg(long, env = "KERF_BATCH_ROWS", value_name = "ROWS")]
    batch_rows: Option<usize>,
    /// Seconds after its first event at which a batch is stored, full or not.
    #[arg(long, env = "KERF_BATCH_SECONDS", value_name = "SECONDS")]
    batch_seconds: Option<u64>,
}

/// Loads until a signal.
///
/// # Errors
/// When the options cannot be used, or the service fails.
pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    let listener = options.listening.bind(8083).await?;
    let mut config = Config::new("", options.clickhouse.clickhouse_url);
    config.clickhouse_database = options.clickhouse.clickhouse_database;
    config.cluster = options.kafka.cluster();
    config.layout = options.kafka.layout();
    config.topic = options.kafka.topic;
    config.group = options.group.unwrap_or(config.group);
    config.batch_rows = options.batch_rows.unwrap_or(config.batch_rows);
    config.batch_period = options.batch_seconds.map_or(config.batch_period, Duration::from_secs);
    kerf_loader::serve(config, listener, ending()?).await?;
    ENDED
}
