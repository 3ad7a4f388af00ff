//! A normal prior on the effect itself: the closed form that costs nanoseconds.
//!
//! Owns the posterior of a difference or lift whose estimate and standard error come from any of the frequentist
//! estimators (proportion, mean, ratio, CUPED). This is what GrowthBook's engine computes; the per-arm models of
//! the sibling modules do without the normal approximation.

use serde::Serialize;

use super::normal::{NormalPosterior, NormalPrior};
use super::posterior::Posterior;
use crate::{Alpha, Effect, Estimate, Inconclusive, Interval, inconclusive::finite};

/// The posterior of an effect.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct EffectPosterior {
    /// Posterior mean, in the unit of the effect (a lift has none).
    pub mean: f64,
    /// Posterior standard deviation.
    pub standard_deviation: f64,
    /// Equal-tailed credible interval.
    pub interval: Interval,
    /// `P(effect > 0)`.
    pub probability_better: f64,
    /// `E[max(-effect, 0)]`: what shipping the treatment risks.
    pub loss_of_shipping: f64,
    /// `E[max(effect, 0)]`: what keeping the control risks.
    pub loss_of_keeping: f64,
}

/// Updates `prior` by an estimated effect; for a metric where less is better, negate the estimate first.
///
/// Sources: Gelman et al., *Bayesian Data Analysis*, section 2.5; the losses are the unit normal loss of Raiffa and
/// Schlaifer, *Applied Statistical Decision Theory* (1961), section 5.3.
///
/// # Errors
/// [`Inconclusive::NoVariance`] without a sampling variance; [`Inconclusive::OutOfDomain`] for an invalid prior or an
/// effect that is no finite number.
pub fn effect_posterior(
    effect: &Effect,
    prior: NormalPrior,
    alpha: Alpha,
) -> Result<EffectPosterior, Inconclusive> {
    let effect = effect.sound()?;
    let variance = effect.standard_error * effect.standard_error;
    let seen = Estimate { value: effect.estimate, variance, units: 1, degrees_of_freedom: None };
    let posterior: NormalPosterior = prior.update(&seen)?;
    Ok(EffectPosterior {
        mean: posterior.mean()?,
        standard_deviation: posterior.standard_deviation()?,
        interval: Interval::around(
            posterior.mean()?,
            alpha.two_sided_z() * posterior.standard_deviation()?,
            alpha.level(),
        ),
        probability_better: posterior.probability_positive(),
        loss_of_shipping: finite(posterior.expected_loss(), "effect")?,
        loss_of_keeping: finite(posterior.expected_gain(), "effect")?,
    })
}
