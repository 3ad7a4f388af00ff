//! Generated histories of exposures and metrics, and what they must add up to, counted the slow way.
//!
//! The generator seeks the places where roll-ups go wrong: events at the very millisecond of the first exposure and one
//! before it, units in two variants, units without events, values that cancel to zero, repeats, several names of one
//! metric, several experiments, days on both sides of the end.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use kerf_warehouse::{ClickHouse, Dimension, Experiment, MetricSums};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use uuid::Uuid;

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;

/// An exposure as the loader stores it.
#[derive(Clone, Debug)]
pub struct Exposure {
    /// Number of the unit.
    pub unit: u32,
    /// Key of the experiment.
    pub experiment: &'static str,
    /// Variant served.
    pub variant: &'static str,
    /// Time, in ms since the epoch.
    pub at: i64,
    /// Values of country, platform and device.
    pub segment: [&'static str; 3],
    /// Idempotency key.
    pub id: Uuid,
}

/// A metric event as the loader stores it.
#[derive(Clone, Debug)]
pub struct Metric {
    /// Number of the unit.
    pub unit: u32,
    /// Stored name, such as `purchase` or `checkout/purchase`.
    pub name: &'static str,
    /// Time, in ms since the epoch.
    pub at: i64,
    /// Value.
    pub value: f64,
    /// Idempotency key.
    pub id: Uuid,
}

/// A set of events.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The exposures.
    pub exposures: Vec<Exposure>,
    /// The metric events.
    pub metrics: Vec<Metric>,
}

/// Statistics by dimension, value and variant; `None` counts units in several variants.
pub type Expected = BTreeMap<(String, String, Option<String>), (u64, BTreeMap<String, MetricSums>)>;

impl History {
    /// Generates events of `units` people in the ten days that begin at `start` (ms since the epoch, a midnight).
    #[must_use]
    pub fn generate(seed: u64, units: u32, start: i64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let mut history = Self::default();
        for unit in 0..units {
            history.add_unit(unit, start, &mut random);
        }
        history
    }

    fn add_unit(&mut self, unit: u32, start: i64, random: &mut StdRng) {
        let first = start + 2 * DAY_MS + random.random_range(0..6 * DAY_MS);
        let segment = [
            *["DE", "FR", ""].choose(random).unwrap_or(&""),
            *["web", "ios"].choose(random).unwrap_or(&""),
            *["mobile", "desktop"].choose(random).unwrap_or(&""),
        ];
        for experiment in ["checkout", "search"] {
            let mut variant = if random.random_bool(0.5) { "control" } else { "treatment" };
            for number in 0..random.random_range(0..4_u32) {
                if number > 0 && random.random_bool(0.05) {
                    variant = "treatment";
                }
                let at = first + i64::from(number) * random.random_range(0..DAY_MS);
                self.exposures.push(Exposure { unit, experiment, variant, at, segment, id: new_id(random) });
            }
        }
        let edges = [first - 1, first, first + 1, first - first % DAY_MS, first - first % DAY_MS - 1];
        for _ in 0..random.random_range(0..9_u32) {
            let at = match random.random_range(0..3_u32) {
                0 => *edges.choose(random).unwrap_or(&first),
                _ => start + random.random_range(0..10 * DAY_MS),
            };
            let names = [
                "purchase",
                "checkout/purchase",
                "checkout/conversion",
                "search/purchase",
                "latency",
                "unrelated",
            ];
            let name = *names.choose(random).unwrap_or(&"purchase");
            let value = *[1.0, 1.0, 2.5, 0.0, -1.0].choose(random).unwrap_or(&1.0);
            self.metrics.push(Metric { unit, name, at, value, id: new_id(random) });
        }
    }

    /// Splits off about a share of the events, such as those that come late.
    #[must_use]
    pub fn split(self, share: f64, seed: u64) -> (Self, Self) {
        let mut random = StdRng::seed_from_u64(seed);
        let (late_exposures, exposures) = self.exposures.into_iter().partition(|_| random.random_bool(share));
        let (late_metrics, metrics) = self.metrics.into_iter().partition(|_| random.random_bool(share));
        (Self { exposures, metrics }, Self { exposures: late_exposures, metrics: late_metrics })
    }

    /// Inserts every event, as the loader would.
    ///
    /// # Panics
    /// If ClickHouse refuses.
    #[expect(clippy::unwrap_used, reason = "test set-up")]
    pub async fn insert(&self, clickhouse: &ClickHouse) {
        let metrics: Vec<String> = self.metrics.iter().map(Metric::row).collect();
        let exposures: Vec<String> = self.exposures.iter().map(Exposure::row).collect();
        let metric_columns = "raw_metric (unit, metric, ts, event_id, value)";
        let exposure_columns =
            "raw_exposure (unit, experiment_id, variant, ts, event_id, country, platform, device)";
        for (table, rows) in [(metric_columns, metrics), (exposure_columns, exposures)] {
            if !rows.is_empty() {
                clickhouse
                    .execute("", format!("insert into {table} values {}", rows.join(",")))
                    .await
                    .unwrap();
            }
        }
    }

