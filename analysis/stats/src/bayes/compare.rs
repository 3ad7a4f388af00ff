//! Which arm is best, what a choice costs if it is not, and by how much two arms differ.
//!
//! Owns the integrals over independent posteriors of one type. All by quadrature: no draws, so the same data give
//! the same numbers, and an expected loss of 1e-12 is that and not 0. The trapezoidal rule does nearly all of them;
//! where it does not converge (few units at the edge of the domain, widths that differ by far) the adaptive rule does.

use serde::Serialize;

use super::posterior::{Posterior, Shift};
use crate::dist::normal;
use crate::fixed::margin::Direction;
use crate::quadrature::{integrate, trapezoid};
use crate::root::solve_increasing;
use crate::{Alpha, Inconclusive, Interval, inconclusive::serialize_outcome};

/// Relative error asked of the adaptive rule.
const TOLERANCE: f64 = 1e-11;
/// Step of the trapezoidal rule in grains of the narrowest density.
const STEP: f64 = 0.3;
/// The share of the way from the middle to a likely end that the end may be off at first.
const DOUBT: f64 = 0.02;

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
    let probability_best = integral(
        |u| {
            rivals().try_fold(arm.density(u), |product, rival| {
                Ok(product * worse_and_better(rival, u, direction)?.0)
            })
        },
        breaks,
        arm.grain(),
    )?;
    let expected_loss = integral(
        |u| {
            let (worse, _) = worse_and_better(arm, u, direction)?;
            Ok(worse * some_better(rivals(), u, direction)? * P::slope(u))
        },
        breaks,
        narrowest(arms),
    )?;
    Ok(Standing { probability_best: probability_best.min(1.0), expected_loss })
}

/// By the trapezoidal rule with a step for densities of that grain, or else adaptively between `breaks`.
fn integral(
    f: impl Fn(f64) -> Result<f64, Inconclusive>,
    breaks: &[f64],
    grain: f64,
) -> Result<f64, Inconclusive> {
    match trapezoid(&f, breaks, STEP * grain)? {
        Some(found) => Ok(found),
        None => integrate(&f, breaks, TOLERANCE),
    }
}

fn narrowest<'a, P: Posterior + 'a>(arms: impl IntoIterator<Item = &'a P>) -> f64 {
    arms.into_iter().map(Posterior::grain).fold(f64::INFINITY, f64::min)
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
        integral(
            |u| {
                let (worse, _) = worse_and_better(chosen, u, direction)?;
                Ok(worse * worse_and_better(other, u, direction)?.1 * P::slope(u))
            },
            &breaks,
            narrowest([control, treatment]),
        )
    };
    let better = match direction {
        Direction::Increase => Side::Upper,
        Direction::Decrease => Side::Lower,
    };
    let pair = Pair { control, treatment };
    let ends = Ends::of(&pair, alpha)?;
    let lift = if control.is_positive()? {
        ends.interval(Shift::Lift)
    } else {
        Err(Inconclusive::ControlNotPositive)
    };
    Ok(Contrast {
        probability_better: pair.beyond(Shift::By(0.0), better)?.min(1.0),
        loss_of_shipping: loss(treatment, control)?,
        loss_of_keeping: loss(control, treatment)?,
        difference: ends.interval(Shift::By)?,
        lift,
    })
}

/// A side of a value, or of an interval.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Lower,
    Upper,
}

impl Side {
    const fn opposite(self) -> Self {
        match self {
            Self::Lower => Self::Upper,
            Self::Upper => Self::Lower,
        }
    }
}

/// The two arms of a contrast.
struct Pair<'a, P> {
    control: &'a P,
    treatment: &'a P,
}

