//! Which arm is best, what a choice costs if it is not, and by how much two arms differ.
//!
//! Owns the integrals over independent posteriors of one type. All by quadrature: no draws, so the same data give
//! the same numbers, and an expected loss of 1e-12 is that and not 0.

use serde::Serialize;

use super::posterior::{Posterior, Shift};
use crate::fixed::margin::Direction;
use crate::quadrature::integrate;
use crate::root::solve_increasing;
use crate::{Alpha, Inconclusive, Interval, inconclusive::serialize_outcome};

/// Relative error asked of every integral.
const TOLERANCE: f64 = 1e-11;

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
/// [`Inconclusive::NotConverged`] when an integral fails.
pub fn standings<P: Posterior>(arms: &[P], direction: Direction) -> Result<Vec<Standing>, Inconclusive> {
    if arms.len() < 2 {
        return Err(Inconclusive::TooFewArms);
    }
    let breaks: Vec<f64> = arms.iter().flat_map(Posterior::landmarks).collect();
    (0..arms.len()).map(|index| standing(arms, index, direction, &breaks)).collect()
}

fn standing<P: Posterior>(
    arms: &[P],
    index: usize,
    direction: Direction,
    breaks: &[f64],
) -> Result<Standing, Inconclusive> {
    let arm = arms.get(index).ok_or(Inconclusive::TooFewArms)?;
    arm.mean()?;
    let rivals = || arms.iter().enumerate().filter(move |(other, _)| *other != index).map(|(_, rival)| rival);
    let probability_best = integrate(
        |u| {
            rivals().try_fold(arm.density(u), |product, rival| {
                Ok(product * worse_and_better(rival, u, direction)?.0)
            })
        },
        breaks,
        TOLERANCE,
    )?;
    let expected_loss = integrate(
        |u| {
            let (worse, _) = worse_and_better(arm, u, direction)?;
            Ok(worse * some_better(rivals(), u, direction)? * P::slope(u))
        },
        breaks,
        TOLERANCE,
    )?;
    Ok(Standing { probability_best: probability_best.min(1.0), expected_loss })
}

/// The probabilities that θ is worse and better than `θ(u)`.
fn worse_and_better<P: Posterior>(
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

/// A treatment against its control.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Contrast {
    /// `P(θ_t > θ_c)`, or `P(θ_t < θ_c)` where less is better.
    pub probability_better: f64,
    /// `E[max(θ_c - θ_t, 0)]`, or `E[max(θ_t - θ_c, 0)]` where less is better: what shipping the treatment risks, in the
    /// unit of θ.
    pub loss_of_shipping: f64,
    /// The same of the other choice: what keeping the control risks.
    pub loss_of_keeping: f64,
    /// Equal-tailed credible interval of `θ_t - θ_c`.
    pub difference: Interval,
    /// Equal-tailed credible interval of `θ_t/θ_c - 1`.
    ///
    /// # Errors
    /// [`Inconclusive::ControlNotPositive`] unless the control is positive with a probability above `1 - 1e-9`.
    #[serde(serialize_with = "serialize_outcome")]
    pub lift: Result<Interval, Inconclusive>,
}

/// Compares two arms by quadrature; intervals at level `1 - alpha`. `direction` says which way θ should move; it turns
/// the probability and the losses, not the signs of difference and lift.
///
/// The distribution of the difference is `P(θ_t - θ_c <= d) = ∫ f_c(u) F_t(θ_c + d) du`, that of the lift
/// `∫ f_c(u) F_t(θ_c (1 + l)) du`; ends of intervals are their inverses. For log-normal means θ is the logarithm, so
/// `difference` is in logarithms and `lift` in the usual sense.
///
/// # Errors
/// As [`standings`].
pub fn contrast<P: Posterior>(
    control: &P,
    treatment: &P,
    direction: Direction,
    alpha: Alpha,
) -> Result<Contrast, Inconclusive> {
    let breaks: Vec<f64> = [control.landmarks(), treatment.landmarks()].concat();
    control.mean()?;
    treatment.mean()?;
    let loss = |chosen: &P, other: &P| {
        integrate(
            |u| {
                let (worse, _) = worse_and_better(chosen, u, direction)?;
                Ok(worse * worse_and_better(other, u, direction)?.1 * P::slope(u))
            },
            &breaks,
            TOLERANCE,
        )
    };
    let better = integrate(
        |u| Ok(control.density(u) * worse_and_better(treatment, u, direction)?.1),
        &breaks,
        TOLERANCE,
    )?;
    let lift = if control.is_positive()? {
        interval(control, treatment, alpha, Shift::Lift)
    } else {
        Err(Inconclusive::ControlNotPositive)
    };
    Ok(Contrast {
        probability_better: better.min(1.0),
        loss_of_shipping: loss(treatment, control)?,
        loss_of_keeping: loss(control, treatment)?,
        difference: interval(control, treatment, alpha, Shift::By)?,
        lift,
    })
}

fn interval<P: Posterior>(
    control: &P,
    treatment: &P,
    alpha: Alpha,
    shift: fn(f64) -> Shift,
) -> Result<Interval, Inconclusive> {
    let lower = end(control, treatment, Side::Lower, alpha, shift)?;
    let upper = end(control, treatment, Side::Upper, alpha, shift)?;
    Ok(Interval::between(lower, upper, alpha.level()))
}

