//! Fieller's confidence set of a ratio of two means, which is not always an interval.

use serde::Serialize;

use super::relative::Means;
use crate::{Estimate, Inconclusive, Interval};

/// The values that the data do not reject; not always an interval when a control is close to zero.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfidenceSet {
    /// The ordinary case.
    Interval(Interval),
    /// Everything at most `below` and everything at least `above`: the control's sign is not known.
    Outside {
        /// The upper end of the lower part.
        below: f64,
        /// The lower end of the upper part.
        above: f64,
        /// The level, between 0 and 1.
        level: f64,
    },
    /// Every value: the data say nothing about the ratio.
    Everything {
        /// The level, between 0 and 1.
        level: f64,
    },
}

impl ConfidenceSet {
    /// The interval, if the set is one.
    #[must_use]
    pub const fn interval(&self) -> Option<Interval> {
        match self {
            Self::Interval(interval) => Some(*interval),
            Self::Outside { .. } | Self::Everything { .. } => None,
        }
    }

    /// Whether the value belongs to the set.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        match self {
            Self::Interval(interval) => interval.contains(value),
            Self::Outside { below, above, .. } => value <= *below || value >= *above,
            Self::Everything { .. } => true,
        }
    }

    pub(super) fn shifted(self, by: f64) -> Self {
        match self {
            Self::Interval(Interval { lower, upper, level }) => {
                let shift = |end: f64| end + by;
                Self::Interval(Interval { lower: lower.map(shift), upper: upper.map(shift), level })
            }
            Self::Outside { below, above, level } => {
                Self::Outside { below: below + by, above: above + by, level }
            }
            Self::Everything { level } => Self::Everything { level },
        }
    }
}

/// Fieller's confidence set of `treatment / control`: the R with `(t − R c)² ≤ q² (V_t + R² V_c)`.
///
/// `critical` is q, the two-sided critical value.
///
/// # Errors
/// [`Inconclusive::OutOfDomain`] for numbers that are not finite, [`Inconclusive::ZeroControl`] for a control of zero
/// without variance, [`Inconclusive::NotConverged`] if the set leaves the range of a double.
pub fn fieller(
    control: Estimate,
    treatment: Estimate,
    critical: f64,
    level: f64,
) -> Result<ConfidenceSet, Inconclusive> {
    let (control, treatment) = (control.sound()?, treatment.sound()?);
    Means::independent(control, treatment, 0.0).ratios(critical, level)
}

impl Means {
    /// Fieller's set of `treatment / control`: the R with `(t − R c)² ≤ q² (V_t − 2 R C + R² V_c)`.
    pub(crate) fn ratios(&self, critical: f64, level: f64) -> Result<ConfidenceSet, Inconclusive> {
        let (c, t) = (self.control, self.treatment);
        let (v_c, v_t, covariance) = (self.control_variance, self.treatment_variance, self.covariance);
        let square = critical * critical;
        // The set solves leading·R² − 2 middle·R + constant ≤ 0.
        let leading = c * c - square * v_c;
        let middle = t * c - square * covariance;
        if leading == 0.0 {
            return half_line(middle, t * t - square * v_t, level);
        }
        let discriminant = square
            * (t * t * v_c + c * c * v_t
                - 2.0 * t * c * covariance
                - square * (v_c * v_t - covariance * covariance));
        if !discriminant.is_finite() {
            return Err(Inconclusive::NotConverged { what: "relative difference" });
        }
        if discriminant < 0.0 && leading < 0.0 {
            return Ok(ConfidenceSet::Everything { level });
        }
        // With a positive leading term t/c itself belongs to the set: a negative discriminant is rounding.
        let (centre, reach) = (middle / leading, discriminant.max(0.0).sqrt() / leading.abs());
        let (below, above) = (centre - reach, centre + reach);
        if !(below.is_finite() && above.is_finite()) {
            return Err(Inconclusive::NotConverged { what: "relative difference" });
        }
        Ok(if leading > 0.0 {
            ConfidenceSet::Interval(Interval::between(below, above, level))
        } else {
            ConfidenceSet::Outside { below, above, level }
        })
    }
}

/// The R with `constant ≤ 2 middle·R`.
fn half_line(middle: f64, constant: f64, level: f64) -> Result<ConfidenceSet, Inconclusive> {
    if middle == 0.0 {
        // Without a variance of a control at zero there is no ratio to speak of.
        return if constant <= 0.0 {
            Ok(ConfidenceSet::Everything { level })
        } else {
            Err(Inconclusive::ZeroControl)
        };
    }
    let end = constant / (2.0 * middle);
    if !end.is_finite() {
        return Err(Inconclusive::NotConverged { what: "relative difference" });
    }
    let (lower, upper) = if middle > 0.0 { (Some(end), None) } else { (None, Some(end)) };
    Ok(ConfidenceSet::Interval(Interval { lower, upper, level }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(value: f64, standard_error: f64) -> Estimate {
        Estimate::new(value, standard_error * standard_error, 100).unwrap()
    }

    #[test]
    fn a_control_at_the_critical_value_leaves_a_half_line() {
        let alike =
            |control: f64, treatment| fieller(at(control, 1.0), at(treatment, 1.0), 2.0, 0.95).unwrap();
        let above = alike(2.0, 6.0).interval().unwrap();
        assert_eq!((above.lower, above.upper), (Some((36.0 - 4.0) / 24.0), None));
        let below = alike(2.0, -6.0).interval().unwrap();
        assert_eq!((below.lower, below.upper), (None, Some(-32.0 / 24.0)));
        assert!(matches!(alike(2.0, 0.0), ConfidenceSet::Everything { .. }));
    }

    #[test]
    fn the_ends_of_fiellers_set_are_where_the_test_is_exactly_critical() {
        let (control, treatment) = (at(3.0, 1.0), at(5.0, 1.5));
        let ends = fieller(control, treatment, 1.96, 0.95).unwrap().interval().unwrap();
        for r in [ends.lower.unwrap(), ends.upper.unwrap()] {
            let z = (treatment.value - r * control.value)
                / (treatment.variance + r * r * control.variance).sqrt();
            assert!((z.abs() - 1.96).abs() < 1e-12);
        }
    }
}
