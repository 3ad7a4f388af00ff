//! The builder's own tables: nobody else writes them, and only this crate reads them.

use crate::clickhouse::{ClickHouse, ClickHouseError};

/// The roll-ups whose days are staged and swapped, in the order in which they are built.
pub(crate) const ROLLUPS: [&str; 3] = ["unit_day", "experiment_unit_day", "diagnostic_day"];

/// Numbered DDL; each statement can be repeated.
const DDL: [&str; 6] = [
    include_str!("../ddl/01_unit_day.sql"),
    include_str!("../ddl/02_experiment_unit_day.sql"),
    include_str!("../ddl/03_diagnostic_day.sql"),
    include_str!("../ddl/04_experiment_stats.sql"),
    include_str!("../ddl/05_day_build.sql"),
    include_str!("../ddl/06_experiment_build.sql"),
];

/// Creates the database and the tables that are not there yet.
pub(crate) async fn create(clickhouse: &ClickHouse) -> Result<(), ClickHouseError> {
    clickhouse.create_database().await?;
    for statement in DDL {
        clickhouse.execute("", statement).await?;
    }
    for table in ROLLUPS.into_iter().chain(["experiment_stats"]) {
        clickhouse.execute("", format!("create table if not exists {table}_stage as {table}")).await?;
    }
    Ok(())
}
