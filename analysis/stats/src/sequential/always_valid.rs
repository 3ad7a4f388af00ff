//! Always-valid inference: intervals and p-values that may be read after every event.
//!
//! Both methods here are normal mixtures and one formula, with `x` the mixing variance in units of the variance of the
//! estimate:
//! `E = exp(z² x / (2 (1 + x))) / √(1 + x)`, `half width = SE √((1 + 1/x) (ln(1 + x) − 2 ln α))`, `p = 1/E`.
//! - Asymptotic confidence sequence (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024, theorem 2.2): x = N ρ²
//!   with N the units of both arms.
//! - Mixture sequential probability ratio test, mSPRT (Johari, Koomen, Pekelis and Walsh 2022, section 5):
//!   x = τ² / V with V the variance of the estimate.
//!
//! Both are asymptotic: coverage needs a first look at some hundred units, and thousands for rare conversions.

use serde::Serialize;

use crate::{
    Alpha, Effect, Estimate, Inconclusive, Interval, PValue, Proportion,
    fixed::relative::{Lift, Means},
    inconclusive::{finite, positive, serialize_outcome},
};

/// How an always-valid method is tuned: where its intervals are tightest. Validity never depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mixture {
    /// Confidence sequence with this ρ², per unit.
    PerUnit {
        /// `ρ²`, so that the mixing variance in units of the estimate's variance is `N ρ²`.
        rho_squared: f64,
    },
    /// mSPRT with a normal prior of this variance on the difference.
    Prior {
        /// `τ²`, in the squared unit of the metric: about the square of the effects that are expected.
        tau_squared: f64,
    },
}

impl Mixture {
    /// The ρ² whose interval is the narrowest when both arms together have `units` units.
    ///
    /// Exact: with `y = 1 + N ρ²` the width is least where `y − ln y = 1 − 2 ln α`, that is
    /// `y = −W₋₁(−α² / e)` (Waudby-Smith et al., appendix B.2, equation before the approximation).
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] unless `units` is positive.
    pub fn tightest_at(units: f64, alpha: Alpha) -> Result<Self, Inconclusive> {
        finite(positive(units, "units of the tightest interval")?, "units of the tightest interval")?;
        let target = 1.0 - 2.0 * alpha.get().ln();
        // Newton on the convex y − ln y, from above the root.
        let mut y = target + 2.0 * target.ln() + 1.0;
        for _ in 0..50 {
            let step = (y - y.ln() - target) / (1.0 - 1.0 / y);
            y -= step;
            if step.abs() < 1e-15 * y {
                break;
            }
        }
        Ok(Self::PerUnit { rho_squared: finite((y - 1.0) / units, "units of the tightest interval")? })
    }

    /// The approximate ρ² that gbstats uses, `(−2 ln α + ln(1 − 2 ln α)) / units`; for comparisons with it.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] unless `units` is positive.
    pub fn approximately_tightest_at(units: f64, alpha: Alpha) -> Result<Self, Inconclusive> {
        finite(positive(units, "units of the tightest interval")?, "units of the tightest interval")?;
        let loss = -2.0 * alpha.get().ln();
        let rho_squared = finite((loss + loss.ln_1p()) / units, "units of the tightest interval")?;
        Ok(Self::PerUnit { rho_squared })
    }

    /// Half the width of the interval in standard errors at that many units of variance one.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] for a mixture that is not positive.
    pub(crate) fn reach_at(self, units: f64, alpha: Alpha) -> Result<f64, Inconclusive> {
        Ok(reach(alpha, self.relative_variance(1.0 / units, units)?))
    }

    /// The mixing variance in units of the variance of the estimate.
    fn relative_variance(self, variance: f64, units: f64) -> Result<f64, Inconclusive> {
        let x = match self {
            Self::PerUnit { rho_squared } => units * positive(rho_squared, "rho squared")?,
            Self::Prior { tau_squared } => positive(tau_squared, "tau squared")? / variance,
        };
        finite(positive(x, "mixing variance")?, "mixing variance")
    }
}

