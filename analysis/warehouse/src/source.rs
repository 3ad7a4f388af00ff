//! What the raw tables and the server say before a pass: newest blocks, running inserts, statements left behind.

use std::{collections::BTreeSet, time::Duration};

use jiff::civil::Date;
use serde::Deserialize;
use tokio::time;

use crate::{
    builder::BuildError,
    clickhouse::{ClickHouse, ClickHouseError, literal},
    days::Found,
};

/// The tables that the loader fills and the builder reads.
const RAW_TABLES: [&str; 4] = ["raw_metric", "raw_exposure", "raw_diagnostic", "exposure"];

/// How long to wait for inserts that were running when the block numbers were read.
const SETTLE_LIMIT: Duration = Duration::from_secs(120);

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Part {
    raw: String,
    day: Date,
    block: u64,
}

#[derive(Deserialize)]
struct Rows {
    rows: u64,
}

/// The newest block of each day in the raw tables.
pub(crate) async fn blocks(clickhouse: &ClickHouse) -> Result<Found, BuildError> {
    let tables: Vec<Named> =
        clickhouse.rows("select name from system.tables where database = currentDatabase()").await?;
    if let Some(table) = RAW_TABLES.into_iter().find(|table| !tables.iter().any(|found| found.name == *table))
    {
        return Err(BuildError::NoRawTables { table });
    }
    let parts: Vec<Part> = clickhouse
        .rows(
            "select table as raw, partition as day, max(max_block_number) as block from system.parts
             where database = currentDatabase() and table in ('raw_metric', 'raw_exposure', 'raw_diagnostic') and active
             group by raw, day",
        )
        .await?;
    let mut found = Found::new();
    for Part { raw, day, block } in parts {
        let blocks = found.entry(day).or_default();
        match raw.as_str() {
            "raw_metric" => blocks.metric = block,
            "raw_exposure" => blocks.exposure = block,
            _ => blocks.diagnostic = block,
        }
    }
    Ok(found)
}

/// Waits until every insert that runs now has ended.
///
/// An insert into `raw_exposure` shows its block before the view's rows are in `exposure`. A day that was built between
/// the two would count as done without them.
pub(crate) async fn wait_for_inserts(clickhouse: &ClickHouse) -> Result<(), BuildError> {
    let running = "select query_id as name from system.processes where query_kind = 'Insert'
        and current_database = currentDatabase() and not startsWith(query_id, 'kerf-builder')";
    let names = async || -> Result<BTreeSet<String>, ClickHouseError> {
        Ok(clickhouse.rows::<Named>(running).await?.into_iter().map(|query| query.name).collect())
    };
    let deadline = time::Instant::now() + SETTLE_LIMIT;
    let first = names().await?;
    let mut left = first.clone();
    while !left.is_empty() {
        if time::Instant::now() > deadline {
            return Err(BuildError::InsertStillRunning);
        }
        time::sleep(Duration::from_millis(20)).await;
        left = names().await?.intersection(&first).cloned().collect();
    }
    Ok(())
}

/// Ends the statements with this prefix that a killed builder left running, and waits until they have ended.
pub(crate) async fn end_statements(clickhouse: &ClickHouse, prefix: &str) -> Result<(), ClickHouseError> {
    let statement = format!("kill query where startsWith(query_id, {}) sync format Null", literal(prefix));
    clickhouse.execute("", statement).await
}

/// Whether a table has rows in a partition (a literal).
pub(crate) async fn has_partition(
    clickhouse: &ClickHouse,
    table: &str,
    partition: &str,
) -> Result<bool, ClickHouseError> {
    let select = format!(
        "select sum(rows) as rows from system.parts
         where database = currentDatabase() and table = {} and partition = {partition} and active",
        literal(table)
    );
    Ok(clickhouse.rows::<Rows>(select).await?.iter().any(|count| count.rows > 0))
}
