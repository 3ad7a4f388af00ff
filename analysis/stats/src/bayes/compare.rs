//! Which arm is best, and what a choice costs if it is not.
//!
//! Owns the integrals over independent posteriors of one type. All by quadrature: no draws, so the same data give
//! the same numbers, and an expected loss of 1e-12 is that and not 0. The trapezoidal rule does nearly all of them;
//! where it does not converge (few units at the edge of the domain, widths that differ by far) the adaptive rule does.

use serde::Serialize;

use super::posterior::Posterior;
use crate::Inconclusive;
use crate::fixed::margin::Direction;
use crate::quadrature::{integrate, trapezoid};

/// Relative error asked of the adaptive rule.
pub(super) const TOLERANCE: f64 = 1e-11;
/// Step of the trapezoidal rule in grains of the narrowest density.
pub(super) const STEP: f64 = 0.3;

/// An arm against all others.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Standing {
    /// Probability that this arm's θ is the greatest, or the least where less is better.
    pub probability_best: f64,
    /// `E[max_j θ_j - θ_i]`, or `E[θ_i - min_j θ_j]` where less is better: what is given up per unit, in the unit of θ,
    /// if this arm is chosen. Never negative.
    pub expected_loss: f64,
}

/// The standing of every arm, in their order; `direction` says which way θ should move.
///
/// With `F` the distribution and `f` the density functions, where more is better,
/// `P(best) = ∫ f_i ∏_{j≠i} F_j du` and `E[loss] = ∫ F_i (1 - ∏_{j≠i} F_j) (dθ/du) du`;
/// the second follows from `E[(M - X)+] = ∫ P(X <= t) P(M > t) dt` for independent X and M. Where less is better, upper
/// tails take the place of `F`.
///
/// # Errors
/// [`Inconclusive::TooFewArms`] below two arms; [`Inconclusive::TooFewUnits`] when a posterior has no mean;
/// [`Inconclusive::OutOfDomain`] for a beta posterior with a count below 0.05;
/// [`Inconclusive::NotConverged`] when an integral fails.
pub fn standings<P: Posterior>(arms: &[P], direction: Direction) -> Result<Vec<Standing>, Inconclusive> {
    if arms.len() < 2 {
        return Err(Inconclusive::TooFewArms);
    }
    let about = |origin: f64| arms.iter().map(|arm| arm.about(origin)).collect::<Vec<P>>();
    arms.iter()
        .enumerate()
        .map(|(index, arm)| {
            arm.mean()?;
            standing(&about(arm.origin()), index, direction)
        })
        .collect()
}

/// The standing of one arm; all are measured from its middle, so that it is resolved however narrow it is.
fn standing<P: Posterior>(arms: &[P], index: usize, direction: Direction) -> Result<Standing, Inconclusive> {
    let arm = arms.get(index).ok_or(Inconclusive::TooFewArms)?;
    let breaks: Vec<f64> = arms.iter().flat_map(Posterior::landmarks).collect();
    let rivals = || arms.iter().enumerate().filter(move |(other, _)| *other != index).map(|(_, rival)| rival);
    let probability_best = integral(
        |u| {
            rivals().try_fold(arm.density(u), |product, rival| {
                Ok(product * worse_and_better(rival, u, direction)?.0)
            })
        },
        &breaks,
        arm.grain(),
    )?;
    let expected_loss = integral(
        |u| {
            let (worse, _) = worse_and_better(arm, u, direction)?;
            Ok(worse * some_better(rivals(), u, direction)? * P::slope(u))
        },
        &breaks,
        narrowest(arms),
    )?;
    Ok(Standing { probability_best: probability_best.min(1.0), expected_loss })
}

/// By the trapezoidal rule with a step for densities of that grain, or else adaptively between `breaks`.
pub(super) fn integral(
    f: impl Fn(f64) -> Result<f64, Inconclusive>,
    breaks: &[f64],
    grain: f64,
) -> Result<f64, Inconclusive> {
    match trapezoid(&f, breaks, STEP * grain)? {
        Some(found) => Ok(found),
        None => integrate(&f, breaks, TOLERANCE),
    }
}

/// The least grain of the arms.
pub(super) fn narrowest<'a, P: Posterior + 'a>(arms: impl IntoIterator<Item = &'a P>) -> f64 {
    arms.into_iter().map(Posterior::grain).fold(f64::INFINITY, f64::min)
}

/// The probabilities that θ is worse and better than `θ(u)`.
pub(super) fn worse_and_better<P: Posterior>(
    posterior: &P,
    u: f64,
    direction: Direction,
) -> Result<(f64, f64), Inconclusive> {
    let (below, above) = posterior.tails(u)?;
    Ok(match direction {
        Direction::Increase => (below, above),
        Direction::Decrease => (above, below),
    })
}

/// One less the probability that all rivals are worse, built up from the small tails, which so keep their digits.
fn some_better<'a, P: Posterior + 'a>(
    rivals: impl Iterator<Item = &'a P>,
    u: f64,
    direction: Direction,
) -> Result<f64, Inconclusive> {
    let mut some = 0.0;
    for rival in rivals {
        let (_, own) = worse_and_better(rival, u, direction)?;
        some += own - some * own;
    }
    Ok(some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bayes::NormalPosterior;

    #[test]
    fn less_is_better_mirrors_the_standing() {
        let normal = |mean: f64, deviation| NormalPosterior::new(mean, deviation).unwrap();
        let (costs, gains) = (
            [normal(2.0, 0.3), normal(2.2, 0.2), normal(1.9, 0.5)],
            [normal(-2.0, 0.3), normal(-2.2, 0.2), normal(-1.9, 0.5)],
        );
        let less = standings(&costs, Direction::Decrease).unwrap();
        for (less, more) in less.iter().zip(standings(&gains, Direction::Increase).unwrap()) {
            assert!((less.probability_best / more.probability_best - 1.0).abs() < 1e-10);
            assert!((less.expected_loss / more.expected_loss - 1.0).abs() < 1e-10);
        }
    }
}