/// The state of an always-valid comparison at one look.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AlwaysValid {
    /// Treatment less control with the confidence sequence's interval.
    pub difference: Effect,
    /// The same relative to the control, by the delta method or Fieller's as in [`crate::fixed::relative`], or why
    /// there is none.
    #[serde(serialize_with = "serialize_outcome")]
    pub relative: Result<Lift, Inconclusive>,
    /// The always-valid p-value of "no difference" at this look.
    pub p_value: PValue,
    /// The natural logarithm of the e-value; large is evidence against "no difference".
    pub ln_e_value: f64,
}

/// Compares two independent estimates so that looking often is allowed.
///
/// For rates there is [`compare_proportions`].
///
/// # Errors
/// [`Inconclusive::NoVariance`] unless both estimates vary (an arm that happens not to vary yet is not known without
/// error), [`Inconclusive::OutOfDomain`] for a mixture that is not positive.
pub fn compare(
    control: Estimate,
    treatment: Estimate,
    alpha: Alpha,
    mixture: Mixture,
) -> Result<AlwaysValid, Inconclusive> {
    let (control, treatment) = (control.sound()?, treatment.sound()?);
    if control.variance <= 0.0 || treatment.variance <= 0.0 {
        return Err(Inconclusive::NoVariance);
    }
    at_look(control, treatment, alpha, mixture)
}

/// [`compare`] for two conversion rates, also while an arm has no conversion or few.
///
/// The variance of the difference is the larger of the pooled one, `p (1 − p) (1/n_t + 1/n_c)`, and that of each arm's
/// own rate: by itself either breaks the claim with rare conversions and uneven arms, the arms' own far more
/// (CALIBRATION.md).
///
/// # Errors
/// [`Inconclusive::NoUnits`] if an arm is empty, [`Inconclusive::NoVariance`] if no unit or every unit converted,
/// [`Inconclusive::OutOfDomain`] for a mixture that is not positive.
pub fn compare_proportions(
    control: Proportion,
    treatment: Proportion,
    alpha: Alpha,
    mixture: Mixture,
) -> Result<AlwaysValid, Inconclusive> {
    let (c, t) = (control.estimate()?, treatment.estimate()?);
    let pooled = control.merge(treatment).estimate()?;
    if pooled.variance <= 0.0 {
        return Err(Inconclusive::NoVariance);
    }
    let of_values = pooled.variance * pooled.units as f64;
    let alike = |arm: Estimate| Estimate { variance: of_values / arm.units as f64, ..arm };
    let (c, t) = if c.variance + t.variance < alike(c).variance + alike(t).variance {
        (alike(c), alike(t))
    } else {
        let or_alike = |arm: Estimate| if arm.variance > 0.0 { arm } else { alike(arm) };
        (or_alike(c), or_alike(t))
    };
    at_look(c, t, alpha, mixture)
}

fn at_look(
    control: Estimate,
    treatment: Estimate,
    alpha: Alpha,
    mixture: Mixture,
) -> Result<AlwaysValid, Inconclusive> {
    let variance = finite(control.variance + treatment.variance, "variance")?;
    let units = control.units as f64 + treatment.units as f64;
    let x = mixture.relative_variance(variance, units)?;
    let change = treatment.value - control.value;
    let statistic = finite(change / variance.sqrt(), "statistic")?;
    let ln_e_value = finite(ln_e_value(statistic * statistic, x), "statistic")?;
    let reach = reach(alpha, x);
    Ok(AlwaysValid {
        difference: effect(change, variance.sqrt(), reach, alpha),
        // With the mixture of the difference, the reach in standard errors is the same.
        relative: Means::independent(control, treatment, change).lift(reach, alpha.level(), None),
        p_value: PValue::clamped((-ln_e_value).exp()),
        ln_e_value,
    })
}

/// The interval of a single estimate (one arm, or a difference estimated as a whole) over `units` units.
///
/// # Errors
/// As [`compare`].
pub fn interval(estimate: Estimate, alpha: Alpha, mixture: Mixture) -> Result<Interval, Inconclusive> {
    if estimate.sound()?.variance <= 0.0 {
        return Err(Inconclusive::NoVariance);
    }
    let x = mixture.relative_variance(estimate.variance, estimate.units as f64)?;
    Ok(effect(estimate.value, estimate.standard_error(), reach(alpha, x), alpha).interval)
}

