//! What a planned experiment measures, as far as planning needs it.

use serde::{Deserialize, Serialize};

use crate::inconclusive::{finite, positive};
use crate::{Inconclusive, Mean, Probability};

/// A metric with its baseline; variances are per unit of the experiment (not of the mean).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Metric {
    /// Share of units that convert.
    Proportion {
        /// Rate in the control arm.
        rate: Probability,
    },
    /// Mean of one value per unit.
    Mean {
        /// Mean in the control arm.
        mean: f64,
        /// Sample variance of the values in the control arm.
        variance: f64,
        /// That in the treatment arm; the same if `None`.
        treatment_variance: Option<f64>,
    },
    /// Ratio of two sums over units.
    Ratio {
        /// Ratio in the control arm.
        ratio: f64,
        /// Variance of the linearised value `(y - R·x) / mean(x)` per unit: n times the delta-method variance of the ratio.
        variance: f64,
        /// That in the treatment arm; the same if `None`.
        treatment_variance: Option<f64>,
    },
    /// Events over exposure, independent of each other but for the dispersion.
    Count {
        /// Events per exposure in the control arm.
        rate: f64,
        /// Exposure that one unit brings.
        exposure: f64,
        /// Variance of a unit's events over their mean: 1 for Poisson, above 1 where events cluster.
        dispersion: f64,
    },
    /// A quantile of the values.
    Quantile {
        /// The quantile's value in the control arm.
        value: f64,
        /// Its level, such as 0.5 or 0.99.
        level: Probability,
        /// Density of the values at the quantile, also assumed for the treatment.
        density: f64,
    },
}

impl Metric {
    /// The metric that an arm's moments describe.
    ///
    /// # Errors
    /// [`Inconclusive::TooFewUnits`] below two units.
    pub fn from_mean(seen: &Mean) -> Result<Self, Inconclusive> {
        Ok(Self::Mean { mean: seen.mean(), variance: seen.variance()?, treatment_variance: None })
    }

    /// The value in the control arm.
    #[must_use]
    pub fn baseline(&self) -> f64 {
        match self {
            Self::Proportion { rate } => rate.get(),
            Self::Mean { mean, .. } => *mean,
            Self::Ratio { ratio, .. } => *ratio,
            Self::Count { rate, .. } => *rate,
            Self::Quantile { value, .. } => *value,
        }
    }

    /// Variance per unit where the metric's value is `baseline + difference`.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] when that value is impossible (a rate outside 0 to 1, negative counts) or the
    /// description is; [`Inconclusive::NoVariance`] when nothing varies there.
    pub fn unit_variance(&self, difference: f64) -> Result<f64, Inconclusive> {
        let value = finite(self.baseline() + difference, "the metric's value under the alternative")?;
        let variance = match self {
            Self::Proportion { .. } => {
                if !(0.0..=1.0).contains(&value) {
                    return Err(Inconclusive::OutOfDomain { what: "the rate under the alternative" });
                }
                value * (1.0 - value)
            }
            Self::Mean { variance, .. } | Self::Ratio { variance, .. } => finite(*variance, "the variance")?,
            Self::Count { exposure, dispersion, .. } => {
                if value < 0.0 {
                    return Err(Inconclusive::OutOfDomain { what: "the event rate under the alternative" });
                }
                value * positive(*dispersion, "the dispersion")? / positive(*exposure, "the exposure")?
            }
            Self::Quantile { level, density, .. } => {
                level.get() * (1.0 - level.get()) / positive(*density, "the density")?.powi(2)
            }
        };
        if variance > 0.0 { Ok(variance) } else { Err(Inconclusive::NoVariance) }
    }

    /// Variance per unit in the treatment arm where its value is `baseline + difference`.
    ///
    /// # Errors
    /// As [`Metric::unit_variance`].
    pub fn treatment_unit_variance(&self, difference: f64) -> Result<f64, Inconclusive> {
        let own = self.unit_variance(difference)?;
        match self.stated_treatment_variance() {
            None => Ok(own),
            Some(variance) if finite(variance, "the treatment's variance")? > 0.0 => Ok(variance),
            Some(_) => Err(Inconclusive::NoVariance),
        }
    }

    /// Variance per unit of both arms together where they differ by `difference`, `share` of all units being in the
    /// treatment arm: what a pooled test divides by.
    pub(super) fn pooled_unit_variance(&self, difference: f64, share: f64) -> Result<f64, Inconclusive> {
        match self.stated_treatment_variance() {
            None => self.unit_variance(difference * share),
            Some(_) => Ok((1.0 - share) * self.unit_variance(0.0)?
                + share * self.treatment_unit_variance(difference)?),
        }
    }

    const fn stated_treatment_variance(&self) -> Option<f64> {
        match self {
            Self::Mean { treatment_variance, .. } | Self::Ratio { treatment_variance, .. } => {
                *treatment_variance
            }
            _ => None,
        }
    }

    /// Largest difference that keeps the metric possible, in the direction of the sign of `direction`.
    #[must_use]
    pub(super) fn farthest(&self, direction: f64) -> f64 {
        match (self, direction > 0.0) {
            (Self::Proportion { rate }, true) => 1.0 - rate.get(),
            (Self::Proportion { rate }, false) => rate.get(),
            (Self::Count { rate, .. }, false) => *rate,
            _ => f64::INFINITY,
        }
    }
}

/// A change to detect.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// In the unit of the metric.
    Absolute(f64),
    /// As a share of the baseline (0.02 is a lift of 2%).
    Relative(f64),
}

impl Change {
    /// The change in the unit of the metric.
    ///
    /// # Errors
    /// [`Inconclusive::ZeroControl`] for a relative change of a metric whose baseline is zero;
    /// [`Inconclusive::OutOfDomain`] if it is not finite.
    pub fn difference(self, metric: &Metric) -> Result<f64, Inconclusive> {
        match self {
            Self::Absolute(difference) => finite(difference, "the change"),
            Self::Relative(_) if metric.baseline() == 0.0 => Err(Inconclusive::ZeroControl),
            Self::Relative(lift) => finite(lift * metric.baseline(), "the change"),
        }
    }
}
