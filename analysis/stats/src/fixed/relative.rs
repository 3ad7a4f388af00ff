//! The relative difference (lift) of two independent estimates, with its confidence set.

use serde::Serialize;

pub use super::fieller::{ConfidenceSet, fieller};
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

/// A lift with its confidence set: treatment over control, less one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Lift {
    /// The estimate (0.02 is a lift of 2%). Negative controls keep their sign in the division.
    pub estimate: f64,
    /// The standard error by the delta method.
    pub standard_error: f64,
    /// The confidence set.
    pub set: ConfidenceSet,
    /// How the set was formed.
    pub method: RelativeMethod,
}

/// A [`Lift`] of a test that is read once, with its p-value.
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
    /// The two-sided p-value of "the lift is zero", by the method of the set: it is at most alpha exactly when the set
    /// excludes zero. With Fieller's set it is that of `(t − c) / sqrt(V_t + V_c)`; by the delta method it divides by
    /// another standard error than the test of the difference, which decides.
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
    lift_of(control, treatment, alpha, degrees_of_freedom, None)
}

/// [`lift`] by a method that the caller chooses, wherever the control is.
///
/// # Errors
/// As [`lift`].
pub fn lift_by(
    method: RelativeMethod,
    control: Estimate,
    treatment: Estimate,
    alpha: Alpha,
    degrees_of_freedom: Option<f64>,
) -> Result<RelativeEffect, Inconclusive> {
    lift_of(control, treatment, alpha, degrees_of_freedom, Some(method))
}

fn lift_of(
    control: Estimate,
    treatment: Estimate,
    alpha: Alpha,
    degrees_of_freedom: Option<f64>,
    method: Option<RelativeMethod>,
) -> Result<RelativeEffect, Inconclusive> {
    let (control, treatment) = (control.sound()?, treatment.sound()?);
    let critical = critical_value(alpha, degrees_of_freedom)?;
    let means = Means::independent(control, treatment, treatment.value - control.value);
    means.effect(Reach { critical, alpha, degrees_of_freedom }, method)
}

/// The critical value with what it came from.
#[derive(Clone, Copy)]
pub(crate) struct Reach {
    pub(crate) critical: f64,
    pub(crate) alpha: Alpha,
    pub(crate) degrees_of_freedom: Option<f64>,
}

/// Two means with their joint sampling variance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Means {
    pub(crate) control: f64,
    pub(crate) treatment: f64,
    /// Treatment less control; the caller may know it more exactly than the difference of the two.
    pub(crate) change: f64,
    pub(crate) control_variance: f64,
    pub(crate) treatment_variance: f64,
    pub(crate) covariance: f64,
}

impl Means {
    pub(crate) const fn independent(control: Estimate, treatment: Estimate, change: f64) -> Self {
        Self {
            control: control.value,
            treatment: treatment.value,
            change,
            control_variance: control.variance,
            treatment_variance: treatment.variance,
            covariance: 0.0,
        }
    }

    /// The variance of `treatment − ratio · control`.
    pub(crate) fn variance_at(&self, ratio: f64) -> f64 {
        self.treatment_variance + ratio * ratio * self.control_variance - 2.0 * ratio * self.covariance
    }

    /// The lift with its variance by the delta method.
    fn delta(&self) -> Result<(f64, f64), Inconclusive> {
        if self.control == 0.0 {
            return Err(Inconclusive::ZeroControl);
        }
        let estimate = self.change / self.control;
        let variance = self.variance_at(self.treatment / self.control) / (self.control * self.control);
        if !(estimate.is_finite() && variance.is_finite()) {
            return Err(Inconclusive::NotConverged { what: "relative difference" });
        }
        if variance > 0.0 { Ok((estimate, variance)) } else { Err(Inconclusive::NoVariance) }
    }

    /// The lift and its confidence set with a critical value; the method by the distance of the control from zero
    /// unless it is given.
    pub(crate) fn lift(
        &self,
        critical: f64,
        level: f64,
        method: Option<RelativeMethod>,
    ) -> Result<Lift, Inconclusive> {
        let (estimate, variance) = self.delta()?;
        let standard_error = variance.sqrt();
        let method = method.unwrap_or_else(|| {
            if self.control.abs() >= FIELLER_BELOW * self.control_variance.sqrt() {
                RelativeMethod::Delta
            } else {
                RelativeMethod::Fieller
            }
        });
        let set = match method {
            RelativeMethod::Delta => {
                ConfidenceSet::Interval(Interval::around(estimate, critical * standard_error, level))
            }
            RelativeMethod::Fieller => self.ratios(critical, level)?.shifted(-1.0),
        };
        Ok(Lift { estimate, standard_error, set, method })
    }

