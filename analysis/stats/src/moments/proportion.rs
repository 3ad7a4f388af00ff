//! Converted units of all units, and events over exposure.

use serde::{Deserialize, Serialize};

use crate::{Alpha, Estimate, Inconclusive, Interval, inconclusive::finite};

/// Units of an arm and how many of them converted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Proportion {
    units: u64,
    conversions: u64,
}

#[derive(Deserialize)]
struct Unchecked {
    units: u64,
    conversions: u64,
}

impl TryFrom<Unchecked> for Proportion {
    type Error = Inconclusive;

    fn try_from(raw: Unchecked) -> Result<Self, Inconclusive> {
        Self::new(raw.units, raw.conversions)
    }
}

impl Proportion {
    /// Accepts counts with at most as many conversions as units.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] otherwise: events were counted instead of units.
    pub fn new(units: u64, conversions: u64) -> Result<Self, Inconclusive> {
        if conversions > units {
            return Err(Inconclusive::OutOfDomain { what: "number of conversions (more than units)" });
        }
        Ok(Self { units, conversions })
    }

    /// The units of this part and of another, disjoint one.
    #[must_use]
    pub const fn merge(self, other: Self) -> Self {
        Self {
            units: self.units.saturating_add(other.units),
            conversions: self.conversions.saturating_add(other.conversions),
        }
    }

    /// The units.
    #[must_use]
    pub const fn units(&self) -> u64 {
        self.units
    }

    /// The units that converted.
    #[must_use]
    pub const fn conversions(&self) -> u64 {
        self.conversions
    }

    /// Conversions per unit, from 0 to 1.
    ///
    /// # Errors
    /// [`Inconclusive::NoUnits`] without units.
    pub fn rate(&self) -> Result<f64, Inconclusive> {
        if self.units == 0 {
            Err(Inconclusive::NoUnits)
        } else {
            Ok(self.conversions as f64 / self.units as f64)
        }
    }

    /// The rate with the variance `p (1 − p) / n`.
    ///
    /// # Errors
    /// [`Inconclusive::NoUnits`] without units.
    pub fn estimate(&self) -> Result<Estimate, Inconclusive> {
        let rate = self.rate()?;
        let complement = (self.units - self.conversions) as f64 / self.units as f64;
        Estimate::new(rate, rate * complement / self.units as f64, self.units)
    }

    /// Wilson's two-sided interval of the rate: the π with `|p − π| ≤ z sqrt(π (1 − π) / n)`.
    ///
    /// It holds at any count, zero and all included, where `p ± z sqrt(p (1 − p) / n)` has no width.
    ///
    /// Source: Wilson, JASA 22 (1927).
    ///
    /// # Errors
    /// [`Inconclusive::NoUnits`] without units.
    pub fn wilson_interval(&self, alpha: Alpha) -> Result<Interval, Inconclusive> {
        let rate = self.rate()?;
        let complement = (self.units - self.conversions) as f64 / self.units as f64;
        let square = alpha.two_sided_z().powi(2) / self.units as f64;
        // The ends are the roots of (1 + s) π² − (2p + s) π + p²: the lower one without cancellation by their product.
        let far = rate + 0.5 * square + (square * (rate * complement + 0.25 * square)).sqrt();
        let upper = if self.conversions == self.units { 1.0 } else { (far / (1.0 + square)).min(1.0) };
        Ok(Interval::between(rate * rate / far, upper, alpha.level()))
    }
}

/// Events over exposure (unit-days, sessions), for rates of independent events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "UncheckedCount")]
pub struct Count {
    events: u64,
    exposure: f64,
}

#[derive(Deserialize)]
struct UncheckedCount {
    events: u64,
    exposure: f64,
}

impl TryFrom<UncheckedCount> for Count {
    type Error = Inconclusive;

    fn try_from(raw: UncheckedCount) -> Result<Self, Inconclusive> {
        Self::new(raw.events, raw.exposure)
    }
}

impl Count {
    /// Accepts events over a positive exposure.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] unless the exposure is finite and not negative.
    pub fn new(events: u64, exposure: f64) -> Result<Self, Inconclusive> {
        finite(exposure, "exposure")?;
        if exposure < 0.0 {
            return Err(Inconclusive::OutOfDomain { what: "exposure" });
        }
        Ok(Self { events, exposure })
    }

    /// The events and exposure of this part and of another, disjoint one.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        Self { events: self.events.saturating_add(other.events), exposure: self.exposure + other.exposure }
    }

    /// The events.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// The exposure, in the caller's unit of time.
    #[must_use]
    pub const fn exposure(&self) -> f64 {
        self.exposure
    }

    /// Events per exposure with the Poisson variance `events / exposure²`.
    ///
    /// # Errors
    /// [`Inconclusive::NoUnits`] without exposure.
    pub fn estimate(&self) -> Result<Estimate, Inconclusive> {
        if self.exposure == 0.0 {
            return Err(Inconclusive::NoUnits);
        }
        let rate = self.events as f64 / self.exposure;
        let estimate = Estimate::new(rate, rate / self.exposure, self.events.max(1))?;
        Ok(Estimate { degrees_of_freedom: None, ..estimate })
    }
}
