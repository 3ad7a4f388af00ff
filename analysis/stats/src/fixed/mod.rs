//! Fixed-horizon comparison of a treatment with a control: valid when looked at once, at the planned end.
//!
//! Every metric kind becomes two [`Estimate`]s and is compared here; two proportions have their own pooled test in
//! [`proportions`]. The p-value tests the difference; a relative effect carries the p-value of its own test.

pub mod count;
mod fieller;
pub mod margin;
pub mod proportions;
pub mod relative;

use serde::{Deserialize, Serialize};

use crate::{
    Alpha, Effect, Estimate, Inconclusive, Interval, PValue,
    dist::{normal, student},
    inconclusive::{finite, positive, serialize_outcome},
};
use relative::RelativeEffect;

/// The distribution that a statistic is referred to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// The standard normal: right for proportions and for large samples.
    Normal,
    /// Student's t with the Welch-Satterthwaite degrees of freedom: the default for means.
    Welch,
}

/// The answer to "how do the arms differ": estimate, interval and p-value of the difference and of the lift.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The control's estimate.
    pub control: Estimate,
    /// The treatment's estimate.
    pub treatment: Estimate,
    /// Treatment less control, in the unit of the metric.
    pub difference: Effect,
    /// The difference divided by the control (0.02 is a lift of 2%), or why there is none.
    #[serde(serialize_with = "serialize_outcome")]
    pub relative: Result<RelativeEffect, Inconclusive>,
    /// The test statistic of the difference.
    pub statistic: f64,
    /// Degrees of freedom of the reference; `None` for the normal.
    pub degrees_of_freedom: Option<f64>,
    /// The two-sided p-value of "no difference"; significance is decided by it.
    pub p_value: PValue,
    /// Whether the interval of the difference leads to the same decision as the p-value. A pooled test with an
    /// unpooled interval may disagree close to alpha: the p-value counts, and this says so.
    pub interval_agrees: bool,
    /// Whether a proportion has fewer than five expected conversions (or non-conversions) in an arm, so that the
    /// normal approximation is poor. Always false for other metrics.
    pub small_counts: bool,
    /// Whether one arm's values do not vary, so that the standard error rests on the other arm alone. Estimate,
    /// interval and p-value are then what Welch's formula gives, and say nothing to act on. Always false for proportions
    /// and counts, which have a pooled variance instead.
    pub constant_arm: bool,
    /// The standard error that guardrails and margins divide by, never below that of the interval: for proportions
    /// and counts the larger of the pooled and the unpooled one; with a constant arm, that under equal variances of the
    /// values in both arms.
    pub cautious_standard_error: f64,
}

/// Compares two independent estimates with unequal variances.
///
/// Normal reference or Welch's t (Welch 1947), `(t − c) / sqrt(V_t + V_c)`. With one arm that happens not to vary this
/// is still the formula (as SciPy has it), but a standard error from the other arm alone:
/// [`Comparison::constant_arm`] says so, and margins and decisions refuse it.
///
/// # Errors
/// [`Inconclusive::NoVariance`] if neither estimate varies; for Welch [`Inconclusive::TooFewUnits`] with a single unit
/// in an arm that varies, [`Inconclusive::OutOfDomain`] for a quantile or count, which only the normal fits.
pub fn compare(
    control: Estimate,
    treatment: Estimate,
    alpha: Alpha,
    reference: Reference,
) -> Result<Comparison, Inconclusive> {
    let (control, treatment) = (control.sound()?, treatment.sound()?);
    if control.variance + treatment.variance <= 0.0 {
        return Err(Inconclusive::NoVariance);
    }
    let degrees_of_freedom = match reference {
        Reference::Normal => None,
        Reference::Welch => Some(welch_satterthwaite(&control, &treatment)?),
    };
    compare_change(control, treatment, treatment.value - control.value, alpha, degrees_of_freedom)
}

/// [`compare`] for a change that the caller knows more exactly than the difference of the two values.
fn compare_change(
    control: Estimate,
    treatment: Estimate,
    change: f64,
    alpha: Alpha,
    degrees_of_freedom: Option<f64>,
) -> Result<Comparison, Inconclusive> {
    let standard_error = (control.variance + treatment.variance).sqrt();
    let critical = critical_value(alpha, degrees_of_freedom)?;
    let statistic = change / standard_error;
    if !(statistic.is_finite() && standard_error.is_finite() && change.is_finite()) {
        return Err(Inconclusive::NotConverged { what: "difference (out of the range of a double)" });
    }
    let interval = Interval::around(change, critical * standard_error, alpha.level());
    let reach = relative::Reach { critical, alpha, degrees_of_freedom };
    let constant_arm = control.variance == 0.0 || treatment.variance == 0.0;
    let cautious_standard_error = if constant_arm {
        equal_variance_error(&control, &treatment)?.max(standard_error)
    } else {
        standard_error
    };
    Ok(Comparison {
        control,
        treatment,
        difference: Effect { estimate: change, standard_error, interval },
        relative: relative::Means::independent(control, treatment, change).effect(reach, None),
        statistic,
        degrees_of_freedom,
        p_value: two_sided(statistic, degrees_of_freedom)?,
        interval_agrees: true,
        small_counts: false,
        constant_arm,
        cautious_standard_error,
    })
}

