//! Counters, and their text for Prometheus.

use kerf_events::Code;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

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

/// What the collector counts.
#[derive(Default)]
pub(crate) struct Metrics {
    pub(crate) accepted: Counter,
    rejected: [Counter; Code::ALL.len()],
    pub(crate) refused_requests: Counter,
    pub(crate) produced: Counter,
    pub(crate) spooled: Counter,
    pub(crate) drained: Counter,
    pub(crate) dead_letters: Counter,
    pub(crate) truncated_bytes: Counter,
    pub(crate) damaged_bytes: Counter,
}

/// What is read when the text is asked for.
pub(crate) struct Gauges {
    pub(crate) spool_bytes: u64,
    pub(crate) spool_limit_bytes: u64,
    pub(crate) kafka_away: bool,
}

impl Metrics {
    pub(crate) fn reject(&self, code: Code) {
        let place = Code::ALL.iter().position(|known| *known == code);
        if let Some(counter) = place.and_then(|at| self.rejected.get(at)) {
            counter.add(1);
        }
    }

    /// The text form, version 0.0.4.
    pub(crate) fn render(&self, gauges: &Gauges) -> String {
        let mut text = String::new();
        let counters: [(&str, &str, &Counter); 8] = [
            ("events_accepted_total", "events that are durable", &self.accepted),
            ("requests_refused_total", "requests answered with 503", &self.refused_requests),
            ("events_produced_total", "events that Kafka acknowledged", &self.produced),
            ("events_spooled_total", "events written to the spool", &self.spooled),
            ("events_drained_total", "events that left the spool for Kafka", &self.drained),
            ("events_dead_lettered_total", "events that Kafka refused for good", &self.dead_letters),
            ("spool_truncated_bytes_total", "bytes of writes cut short by a kill", &self.truncated_bytes),
            (
                "spool_damaged_bytes_total",
                "bytes of acknowledged events that cannot be read",
                &self.damaged_bytes,
            ),
        ];
        for (name, help, counter) in counters {
            line(&mut text, name, help, "counter", counter.value());
        }
        line(&mut text, "spool_bytes", "bytes that wait in the spool", "gauge", gauges.spool_bytes);
        line(&mut text, "spool_limit_bytes", "bytes that may wait", "gauge", gauges.spool_limit_bytes);
        let away = u64::from(gauges.kafka_away);
        line(&mut text, "kafka_away", "1 while Kafka does not acknowledge", "gauge", away);
        self.render_rejected(&mut text);
        text
    }

    fn render_rejected(&self, text: &mut String) {
        let name = "kerf_collector_events_rejected_total";
        let _ = writeln!(text, "# HELP {name} events refused, by code\n# TYPE {name} counter");
        for (code, counter) in Code::ALL.iter().zip(&self.rejected) {
            let _ = writeln!(text, "{name}{{code=\"{code}\"}} {}", counter.value());
        }
    }
}

/// Writing to a `String` cannot fail.
fn line(text: &mut String, name: &str, help: &str, kind: &str, value: u64) {
    let name = format!("kerf_collector_{name}");
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
}
