//! `kerf edge`: the gateway as a server of its own.

use crate::service::{ENDED, Listening, ending};
use anyhow::Result;
use clap::Args;
use kerf_edge_native::{Config, Source};
use kerf_gateway::Settings;
use reqwest::Url;
use std::process::ExitCode;

/// Options of `kerf edge`.
#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    listening: Listening,
    /// Where the pages come from.
    #[arg(long, env = "KERF_ORIGIN", value_name = "URL")]
    origin: Url,
    /// Where bundles come from: `file:FOLDER`, or the control plane's URL.
    #[arg(long, env = "KERF_CONFIG", value_name = "SOURCE")]
    config: Source,
    /// An API key of the control plane, of any role, where bundles come from there.
    #[arg(long, env = "KERF_CONTROL_PLANE_KEY", hide_env_values = true, value_name = "KEY")]
    config_key: Option<String>,
    /// The environment whose bundle is served.
    #[arg(long, env = "KERF_ENVIRONMENT", default_value = "production", value_name = "NAME")]
    environment: String,
    /// Ed25519 public key, 64 hex digits (several are separated by commas): the partner of the control plane's signing key.
    #[arg(long, env = "KERF_PUBLIC_KEY", value_name = "KEY")]
    public_key: String,
    /// Where events go; without it none are sent.
    #[arg(long, env = "KERF_COLLECTOR_URL", value_name = "URL")]
    collector_url: Option<Url>,
    /// The key that the collector asks for.
    #[arg(long, env = "KERF_INGEST_KEY", hide_env_values = true, value_name = "KEY")]
    ingest_key: Option<String>,
    /// Request header with the id of a signed-in user; whoever sets it has to be in front of the edge.
    #[arg(long, env = "KERF_USER_ID_HEADER", value_name = "NAME")]
    user_id_header: Option<String>,
    /// Cookie with the id of a signed-in user.
    #[arg(long, env = "KERF_USER_ID_COOKIE", value_name = "NAME")]
    user_id_cookie: Option<String>,
    /// Request header with the visitor's country.
    #[arg(long, env = "KERF_COUNTRY_HEADER", value_name = "NAME")]
    country_header: Option<String>,
    /// Cookie without which a visitor has not agreed to take part.
    #[arg(long, env = "KERF_CONSENT_COOKIE", value_name = "NAME")]
    consent_cookie: Option<String>,
    /// Keep scripts of the page from reading the cookie `kerf_id`.
    #[arg(long, env = "KERF_COOKIE_HTTP_ONLY")]
    cookie_http_only: bool,
    /// Path before the API's paths, for an origin that has such paths of its own.
    #[arg(long, env = "KERF_API_PREFIX", default_value = "", value_name = "PATH")]
    api_prefix: String,
    /// Least seconds between two looks at the pointer.
    #[arg(long, env = "KERF_REFRESH_SECONDS", default_value_t = 5, value_name = "SECONDS")]
    refresh_seconds: u32,
}

/// Serves until a signal.
///
/// # Errors
/// When the options cannot be used, or the service fails.
pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    let mut settings = Settings::new(&options.environment, &options.public_key)?;
    settings.user_id_header = options.user_id_header;
    settings.user_id_cookie = options.user_id_cookie;
    settings.consent_cookie = options.consent_cookie;
    settings.cookie_http_only = options.cookie_http_only;
    settings.api_prefix = options.api_prefix;
    settings.refresh_ms = i64::from(options.refresh_seconds) * 1_000;
    settings.country_header = options.country_header.unwrap_or(settings.country_header);
    let listener = options.listening.bind(8080).await?;
    let config = Config {
        settings,
        origin: options.origin,
        source: options.config,
        source_key: options.config_key,
        collector: options.collector_url,
        collector_key: options.ingest_key,
    };
    kerf_edge_native::serve(config, listener, ending()?).await?;
    ENDED
}
