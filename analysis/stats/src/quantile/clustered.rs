//! The standard error of a quantile over events, where the units that were assigned have several events each.
//!
//! Deng, Knoblich and Lu, "Applying the delta method in metric analytics" (KDD 2018), section 4.2: the distance of
//! two outer order statistics estimates the density, and the variance of the share of events below the quantile is
//! that of a ratio of unit totals.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Alpha, Estimate, Inconclusive, Pair, Probability};

/// The two levels around a quantile whose values estimate the density there.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct OuterLevels {
    /// The level itself.
    pub level: Probability,
    /// The level below, `p − z √(p (1 − p) / n)`.
    pub lower: Probability,
    /// The level above, `p + z √(p (1 − p) / n)`.
    pub upper: Probability,
    /// The z that spans them, the two-sided normal value of alpha.
    pub z: f64,
    /// The number of events n.
    pub events: u64,
}

#[derive(Deserialize)]
struct Unchecked {
    level: Probability,
    lower: Probability,
    upper: Probability,
    z: f64,
    events: u64,
}

impl TryFrom<Unchecked> for OuterLevels {
    type Error = Inconclusive;

    fn try_from(raw: Unchecked) -> Result<Self, Inconclusive> {
        let Unchecked { level, lower, upper, z, events } = raw;
        Self { level, lower, upper, z, events }.sound()
    }
}

impl OuterLevels {
    /// Returns the levels if they can be those of a sample: the fields are open, so methods ask on entry.
    fn sound(self) -> Result<Self, Inconclusive> {
        let inside = self.level.get() > 0.0 && self.level.get() < 1.0;
        let ordered = self.lower <= self.level && self.level <= self.upper;
        if inside && ordered && self.z.is_finite() && self.z > 0.0 && self.events > 0 {
            Ok(self)
        } else {
            Err(Inconclusive::OutOfDomain { what: "outer levels of the quantile" })
        }
    }

    /// The levels for `events` events, spanning the interval of independent events at 1 − alpha (0.05 is usual).
    ///
    /// # Errors
    /// [`Inconclusive::TooFewUnits`] if a level would leave 0 to 1, that is for `n ≤ z² p / (1 − p)` or its mirror,
    /// [`Inconclusive::OutOfDomain`] for the levels 0 and 1 themselves.
    pub fn around(level: Probability, events: u64, alpha: Alpha) -> Result<Self, Inconclusive> {
        let (p, z) = (level.get(), alpha.two_sided_z());
        if p <= 0.0 || p >= 1.0 {
            return Err(Inconclusive::OutOfDomain { what: "level of the quantile" });
        }
        let odds = p.max(1.0 - p) / p.min(1.0 - p);
        let needed = ((z * z * odds).floor() as u64).saturating_add(1);
        if events < needed {
            return Err(Inconclusive::TooFewUnits { needed, found: events });
        }
        let reach = z * (p * (1.0 - p) / events as f64).sqrt();
        Ok(Self {
            level,
            lower: Probability::new((p - reach).max(0.0))?,
            upper: Probability::new((p + reach).min(1.0))?,
            z,
            events,
        })
    }
}

/// What a clustered quantile of one arm rests on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusteredQuantile {
    /// The levels that were read.
    pub levels: OuterLevels,
    /// The quantile at the level.
    pub value: f64,
    /// The quantile at the lower outer level.
    pub lower: f64,
    /// The quantile at the upper outer level.
    pub upper: f64,
    /// For each unit the number of its events at or below `value`, and the number of its events.
    pub shares: Pair,
}

impl ClusteredQuantile {
    /// The quantile with its variance.
    ///
    /// `((upper − lower) / (2 z))² · V_cluster / (p (1 − p) / n)`: the variance for independent events, times the
    /// factor by which clustering inflates the variance of the share below.
    ///
    /// # Errors
    /// [`Inconclusive::NoVariance`] if the outer values coincide (the quantile lies in a lump of equal values),
    /// [`Inconclusive::OutOfDomain`] if they or the levels are not in order, else as [`Pair::ratio`].
    pub fn estimate(&self) -> Result<Estimate, Inconclusive> {
        let width = self.upper - self.lower;
        if width < 0.0 || !(self.lower..=self.upper).contains(&self.value) {
            return Err(Inconclusive::OutOfDomain { what: "outer values of the quantile" });
        }
        if width == 0.0 {
            return Err(Inconclusive::NoVariance);
        }
        let levels = self.levels.sound()?;
        let p = levels.level.get();
        let independent = p * (1.0 - p) / levels.events as f64;
        let inflation = self.shares.ratio()?.variance / independent;
        let spread = width / (2.0 * levels.z);
        let estimate = Estimate::new(self.value, spread * spread * inflation, self.shares.units())?;
        Ok(Estimate { degrees_of_freedom: None, ..estimate })
    }