impl<P: Posterior> Pair<'_, P> {
    /// The probability that the treatment is on that side of where `shift` moves the control.
    fn beyond(&self, shift: Shift, side: Side) -> Result<f64, Inconclusive> {
        match self.on_the_line(shift, side)? {
            Some(found) => Ok(found),
            None => self.in_panels(shift, side),
        }
    }

    /// By the trapezoidal rule, over either arm's density: `P(θ_t <= θ_c + d) = P(θ_c >= θ_t - d)`.
    ///
    /// The narrower one comes first, as the other arm's distribution function is then smooth at its grain. A density
    /// that the shift moves across the edge of the domain meets a kink there, so it is left out.
    fn on_the_line(&self, shift: Shift, side: Side) -> Result<Option<f64>, Inconclusive> {
        let Self { control, treatment } = self;
        let direct = (control, treatment, shift, side);
        let mirrored = (treatment, control, shift.back(), side.opposite());
        let turns =
            if control.grain() <= treatment.grain() { [direct, mirrored] } else { [mirrored, direct] };
        for (weight, other, shift, side) in turns {
            let mut breaks = weight.landmarks();
            if weight.landmarks_before(shift.back()).len() < breaks.len() {
                continue;
            }
            breaks.extend(other.landmarks_before(shift));
            let integrand = |u| product(*weight, *other, u, shift, side);
            let found = trapezoid(integrand, &breaks, STEP * weight.grain())?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// By the adaptive rule, over the control's density.
    fn in_panels(&self, shift: Shift, side: Side) -> Result<f64, Inconclusive> {
        let Self { control, treatment } = self;
        let breaks = [control.landmarks(), treatment.landmarks_before(shift)].concat();
        integrate(|u| product(*control, *treatment, u, shift, side), &breaks, TOLERANCE)
    }
}

/// The density of one arm times the other's tail on that side of the shifted value.
fn product<P: Posterior>(
    weight: &P,
    other: &P,
    u: f64,
    shift: Shift,
    side: Side,
) -> Result<f64, Inconclusive> {
    let (below, above) = other.tails_after(u, shift)?;
    Ok(weight.density(u) * if side == Side::Lower { below } else { above })
}

/// The middle of an arm's posterior and the ends of its own interval.
struct Own {
    lower: f64,
    median: f64,
    upper: f64,
}

impl Own {
    fn of(posterior: &impl Posterior, alpha: Alpha) -> Result<Self, Inconclusive> {
        let tail = 0.5 * alpha.get();
        Ok(Self {
            lower: posterior.quantile(tail)?,
            median: posterior.quantile(0.5)?,
            upper: posterior.upper_quantile(tail)?,
        })
    }
}

/// The intervals of difference and lift, which start from those of the arms.
struct Ends<'a, P> {
    pair: &'a Pair<'a, P>,
    alpha: Alpha,
    control: Own,
    treatment: Own,
}

impl<'a, P: Posterior> Ends<'a, P> {
    fn of(pair: &'a Pair<'a, P>, alpha: Alpha) -> Result<Self, Inconclusive> {
        let (control, treatment) = (Own::of(pair.control, alpha)?, Own::of(pair.treatment, alpha)?);
        Ok(Self { pair, alpha, control, treatment })
    }

    fn interval(&self, shift: fn(f64) -> Shift) -> Result<Interval, Inconclusive> {
        let (lower, upper) = (self.end(Side::Lower, shift)?, self.end(Side::Upper, shift)?);
        Ok(Interval::between(lower, upper, self.alpha.level()))
    }

    /// The difference or lift beyond which lies half of alpha on that side; each tail is integrated as such.
    ///
    /// Solved in normal deviates of the tail, which are nearly linear in it.
    fn end(&self, side: Side, shift: fn(f64) -> Shift) -> Result<f64, Inconclusive> {
        let wanted = normal::upper_quantile(0.5 * self.alpha.get())?;
        let excess = |by: f64| -> Result<f64, Inconclusive> {
            let tail = self.pair.beyond(shift(by), side)?.clamp(f64::MIN_POSITIVE, 1.0 - f64::EPSILON);
            let deviate = normal::upper_quantile(tail)?;
            Ok(if side == Side::Lower { wanted - deviate } else { deviate - wanted })
        };
        let distance = |on_control: f64, on_treatment: f64| match shift(0.0) {
            Shift::By(_) => on_treatment - on_control,
            Shift::Lift(_) => P::lift_between(on_control, on_treatment),
        };
        let domain = match shift(0.0) {
            Shift::By(_) => (f64::NEG_INFINITY, f64::INFINITY),
            Shift::Lift(_) => (-1.0, f64::INFINITY),
        };
        let (on_control, on_treatment) = self.likely(side);
        let guess = distance(on_control, on_treatment);
        let doubt = DOUBT * (guess - distance(self.control.median, self.treatment.median)).abs();
        let bracket = (guess - doubt, guess + doubt);
        solve_increasing(excess, bracket, domain, 1e-10, "the end of a credible interval")
    }

