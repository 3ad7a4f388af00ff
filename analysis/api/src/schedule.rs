//! The builder's schedule: list the experiments, run a pass, wait, again; a failure is logged and tried again.

use std::{future::Future, sync::Arc, time::Duration};

use jiff::Timestamp;
use kerf_warehouse::{Builder, ClickHouse};
use tokio::time;

use crate::{
    control_plane::{ControlPlane, Experiment},
    metrics::Metrics,
};

/// What the schedule works with.
pub(crate) struct Schedule {
    pub(crate) clickhouse: ClickHouse,
    pub(crate) control_plane: ControlPlane,
    pub(crate) key: String,
    pub(crate) pause: Duration,
    pub(crate) metrics: Arc<Metrics>,
}

impl Schedule {
    /// Runs until `shutdown`; a pass that is cut short is completed by the next one.
    pub(crate) async fn run(self, shutdown: impl Future<Output = ()>) {
        tokio::select! {
            () = shutdown => {}
            () = self.repeat() => {}
        }
    }

    async fn repeat(&self) {
        let builder = loop {
            match Builder::open(self.clickhouse.clone()).await {
                Ok(builder) => break builder,
                Err(error) => self.failed(&error).await,
            }
        };
        let mut experiments = Vec::new();
        loop {
            match self.control_plane.experiments(&self.key).await {
                Ok(listed) => experiments = listed.iter().filter_map(Experiment::to_build).collect(),
                // The days can be built all the same, and the experiments that were known.
                Err(error) => tracing::warn!(%error, "the experiments could not be listed"),
            }
            let began = Timestamp::now();
            match builder.pass(&experiments, began).await {
                Ok(report) => self.done(began, report).await,
                Err(error) => self.failed(&error).await,
            }
        }
    }

    async fn done(&self, began: Timestamp, report: Option<kerf_warehouse::PassReport>) {
        if let Some(report) = report {
            for (experiment, error) in &report.failed {
                tracing::error!(experiment, error, "statistics could not be built");
            }
            if report.days > 0 || report.experiments > 0 {
                tracing::info!(days = report.days, experiments = report.experiments, "built");
            }
            self.metrics.pass_done(began, Timestamp::now(), &report);
        }
        time::sleep(self.pause).await;
    }

    async fn failed(&self, error: &(dyn std::error::Error + Sync)) {
        self.metrics.pass_failed();
        let cause = error.source().map(ToString::to_string).unwrap_or_default();
        tracing::warn!(%error, cause, "a build failed and is tried again");
        time::sleep(self.pause).await;
    }
}
