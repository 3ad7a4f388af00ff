//! Normal posteriors: means of many units, where the variance counts as known.

use serde::{Deserialize, Serialize};

use super::posterior::{Posterior, Shift, spread_points};
use crate::dist::normal;
use crate::moments::Mean;
use crate::{Estimate, Inconclusive};

/// What was believed about a mean before the experiment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NormalPrior {
    /// Nothing: the flat, improper prior.
    Flat,
    /// Normal with this mean and standard deviation, both in the unit of the metric.
    Informative {
        /// Expected value.
        mean: f64,
        /// Standard deviation, positive.
        standard_deviation: f64,
    },
}

impl NormalPrior {
    /// The posterior after `seen`, an estimate whose sampling variance counts as known.
    ///
    /// Precisions (inverse variances) add, and the mean is the one weighted by them. For few units use
    /// `super::student`.
    ///
    /// Source: Gelman et al., *Bayesian Data Analysis*, 3rd ed., section 2.5, eqs. 2.9 and 2.10.
    ///
    /// # Errors
    /// [`Inconclusive::NoVariance`] when the estimate has no sampling variance; [`Inconclusive::OutOfDomain`] for a
    /// prior without a positive, finite standard deviation.
    pub fn update(self, seen: &Estimate) -> Result<NormalPosterior, Inconclusive> {
        if seen.sound()?.variance <= 0.0 {
            return Err(Inconclusive::NoVariance);
        }
        match self {
            Self::Flat => NormalPosterior::new(seen.value, seen.variance.sqrt()),
            Self::Informative { mean, standard_deviation } => {
                if !(standard_deviation > 0.0 && standard_deviation.is_finite() && mean.is_finite()) {
                    return Err(Inconclusive::OutOfDomain { what: "the normal prior" });
                }
                let prior_variance = standard_deviation * standard_deviation;
                // Written as shrinkage, which loses nothing when one of the precisions is far greater.
                let weight_of_data = prior_variance / (prior_variance + seen.variance);
                let value = mean + weight_of_data * (seen.value - mean);
                NormalPosterior::new(value, (weight_of_data * seen.variance).sqrt())
            }
        }
    }

    /// The posterior after the moments of one arm.
    ///
    /// # Errors
    /// As [`NormalPrior::update`], and [`Inconclusive::TooFewUnits`] below two units.
    pub fn update_mean(self, seen: &Mean) -> Result<NormalPosterior, Inconclusive> {
        self.update(&seen.estimate()?)
    }
}

/// Normal(mean, standard deviation).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NormalPosterior {
    mean: f64,
    standard_deviation: f64,
}

impl NormalPosterior {
    /// The normal distribution with this mean and standard deviation.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] unless both are finite and the deviation is positive.
    pub fn new(mean: f64, standard_deviation: f64) -> Result<Self, Inconclusive> {
        if mean.is_finite() && standard_deviation.is_finite() && standard_deviation > 0.0 {
            Ok(Self { mean, standard_deviation })
        } else {
            Err(Inconclusive::OutOfDomain { what: "a normal posterior" })
        }
    }

    /// The posterior of `self - other` when the two are independent.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        Self {
            mean: self.mean - other.mean,
            standard_deviation: self.standard_deviation.hypot(other.standard_deviation),
        }
    }

    /// `P(θ > 0)`.
    #[must_use]
    pub fn probability_positive(&self) -> f64 {
        normal::sf(-self.mean / self.standard_deviation)
    }

    /// `P(θ < 0)`.
    #[must_use]
    pub fn probability_negative(&self) -> f64 {
        normal::sf(self.mean / self.standard_deviation)
    }

    /// `E[max(θ, 0)]`: what is lost when a true improvement θ is not shipped.
    #[must_use]
    pub fn expected_gain(&self) -> f64 {
        self.standard_deviation * unit_loss(-self.mean / self.standard_deviation)
    }

    /// `E[max(-θ, 0)]`: what is lost when a change with effect θ is shipped.
    #[must_use]
    pub fn expected_loss(&self) -> f64 {
        self.standard_deviation * unit_loss(self.mean / self.standard_deviation)
    }

    fn standardised(&self, value: f64) -> f64 {
        (value - self.mean) / self.standard_deviation
    }

    fn tails_at(z: f64) -> (f64, f64) {
        (normal::cdf(z), normal::sf(z))
    }
}

