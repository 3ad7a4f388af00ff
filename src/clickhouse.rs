//! The options by which loader and analysis find ClickHouse.

use clap::Args;

/// Server and database.
#[derive(Args)]
pub(crate) struct ClickHouse {
    /// ClickHouse's HTTP interface, `http://user:password@host:port/`.
    #[arg(long, env = "CLICKHOUSE_URL", hide_env_values = true, value_name = "URL")]
    pub(crate) clickhouse_url: String,
    /// The database, created where it is absent.
    #[arg(long, env = "CLICKHOUSE_DATABASE", default_value = "kerf", value_name = "NAME")]
    pub(crate) clickhouse_database: String,
}