    /// [`Means::lift`] with the p-value that belongs to the set.
    pub(crate) fn effect(
        &self,
        reach: Reach,
        method: Option<RelativeMethod>,
    ) -> Result<RelativeEffect, Inconclusive> {
        let Lift { estimate, standard_error, set, method } =
            self.lift(reach.critical, reach.alpha.level(), method)?;
        let statistic = match method {
            RelativeMethod::Delta => estimate / standard_error,
            RelativeMethod::Fieller => self.change / self.variance_at(1.0).sqrt(),
        };
        if !statistic.is_finite() {
            return Err(Inconclusive::NotConverged { what: "relative difference" });
        }
        let p_value = two_sided(statistic, reach.degrees_of_freedom)?;
        Ok(RelativeEffect { estimate, standard_error, set, method, p_value })
    }
}

/// A lift of two means that may be correlated, before an error rate is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LiftEstimate {
    /// Treatment over control, less one.
    pub value: f64,
    /// Its variance by the delta method; no interval follows from it near a control of zero, see
    /// [`LiftEstimate::effect`].
    pub variance: f64,
    /// Degrees of freedom of that variance.
    pub degrees_of_freedom: Option<f64>,
    #[serde(skip)]
    means: Means,
    #[serde(skip)]
    of_difference: Option<f64>,
}

impl LiftEstimate {
    /// Joins the means with the degrees of freedom of the variance of the lift and of the difference.
    pub(crate) fn new(
        means: Means,
        degrees_of_freedom: Option<f64>,
        of_difference: Option<f64>,
    ) -> Result<Self, Inconclusive> {
        let (value, variance) = means.delta()?;
        Ok(Self { value, variance, degrees_of_freedom, means, of_difference })
    }

    /// The lift with its confidence set: Fieller's where the control is within [`FIELLER_BELOW`] standard errors of
    /// zero, with the degrees of freedom of the difference there.
    ///
    /// # Errors
    /// As [`lift`].
    pub fn effect(&self, alpha: Alpha) -> Result<RelativeEffect, Inconclusive> {
        let reach = |degrees_of_freedom| {
            let critical = critical_value(alpha, degrees_of_freedom)?;
            Ok(Reach { critical, alpha, degrees_of_freedom })
        };
        let found = self.means.effect(reach(self.degrees_of_freedom)?, None)?;
        match found.method {
            RelativeMethod::Delta => Ok(found),
            RelativeMethod::Fieller => {
                self.means.effect(reach(self.of_difference)?, Some(RelativeMethod::Fieller))
            }
        }
    }
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
    fn the_p_value_decides_as_the_set_does() {
        let alpha = Alpha::new(0.05).unwrap();
        for c in [0.3, 1.5, 4.0, 20.0, 40.0] {
            for change in [-9.0, -2.9, -2.7, 0.5, 2.7, 2.9, 9.0] {
                let (control, treatment) = (at(c, 1.0), at(c + change, 1.0));
                let fitting = lift(control, treatment, alpha, Some(50.0)).unwrap();
                for method in [RelativeMethod::Delta, RelativeMethod::Fieller] {
                    let found = lift_by(method, control, treatment, alpha, Some(50.0)).unwrap();
                    assert_eq!(found.method, method);
                    assert_eq!(found.p_value.is_significant(alpha), !found.set.contains(0.0), "{c} {change}");
                    assert!(method != fitting.method || found == fitting);
                }
            }
        }
    }

    #[test]
    fn correlated_means_have_the_set_of_their_test() {
        let means = Means {
            control: 3.0,
            treatment: 5.0,
            change: 2.0,
            control_variance: 1.0,
            treatment_variance: 2.0,
            covariance: 0.7,
        };
        let ends = means.ratios(1.96, 0.95).unwrap().interval().unwrap();
        for r in [ends.lower.unwrap(), ends.upper.unwrap()] {
            let z = (5.0 - r * 3.0) / (2.0 + r * r - 1.4 * r).sqrt();
            assert!((z.abs() - 1.96).abs() < 1e-12);
        }
        let alpha = Alpha::new(0.05).unwrap();
        let estimate = LiftEstimate::new(means, Some(10.0), Some(12.0)).unwrap();
        assert_eq!(estimate.effect(alpha).unwrap().method, RelativeMethod::Fieller);
        assert!((estimate.variance - means.variance_at(5.0 / 3.0) / 9.0).abs() < 1e-15);
    }
}