/// Standard deviations to either side beyond which a normal density is below the least double.
const REACH: f64 = 38.0;

/// `E[max(Z - z, 0)]` of a standard normal Z: `φ(z) - z·P(Z > z)`, with its relative precision in the far tail.
///
/// The two terms cancel for large z, so from 2 on the continued fraction of the repeated integrals of erfc is used:
/// `P(Z > z) / (z + 2/(z + 3/(z + ...)))`.
///
/// Source: Abramowitz and Stegun, eqs. 7.2.5 and 7.2.13 (recurrence of the repeated integrals).
#[must_use]
pub fn unit_loss(z: f64) -> f64 {
    if z < 2.0 {
        return normal::pdf(z) - z * normal::sf(z);
    }
    let fraction = (2..160).rev().fold(z, |tail, term| z + f64::from(term) / tail);
    normal::sf(z) / fraction
}

impl Posterior for NormalPosterior {
    fn origin(&self) -> f64 {
        self.mean
    }

    fn about(&self, origin: f64) -> Self {
        Self { mean: self.mean - origin, ..*self }
    }

    fn density(&self, u: f64) -> f64 {
        normal::pdf(self.standardised(u)) / self.standard_deviation
    }

    fn tails(&self, u: f64) -> Result<(f64, f64), Inconclusive> {
        Ok(Self::tails_at(self.standardised(u)))
    }

    fn tails_after(&self, u: f64, shift: Shift) -> Result<(f64, f64), Inconclusive> {
        // The distance meets the mean first, where the two may cancel exactly.
        let (ratio, distance) = shift.line();
        Ok(Self::tails_at((u * ratio + (distance - self.mean)) / self.standard_deviation))
    }

    fn quantile(&self, p: f64) -> Result<f64, Inconclusive> {
        Ok(self.mean + self.standard_deviation * normal::quantile(p)?)
    }

    fn upper_quantile(&self, p: f64) -> Result<f64, Inconclusive> {
        Ok(self.mean + self.standard_deviation * normal::upper_quantile(p)?)
    }

    fn grain(&self) -> f64 {
        self.standard_deviation
    }

    fn landmarks(&self) -> Vec<f64> {
        let reach = REACH * self.standard_deviation;
        spread_points(self.mean, self.standard_deviation, reach, reach)
    }

    fn landmarks_before(&self, shift: Shift) -> Vec<f64> {
        self.landmarks().into_iter().map(|point| shift.undo(point)).collect()
    }

    fn slope(_u: f64) -> f64 {
        1.0
    }

    fn log_lift(origin: f64, from: f64, to: f64) -> f64 {
        ((to - from) / (origin + from)).ln_1p()
    }

    fn mean(&self) -> Result<f64, Inconclusive> {
        Ok(self.mean)
    }

    fn standard_deviation(&self) -> Result<f64, Inconclusive> {
        Ok(self.standard_deviation)
    }

    fn is_positive(&self) -> Result<bool, Inconclusive> {
        Ok(self.tails(0.0)?.0 < 1e-9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unit_loss_keeps_its_digits_in_the_tail() {
        // mpmath 1.4.1, 60 digits: npdf(z) - z*erfc(z/sqrt(2))/2.
        for (z, expected) in [
            (-3.0, 3.000_382_154_317_047_6),
            (0.0, 0.398_942_280_401_432_7),
            (1.999, 0.008_513_479_762_264_81),
            (2.0, 0.008_490_702_616_829_638),
            (6.0, 1.563_569_795_970_966_4e-10),
            (30.0, 1.631_956_734_091_401_2e-199),
        ] {
            let actual = unit_loss(z);
            assert!((actual / expected - 1.0).abs() < 1e-11, "{z}: {actual} against {expected}");
        }
    }
}