    /// Counts, event by event and unit by unit, what the statistics of an experiment must be.
    #[must_use]
    pub fn expected(&self, experiment: &Experiment) -> Expected {
        let counts = |at: i64| experiment.last_day.is_none_or(|last| day_of(at) <= last);
        let mut people: BTreeMap<u32, Vec<&Exposure>> = BTreeMap::new();
        for exposure in self.exposures.iter().filter(|exposure| exposure.experiment == experiment.key) {
            people.entry(exposure.unit).or_default().push(exposure);
        }
        let mut expected = Expected::new();
        for (unit, exposures) in people {
            let Some(first) = exposures.iter().min_by_key(|exposure| (exposure.at, exposure.id)) else {
                continue;
            };
            if !counts(first.at) {
                continue;
            }
            let variants: BTreeSet<_> = exposures.iter().map(|exposure| exposure.variant).collect();
            let variant = (variants.len() == 1).then(|| first.variant.to_owned());
            let values: Vec<_> = metric_names(experiment)
                .into_iter()
                .map(|(metric, names)| (metric, self.unit_values(unit, first.at, &names, counts)))
                .collect();
            for (dimension, value) in slices(first) {
                let cell = expected.entry((dimension, value, variant.clone())).or_default();
                cell.0 += 1;
                for (metric, unit_values) in &values {
                    add(cell.1.entry(metric.clone()).or_default(), *unit_values);
                }
            }
        }
        expected
    }

    /// Whether a unit converted, its total after the first exposure, and its total in the week before.
    fn unit_values(
        &self,
        unit: u32,
        first: i64,
        names: &[String],
        counts: impl Fn(i64) -> bool,
    ) -> (bool, f64, f64) {
        let week_before = (first - first % DAY_MS) - 7 * DAY_MS;
        let own = self
            .metrics
            .iter()
            .filter(|event| event.unit == unit && names.iter().any(|name| name == event.name));
        let (mut converted, mut after, mut before) = (false, 0.0, 0.0);
        for event in own {
            if event.at >= first && counts(event.at) {
                converted |= event.value != 0.0;
                after += event.value;
            } else if event.at < first && event.at >= week_before {
                before += event.value;
            }
        }
        (converted, after, before)
    }
}

impl Exposure {
    fn row(&self) -> String {
        let Self { unit, experiment, variant, at, segment: [country, platform, device], id } = self;
        format!(
            "({}, '{experiment}', '{variant}', fromUnixTimestamp64Milli({at}), '{id}', '{country}', '{platform}', '{device}')",
            unit_literal(*unit)
        )
    }
}

impl Metric {
    fn row(&self) -> String {
        let Self { unit, name, at, value, id } = self;
        format!("({}, '{name}', fromUnixTimestamp64Milli({at}), '{id}', {value})", unit_literal(*unit))
    }
}

fn unit_literal(unit: u32) -> String {
    format!("unhex('{unit:032x}')")
}

fn new_id(random: &mut StdRng) -> Uuid {
    Uuid::from_u128(random.random())
}

/// The UTC day of a time.
fn day_of(at: i64) -> Date {
    TimeZone::UTC.to_datetime(Timestamp::from_millisecond(at).unwrap_or_default()).date()
}

/// Each metric with the stored names that count for it, by the rule of ARCHITECTURE.md, "Results".
fn metric_names(experiment: &Experiment) -> Vec<(String, Vec<String>)> {
    let key = &experiment.key;
    let primary = &experiment.primary_metric;
    let mut names = vec![(
        primary.clone(),
        vec![primary.clone(), format!("{key}/{primary}"), format!("{key}/conversion")],
    )];
    for guardrail in &experiment.guardrail_metrics {
        names.push((guardrail.clone(), vec![guardrail.clone(), format!("{key}/{guardrail}")]));
    }
    names
}

fn slices(first: &Exposure) -> Vec<(String, String)> {
    let named = Dimension::ALL.iter().zip(first.segment).map(|(dimension, value)| (dimension.name(), value));
    std::iter::once(("all", ""))
        .chain(named)
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn add(sums: &mut MetricSums, (converted, after, before): (bool, f64, f64)) {
    sums.converted += u64::from(converted);
    sums.sums.units += 1;
    sums.sums.first += after;
    sums.sums.second += before;
    sums.sums.first_squared += after * after;
    sums.sums.second_squared += before * before;
    sums.sums.product += after * before;
}
