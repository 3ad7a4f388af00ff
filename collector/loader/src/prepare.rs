//! What must be there before the first message is read: the tables and the topics.

use crate::config::Config;
use clickhouse::Client;
use kerf_kafka::topics;
use kerf_schema::SchemaError;
use std::time::Duration;

/// The pause between two attempts.
const RETRY: Duration = Duration::from_secs(1);

/// The name of the setting that keeps ClickHouse from dropping an insert that looks like an earlier one; servers before
/// 26 have the older name.
const DEDUPLICATE: [(&str, &str); 2] = [("deduplicate_insert", "disable"), ("insert_deduplicate", "0")];

/// A client whose inserts follow the loader's protocol, once the schema is applied. Waits for ClickHouse.
///
/// # Errors
/// When waiting does not help: a name that cannot be used, or a schema that is not ours.
pub(crate) async fn clickhouse(config: &Config) -> Result<Client, SchemaError> {
    let client = kerf_schema::connect(&config.clickhouse_url, &config.clickhouse_database)?;
    loop {
        match try_clickhouse(&client, &config.clickhouse_database).await {
            Err(SchemaError::ClickHouse { what, source }) => {
                tracing::warn!(what, error = %source, "ClickHouse is not ready; trying again");
                tokio::time::sleep(RETRY).await;
            }
            done => return done,
        }
    }
}

async fn try_clickhouse(client: &Client, database: &str) -> Result<Client, SchemaError> {
    let applied = kerf_schema::apply(client, database).await?;
    if !applied.is_empty() {
        tracing::info!(?applied, database, "schema applied");
    }
    let names: Vec<String> = client
        .query("select name from system.settings where name in ?")
        .bind(DEDUPLICATE.map(|(name, _)| name).as_slice())
        .fetch_all()
        .await
        .map_err(|source| SchemaError::ClickHouse { what: "a look at system.settings".to_owned(), source })?;
    let deduplicate = DEDUPLICATE.into_iter().find(|(name, _)| names.iter().any(|known| known == name));
    Ok(deduplicate
        .into_iter()
        .fold(client.clone(), |client, (name, value)| client.with_setting(name, value))
        .with_setting("async_insert", "0")
        .with_setting("wait_end_of_query", "1")
        .with_setting("max_partitions_per_insert_block", "0"))
}

/// Makes sure of the topics. Waits for Kafka.
pub(crate) async fn topics(config: &Config) {
    while let Err(error) = topics::ensure(&config.cluster, &config.topic, config.layout).await {
        tracing::warn!(%error, "the topics are not there yet; trying again");
        tokio::time::sleep(RETRY).await;
    }
}
