//! What the builder remembers, in two small tables: the blocks that each day contains, and what each experiment's
//! statistics were built from.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use serde::Deserialize;

use crate::{
    clickhouse::{ClickHouse, ClickHouseError, literal},
    days::{Blocks, Found},
};

/// The days that were built, each with its blocks and the number of the pass that built it.
#[derive(Debug, Default)]
pub(crate) struct DayBuilds(BTreeMap<Date, (Blocks, u64)>);

impl DayBuilds {
    /// The blocks that each day contains.
    pub(crate) fn blocks(&self) -> Found {
        self.0.iter().map(|(day, (blocks, _))| (*day, *blocks)).collect()
    }

    /// The number of the last pass that built a day; 0 before the first.
    pub(crate) fn last_pass(&self) -> u64 {
        self.newest_pass(None)
    }

    /// The newest pass that built one of the days up to `last_day`; 0 when there is none.
    pub(crate) fn newest_pass(&self, last_day: Option<Date>) -> u64 {
        let until = last_day.unwrap_or(Date::MAX);
        self.0.range(..=until).map(|(_, (_, pass))| *pass).max().unwrap_or(0)
    }

    pub(crate) fn set(&mut self, day: Date, blocks: Blocks, pass: u64) {
        self.0.insert(day, (blocks, pass));
    }
}

/// What the statistics of an experiment were built from.
#[derive(Clone, Debug)]
pub(crate) struct ExperimentBuild {
    pub(crate) experiment_id: String,
    pub(crate) definition: String,
    pub(crate) pass: u64,
    pub(crate) built_at: Timestamp,
    pub(crate) as_of: Timestamp,
}

#[derive(Deserialize)]
struct DayRow {
    day: Date,
    metric: u64,
    exposure: u64,
    diagnostic: u64,
    pass: u64,
}

#[derive(Deserialize)]
struct ExperimentRow {
    experiment_id: String,
    definition: String,
    pass: u64,
    built_ms: i64,
    as_of_ms: i64,
}

/// Reads the days that were built.
pub(crate) async fn day_builds(clickhouse: &ClickHouse) -> Result<DayBuilds, ClickHouseError> {
    let rows: Vec<DayRow> =
        clickhouse.rows("select day, metric, exposure, diagnostic, pass from day_build final").await?;
    let build = |row: DayRow| {
        let blocks = Blocks { metric: row.metric, exposure: row.exposure, diagnostic: row.diagnostic };
        (row.day, (blocks, row.pass))
    };
    Ok(DayBuilds(rows.into_iter().map(build).collect()))
}

/// The statement that records a day as built.
pub(crate) fn record_day(day: Date, blocks: Blocks, pass: u64) -> String {
    let Blocks { metric, exposure, diagnostic } = blocks;
    format!("insert into day_build values ('{day}', {metric}, {exposure}, {diagnostic}, {pass})")
}

/// Reads what was built of every experiment.
pub(crate) async fn experiment_builds(
    clickhouse: &ClickHouse,
) -> Result<BTreeMap<String, ExperimentBuild>, ClickHouseError> {
    let builds = read_experiments(clickhouse, "1").await?;
    Ok(builds.into_iter().map(|build| (build.experiment_id.clone(), build)).collect())
}

/// Reads what was built of one experiment; `None` before its first build.
pub(crate) async fn experiment_build(
    clickhouse: &ClickHouse,
    key: &str,
) -> Result<Option<ExperimentBuild>, ClickHouseError> {
    let builds = read_experiments(clickhouse, &format!("experiment_id = {}", literal(key))).await?;
    Ok(builds.into_iter().next())
}

async fn read_experiments(
    clickhouse: &ClickHouse,
    filter: &str,
) -> Result<Vec<ExperimentBuild>, ClickHouseError> {
    let select = format!(
        "select experiment_id, definition, pass, toUnixTimestamp64Milli(built_at) as built_ms,
           toUnixTimestamp64Milli(as_of) as as_of_ms
         from experiment_build final where {filter}"
    );
    let rows: Vec<ExperimentRow> = clickhouse.rows(select).await?;
    let at = |ms: i64| {
        Timestamp::from_millisecond(ms).map_err(|error| ClickHouseError::Unreadable {
            detail: format!("a time in experiment_build: {error}"),
        })
    };
    rows.into_iter()
        .map(|row| {
            Ok(ExperimentBuild {
                built_at: at(row.built_ms)?,
                as_of: at(row.as_of_ms)?,
                experiment_id: row.experiment_id,
                definition: row.definition,
                pass: row.pass,
            })
        })
        .collect()
}

/// The statement that records experiments as built; `as_of` moves for all that are up to date.
pub(crate) fn record_experiments(builds: &[ExperimentBuild]) -> String {
    let rows: Vec<String> = builds
        .iter()
        .map(|build| {
            format!(
                "({}, {}, {}, fromUnixTimestamp64Milli({}), fromUnixTimestamp64Milli({}))",
                literal(&build.experiment_id),
                literal(&build.definition),
                build.pass,
                build.built_at.as_millisecond(),
                build.as_of.as_millisecond()
            )
        })
        .collect();
    format!("insert into experiment_build values {}", rows.join(", "))
}
