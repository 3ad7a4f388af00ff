//! Power while the experiment runs, from the variance seen so far.
//!
//! Owns what can be said midway: the change that is detectable now and at the planned end, and the probability
//! of a significant end given the data (conditional power) or averaged over what is believed (predictive power).
//! None of it is a reason to stop by itself; that is what a sequential design is for.

use serde::Serialize;

use crate::bayes::NormalPrior;
use crate::bayes::Posterior;
use crate::dist::normal;
use crate::inconclusive::finite;
use crate::{Alpha, Estimate, Inconclusive, Probability};

/// What the data so far say about the end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Midway {
    /// Share of the planned information that is in, from 0 to 1.
    pub information: f64,
    /// Change detectable with the wanted power if the test were made now, in the unit of the effect.
    pub detectable_now: f64,
    /// Change detectable with the wanted power at the planned end.
    pub detectable_at_end: f64,
    /// Power at the planned end for the planned change, with the variance seen (the data's effect is not used).
    pub power_at_end: Probability,
    /// Probability of a significant end if the planned change is real, given the data so far.
    pub conditional_power: Probability,
    /// Probability of a significant end if the change seen so far is real, given the data so far.
    pub conditional_power_of_trend: Probability,
    /// Probability of a significant end given the data so far, averaged over the posterior of the effect.
    pub predictive_power: Probability,
    /// Factor by which the planned units would have to be multiplied for the planned change to have the wanted power.
    pub units_factor: f64,
}

/// What was planned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MidwayPlan {
    /// The two-sided error rate of the final test.
    pub alpha: Alpha,
    /// The wanted power.
    pub power: Probability,
    /// The change that the experiment was planned for, in the unit of the effect.
    pub planned: f64,
    /// Units at the planned end over units now, at least 1.
    pub growth: f64,
    /// What is believed about the effect, for the predictive power.
    pub prior: NormalPrior,
}

/// Assesses the effect seen so far, a difference or a lift with its sampling variance.
///
/// With information share `t`, `B = z_t √t` and drift θ (the assumed effect over its standard error at the end), the
/// final statistic is `N(B + θ(1-t), 1-t)`. Both tails count. Predictive power replaces θ by its posterior.
///
/// Sources: Lan and Wittes, Biometrics 44 (1988) (B-values); Spiegelhalter, Freedman and Blackburn, Controlled Clinical
/// Trials 7 (1986) (predictive power); Jennison and Turnbull (2000), chapter 10.
///
/// # Errors
/// [`Inconclusive::NoVariance`] without a variance; [`Inconclusive::OutOfDomain`] for a growth below 1, a planned
/// change of zero, or a power not above alpha.
pub fn midway(seen: &Estimate, plan: &MidwayPlan) -> Result<Midway, Inconclusive> {
    if seen.sound()?.variance <= 0.0 {
        return Err(Inconclusive::NoVariance);
    }
    if !(plan.growth >= 1.0 && plan.growth.is_finite()) {
        return Err(Inconclusive::OutOfDomain { what: "the growth until the end" });
    }
    if plan.planned == 0.0 || !plan.planned.is_finite() {
        return Err(Inconclusive::OutOfDomain { what: "the planned change" });
    }
    if plan.power.get() <= plan.alpha.get() || plan.power.get() >= 1.0 {
        return Err(Inconclusive::OutOfDomain { what: "the power (above alpha and below 1)" });
    }
    let error = seen.standard_error();
    let error_at_end = error / plan.growth.sqrt();
    let posterior = plan.prior.update(seen)?;
    let final_under =
        |centre: f64, deviation: f64| final_probability(seen.value, plan, error_at_end, (centre, deviation));
    // The near-tail form, exact to 1e-6 of itself for any power worth planning for.
    let reach = plan.alpha.two_sided_z() + normal::quantile(plan.power.get())?;
    let planned_drift = plan.planned / error_at_end;
    Ok(Midway {
        information: 1.0 / plan.growth,
        detectable_now: reach * error,
        detectable_at_end: reach * error_at_end,
        power_at_end: both_tails(planned_drift, 1.0, plan.alpha)?,
        conditional_power: final_under(plan.planned, 0.0)?,
        conditional_power_of_trend: final_under(seen.value, 0.0)?,
        predictive_power: final_under(posterior.mean()?, posterior.standard_deviation()?)?,
        units_factor: finite((reach / planned_drift).powi(2), "the planned change")?,
    })
}

/// Probability of a significant end when the effect is `N(centre, deviation²)` given the data.
fn final_probability(
    seen: f64,
    plan: &MidwayPlan,
    error_at_end: f64,
    (centre, deviation): (f64, f64),
) -> Result<Probability, Inconclusive> {
    let information = 1.0 / plan.growth;
    let rest = 1.0 - information;
    let drift = centre / error_at_end;
    let spread = rest * deviation / error_at_end;
    // B = z_t √t is the seen effect over the final standard error, times t.
    let mean = information * seen / error_at_end + rest * drift;
    both_tails(mean, (rest + spread * spread).sqrt(), plan.alpha)
}

/// Probability that a normal statistic falls beyond the critical value on either side.
fn both_tails(mean: f64, deviation: f64, alpha: Alpha) -> Result<Probability, Inconclusive> {
    let critical = alpha.two_sided_z();
    if deviation <= 0.0 {
        return Probability::new(if mean.abs() >= critical { 1.0 } else { 0.0 });
    }
    let tails = normal::cdf((mean - critical) / deviation) + normal::cdf((-mean - critical) / deviation);
    Probability::new(tails.min(1.0))
}
