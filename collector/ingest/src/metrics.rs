//! What operators see of the collector, in the text form of OpenMetrics that Prometheus reads.

use kerf_events::Code;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

/// What the collector counts.
#[derive(Default)]
pub(crate) struct Metrics {
    pub(crate) accepted: Counter,
    rejected: Family<Rejected, Counter>,
    pub(crate) refused_requests: Counter,
    pub(crate) produced: Counter,
    pub(crate) spooled: Counter,
    pub(crate) drained: Counter,
    pub(crate) dead_letters: Counter,
    pub(crate) truncated_bytes: Counter,
    pub(crate) damaged_bytes: Counter,
}

/// The label of a refused event.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Rejected {
    code: &'static str,
}

/// What is read when the text is asked for.
pub(crate) struct Gauges {
    pub(crate) spool_bytes: u64,
    pub(crate) spool_limit_bytes: u64,
    pub(crate) kafka_away: bool,
}

impl Metrics {
    pub(crate) fn reject(&self, code: Code) {
        self.rejected(code).inc();
    }

    fn rejected(&self, code: Code) -> Counter {
        self.rejected.get_or_create(&Rejected { code: code.as_str() }).clone()
    }

    /// The text.
    pub(crate) fn render(&self, gauges: &Gauges) -> String {
        let mut registry = Registry::with_prefix("kerf_collector");
        for (name, help, counter) in [
            ("events_accepted", "events that are durable", &self.accepted),
            ("requests_refused", "requests answered with 503", &self.refused_requests),
            ("events_produced", "events that Kafka acknowledged", &self.produced),
            ("events_spooled", "events written to the spool", &self.spooled),
            ("events_drained", "events that left the spool for Kafka", &self.drained),
            ("events_dead_lettered", "events that Kafka refused for good", &self.dead_letters),
            ("spool_truncated_bytes", "bytes of writes cut short by a kill", &self.truncated_bytes),
            ("spool_damaged_bytes", "bytes of acknowledged events that cannot be read", &self.damaged_bytes),
        ] {
            registry.register(name, help, counter.clone());
        }
        for (name, help, value) in [
            ("spool_bytes", "bytes that wait in the spool", gauges.spool_bytes),
            ("spool_limit_bytes", "bytes that may wait", gauges.spool_limit_bytes),
            ("kafka_away", "1 while Kafka does not acknowledge", gauges.kafka_away.into()),
        ] {
            registry.register(name, help, ConstGauge::new(value));
        }
        // A code that was never given is shown as 0.
        Code::ALL.iter().for_each(|code| drop(self.rejected(*code)));
        registry.register("events_rejected", "events refused, by code", self.rejected.clone());
        let mut text = String::new();
        // Writing to a `String` cannot fail.
        let _ = text::encode(&mut text, &registry);
        text
    }
}