/// The logarithm of the mixture likelihood ratio for a squared statistic.
fn ln_e_value(square: f64, x: f64) -> f64 {
    0.5 * (square * (x / (1.0 + x)) - x.ln_1p())
}

/// Half the width of the interval in standard errors.
fn reach(alpha: Alpha, x: f64) -> f64 {
    ((1.0 + 1.0 / x) * (x.ln_1p() - 2.0 * alpha.get().ln())).sqrt()
}

fn effect(estimate: f64, standard_error: f64, reach: f64, alpha: Alpha) -> Effect {
    Effect {
        estimate,
        standard_error,
        interval: Interval::around(estimate, reach * standard_error, alpha.level()),
    }
}

/// The evidence over all looks so far: the running minimum of p and the running intersection of the intervals.
///
/// Both stay valid: a confidence sequence covers at all times at once, so what an earlier look excluded stays
/// excluded. An empty intersection is possible; then the effect changed over time, and nothing may be read.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Running {
    /// The smallest p-value so far.
    pub p_value: PValue,
    /// The intersection so far; `None` when it is empty.
    pub interval: Option<Interval>,
    /// The same of the lift, over the looks whose set is an interval (others exclude nothing here); unbounded on both
    /// sides before the first of them, `None` when it is empty.
    pub relative: Option<Interval>,
    /// Looks so far.
    pub looks: u64,
}

impl Running {
    /// The evidence of the first look.
    #[must_use]
    pub fn first(look: &AlwaysValid) -> Self {
        let interval = Some(look.difference.interval);
        Self { p_value: look.p_value, interval, relative: Some(lift_interval(look)), looks: 1 }
    }

    /// The evidence with one more look.
    #[must_use]
    pub fn then(self, look: &AlwaysValid) -> Self {
        let p_value = if look.p_value < self.p_value { look.p_value } else { self.p_value };
        let interval = self.interval.and_then(|so_far| intersection(so_far, look.difference.interval));
        let relative = self.relative.and_then(|so_far| intersection(so_far, lift_interval(look)));
        Self { p_value, interval, relative, looks: self.looks + 1 }
    }
}

fn lift_interval(look: &AlwaysValid) -> Interval {
    let unbounded = Interval { lower: None, upper: None, level: look.difference.interval.level };
    look.relative.ok().and_then(|lift| lift.set.interval()).unwrap_or(unbounded)
}

