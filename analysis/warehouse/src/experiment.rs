//! What the warehouse has to know about an experiment: its key, its metrics, and its last day.

use std::collections::BTreeSet;

use jiff::civil::Date;

/// An experiment as the builder sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Experiment {
    /// The key, which events carry.
    pub key: String,
    /// The metric whose non-zero events convert a unit.
    pub primary_metric: String,
    /// Metrics that must not get worse.
    pub guardrail_metrics: Vec<String>,
    /// The last day (UTC) whose exposures and events count; `None` while it runs. Days count whole.
    pub last_day: Option<Date>,
}

/// A metric of one experiment and the names under which raw events carry it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Metric {
    pub(crate) name: String,
    pub(crate) event_names: Vec<String>,
}

impl Experiment {
    /// The metrics that statistics are built for, the primary first, each once.
    pub(crate) fn metrics(&self) -> Vec<Metric> {
        let mut seen = BTreeSet::new();
        std::iter::once(&self.primary_metric)
            .chain(&self.guardrail_metrics)
            .filter(|name| seen.insert(name.as_str()))
            .map(|name| Metric { name: name.clone(), event_names: self.event_names(name) })
            .collect()
    }

    /// A metric counts for every experiment, or for this one alone; a `conversion` of this one is its primary metric.
    fn event_names(&self, metric: &str) -> Vec<String> {
        let own = |name: &str| format!("{}/{name}", self.key);
        let mut names = vec![metric.to_owned(), own(metric)];
        if metric == self.primary_metric && metric != "conversion" {
            names.push(own("conversion"));
        }
        names
    }

    /// Everything that the statistics depend on beside events; another text means that they have to be built again.
    pub(crate) fn definition(&self) -> String {
        let metrics =
            self.metrics().into_iter().map(|metric| metric.event_names.join("|")).collect::<Vec<_>>();
        let last_day = self.last_day.map_or_else(|| "open".to_owned(), |day| day.to_string());
        format!("1 {last_day} {}", metrics.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn experiment() -> Experiment {
        Experiment {
            key: "checkout".into(),
            primary_metric: "purchase".into(),
            guardrail_metrics: vec!["crash_rate".into(), "purchase".into()],
            last_day: None,
        }
    }

    #[test]
    fn the_primary_metric_is_also_the_conversion_of_its_experiment() {
        let metrics = experiment().metrics();
        assert_eq!(metrics.len(), 2);
        assert_eq!(metrics[0].event_names, ["purchase", "checkout/purchase", "checkout/conversion"]);
        assert_eq!(metrics[1].event_names, ["crash_rate", "checkout/crash_rate"]);
    }

    #[test]
    fn another_metric_or_end_is_another_definition() {
        let mut ended = experiment();
        ended.last_day = Some(jiff::civil::date(2026, 6, 1));
        let mut other = experiment();
        other.guardrail_metrics.push("errors".into());
        assert_ne!(experiment().definition(), ended.definition());
        assert_ne!(experiment().definition(), other.definition());
    }
}