    /// From all events of an arm, as (unit, value) in any order.
    ///
    /// Quantiles are type 1 (observed values).
    ///
    /// # Errors
    /// As [`OuterLevels::around`], and [`Inconclusive::OutOfDomain`] if a value is not finite.
    pub fn of_events<U: Ord>(
        events: &[(U, f64)],
        level: Probability,
        alpha: Alpha,
    ) -> Result<Self, Inconclusive> {
        use super::order::{Ordered, Rule};
        let ordered = Ordered::new(events.iter().map(|event| event.1).collect())?;
        let levels = OuterLevels::around(level, events.len() as u64, alpha)?;
        let at = |level| ordered.quantile(level, Rule::InverseDistribution);
        let value = at(levels.level)?;
        let mut units: BTreeMap<&U, (u64, u64)> = BTreeMap::new();
        for (unit, event) in events {
            let (below, all) = units.entry(unit).or_default();
            *below += u64::from(*event <= value);
            *all += 1;
        }
        let mut shares = Pair::empty();
        for (below, all) in units.into_values() {
            shares.push(below as f64, all as f64)?;
        }
        Ok(Self { levels, value, lower: at(levels.lower)?, upper: at(levels.upper)?, shares })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(p: f64) -> Probability {
        Probability::new(p).unwrap()
    }

    fn alpha() -> Alpha {
        Alpha::new(0.05).unwrap()
    }

    #[test]
    fn repeating_every_event_of_a_unit_changes_nothing_but_the_count() {
        // Ten copies of each event in its unit hold no more information than one.
        let once: Vec<(u32, f64)> =
            (0..4_000_u32).map(|i| (i, f64::from(i.wrapping_mul(2_654_435_761) >> 8))).collect();
        let ten: Vec<(u32, f64)> = once.iter().flat_map(|event| [*event; 10]).collect();
        let of = |events: &[(u32, f64)]| {
            ClusteredQuantile::of_events(events, level(0.9), alpha()).unwrap().estimate().unwrap()
        };
        let (single, repeated) = (of(&once), of(&ten));
        assert_eq!(single.value, repeated.value);
        assert!((repeated.variance / single.variance - 1.0).abs() < 0.35);
        assert_eq!(repeated.units, 4_000);
    }

    #[test]
    fn the_order_of_events_does_not_matter() {
        let by_unit: Vec<(u32, f64)> =
            (0..4_000_u32).map(|i| (i / 10, f64::from((i / 10 * 7_919 + i) % 4_001))).collect();
        let mut by_value = by_unit.clone();
        by_value.sort_by(|a, b| a.1.total_cmp(&b.1));
        let of = |events: &[(u32, f64)]| ClusteredQuantile::of_events(events, level(0.5), alpha()).unwrap();
        assert_eq!(of(&by_value), of(&by_unit));
        assert_eq!(of(&by_value).shares.units(), 400);
    }

    #[test]
    fn levels_that_no_sample_has_are_refused() {
        let json = serde_json::to_value(OuterLevels::around(level(0.9), 1_000, alpha()).unwrap()).unwrap();
        assert!(serde_json::from_value::<OuterLevels>(json.clone()).is_ok());
        for (field, value) in [("events", 0.0), ("z", 0.0), ("z", -1.0), ("lower", 0.95), ("level", 1.0)] {
            let mut wrong = json.clone();
            wrong[field] = if field == "events" { 0.into() } else { value.into() };
            assert!(serde_json::from_value::<OuterLevels>(wrong).is_err(), "{field} {value}");
        }
    }

    #[test]
    fn a_level_too_far_out_for_the_sample_is_named() {
        assert_eq!(
            OuterLevels::around(level(0.99), 380, alpha()),
            Err(Inconclusive::TooFewUnits { needed: 381, found: 380 })
        );
        assert!(OuterLevels::around(level(0.99), 381, alpha()).is_ok());
        assert!(OuterLevels::around(level(1.0), 381, alpha()).is_err());
    }

    #[test]
    fn a_lump_of_equal_values_has_no_error() {
        let events: Vec<(u32, f64)> = (0..1_000).map(|i| (i, 3.0)).collect();
        let quantile = ClusteredQuantile::of_events(&events, level(0.5), alpha()).unwrap();
        assert_eq!(quantile.estimate(), Err(Inconclusive::NoVariance));
    }
}