fn intersection(a: Interval, b: Interval) -> Option<Interval> {
    let tighter = |a: Option<f64>, b: Option<f64>, pick: fn(f64, f64) -> f64| match (a, b) {
        (Some(a), Some(b)) => Some(pick(a, b)),
        (one, other) => one.or(other),
    };
    let lower = tighter(a.lower, b.lower, f64::max);
    let upper = tighter(a.upper, b.upper, f64::min);
    let empty = matches!((lower, upper), (Some(lower), Some(upper)) if lower > upper);
    (!empty).then_some(Interval { lower, upper, level: a.level })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alpha() -> Alpha {
        Alpha::new(0.05).unwrap()
    }

    fn arm(value: f64, units: u64) -> Estimate {
        Estimate::new(value, 1.0 / units as f64, units).unwrap()
    }

    #[test]
    fn the_interval_excludes_zero_exactly_when_p_is_at_most_alpha() {
        let mixture = Mixture::tightest_at(5_000.0, alpha()).unwrap();
        for change in [0.0, 0.02, 0.05, 0.08, 0.09, 0.1, 0.2] {
            let look = compare(arm(1.0, 3_000), arm(1.0 + change, 2_000), alpha(), mixture).unwrap();
            assert_eq!(look.p_value.get() <= 0.05, !look.difference.interval.contains(0.0), "{change}");
        }
    }

    #[test]
    fn the_exact_tuning_is_tightest_where_it_says() {
        let Ok(Mixture::PerUnit { rho_squared }) = Mixture::tightest_at(10_000.0, alpha()) else {
            panic!("a ratio per unit");
        };
        let width = |rho_squared: f64| reach(alpha(), 10_000.0 * rho_squared);
        assert!(
            width(rho_squared) < width(rho_squared * 1.001)
                && width(rho_squared) < width(rho_squared * 0.999)
        );
        let Ok(Mixture::PerUnit { rho_squared: approximate }) =
            Mixture::approximately_tightest_at(10_000.0, alpha())
        else {
            panic!("a ratio per unit");
        };
        assert!((approximate / rho_squared - 1.0).abs() < 0.1 && approximate != rho_squared);
    }

    #[test]
    fn both_methods_are_the_same_mixture() {
        let (control, treatment) = (arm(1.0, 4_000), arm(1.05, 4_000));
        let variance = control.variance + treatment.variance;
        let sequence = Mixture::PerUnit { rho_squared: 3.0 / 8_000.0 };
        let test = Mixture::Prior { tau_squared: 3.0 * variance };
        let by = |mixture| compare(control, treatment, alpha(), mixture).unwrap();
        assert!((by(sequence).ln_e_value - by(test).ln_e_value).abs() < 1e-12);
    }

    #[test]
    fn running_evidence_only_grows() {
        let mixture = Mixture::tightest_at(5_000.0, alpha()).unwrap();
        let look = |change: f64, units| {
            compare(arm(1.0, units), arm(1.0 + change, units), alpha(), mixture).unwrap()
        };
        let first = look(0.2, 2_000);
        let then = Running::first(&first).then(&look(0.01, 4_000));
        assert_eq!((then.p_value, then.looks), (first.p_value, 2));
        assert!(then.interval.is_none_or(|interval| interval.lower >= first.difference.interval.lower));
        let changed = Running::first(&look(0.9, 5_000)).then(&look(-0.9, 5_000));
        assert_eq!((changed.interval, changed.relative), (None, None));
        let lift = first.relative.unwrap().set.interval().unwrap();
        assert!(then.relative.is_none_or(|interval| interval.lower >= lift.lower));
        let again = Running::first(&first).then(&first);
        assert_eq!((again.relative, again.interval), (Some(lift), Some(first.difference.interval)));
    }

    #[test]
    fn a_control_near_zero_has_no_false_lift() {
        let mixture = Mixture::tightest_at(5_000.0, alpha()).unwrap();
        let at = |value| Estimate::new(value, 1.0, 1_000).unwrap();
        let near = compare(at(1e-12), at(9.0), alpha(), mixture).unwrap();
        assert_eq!(near.relative.unwrap().set.interval(), None);
        let running = Running::first(&near).then(&near).relative.unwrap();
        assert_eq!((running.lower, running.upper), (None, None));
    }

    #[test]
    fn an_arm_that_does_not_vary_yet_is_not_certain() {
        let mixture = Mixture::tightest_at(10_000.0, alpha()).unwrap();
        let rate = |units, conversions| Proportion::new(units, conversions).unwrap();
        let (control, none) = (rate(9_900, 99), rate(100, 0));
        let plain = compare(control.estimate().unwrap(), none.estimate().unwrap(), alpha(), mixture);
        assert_eq!(plain.unwrap_err(), Inconclusive::NoVariance);
        let look = compare_proportions(control, none, alpha(), mixture).unwrap();
        assert!(look.p_value.get() > 0.5 && look.difference.interval.contains(0.0));
        let all = compare_proportions(control, rate(100, 100), alpha(), mixture).unwrap();
        assert!(all.p_value.get() < 1e-10);
        let frequent = (rate(5_000, 500), rate(5_000, 600));
        let found = compare_proportions(frequent.0, frequent.1, alpha(), mixture).unwrap();
        let own = compare(frequent.0.estimate().unwrap(), frequent.1.estimate().unwrap(), alpha(), mixture)
            .unwrap();
        assert!((found.ln_e_value / own.ln_e_value - 1.0).abs() < 0.01);
    }

    #[test]
    fn a_mixture_without_width_is_refused() {
        assert!(Mixture::tightest_at(0.0, alpha()).is_err());
        let none = Mixture::Prior { tau_squared: 0.0 };
        assert!(compare(arm(1.0, 10), arm(1.0, 10), alpha(), none).is_err());
    }
}