/// An end of an interval.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Lower,
    Upper,
}

/// The difference or lift beyond which lies half of alpha on that side; each tail is integrated as such.
fn end<P: Posterior>(
    control: &P,
    treatment: &P,
    side: Side,
    alpha: Alpha,
    shift: fn(f64) -> Shift,
) -> Result<f64, Inconclusive> {
    let tail = 0.5 * alpha.get();
    let beyond = |by: f64| -> Result<f64, Inconclusive> {
        let breaks: Vec<f64> = [control.landmarks(), treatment.landmarks_before(shift(by))].concat();
        integrate(
            |u| {
                let (below, above) = treatment.tails_after(u, shift(by))?;
                Ok(control.density(u) * if side == Side::Lower { below } else { above })
            },
            &breaks,
            TOLERANCE,
        )
    };
    let distance = |on_treatment: f64, on_control: f64| match shift(0.0) {
        Shift::By(_) => on_treatment - on_control,
        Shift::Lift(_) => P::lift_between(on_control, on_treatment),
    };
    // Quantiles of the arms taken apart bracket the end closely enough to start from.
    let (outer, inner) = (0.5 * tail, 0.5 - 0.5 * tail);
    let (low, high) = match side {
        Side::Lower => (
            distance(treatment.quantile(outer)?, control.upper_quantile(outer)?),
            distance(treatment.upper_quantile(inner)?, control.quantile(inner)?),
        ),
        Side::Upper => (
            distance(treatment.quantile(inner)?, control.upper_quantile(inner)?),
            distance(treatment.upper_quantile(outer)?, control.quantile(outer)?),
        ),
    };
    let domain = match shift(0.0) {
        Shift::By(_) => (f64::NEG_INFINITY, f64::INFINITY),
        Shift::Lift(_) => (-1.0, f64::INFINITY),
    };
    solve_increasing(
        |by| Ok(if side == Side::Lower { beyond(by)? - tail } else { tail - beyond(by)? }),
        (low, high),
        domain,
        1e-10,
        "the end of a credible interval",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bayes::{BetaPosterior, BetaPrior, NormalPosterior};
    use crate::moments::Proportion;

    fn rate(conversions: u64) -> BetaPosterior {
        BetaPrior::UNIFORM.update(Proportion::new(1_000, conversions).unwrap())
    }

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

    #[test]
    fn a_lower_crash_rate_is_better_and_cheap_to_ship() {
        let alpha = Alpha::new(0.05).unwrap();
        let (control, treatment) = (rate(60), rate(30));
        let more = contrast(&control, &treatment, Direction::Increase, alpha).unwrap();
        let less = contrast(&control, &treatment, Direction::Decrease, alpha).unwrap();
        assert!(less.probability_better > 0.99);
        assert!((less.probability_better + more.probability_better - 1.0).abs() < 1e-10);
        assert!((less.loss_of_shipping / more.loss_of_keeping - 1.0).abs() < 1e-10);
        assert!((less.loss_of_keeping / more.loss_of_shipping - 1.0).abs() < 1e-10);
        assert_eq!((less.difference, less.lift), (more.difference, more.lift));
    }

    #[test]
    fn an_alpha_below_the_last_digit_of_one_has_an_interval() {
        let alpha = Alpha::new(1e-18).unwrap();
        let arm = |mean| NormalPosterior::new(mean, 1.0).unwrap();
        let found = contrast(&arm(0.0), &arm(5.0), Direction::Increase, alpha).unwrap().difference;
        let half = alpha.two_sided_z() * 2.0_f64.sqrt();
        assert!((found.lower.unwrap() / (5.0 - half) - 1.0).abs() < 1e-8, "{found:?}");
        assert!((found.upper.unwrap() / (5.0 + half) - 1.0).abs() < 1e-8, "{found:?}");
        let own = rate(60).credible_interval(alpha).unwrap();
        assert!(own.lower.unwrap() > 0.01 && own.upper.unwrap() < 0.2);
    }

    #[test]
    fn a_lift_over_a_control_that_is_known_is_that_of_the_treatment_alone() {
        let of = |units, conversions| BetaPrior::UNIFORM.update(Proportion::new(units, conversions).unwrap());
        let (control, treatment) = (of(1_000_000_000, 100_000_000), of(10, 1));
        let alpha = Alpha::new(0.05).unwrap();
        let lift = contrast(&control, &treatment, Direction::Increase, alpha).unwrap().lift.unwrap();
        let own = treatment.credible_interval(alpha).unwrap();
        for (found, end) in [(lift.lower, own.lower), (lift.upper, own.upper)] {
            assert!((found.unwrap() - (end.unwrap() / 0.1 - 1.0)).abs() < 1e-6, "{lift:?} {own:?}");
        }
    }

    #[test]
    fn a_control_that_is_surely_negative_is_not_called_zero() {
        let arm = |mean| NormalPosterior::new(mean, 1.0).unwrap();
        let found =
            contrast(&arm(-100.0), &arm(-90.0), Direction::Increase, Alpha::new(0.05).unwrap()).unwrap();
        assert_eq!(found.lift, Err(Inconclusive::ControlNotPositive));
    }
}
