//! A normal prior on the effect itself: the closed form that costs nanoseconds.
//!
//! Owns the posterior of a difference or lift whose estimate and standard error come from any of the frequentist
//! estimators (proportion, mean, ratio, CUPED). This is what GrowthBook's engine computes; the per-arm models of
//! the sibling modules do without the normal approximation.

use serde::Serialize;

use super::normal::{NormalPosterior, NormalPrior};
use super::posterior::Posterior;
use crate::fixed::margin::Direction;
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
    /// `P(effect > 0)`, or `P(effect < 0)` where less is better.
    pub probability_better: f64,
    /// `E[max(-effect, 0)]`, or `E[max(effect, 0)]` where less is better: what shipping the treatment risks.
    pub loss_of_shipping: f64,
    /// The same of the other choice: what keeping the control risks.
    pub loss_of_keeping: f64,
}

/// Updates `prior` by an estimated effect; `direction` says which way the metric should move, and turns the probability
/// and the losses, not the sign of the effect.
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
    direction: Direction,
    alpha: Alpha,
) -> Result<EffectPosterior, Inconclusive> {
    let effect = effect.sound()?;
    let variance = effect.standard_error * effect.standard_error;
    let seen = Estimate { value: effect.estimate, variance, units: 1, degrees_of_freedom: None };
    let posterior: NormalPosterior = prior.update(&seen)?;
    let (gain, loss) = (posterior.expected_gain(), posterior.expected_loss());
    let (probability_better, loss_of_shipping, loss_of_keeping) = match direction {
        Direction::Increase => (posterior.probability_positive(), loss, gain),
        Direction::Decrease => (posterior.probability_negative(), gain, loss),
    };
    Ok(EffectPosterior {
        mean: posterior.mean()?,
        standard_deviation: posterior.standard_deviation()?,
        interval: Interval::around(
            posterior.mean()?,
            alpha.two_sided_z() * posterior.standard_deviation()?,
            alpha.level(),
        ),
        probability_better,
        loss_of_shipping: finite(loss_of_shipping, "effect")?,
        loss_of_keeping: finite(loss_of_keeping, "effect")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fall_is_good_where_less_is_better() {
        let effect =
            Effect { estimate: -0.2, standard_error: 0.1, interval: Interval::around(-0.2, 0.196, 0.95) };
        let prior = NormalPrior::Informative { mean: -0.05, standard_deviation: 0.3 };
        let of = |direction| effect_posterior(&effect, prior, direction, Alpha::new(0.05).unwrap()).unwrap();
        let (less, more) = (of(Direction::Decrease), of(Direction::Increase));
        assert!(less.probability_better > 0.97 && more.probability_better < 0.03);
        assert_eq!((less.mean, less.interval), (more.mean, more.interval));
        assert_eq!(
            (less.loss_of_shipping, less.loss_of_keeping),
            (more.loss_of_keeping, more.loss_of_shipping)
        );
        assert!(less.loss_of_shipping < less.loss_of_keeping);
    }
}
