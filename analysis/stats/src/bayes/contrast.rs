//! By how much two arms differ, and what either choice risks.
//!
//! Owns the distribution of the difference and of the lift of two independent posteriors, and its inverse.

use serde::Serialize;

use super::compare::{STEP, TOLERANCE, integral, narrowest, worse_and_better};
use super::posterior::{Posterior, Shift};
use crate::dist::normal;
use crate::fixed::margin::Direction;
use crate::quadrature::{integrate, trapezoid};
use crate::root::solve_increasing;
use crate::{Alpha, Inconclusive, Interval, inconclusive::serialize_outcome};

/// The share of the way from the middle to a likely end that the end may be off at first.
const DOUBT: f64 = 0.02;

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
/// As [`super::standings`].
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
        ends.interval(Measure::Lift)
    } else {
        Err(Inconclusive::ControlNotPositive)
    };
    Ok(Contrast {
        probability_better: pair.beyond(Shift::By(0.0), better)?.min(1.0),
        loss_of_shipping: loss(treatment, control)?,
        loss_of_keeping: loss(control, treatment)?,
        difference: ends.interval(Measure::Difference)?,
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

    fn interval(&self, measure: Measure) -> Result<Interval, Inconclusive> {
        let (lower, upper) = (self.end(Side::Lower, measure)?, self.end(Side::Upper, measure)?);
        Ok(Interval::between(lower, upper, self.alpha.level()))
    }

    /// The difference or lift beyond which lies half of alpha on that side; each tail is integrated as such.
    ///
    /// Solved in normal deviates of the tail, which are nearly linear in it.
    fn end(&self, side: Side, measure: Measure) -> Result<f64, Inconclusive> {
        let wanted = normal::upper_quantile(0.5 * self.alpha.get())?;
        let excess = |distance: f64| -> Result<f64, Inconclusive> {
            let tail = self.pair.beyond(measure.shift(distance), side)?;
            let deviate = normal::upper_quantile(tail.clamp(f64::MIN_POSITIVE, 1.0 - f64::EPSILON))?;
            Ok(if side == Side::Lower { wanted - deviate } else { deviate - wanted })
        };
        let (guess, doubt) = self.likely(side, measure);
        let bracket = (guess - doubt, guess + doubt);
        let line = (f64::NEG_INFINITY, f64::INFINITY);
        let distance = solve_increasing(excess, bracket, line, 1e-10, "the end of a credible interval")?;
        Ok(measure.value(distance))
    }

    /// About where the end on that side is, and how far off that may be: the squares of the arms' own distances from
    /// their medians add up.
    ///
    /// Source: Zou and Donner, Statistics in Medicine 27 (2008).
    fn likely(&self, side: Side, measure: Measure) -> (f64, f64) {
        let Self { control, treatment, .. } = self;
        let (on_control, on_treatment, sign) = match side {
            Side::Lower => (control.upper, treatment.lower, -1.0),
            Side::Upper => (control.lower, treatment.upper, 1.0),
        };
        let reach = measure
            .distance::<P>(control.median, on_control)
            .hypot(measure.distance::<P>(treatment.median, on_treatment));
        (measure.distance::<P>(control.median, treatment.median) + sign * reach, DOUBT * reach)
    }
}

/// How two values are compared, on a scale where distances add up: lifts as logarithms.
#[derive(Clone, Copy)]
enum Measure {
    Difference,
    Lift,
}

impl Measure {
    fn distance<P: Posterior>(self, from: f64, to: f64) -> f64 {
        match self {
            Self::Difference => to - from,
            Self::Lift => P::log_lift(from, to),
        }
    }

    fn value(self, distance: f64) -> f64 {
        match self {
            Self::Difference => distance,
            Self::Lift => distance.exp_m1(),
        }
    }

    fn shift(self, distance: f64) -> Shift {
        match self {
            Self::Difference => Shift::By(distance),
            Self::Lift => Shift::Lift(distance.exp_m1()),
        }
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
