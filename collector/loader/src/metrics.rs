//! What operators see of the loader, in the text form of OpenMetrics that Prometheus reads.

use crate::rows::Table;
use kerf_events::RecordFault;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::sync::atomic::AtomicBool;

/// What the loader counts.
#[derive(Default)]
pub(crate) struct Metrics {
    rows: Family<Rows, Counter>,
    dead_letters: Family<DeadLetters, Counter>,
    pub(crate) batches: Counter,
    pub(crate) insert_retries: Counter,
    pub(crate) commits: Counter,
    pub(crate) commit_failures: Counter,
    /// Messages behind the end of the owned partitions, as the broker last said.
    pub(crate) lag: Gauge,
    pub(crate) partitions: Gauge,
    pub(crate) paused: Gauge,
    /// Set once the schema is there and the consumer runs.
    pub(crate) ready: AtomicBool,
}

/// The label of rows.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Rows {
    table: &'static str,
}

/// The label of dead letters.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct DeadLetters {
    reason: &'static str,
}

impl Metrics {
    /// The counter of a table's rows; a repeat counts again.
    pub(crate) fn rows(&self, table: Table) -> Counter {
        self.rows.get_or_create(&Rows { table: table.name() }).clone()
    }

    pub(crate) fn dead_letter(&self, fault: &RecordFault) {
        self.dead_letters.get_or_create(&DeadLetters { reason: fault.reason() }).inc();
    }

    /// The text.
    pub(crate) fn render(&self) -> String {
        let mut registry = Registry::with_prefix("kerf_loader");
        // A table without rows is shown as 0.
        Table::ALL.iter().for_each(|table| drop(self.rows(*table)));
        registry.register("rows", "rows that ClickHouse confirmed", self.rows.clone());
        registry.register(
            "dead_letters",
            "messages sent to the dead-letter topic",
            self.dead_letters.clone(),
        );
        for (name, help, counter) in [
            ("batches", "batches stored", &self.batches),
            ("insert_retries", "inserts that were not confirmed and sent again", &self.insert_retries),
            ("commits", "offset commits", &self.commits),
            ("commit_failures", "offset commits that failed", &self.commit_failures),
        ] {
            registry.register(name, help, counter.clone());
        }
        for (name, help, gauge) in [
            ("lag", "messages in owned partitions whose offsets are not committed", &self.lag),
            ("partitions", "partitions owned", &self.partitions),
            ("paused", "1 while ClickHouse is slower than Kafka", &self.paused),
        ] {
            registry.register(name, help, gauge.clone());
        }
        let mut text = String::new();
        // Writing to a `String` cannot fail.
        let _ = text::encode(&mut text, &registry);
        text
    }
}
