//! The relative difference (lift) of two independent estimates, with its confidence set.

use serde::Serialize;

use super::{critical_value, two_sided};
use crate::{Alpha, Estimate, Inconclusive, Interval, PValue};

/// Below this ratio of the control to its standard error the interval is Fieller's instead of the delta method's.
///
/// The delta interval of a lift misses mostly where the control came out too large, Fieller's on both sides alike. Around
/// the limit the data choose between them, so that more of both misses are seen: coverage of a 95% interval is 93.4%
/// there for a limit of 10, and 94.4% for 30. Above it the two differ by less than 1% in width.
pub const FIELLER_BELOW: f64 = 30.0;

/// How the confidence set of a relative effect was formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RelativeMethod {
    /// First-order expansion around a control well away from zero.
    Delta,
    /// Fieller's theorem, exact for normal estimates.
    Fieller,
}

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

    fn shifted(self, by: f64) -> Self {
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

/// A relative difference: treatment over control, less one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RelativeEffect {
    /// The estimate (0.02 is a lift of 2%). Negative controls keep their sign in the division.
    pub estimate: f64,
    /// The standard error by the delta method.
    pub standard_error: f64,
    /// The confidence set.
    pub set: ConfidenceSet,
    /// How the set was formed.
    pub method: RelativeMethod,
    /// The two-sided p-value of "the lift is zero" by the delta method. Not that of the difference: the two differ
    /// in their standard errors, and the difference decides.
    pub p_value: PValue,
}

/// The lift of the treatment over the control.
///
/// Delta method: `Var = V_t / c² + t² V_c / c⁴`. Fieller (1954) where the control is within [`FIELLER_BELOW`]
/// standard errors of zero.
///
/// # Errors
/// [`Inconclusive::ZeroControl`] if the control is exactly zero, [`Inconclusive::NoVariance`] if nothing varies,
/// [`Inconclusive::NotConverged`] if the lift leaves the range of a double.
pub fn lift(
    control: Estimate,
    treatment: Estimate,
    alpha: Alpha,
    degrees_of_freedom: Option<f64>,
) -> Result<RelativeEffect, Inconclusive> {
    let (control, treatment) = (control.sound()?, treatment.sound()?);
    let critical = critical_value(alpha, degrees_of_freedom)?;
    let reach = Reach { critical, alpha, degrees_of_freedom };
    lift_of_change(control, treatment, treatment.value - control.value, reach)
}

/// The critical value with what it came from.
#[derive(Clone, Copy)]
pub(super) struct Reach {
    pub(super) critical: f64,
    pub(super) alpha: Alpha,
    pub(super) degrees_of_freedom: Option<f64>,
}

/// [`lift`] for a change that the caller knows more exactly than the difference of the two values.
pub(super) fn lift_of_change(
    control: Estimate,
    treatment: Estimate,
    change: f64,
    reach: Reach,
) -> Result<RelativeEffect, Inconclusive> {
    if control.value == 0.0 {
        return Err(Inconclusive::ZeroControl);
    }
    let ratio = treatment.value / control.value;
    let estimate = change / control.value;
    let variance = (treatment.variance + ratio * ratio * control.variance) / (control.value * control.value);
    if !(estimate.is_finite() && variance.is_finite()) {
        return Err(Inconclusive::NotConverged { what: "relative difference" });
    }
    if variance == 0.0 {
        return Err(Inconclusive::NoVariance);
    }
    let standard_error = variance.sqrt();
    let (method, set) = if control.value.abs() >= FIELLER_BELOW * control.standard_error() {
        let interval = Interval::around(estimate, reach.critical * standard_error, reach.alpha.level());
        (RelativeMethod::Delta, ConfidenceSet::Interval(interval))
    } else {
        let ratios = fieller(control, treatment, reach.critical, reach.alpha.level())?;
        (RelativeMethod::Fieller, ratios.shifted(-1.0))
    };
    let p_value = two_sided(estimate / standard_error, reach.degrees_of_freedom)?;
    Ok(RelativeEffect { estimate, standard_error, set, method, p_value })
}

/// Fieller's confidence set of `treatment / control`: the R with `(t − R c)² ≤ q² (V_t + R² V_c)`.
///
/// `critical` is q, the two-sided critical value.
///
/// # Errors
/// [`Inconclusive::OutOfDomain`] for numbers that are not finite, [`Inconclusive::NotConverged`] if the set leaves the
/// range of a double.
pub fn fieller(
    control: Estimate,
    treatment: Estimate,
    critical: f64,
    level: f64,
) -> Result<ConfidenceSet, Inconclusive> {
    let (control, treatment) = (control.sound()?, treatment.sound()?);
    let (c, t) = (control.value, treatment.value);
    let square = critical * critical;
    // The set solves leading·R² − 2 t c R + constant ≤ 0.
    let leading = c * c - square * control.variance;
    let discriminant = square
        * (t * t * control.variance + c * c * treatment.variance
            - square * control.variance * treatment.variance);
    if discriminant < 0.0 || leading == 0.0 {
        return Ok(ConfidenceSet::Everything { level });
    }
    let (centre, reach) = (t * c / leading, discriminant.sqrt() / leading.abs());
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(value: f64, standard_error: f64) -> Estimate {
        Estimate::new(value, standard_error * standard_error, 100).unwrap()
    }

    #[test]
    fn a_control_without_a_known_sign_gives_no_interval() {
        let alpha = Alpha::new(0.05).unwrap();
        let outside = lift(at(0.1, 1.0), at(9.0, 1.0), alpha, None).unwrap().set;
        assert!(matches!(outside, ConfidenceSet::Outside { below, above, .. } if below < above));
        assert!(outside.contains(89.0) && !outside.contains(-1.0));
        let everything = lift(at(0.1, 1.0), at(0.2, 1.0), alpha, None).unwrap().set;
        assert!(matches!(everything, ConfidenceSet::Everything { .. }));
        assert_eq!(lift(at(0.0, 1.0), at(0.2, 1.0), alpha, None), Err(Inconclusive::ZeroControl));
    }

    #[test]
    fn fieller_and_delta_meet_for_a_precise_control() {
        let alpha = Alpha::new(0.05).unwrap();
        let (control, treatment) = (at(10.0, 0.001), at(11.0, 0.002));
        let delta = lift(control, treatment, alpha, None).unwrap().set.interval().unwrap();
        let exact =
            fieller(control, treatment, alpha.two_sided_z(), 0.95).unwrap().shifted(-1.0).interval().unwrap();
        assert!((delta.lower.unwrap() - exact.lower.unwrap()).abs() < 1e-7);
        assert!((delta.upper.unwrap() - exact.upper.unwrap()).abs() < 1e-7);
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
