//! Winsorisation: values beyond a limit count as the limit.
//!
//! The limits are decided over all arms together: limits of each arm would cut a real effect away. They bias the mean
//! towards the bulk in exchange for a smaller variance, the same in every arm under no effect.

use serde::{Deserialize, Serialize};

use super::{Ordered, Rule, TDigest};
use crate::{Inconclusive, Probability};

/// The limits of a metric; `None` leaves that side alone.
///
/// Source: Tukey, "The future of data analysis", Annals of Mathematical Statistics 33 (1962).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Smaller values count as this.
    pub lower: Option<f64>,
    /// Larger values count as this.
    pub upper: Option<f64>,
}

impl Limits {
    /// Limits that are stated by the caller.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] if they are out of order or not finite.
    pub fn absolute(lower: Option<f64>, upper: Option<f64>) -> Result<Self, Inconclusive> {
        let finite = lower.is_none_or(f64::is_finite) && upper.is_none_or(f64::is_finite);
        let ordered = lower.zip(upper).is_none_or(|(lower, upper)| lower <= upper);
        if finite && ordered {
            Ok(Self { lower, upper })
        } else {
            Err(Inconclusive::OutOfDomain { what: "limits of winsorisation" })
        }
    }

    /// Limits at percentiles of the values of all arms together.
    ///
    /// # Errors
    /// [`Inconclusive::NoUnits`] without values, [`Inconclusive::OutOfDomain`] if the levels are out of order.
    pub fn at_percentiles(
        all_arms: &Ordered,
        lower: Option<Probability>,
        upper: Option<Probability>,
        rule: Rule,
    ) -> Result<Self, Inconclusive> {
        let at = |level: Option<Probability>| level.map(|level| all_arms.quantile(level, rule)).transpose();
        Self::absolute(at(lower)?, at(upper)?)
    }

    /// The same from the merged digest of all arms.
    ///
    /// # Errors
    /// As [`Limits::at_percentiles`].
    pub fn of_digest(
        all_arms: &TDigest,
        lower: Option<Probability>,
        upper: Option<Probability>,
    ) -> Result<Self, Inconclusive> {
        let at = |level: Option<Probability>| level.map(|level| all_arms.quantile(level)).transpose();
        Self::absolute(at(lower)?, at(upper)?)
    }

    /// The value that counts.
    #[must_use]
    pub fn apply(&self, value: f64) -> f64 {
        let raised = self.lower.map_or(value, |lower| value.max(lower));
        self.upper.map_or(raised, |upper| raised.min(upper))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_come_from_all_arms_and_cut_both_sides() {
        let control = Ordered::new((1..=50).map(f64::from).collect()).unwrap();
        let treatment = Ordered::new((51..=100).map(f64::from).collect()).unwrap();
        let level = |p| Some(Probability::new(p).unwrap());
        let all = control.merge(treatment);
        let limits =
            Limits::at_percentiles(&all, level(0.05), level(0.95), Rule::InverseDistribution).unwrap();
        assert_eq!((limits.lower, limits.upper), (Some(5.0), Some(95.0)));
        assert_eq!((limits.apply(1.0), limits.apply(50.0), limits.apply(1e9)), (5.0, 50.0, 95.0));
        assert_eq!(Limits::default().apply(1e9), 1e9);
        assert!(Limits::absolute(Some(2.0), Some(1.0)).is_err());
        assert!(Limits::at_percentiles(&all, level(0.9), level(0.1), Rule::Linear).is_err());
    }
}
