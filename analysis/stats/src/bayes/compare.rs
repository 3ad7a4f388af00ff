//! Which arm is best, what a choice costs if it is not, and by how much two arms differ.
//!
//! Owns the integrals over independent posteriors of one type. All by quadrature: no draws, so the same data give
//! the same numbers, and an expected loss of 1e-12 is that and not 0.

use serde::Serialize;

use super::posterior::{Posterior, Shift};
use crate::quadrature::integrate;
use crate::root::solve_increasing;
use crate::{Alpha, Inconclusive, Interval, inconclusive::serialize_outcome};

/// Relative error asked of every integral.
const TOLERANCE: f64 = 1e-11;

/// An arm against all others.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Standing {
    /// `P(θ_i > θ_j for all j)`.
    pub probability_best: f64,
    /// `E[max_j θ_j - θ_i]`: what is given up per unit, in the unit of θ, if this arm is chosen. Never negative.
    pub expected_loss: f64,
}

/// The standing of every arm, in their order.
///
/// With `F` the distribution and `f` the density functions,
/// `P(best) = ∫ f_i ∏_{j≠i} F_j du` and `E[loss] = ∫ F_i (1 - ∏_{j≠i} F_j) (dθ/du) du`;
/// the second follows from `E[(M - X)+] = ∫ P(X <= t) P(M > t) dt` for independent X and M.
///
/// # Errors
/// [`Inconclusive::TooFewArms`] below two arms; [`Inconclusive::TooFewUnits`] when a posterior has no mean;
/// [`Inconclusive::NotConverged`] when an integral fails.
pub fn standings<P: Posterior>(arms: &[P]) -> Result<Vec<Standing>, Inconclusive> {
    if arms.len() < 2 {
        return Err(Inconclusive::TooFewArms);
    }
    let breaks: Vec<f64> = arms.iter().flat_map(Posterior::landmarks).collect();
    (0..arms.len()).map(|index| standing(arms, index, &breaks)).collect()
}

fn standing<P: Posterior>(arms: &[P], index: usize, breaks: &[f64]) -> Result<Standing, Inconclusive> {
    let arm = arms.get(index).ok_or(Inconclusive::TooFewArms)?;
    arm.mean()?;
    let rivals = || arms.iter().enumerate().filter(move |(other, _)| *other != index).map(|(_, rival)| rival);
    let probability_best = integrate(
        |u| rivals().try_fold(arm.density(u), |product, rival| Ok(product * rival.tails(u)?.0)),
        breaks,
        TOLERANCE,
    )?;
    let expected_loss =
        integrate(|u| Ok(arm.tails(u)?.0 * some_above(rivals(), u)? * P::slope(u)), breaks, TOLERANCE)?;
    Ok(Standing { probability_best: probability_best.min(1.0), expected_loss })
}

/// `1 - ∏ F_j` built up from the upper tails, so that a small one keeps its digits.
fn some_above<'a, P: Posterior + 'a>(
    rivals: impl Iterator<Item = &'a P>,
    u: f64,
) -> Result<f64, Inconclusive> {
    let mut above = 0.0;
    for rival in rivals {
        let (_, own) = rival.tails(u)?;
        above += own - above * own;
    }
    Ok(above)
}

/// A treatment against its control.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Contrast {
    /// `P(θ_t > θ_c)`.
    pub probability_better: f64,
    /// `E[max(θ_c - θ_t, 0)]`: what shipping the treatment risks, in the unit of θ.
    pub loss_of_shipping: f64,
    /// `E[max(θ_t - θ_c, 0)]`: what keeping the control risks.
    pub loss_of_keeping: f64,
    /// Equal-tailed credible interval of `θ_t - θ_c`.
    pub difference: Interval,
    /// Equal-tailed credible interval of `θ_t/θ_c - 1`.
    ///
    /// # Errors
    /// [`Inconclusive::ZeroControl`] when the control is not positive with a probability above `1 - 1e-9`.
    #[serde(serialize_with = "serialize_outcome")]
    pub lift: Result<Interval, Inconclusive>,
}

/// Compares two arms by quadrature; intervals at level `1 - alpha`.
///
/// The distribution of the difference is `P(θ_t - θ_c <= d) = ∫ f_c(u) F_t(θ_c + d) du`, that of the lift
/// `∫ f_c(u) F_t(θ_c (1 + l)) du`; ends of intervals are their inverses. For log-normal means θ is the logarithm, so
/// `difference` is in logarithms and `lift` in the usual sense.
///
/// # Errors
/// As [`standings`].
pub fn contrast<P: Posterior>(control: &P, treatment: &P, alpha: Alpha) -> Result<Contrast, Inconclusive> {
    let breaks: Vec<f64> = [control.landmarks(), treatment.landmarks()].concat();
    control.mean()?;
    treatment.mean()?;
    let loss = |chosen: &P, other: &P| {
        integrate(|u| Ok(chosen.tails(u)?.0 * other.tails(u)?.1 * P::slope(u)), &breaks, TOLERANCE)
    };
    let better = integrate(|u| Ok(control.density(u) * treatment.tails(u)?.1), &breaks, TOLERANCE)?;
    let lift = if control.is_positive()? {
        interval(control, treatment, alpha, Shift::Lift)
    } else {
        Err(Inconclusive::ZeroControl)
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
    let tail = 0.5 * alpha.get();
    let (lower, upper) = (end(control, treatment, tail, shift)?, end(control, treatment, 1.0 - tail, shift)?);
    Ok(Interval::between(lower, upper, alpha.level()))
}

/// The difference or lift that is not exceeded with probability `p`.
fn end<P: Posterior>(
    control: &P,
    treatment: &P,
    p: f64,
    shift: fn(f64) -> Shift,
) -> Result<f64, Inconclusive> {
    let below = |by: f64| -> Result<(f64, f64), Inconclusive> {
        let breaks: Vec<f64> = [control.landmarks(), treatment.landmarks_before(shift(by))].concat();
        let side = |above: bool| {
            integrate(
                |u| {
                    let (lower, upper) = treatment.tails_after(u, shift(by))?;
                    Ok(control.density(u) * if above { upper } else { lower })
                },
                &breaks,
                TOLERANCE,
            )
        };
        Ok((side(false)?, side(true)?))
    };
    // Quantiles of the arms taken apart bracket the end closely enough to start from.
    let distance = |p_treatment: f64, p_control: f64| -> Result<f64, Inconclusive> {
        let (on_treatment, on_control) = (treatment.quantile(p_treatment)?, control.quantile(p_control)?);
        Ok(match shift(0.0) {
            Shift::By(_) => on_treatment - on_control,
            Shift::Lift(_) => P::lift_between(on_control, on_treatment),
        })
    };
    let (low, high) = (distance(0.5 * p, 1.0 - 0.5 * p)?, distance(0.5 + 0.5 * p, 0.5 - 0.5 * p)?);
    let domain = match shift(0.0) {
        Shift::By(_) => (f64::NEG_INFINITY, f64::INFINITY),
        Shift::Lift(_) => (-1.0, f64::INFINITY),
    };
    solve_increasing(
        |by| {
            let (lower, upper) = below(by)?;
            Ok(if p < 0.5 { lower - p } else { (1.0 - p) - upper })
        },
        (low, high),
        domain,
        1e-10,
        "the end of a credible interval",
    )
}
