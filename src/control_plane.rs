//! `kerf control-plane`: the only place where anything is changed.

use crate::service::{ENDED, Listening, ending};
use crate::signing_key;
use anyhow::{Result, bail};
use clap::Args;
use kerf_control_api::{Cloudflare, Config, Limits, Rate};
use kerf_core::adopt::SigningKey;
use std::path::PathBuf;
use std::process::ExitCode;

/// Options of `kerf control-plane`.
#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    listening: Listening,
    /// Postgres; the migrations run at start.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: String,
    /// The environment that is published.
    #[arg(long, env = "KERF_ENVIRONMENT", default_value = "production", value_name = "NAME")]
    environment: String,
    /// Ed25519 secret, 64 hex digits; `kerf keys signing` makes one.
    #[arg(long, env = "KERF_SIGNING_KEY", hide_env_values = true, value_name = "KEY", value_parser = signing_key::parse)]
    signing_key: SigningKey,
    /// Publish into this folder.
    #[arg(long, env = "KERF_PUBLISH_DIR", value_name = "FOLDER")]
    publish_dir: Option<PathBuf>,
    /// Where the Workers KV API is.
    #[arg(long, env = "KERF_CLOUDFLARE_API", default_value = Cloudflare::API, value_name = "URL")]
    cloudflare_api: String,
    /// Publish into Workers KV: the account.
    #[arg(long, env = "KERF_CLOUDFLARE_ACCOUNT", value_name = "ID")]
    cloudflare_account: Option<String>,
    /// Publish into Workers KV: the namespace.
    #[arg(long, env = "KERF_CLOUDFLARE_NAMESPACE", value_name = "ID")]
    cloudflare_namespace: Option<String>,
    /// Publish into Workers KV: the API token.
    #[arg(long, env = "KERF_CLOUDFLARE_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    cloudflare_token: Option<String>,
    /// Where results are asked for.
    #[arg(long, env = "KERF_ANALYSIS_URL", value_name = "URL")]
    analysis_url: Option<String>,
    /// Reads that one API key may make a second, in the long run.
    #[arg(long, env = "KERF_READS_PER_SECOND", value_name = "NUMBER")]
    reads_per_second: Option<u32>,
    /// Changes that one API key may make a second, in the long run.
    #[arg(long, env = "KERF_WRITES_PER_SECOND", value_name = "NUMBER")]
    writes_per_second: Option<u32>,
}

/// Serves until a signal.
///
/// # Errors
/// When the options cannot be used, or the service fails.
pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    let cloudflare = cloudflare(&options)?;
    let mut limits = Limits::default();
    if let Some(reads) = options.reads_per_second {
        limits.reads = Rate::new(reads, reads.saturating_mul(4));
    }
    if let Some(writes) = options.writes_per_second {
        limits.writes = Rate::new(writes, writes.saturating_mul(5));
    }
    tracing::info!(
        "pointers are signed; KERF_PUBLIC_KEY of the edges is {}",
        options.signing_key.public().to_hex()
    );
    let listener = options.listening.bind(8081).await?;
    let config = Config {
        database_url: options.database_url,
        environment: options.environment,
        signing_key: options.signing_key,
        publish_dir: options.publish_dir,
        cloudflare,
        analysis_url: options.analysis_url,
        limits,
    };
    kerf_control_api::serve(config, listener, ending()?).await?;
    ENDED
}

/// All three of account, namespace and token, or none of them.
fn cloudflare(options: &Options) -> Result<Option<Cloudflare>> {
    match (&options.cloudflare_account, &options.cloudflare_namespace, &options.cloudflare_token) {
        (None, None, None) => Ok(None),
        (Some(account), Some(namespace), Some(token)) => Ok(Some(Cloudflare {
            api: options.cloudflare_api.clone(),
            account: account.clone(),
            namespace: namespace.clone(),
            token: token.clone(),
        })),
        _ => bail!(
            "publishing into Workers KV needs KERF_CLOUDFLARE_ACCOUNT, KERF_CLOUDFLARE_NAMESPACE and \
             KERF_CLOUDFLARE_TOKEN; only some of them are set"
        ),
    }
}
