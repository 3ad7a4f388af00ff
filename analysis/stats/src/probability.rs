//! Probabilities and error rates as types that cannot be wrong.

use serde::{Deserialize, Serialize};

use crate::{Inconclusive, dist::normal};

/// A probability in the closed interval from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Probability(f64);

impl Probability {
    /// Accepts a number from 0 to 1.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] for anything else, NaN included.
    pub fn new(value: f64) -> Result<Self, Inconclusive> {
        if (0.0..=1.0).contains(&value) {
            Ok(Self(value))
        } else {
            Err(Inconclusive::OutOfDomain { what: "probability" })
        }
    }

    /// The number, from 0 to 1.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Probability {
    type Error = Inconclusive;

    fn try_from(value: f64) -> Result<Self, Self::Error> {
        Self::new(value)
    }
}

impl From<Probability> for f64 {
    fn from(value: Probability) -> Self {
        value.0
    }
}

/// A total error rate, strictly between 0 and 1; two-sided unless a method says otherwise.
///
/// The normal critical values are computed once, on construction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Alpha {
    rate: f64,
    two_sided: f64,
    one_sided: f64,
}

impl Alpha {
    /// Accepts a rate strictly between 0 and 1.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] for anything else, NaN included.
    pub fn new(rate: f64) -> Result<Self, Inconclusive> {
        let outside = Inconclusive::OutOfDomain { what: "alpha" };
        let two_sided = normal::upper_quantile(rate / 2.0).map_err(|_| outside)?;
        let one_sided = normal::upper_quantile(rate).map_err(|_| outside)?;
        Ok(Self { rate, two_sided, one_sided })
    }

    /// The rate.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.rate
    }

    /// The confidence level, 1 minus the rate.
    #[must_use]
    pub fn level(self) -> f64 {
        1.0 - self.rate
    }

    /// The standard normal value that is exceeded in absolute terms with this rate (1.96 for 0.05).
    #[must_use]
    pub const fn two_sided_z(self) -> f64 {
        self.two_sided
    }

    /// The standard normal value that is exceeded upwards with this rate (1.64 for 0.05).
    #[must_use]
    pub const fn one_sided_z(self) -> f64 {
        self.one_sided
    }

    /// The rate that gives a one-sided test of this rate when a two-sided interval is built: twice the rate.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] from a rate of one half on.
    pub fn doubled(self) -> Result<Self, Inconclusive> {
        Self::new(2.0 * self.rate)
    }
}

impl TryFrom<f64> for Alpha {
    type Error = Inconclusive;

    fn try_from(rate: f64) -> Result<Self, Self::Error> {
        Self::new(rate)
    }
}

impl From<Alpha> for f64 {
    fn from(alpha: Alpha) -> Self {
        alpha.rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alpha_carries_both_critical_values() {
        let alpha = Alpha::new(0.05).unwrap();
        assert!((alpha.two_sided_z() - 1.959_963_984_540_054).abs() < 1e-14);
        assert!((alpha.one_sided_z() - 1.644_853_626_951_472_7).abs() < 1e-14);
    }

    #[test]
    fn what_is_no_probability_is_refused() {
        for value in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(Probability::new(value).is_err());
            assert!(Alpha::new(value).is_err());
        }
        assert!(Alpha::new(0.0).is_err());
        assert!(Alpha::new(1.0).is_err());
    }
}
