//! The builder: finds the days that changed, builds them again, and writes the statistics of the experiments concerned.
//!
//! Every step can be killed at any statement and repeated: a day or an experiment is staged, swapped in whole by
//! `replace partition`, and recorded as built only after that. Readers see the old content or the new one.

use jiff::{Timestamp, civil::Date};
use uuid::Uuid;

use crate::{
    clickhouse::{ClickHouse, ClickHouseError, literal},
    days::{self, PRE_DAYS, Plan},
    experiment::Experiment,
    lock::BuilderLock,
    source,
    state::{self, DayBuilds, ExperimentBuild},
    stats_sql::insert_stats,
    tables,
};

/// Why a pass ended early. What it had recorded stays; the next pass goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// ClickHouse gave no answer or refused.
    #[error(transparent)]
    ClickHouse(#[from] ClickHouseError),
    /// The raw tables are not there.
    #[error("the database has no table {table} yet; the loader creates it when it starts")]
    NoRawTables {
        /// One that is missing.
        table: &'static str,
    },
    /// The lock ended while the pass ran, so another builder may have begun.
    #[error("the builder's lock was lost in the middle of a pass; the next pass goes on")]
    LockLost,
    /// An insert ran on for so long that the pass gave up waiting for it.
    #[error("an insert into the raw tables does not end; the next pass waits again")]
    InsertStillRunning,
}

/// What a pass did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PassReport {
    /// Days that were joined to the experiments again.
    pub days: usize,
    /// Experiments whose statistics were written.
    pub experiments: usize,
    /// Experiments whose statistics could not be written, with the reason. Their figures stay as they were.
    pub failed: Vec<(String, String)>,
}

/// The builder of one database.
#[derive(Clone, Debug)]
pub struct Builder {
    clickhouse: ClickHouse,
}

impl Builder {
    /// Creates the builder's tables where they are missing.
    ///
    /// # Errors
    /// See [`ClickHouseError`].
    pub async fn open(clickhouse: ClickHouse) -> Result<Self, ClickHouseError> {
        tables::create(&clickhouse).await?;
        Ok(Self { clickhouse })
    }

    /// Brings every roll-up and the statistics of `experiments` up to what raw has at `now`.
    ///
    /// `Ok(None)` means that another builder is at work.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub async fn pass(
        &self,
        experiments: &[Experiment],
        now: Timestamp,
    ) -> Result<Option<PassReport>, BuildError> {
        let Some(lock) = BuilderLock::acquire(&self.clickhouse).await? else {
            return Ok(None);
        };
        source::end_statements(&self.clickhouse, &statement_prefix(&self.clickhouse)).await?;
        let found = source::blocks(&self.clickhouse).await?;
        source::wait_for_inserts(&self.clickhouse).await?;

        let built = state::day_builds(&self.clickhouse).await?;
        let plan = days::plan(&found, &built.blocks(), days::oldest_rebuildable(now));
        let mut pass = Pass { clickhouse: &self.clickhouse, lock, built };
        pass.build_days(&plan, &found).await?;
        let report = pass.build_experiments(experiments, now).await?;
        Ok(Some(PassReport { days: plan.joined.len(), ..report }))
    }
}

/// Marks the builder's statements on the server.
fn statement_prefix(clickhouse: &ClickHouse) -> String {
    format!("kerf-builder/{}/", clickhouse.database())
}

struct Pass<'a> {
    clickhouse: &'a ClickHouse,
    lock: BuilderLock,
    built: DayBuilds,
}

impl Pass<'_> {
    async fn build_days(&mut self, plan: &Plan, found: &days::Found) -> Result<(), BuildError> {
        for day in &plan.metrics {
            self.swap_day("unit_day", include_str!("../sql/unit_day.sql"), *day).await?;
        }
        let number = self.built.last_pass() + 1;
        for day in &plan.joined {
            if plan.diagnostics.contains(day) {
                self.swap_day("diagnostic_day", include_str!("../sql/diagnostic_day.sql"), *day).await?;
            }
            self.swap_day("experiment_unit_day", include_str!("../sql/experiment_unit_day.sql"), *day)
                .await?;
            let blocks = found.get(day).copied().unwrap_or_default();
            self.execute(state::record_day(*day, blocks, number)).await?;
            self.built.set(*day, blocks, number);
        }
        Ok(())
    }

    async fn swap_day(&self, table: &str, insert: &str, day: Date) -> Result<(), BuildError> {
        let insert = insert.replace("{day}", &day.to_string()).replace("{pre_days}", &PRE_DAYS.to_string());
        self.swap(table, &format!("'{day}'"), insert).await
    }

    /// Builds the statistics that are not of the newest days or of another definition, and moves `as_of` for all that are.
    async fn build_experiments(
        &self,
        experiments: &[Experiment],
        now: Timestamp,
    ) -> Result<PassReport, BuildError> {
        let before = state::experiment_builds(self.clickhouse).await?;
        let mut report = PassReport::default();
        let mut current = Vec::with_capacity(experiments.len());
        for experiment in experiments {
            let definition = experiment.definition();
            let pass = self.built.newest_pass(experiment.last_day);
            let last = before
                .get(&experiment.key)
                .filter(|build| build.definition == definition && build.pass == pass);
            let built_at = match last {
                Some(build) => build.built_at,
                None => match self
                    .swap("experiment_stats", &literal(&experiment.key), insert_stats(experiment))
                    .await
                {
                    Ok(()) => now,
                    // The server's refusal of one experiment must not keep the others from their figures.
                    Err(BuildError::ClickHouse(error @ ClickHouseError::Refused { .. })) => {
                        report.failed.push((experiment.key.clone(), error.to_string()));
                        continue;
                    }
                    Err(error) => return Err(error),
                },
            };
            report.experiments += usize::from(last.is_none());
            let experiment_id = experiment.key.clone();
            current.push(ExperimentBuild { experiment_id, definition, pass, built_at, as_of: now });
        }
        if !current.is_empty() {
            self.execute(state::record_experiments(&current)).await?;
        }
        Ok(report)
    }

    /// Fills the stage of one partition and swaps it in; an empty one is dropped, since ClickHouse refuses to swap nothing.
    async fn swap(&self, table: &str, partition: &str, insert: String) -> Result<(), BuildError> {
        let drop_stage = format!("alter table {table}_stage drop partition {partition}");
        self.execute(drop_stage.clone()).await?;
        self.execute(insert).await?;
        if source::has_partition(self.clickhouse, &format!("{table}_stage"), partition).await? {
            self.execute(format!("alter table {table} replace partition {partition} from {table}_stage"))
                .await?;
            self.execute(drop_stage).await
        } else {
            self.execute(format!("alter table {table} drop partition {partition}")).await
        }
    }

    async fn execute(&self, statement: String) -> Result<(), BuildError> {
        if self.lock.is_lost() {
            return Err(BuildError::LockLost);
        }
        let query_id = format!("{}{}", statement_prefix(self.clickhouse), Uuid::new_v4());
        Ok(self.clickhouse.execute(&query_id, statement).await?)
    }
}