    /// Values of control and treatment that are about as far apart as the end on that side: the squares of the arms' own
    /// distances from their medians add up.
    ///
    /// Source: Zou and Donner, Statistics in Medicine 27 (2008).
    fn likely(&self, side: Side) -> (f64, f64) {
        let Self { control, treatment, .. } = self;
        let (of_control, of_treatment) = match side {
            Side::Lower => (control.upper - control.median, treatment.lower - treatment.median),
            Side::Upper => (control.lower - control.median, treatment.upper - treatment.median),
        };
        let together = of_control.hypot(of_treatment);
        (
            control.median + of_control * (of_control / together).abs(),
            treatment.median + of_treatment * (of_treatment / together).abs(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bayes::{BetaPosterior, BetaPrior, NormalInverseGamma, NormalPosterior, StudentPosterior};
    use crate::moments::{Mean, Proportion};

    fn rate(conversions: u64) -> BetaPosterior {
        BetaPrior::UNIFORM.update(Proportion::new(1_000, conversions).unwrap())
    }

    /// Rates whose densities are skewed, cut off at an end, far apart or of very different widths.
    fn hard_rates() -> Vec<BetaPosterior> {
        let seen = |units, conversions| Proportion::new(units, conversions).unwrap();
        let uniform = [
            seen(0, 0),
            seen(999, 0),
            seen(1_000, 1),
            seen(1_000, 1_000),
            seen(10, 1),
            seen(50, 45),
            seen(20_000, 2_000),
            seen(1_000_000_000, 100_000_000),
        ];
        let jeffreys = [seen(0, 0), seen(1_000, 0), seen(3, 3)];
        uniform
            .map(|seen| BetaPrior::UNIFORM.update(seen))
            .into_iter()
            .chain(jeffreys.map(|seen| BetaPrior::JEFFREYS.update(seen)))
            .collect()
    }

    fn hard_students() -> Vec<StudentPosterior> {
        let of = |units, mean, variance| {
            let seen = Mean::from_variance(units, mean, variance).unwrap();
            NormalInverseGamma::REFERENCE.update(&seen).unwrap().mean_posterior().unwrap()
        };
        vec![of(3, 1.0, 1.0), of(12, 1.5, 4.0), of(40, 0.8, 1e-4), of(100_000, 1.0, 1.0)]
    }

    /// Whether two answers are one, down to where the panels of the adaptive rule leave something out.
    fn agree(found: f64, expected: f64) -> bool {
        expected < 1e-30 || (found / expected - 1.0).abs() < 1e-9
    }

    /// The trapezoidal rule where it is used against the adaptive one; the number of integrals compared.
    fn compare_rules<P: Posterior>(arms: &[P]) -> usize {
        let shifts = [-0.5, -0.01, -1e-4, 0.0, 1e-4, 0.003, 0.2].map(Shift::By);
        let lifts = [-0.9, -0.1, 0.0, 0.05, 3.0, 200.0].map(Shift::Lift);
        let mut compared = 0;
        for (control, treatment) in arms.iter().flat_map(|one| arms.iter().map(move |other| (one, other))) {
            let pair = Pair { control, treatment };
            for shift in shifts.into_iter().chain(lifts) {
                for side in [Side::Lower, Side::Upper] {
                    let Some(found) = pair.on_the_line(shift, side).unwrap() else { continue };
                    let expected = pair.in_panels(shift, side).unwrap();
                    assert!(agree(found, expected), "{shift:?}: {found} against {expected}");
                    compared += 1;
                }
            }
            let breaks = [control.landmarks(), treatment.landmarks()].concat();
            let loss = |u| Ok(control.tails(u)?.0 * treatment.tails(u)?.1 * P::slope(u));
            if let Some(found) = trapezoid(loss, &breaks, STEP * narrowest([control, treatment])).unwrap() {
                let expected = integrate(loss, &breaks, TOLERANCE).unwrap();
                assert!(agree(found, expected), "loss: {found} against {expected}");
                compared += 1;
            }
        }
        compared
    }

    #[test]
    fn both_rules_agree_where_the_trapezoidal_one_converges() {
        let normals = [(0.0, 1.0), (0.1, 1e-3), (40.0, 1.0), (-2.0, 30.0)];
        let normals = normals.map(|(mean, deviation)| NormalPosterior::new(mean, deviation).unwrap());
        assert!(compare_rules(&hard_rates()) > 1_000);
        assert!(compare_rules(&hard_students()) > 100);
        assert!(compare_rules(&normals) > 100);
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
    fn a_lift_may_end_at_minus_one_to_the_last_digit() {
        // The lowest millionth of a Beta(0.3, 1) is below 1e-20.
        let of = |a, b| BetaPrior::new(a, b).unwrap().update(Proportion::default());
        let alpha = Alpha::new(1e-6).unwrap();
        let found = contrast(&of(100.0, 100.0), &of(0.3, 1.0), Direction::Increase, alpha).unwrap();
        assert!((found.lift.unwrap().lower.unwrap() + 1.0).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn a_control_that_is_surely_negative_is_not_called_zero() {
        let arm = |mean| NormalPosterior::new(mean, 1.0).unwrap();
        let found =
            contrast(&arm(-100.0), &arm(-90.0), Direction::Increase, Alpha::new(0.05).unwrap()).unwrap();
        assert_eq!(found.lift, Err(Inconclusive::ControlNotPositive));
    }
}