/// [`compare_change`] by the normal for two arms whose variances follow from their rates.
///
/// An arm without any event (or with nothing else) seems to be known without error. It is not: the variance that the
/// pooled rate gives stands in, for both arms if that is the more cautious.
fn compare_rates_of(
    (control, treatment): (Estimate, Estimate),
    pooled: (f64, f64),
    change: f64,
    alpha: Alpha,
) -> Result<Comparison, Inconclusive> {
    let with = |arm: Estimate, variance: f64| Estimate { variance, ..arm };
    let own = control.variance + treatment.variance;
    let (c, t) = if control.variance > 0.0 && treatment.variance > 0.0 {
        (control, treatment)
    } else if pooled.0 + pooled.1 >= own {
        (with(control, pooled.0), with(treatment, pooled.1))
    } else {
        let or_pooled = |arm: Estimate, pooled| if arm.variance > 0.0 { arm } else { with(arm, pooled) };
        (or_pooled(control, pooled.0), or_pooled(treatment, pooled.1))
    };
    let found = compare_change(c, t, change, alpha, None)?;
    let cautious_standard_error = found.difference.standard_error.max((pooled.0 + pooled.1).sqrt());
    Ok(Comparison { control, treatment, cautious_standard_error, ..found })
}

/// The standard error of the difference if the values of the arm that does not vary varied like those of the other.
fn equal_variance_error(control: &Estimate, treatment: &Estimate) -> Result<f64, Inconclusive> {
    let (n_c, n_t) = (control.units.max(1) as f64, treatment.units.max(1) as f64);
    let of_values = control.variance * n_c + treatment.variance * n_t;
    let error = (of_values / n_c + of_values / n_t).sqrt();
    if error.is_finite() { Ok(error) } else { Err(Inconclusive::NotConverged { what: "standard error" }) }
}

/// The difference of two independent estimates as one estimate, with Welch-Satterthwaite degrees of freedom.
///
/// # Errors
/// As [`Estimate::new`].
pub fn difference(control: Estimate, treatment: Estimate) -> Result<Estimate, Inconclusive> {
    let (control, treatment) = (control.sound()?, treatment.sound()?);
    let variance = control.variance + treatment.variance;
    let units = control.units.saturating_add(treatment.units);
    let estimate = Estimate::new(treatment.value - control.value, variance, units)?;
    let degrees_of_freedom =
        if variance > 0.0 { welch_satterthwaite(&control, &treatment).ok() } else { None };
    Ok(Estimate { degrees_of_freedom, ..estimate })
}

/// The Welch-Satterthwaite degrees of freedom of the difference of two estimates.
///
/// `(V_c + V_t)² / (V_c² / ν_c + V_t² / ν_t)` (Satterthwaite, Biometrics Bulletin 2 (1946); Welch, Biometrika 34 (1947)).
///
/// # Errors
/// [`Inconclusive::TooFewUnits`] if an estimate that varies rests on a single unit, [`Inconclusive::OutOfDomain`] if it
/// has no degrees of freedom by its nature (a quantile, a count), or if neither varies.
pub fn welch_satterthwaite(control: &Estimate, treatment: &Estimate) -> Result<f64, Inconclusive> {
    // Shares of the total variance, so that squares of tiny variances do not underflow.
    let total = finite(control.variance + treatment.variance, "variance")?;
    let term = |estimate: &Estimate| {
        let share = estimate.variance / total;
        match estimate.degrees_of_freedom {
            _ if share == 0.0 => Ok(0.0),
            Some(df) if df > 0.0 => Ok(share * share / df),
            None if estimate.units >= 2 => {
                Err(Inconclusive::OutOfDomain { what: "reference (an arm has no degrees of freedom)" })
            }
            _ => Err(Inconclusive::TooFewUnits { needed: 2, found: estimate.units }),
        }
    };
    positive(1.0 / (term(control)? + term(treatment)?), "degrees of freedom")
}

/// The two-sided critical value: normal for `None`, else Student's t.
///
/// # Errors
/// As [`student::upper_quantile`].
pub fn critical_value(alpha: Alpha, degrees_of_freedom: Option<f64>) -> Result<f64, Inconclusive> {
    match degrees_of_freedom {
        None => Ok(alpha.two_sided_z()),
        Some(df) => student::two_sided_critical(alpha, df),
    }
}

/// The two-sided p-value: normal for `None`, else Student's t.
pub(crate) fn two_sided(statistic: f64, degrees_of_freedom: Option<f64>) -> Result<PValue, Inconclusive> {
    match degrees_of_freedom {
        None => PValue::two_sided_normal(statistic),
        Some(df) => PValue::two_sided_student(statistic, df),
    }
}

/// The probability of a larger statistic: normal for `None`, else Student's t.
pub(crate) fn upper_tail(statistic: f64, degrees_of_freedom: Option<f64>) -> Result<PValue, Inconclusive> {
    Ok(PValue::clamped(match degrees_of_freedom {
        None => normal::sf(statistic),
        Some(df) => student::sf(statistic, df)?,
    }))
}
