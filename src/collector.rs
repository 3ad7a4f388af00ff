//! `kerf collector`: takes events over HTTP and keeps them in Kafka or its spool.

use crate::kafka::Kafka;
use crate::service::{ENDED, Listening, ending};
use anyhow::Result;
use clap::Args;
use kerf_events::PseudonymKey;
use kerf_ingest::Config;
use std::path::PathBuf;
use std::process::ExitCode;

/// Options of `kerf collector`.
#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    listening: Listening,
    #[command(flatten)]
    kafka: Kafka,
    /// The secret under which ids become units, at least 32 bytes as base64url.
    #[arg(long, env = "KERF_PSEUDONYM_KEY", hide_env_values = true, value_name = "KEY")]
    pseudonym_key: PseudonymKey,
    /// Where events wait while Kafka is away; one folder for each collector.
    #[arg(long, env = "KERF_SPOOL_DIR", default_value = "spool", value_name = "FOLDER")]
    spool_dir: PathBuf,
    /// The most bytes that may wait there.
    #[arg(long, env = "KERF_SPOOL_MAX_BYTES", value_name = "BYTES")]
    spool_max_bytes: Option<u64>,
    /// Senders need `Authorization: Bearer` with this key; without it anybody may send.
    #[arg(long, env = "KERF_INGEST_KEY", hide_env_values = true, value_name = "KEY")]
    ingest_key: Option<String>,
}

/// Serves until a signal.
///
/// # Errors
/// When the options cannot be used, or the service fails.
pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    let listener = options.listening.bind(8082).await?;
    let mut config = Config::new("", options.pseudonym_key, options.spool_dir);
    config.cluster = options.kafka.cluster();
    config.layout = options.kafka.layout();
    config.topic = options.kafka.topic;
    config.ingest_key = options.ingest_key;
    config.spool_max_bytes = options.spool_max_bytes.unwrap_or(config.spool_max_bytes);
    kerf_ingest::serve(config, listener, ending()?).await?;
    ENDED
}
