//! What the service is told when it starts.

use std::num::NonZeroU32;
use std::path::PathBuf;

use kerf_core::adopt::SigningKey;

/// Configuration of the control plane.
#[derive(Clone, Debug)]
pub struct Config {
    /// Postgres.
    pub database_url: String,
    /// Environment that is published.
    pub environment: String,
    /// The key that pointers are signed with.
    pub signing_key: SigningKey,
    /// Publish target: a folder.
    pub publish_dir: Option<PathBuf>,
    /// Publish target: Workers KV.
    pub cloudflare: Option<Cloudflare>,
    /// Base URL of the results API.
    pub analysis_url: Option<String>,
    /// Requests that one principal may make.
    pub limits: Limits,
}

/// A namespace of Workers KV, reached by its REST API.
#[derive(Clone, Debug)]
pub struct Cloudflare {
    /// Base URL, `https://api.cloudflare.com/client/v4` unless another server speaks the same API.
    pub api: String,
    /// Account id.
    pub account: String,
    /// Namespace id.
    pub namespace: String,
    /// API token with the permission to write Workers KV.
    pub token: String,
}

impl Cloudflare {
    /// Where the API is, unless said otherwise.
    pub const API: &str = "https://api.cloudflare.com/client/v4";
}

/// How often one principal may call.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// `GET` requests.
    pub reads: Rate,
    /// All others.
    pub writes: Rate,
}

/// A rate with a burst above it.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Requests a second in the long run.
    pub per_second: NonZeroU32,
    /// Requests at once after a pause.
    pub burst: NonZeroU32,
}

impl Rate {
    /// A rate; 0 counts as 1, because a rate of nothing would be no service.
    pub const fn new(per_second: u32, burst: u32) -> Self {
        Self { per_second: positive(per_second), burst: positive(burst) }
    }
}

const fn positive(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

impl Default for Limits {
    /// Reads 50 a second with a burst of 200, writes 10 a second with a burst of 50.
    fn default() -> Self {
        Self { reads: Rate::new(50, 200), writes: Rate::new(10, 50) }
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The environment is no key.
    #[error("KERF_ENVIRONMENT `{0}` is not a key: {1}")]
    Environment(String, kerf_control_domain::KeyError),
    /// The database URL cannot be read.
    #[error("DATABASE_URL cannot be used; it has the form postgres://user:password@host:port/database")]
    DatabaseUrl(#[source] kerf_control_store::StoreError),
    /// The HTTP client cannot be made.
    #[error("the HTTP client cannot be made")]
    Client(#[source] reqwest::Error),
}
