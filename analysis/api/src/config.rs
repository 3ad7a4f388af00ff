//! What the service has to be told.

/// Settings of the analysis service; ARCHITECTURE.md has the variables they come from.
#[derive(Clone)]
pub struct Config {
    /// `http://user:password@host:port/` of ClickHouse.
    pub clickhouse_url: String,
    /// The database that the loader writes to.
    pub clickhouse_database: String,
    /// Where the control plane answers.
    pub control_plane_url: String,
    /// An API key of the viewer role, with which the builder lists the experiments.
    pub control_plane_key: String,
    /// Seconds from the end of one build to the beginning of the next.
    pub build_seconds: u64,
}

/// Why the service cannot start: a setting that cannot be right.
#[derive(Debug, thiserror::Error)]
#[error("{setting} is not an http or https URL: {value}")]
pub struct ConfigError {
    setting: &'static str,
    value: String,
}

/// Reads a URL.
pub(crate) fn url(setting: &'static str, value: &str) -> Result<reqwest::Url, ConfigError> {
    let parsed = reqwest::Url::parse(value).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    parsed.ok_or_else(|| {
        // A password in the URL must not reach the log.
        let value = value.rsplit('@').next().unwrap_or_default().to_owned();
        ConfigError { setting, value }
    })
}
