//! `kerf keys`: API keys, and the key that bundles are signed with.

use crate::service::ENDED;
use crate::signing_key;
use anyhow::Result;
use clap::{Args, Subcommand};
use kerf_core::adopt::SigningKey;
use std::process::ExitCode;

/// Options of `kerf keys`.
#[derive(Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Make an API key; it is printed once and kept nowhere.
    Create(Create),
    /// Print the public key of KERF_SIGNING_KEY, or both keys of a new pair when it is not set.
    Signing(Signing),
}

#[derive(Args)]
struct Create {
    /// Postgres of the control plane.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: String,
    /// The environment that the control plane publishes.
    #[arg(long, env = "KERF_ENVIRONMENT", default_value = "production", value_name = "NAME")]
    environment: String,
    /// viewer reads, admin reads and writes.
    #[arg(long)]
    role: String,
    /// Whose key it is.
    #[arg(long)]
    name: String,
}

#[derive(Args)]
struct Signing {
    /// Ed25519 secret, 64 hex digits.
    #[arg(long, env = "KERF_SIGNING_KEY", hide_env_values = true, value_name = "KEY", value_parser = signing_key::parse)]
    signing_key: Option<SigningKey>,
}

/// Prints keys to stdout.
///
/// # Errors
/// When an argument cannot be used, or Postgres fails.
pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    match options.action {
        Action::Create(Create { database_url, environment, role, name }) => {
            println!("{}", kerf_control_api::create_key(&database_url, &environment, &role, &name).await?);
        }
        Action::Signing(Signing { signing_key: Some(key) }) => println!("{}", key.public().to_hex()),
        Action::Signing(Signing { signing_key: None }) => {
            let key = signing_key::random()?;
            println!("KERF_SIGNING_KEY={}\nKERF_PUBLIC_KEY={}", key.to_hex(), key.public().to_hex());
        }
    }
    ENDED
}
