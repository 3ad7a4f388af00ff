//! Counters of this service as Prometheus text.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use jiff::Timestamp;
use kerf_warehouse::PassReport;

/// What is counted.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    passes: AtomicU64,
    failed_passes: AtomicU64,
    days: AtomicU64,
    experiments: AtomicU64,
    failed_experiments: AtomicU64,
    pass_milliseconds: AtomicI64,
    last_pass_at: AtomicI64,
    results: AtomicU64,
    failed_results: AtomicU64,
}

impl Metrics {
    pub(crate) fn pass_done(&self, began: Timestamp, ended: Timestamp, report: &PassReport) {
        let count = |counter: &AtomicU64, by: usize| counter.fetch_add(by as u64, Ordering::Relaxed);
        count(&self.passes, 1);
        count(&self.days, report.days);
        count(&self.experiments, report.experiments);
        count(&self.failed_experiments, report.failed.len());
        self.pass_milliseconds.store(ended.as_millisecond() - began.as_millisecond(), Ordering::Relaxed);
        self.last_pass_at.store(ended.as_second(), Ordering::Relaxed);
    }

    pub(crate) fn pass_failed(&self) {
        self.failed_passes.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn answered(&self, success: bool) {
        let counter = if success { &self.results } else { &self.failed_results };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// The text of `/metrics`.
    pub(crate) fn text(&self) -> String {
        let counters = [
            ("kerf_analysis_passes_total", "Builder passes that ended well", &self.passes),
            ("kerf_analysis_failed_passes_total", "Builder passes that failed", &self.failed_passes),
            ("kerf_analysis_days_built_total", "Days joined to the experiments", &self.days),
            ("kerf_analysis_experiments_built_total", "Statistics written", &self.experiments),
            ("kerf_analysis_failed_experiments_total", "Statistics that failed", &self.failed_experiments),
            ("kerf_analysis_results_total", "Results answered", &self.results),
            ("kerf_analysis_failed_results_total", "Results refused or not available", &self.failed_results),
        ];
        let gauges = [
            ("kerf_analysis_pass_milliseconds", "Duration of the last pass", &self.pass_milliseconds),
            ("kerf_analysis_last_pass_timestamp_seconds", "When the last pass ended", &self.last_pass_at),
        ];
        let counters =
            counters.map(|(name, help, value)| line(name, help, "counter", value.load(Ordering::Relaxed)));
        let gauges =
            gauges.map(|(name, help, value)| line(name, help, "gauge", value.load(Ordering::Relaxed)));
        counters.concat() + &gauges.concat()
    }
}

fn line(name: &str, help: &str, kind: &str, value: impl std::fmt::Display) -> String {
    format!("# HELP {name} {help}.\n# TYPE {name} {kind}\n{name} {value}\n")
}
