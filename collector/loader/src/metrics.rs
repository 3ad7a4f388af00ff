//! Counters, and their text for Prometheus.

use crate::rows::Table;
use kerf_events::RecordFault;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// A number that only grows.
#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, n: usize) {
        self.0.fetch_add(n as u64, Ordering::Relaxed);
    }

    fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What the loader counts.
#[derive(Default)]
pub(crate) struct Metrics {
    rows: [Counter; Table::ALL.len()],
    dead_letters: Mutex<BTreeMap<&'static str, u64>>,
    pub(crate) batches: Counter,
    pub(crate) insert_retries: Counter,
    pub(crate) commits: Counter,
    pub(crate) commit_failures: Counter,
    /// Messages behind the end of the owned partitions, as the broker last said.
    pub(crate) lag: AtomicI64,
    pub(crate) partitions: AtomicI64,
    pub(crate) paused: AtomicBool,
    /// Set once the schema is there and the consumer runs.
    pub(crate) ready: AtomicBool,
}

impl Metrics {
    /// The counter of a table's rows; a repeat counts again.
    pub(crate) fn rows(&self, table: Table) -> &Counter {
        let [metric, exposure, diagnostic] = &self.rows;
        match table {
            Table::Metric => metric,
            Table::Exposure => exposure,
            Table::Diagnostic => diagnostic,
        }
    }

    pub(crate) fn dead_letter(&self, fault: &RecordFault) {
        *self
            .dead_letters
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(fault.reason())
            .or_default() += 1;
    }

    /// The text form, version 0.0.4.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        head(&mut text, "rows_total", "rows that ClickHouse confirmed", "counter");
        for table in Table::ALL {
            let _ = writeln!(
                text,
                "kerf_loader_rows_total{{table=\"{}\"}} {}",
                table.name(),
                self.rows(table).value()
            );
        }
        head(&mut text, "dead_letters_total", "messages sent to the dead-letter topic", "counter");
        for (reason, count) in self.dead_letters.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let _ = writeln!(text, "kerf_loader_dead_letters_total{{reason=\"{reason}\"}} {count}");
        }
        for (name, help, counter) in [
            ("batches_total", "batches stored", &self.batches),
            ("insert_retries_total", "inserts that were not confirmed and sent again", &self.insert_retries),
            ("commits_total", "offset commits", &self.commits),
            ("commit_failures_total", "offset commits that failed", &self.commit_failures),
        ] {
            head(&mut text, name, help, "counter");
            let _ = writeln!(text, "kerf_loader_{name} {}", counter.value());
        }
        for (name, help, value) in [
            (
                "lag",
                "messages in owned partitions whose offsets are not committed",
                self.lag.load(Ordering::Relaxed),
            ),
            ("partitions", "partitions owned", self.partitions.load(Ordering::Relaxed)),
            (
                "paused",
                "1 while ClickHouse is slower than Kafka",
                i64::from(self.paused.load(Ordering::Relaxed)),
            ),
        ] {
            head(&mut text, name, help, "gauge");
            let _ = writeln!(text, "kerf_loader_{name} {value}");
        }
        text
    }
}

/// Writing to a `String` cannot fail.
fn head(text: &mut String, name: &str, help: &str, kind: &str) {
    let _ = writeln!(text, "# HELP kerf_loader_{name} {help}\n# TYPE kerf_loader_{name} {kind}");
}
