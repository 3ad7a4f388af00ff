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
    /// [`Inconclusive::ControlNotPositive`] unless the control is positive with a probability above `1 - 1e-9`;
    /// [`Inconclusive::NotConverged`] where an end is a lift of -1 or less, of a treatment that may be negative.
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
    control.mean()?;
    treatment.mean()?;
    let pair = Pair::of(control, treatment);
    let arms = pair.about_the_narrower();
    let breaks: Vec<f64> = [arms.control.landmarks(), arms.treatment.landmarks()].concat();
    let loss = |chosen: &P, other: &P| {
        integral(
            |u| {
                let (worse, _) = worse_and_better(chosen, u, direction)?;
                Ok(worse * worse_and_better(other, u, direction)?.1 * P::slope(u))
            },
            &breaks,
            narrowest([chosen, other]),
        )
    };
    let better = match direction {
        Direction::Increase => Side::Upper,
        Direction::Decrease => Side::Lower,
    };
    let ends = Ends::of(&pair, alpha)?;
    let lift = if control.is_positive()? {
        ends.interval(Measure::Lift)
    } else {
        Err(Inconclusive::ControlNotPositive)
    };
    Ok(Contrast {
        probability_better: pair.beyond(Measure::Difference, 0.0, better)?.min(1.0),
        loss_of_shipping: loss(&arms.treatment, &arms.control)?,
        loss_of_keeping: loss(&arms.control, &arms.treatment)?,
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

/// The two arms of a contrast, measured from `origin`.
struct Arms<P> {
    origin: f64,
    control: P,
    treatment: P,
}

impl<P: Posterior> Arms<P> {
    fn about(origin: f64, control: &P, treatment: &P) -> Self {
        Self { origin, control: control.about(origin), treatment: treatment.about(origin) }
    }
}

/// The two arms measured from the middle of either, so that a density is resolved however narrow it is.
struct Pair<P> {
    about_control: Arms<P>,
    about_treatment: Arms<P>,
}

impl<P: Posterior> Pair<P> {
    fn of(control: &P, treatment: &P) -> Self {
        Self {
            about_control: Arms::about(control.origin(), control, treatment),
            about_treatment: Arms::about(treatment.origin(), control, treatment),
        }
    }

    fn control_is_narrower(&self) -> bool {
        self.about_control.control.grain() <= self.about_control.treatment.grain()
    }

    fn about_the_narrower(&self) -> &Arms<P> {
        if self.control_is_narrower() { &self.about_control } else { &self.about_treatment }
    }

    /// The probability that the treatment is on that side of where the control moves by `distance`.
    fn beyond(&self, measure: Measure, distance: f64, side: Side) -> Result<f64, Inconclusive> {
        match self.on_the_line(measure, distance, side)? {
            Some(found) => Ok(found),
            None => self.in_panels(measure, distance, side),
        }
    }

    /// By the trapezoidal rule, over either arm's density: `P(θ_t <= θ_c + d) = P(θ_c >= θ_t - d)`.
    ///
    /// The narrower one comes first, as the other arm's distribution function is then smooth at its grain. A density
    /// that the shift moves across the edge of the domain meets a kink there, so it is left out.
    fn on_the_line(&self, measure: Measure, distance: f64, side: Side) -> Result<Option<f64>, Inconclusive> {
        let Self { about_control: one, about_treatment: two } = self;
        let direct = (&one.control, &one.treatment, measure.shift(distance, one.origin), side);
        let back = measure.shift(-distance, two.origin);
        let mirrored = (&two.treatment, &two.control, back, side.opposite());
        let turns = if self.control_is_narrower() { [direct, mirrored] } else { [mirrored, direct] };
        for (weight, other, shift, side) in turns {
            let mut breaks = weight.landmarks();
            if weight.landmarks_before(shift.back()).len() < breaks.len() {
                continue;
            }
            breaks.extend(other.landmarks_before(shift));
            let found =
                trapezoid(|u| product(weight, other, u, shift, side), &breaks, STEP * weight.grain())?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// By the adaptive rule, over the control's density.
    fn in_panels(&self, measure: Measure, distance: f64, side: Side) -> Result<f64, Inconclusive> {
        let Arms { origin, control, treatment } = &self.about_control;
        let shift = measure.shift(distance, *origin);
        let breaks = [control.landmarks(), treatment.landmarks_before(shift)].concat();
        integrate(|u| product(control, treatment, u, shift, side), &breaks, TOLERANCE)
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

/// The middle of an arm's posterior and the ends of its own interval, measured from `origin`.
struct Own {
    origin: f64,
    lower: f64,
    median: f64,
    upper: f64,
}

impl Own {
    fn of(origin: f64, posterior: &impl Posterior, alpha: Alpha) -> Result<Self, Inconclusive> {
        let tail = 0.5 * alpha.get();
        Ok(Self {
            origin,
            lower: posterior.quantile(tail)?,
            median: posterior.quantile(0.5)?,
            upper: posterior.upper_quantile(tail)?,
        })
    }

    /// How far the end on that side is from the middle.
    fn reach<P: Posterior>(&self, side: Side, measure: Measure) -> f64 {
        let end = if side == Side::Lower { self.lower } else { self.upper };
        measure.distance::<P>(self.origin, self.median, end)
    }
}

/// The intervals of difference and lift, which start from those of the arms.
struct Ends<'a, P> {
    pair: &'a Pair<P>,
    alpha: Alpha,
    control: Own,
    treatment: Own,
    /// The treatment's median, measured from the control's origin.
    target: f64,
}

impl<'a, P: Posterior> Ends<'a, P> {
    fn of(pair: &'a Pair<P>, alpha: Alpha) -> Result<Self, Inconclusive> {
        let Pair { about_control: one, about_treatment: two } = pair;
        Ok(Self {
            pair,
            alpha,
            control: Own::of(one.origin, &one.control, alpha)?,
            treatment: Own::of(two.origin, &two.treatment, alpha)?,
            target: one.treatment.quantile(0.5)?,
        })
    }

    fn interval(&self, measure: Measure) -> Result<Interval, Inconclusive> {
        let (lower, upper) = (self.end(Side::Lower, measure)?, self.end(Side::Upper, measure)?);
        Ok(Interval::between(lower, upper, self.alpha.level()))
    }

    /// The difference or lift beyond which lies half of alpha on that side; each tail is integrated as such.
    ///
    /// Solved in normal deviates of the tail, which are nearly linear in it, as the way from the middle, so that the ends
    /// stay apart however narrow the interval is.
    fn end(&self, side: Side, measure: Measure) -> Result<f64, Inconclusive> {
        let middle = measure.distance::<P>(self.control.origin, self.control.median, self.target);
        let wanted = normal::upper_quantile(0.5 * self.alpha.get())?;
        let excess = |way: f64| -> Result<f64, Inconclusive> {
            let tail = self.pair.beyond(measure, middle + way, side)?;
            let deviate = normal::upper_quantile(tail.clamp(f64::MIN_POSITIVE, 1.0 - f64::EPSILON))?;
            Ok(if side == Side::Lower { wanted - deviate } else { deviate - wanted })
        };
        let guess = self.likely(side, measure);
        let doubt = DOUBT * guess.abs();
        let bracket = (guess - doubt, guess + doubt);
        let line = (f64::NEG_INFINITY, f64::INFINITY);
        let way = solve_increasing(excess, bracket, line, 1e-10, "the end of a credible interval")?;
        Ok(measure.value(middle + way))
    }

    /// About how far from the middle the end on that side is: the squares of the arms' own distances from their medians
    /// add up.
    ///
    /// Source: Zou and Donner, Statistics in Medicine 27 (2008).
    fn likely(&self, side: Side, measure: Measure) -> f64 {
        let sign = if side == Side::Lower { -1.0 } else { 1.0 };
        let own = self.control.reach::<P>(side.opposite(), measure);
        sign * own.hypot(self.treatment.reach::<P>(side, measure))
    }
}

/// How two values are compared, on a scale where distances add up: lifts as logarithms.
#[derive(Debug, Clone, Copy)]
enum Measure {
    Difference,
    Lift,
}

impl Measure {
    fn distance<P: Posterior>(self, origin: f64, from: f64, to: f64) -> f64 {
        match self {
            Self::Difference => to - from,
            Self::Lift => P::log_lift(origin, from, to),
        }
    }

    fn value(self, distance: f64) -> f64 {
        match self {
            Self::Difference => distance,
            Self::Lift => distance.exp_m1(),
        }
    }

    fn shift(self, distance: f64, origin: f64) -> Shift {
        match self {
            Self::Difference => Shift::By(distance),
            Self::Lift => Shift::Lift { log: distance, origin },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bayes::{
        BetaPosterior, BetaPrior, NormalInverseGamma, NormalPosterior, StudentPosterior, standings,
    };
    use crate::dist::beta;
    use crate::moments::{Mean, Proportion};

    fn rate(conversions: u64) -> BetaPosterior {
        BetaPrior::UNIFORM.update(Proportion::new(1_000, conversions).unwrap())
    }

    /// As the units grow, rates of few conversions become gamma variables, of which `P(X > Y)` is an incomplete beta function.
    #[test]
    fn few_conversions_among_very_many_units_are_compared() {
        let alpha = Alpha::new(0.05).unwrap();
        for units in [30_000_000, 1_000_000_000, 10_000_000_000, 1_000_000_000_000_u64] {
            for (control, treatment) in [(10, 5), (59, 47), (0, 1), (22, 1), (200, 230)] {
                let arm =
                    |conversions| BetaPrior::UNIFORM.update(Proportion::new(units, conversions).unwrap());
                let found = contrast(&arm(control), &arm(treatment), Direction::Increase, alpha).unwrap();
                let (a, b) = (control as f64 + 1.0, treatment as f64 + 1.0);
                let limit = beta::lower(a, b, 0.5, 0.5).unwrap();
                let off = (found.probability_better / limit - 1.0).abs();
                assert!(off < 1e-9 + 300.0 / units as f64, "{units} {control} {treatment}: {off:e}");
                let first = standings(&[arm(control), arm(treatment)], Direction::Increase).unwrap()[1];
                assert!((first.probability_best / limit - 1.0).abs() < 1e-9 + 300.0 / units as f64);
            }
        }
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
        let shifts =
            [-0.5, -0.01, -1e-4, 0.0, 1e-4, 0.003, 0.2].map(|distance| (Measure::Difference, distance));
        let lifts = [-0.9, -0.1, 0.0, 0.05, 3.0, 200.0].map(|lift: f64| (Measure::Lift, lift.ln_1p()));
        let mut compared = 0;
        for (control, treatment) in arms.iter().flat_map(|one| arms.iter().map(move |other| (one, other))) {
            let pair = Pair::of(control, treatment);
            for (measure, distance) in shifts.into_iter().chain(lifts) {
                for side in [Side::Lower, Side::Upper] {
                    let Some(found) = pair.on_the_line(measure, distance, side).unwrap() else { continue };
                    let expected = pair.in_panels(measure, distance, side).unwrap();
                    assert!(agree(found, expected), "{measure:?} {distance}: {found} against {expected}");
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

    /// Means and standard deviations of a control and a treatment, from alike to far narrower than a last digit.
    const NARROW: [((f64, f64), (f64, f64)); 12] = [
        ((0.5, 1e-20), (0.0, 1.0)),
        ((0.0, 1.0), (0.5, 1e-20)),
        ((0.5, 1e-17), (0.0, 1.0)),
        ((1.0, 1e-16), (0.997, 0.003)),
        ((1.0, 1e-14), (0.997, 0.003)),
        ((1.0, 1e-14), (1.0 + 2e-14, 1e-14)),
        ((1.0, 1e-20), (1.0, 2e-20)),
        ((1.0, 1e-20), (1.0, 1e-12)),
        ((5.0, 1e-9), (5.000_000_001, 1e-9)),
        ((100.0, 5.8e-6), (100.000_06, 1.2e-9)),
        ((-5.0, 0.0814), (-3.794, 4.6e-5)),
        ((-3.794, 4.6e-5), (-5.0, 0.0814)),
    ];

    #[test]
    fn normal_arms_of_any_width_give_the_closed_form() {
        let alpha = Alpha::new(0.05).unwrap();
        let close = |found: f64, expected: f64| (found / expected - 1.0).abs() < 1e-8;
        for ((mean, deviation), (other, spread)) in NARROW {
            let control = NormalPosterior::new(mean, deviation).unwrap();
            let treatment = NormalPosterior::new(other, spread).unwrap();
            let exact = treatment.minus(&control);
            let found = contrast(&control, &treatment, Direction::Increase, alpha).unwrap();
            assert!(close(found.probability_better, exact.probability_positive()), "{found:?}");
            assert!(close(found.loss_of_shipping, exact.expected_loss()), "{found:?} {exact:?}");
            assert!(close(found.loss_of_keeping, exact.expected_gain()), "{found:?} {exact:?}");
            let interval = exact.credible_interval(alpha).unwrap();
            assert!(
                close(found.difference.lower.unwrap(), interval.lower.unwrap()),
                "{found:?} {interval:?}"
            );
            assert!(
                close(found.difference.upper.unwrap(), interval.upper.unwrap()),
                "{found:?} {interval:?}"
            );
            let standings = standings(&[control, treatment], Direction::Increase).unwrap();
            assert!(close(standings[0].probability_best, exact.probability_negative()), "{standings:?}");
            assert!(close(standings[1].probability_best, exact.probability_positive()), "{standings:?}");
            assert!(close(standings[0].expected_loss, exact.expected_gain()), "{standings:?}");
            assert!(close(standings[1].expected_loss, exact.expected_loss()), "{standings:?}");
        }
    }

    #[test]
    fn ends_of_an_interval_narrower_than_a_last_digit_are_in_order() {
        let alpha = Alpha::new(0.05).unwrap();
        for (deviation, spread) in [(1e-20, 1e-20), (1e-16, 1e-20), (1e-13, 1e-16), (1e-11, 1e-11)] {
            let control = NormalPosterior::new(1.0, deviation).unwrap();
            let treatment = NormalPosterior::new(3.0, spread).unwrap();
            let found = contrast(&control, &treatment, Direction::Increase, alpha).unwrap();
            let half = alpha.two_sided_z() * deviation.hypot(spread);
            for interval in [found.difference, found.lift.unwrap()] {
                let (lower, upper) = (interval.lower.unwrap(), interval.upper.unwrap());
                assert!(lower <= upper && upper - lower <= 8.0 * half + 2e-15, "{found:?}");
                assert!(interval.contains(2.0), "{found:?}");
            }
            assert!((found.probability_better - 1.0).abs() < 1e-12, "{found:?}");
            assert!((found.loss_of_keeping - 2.0).abs() < 1e-12, "{found:?}");
        }
    }

    #[test]
    fn a_lift_of_narrow_means_keeps_its_digits() {
        // With sd of 1e-10 and 2e-10 about 1 and 2 the lift is normal about 1 to first order.
        let alpha = Alpha::new(0.05).unwrap();
        let control = NormalPosterior::new(1.0, 1e-10).unwrap();
        let treatment = NormalPosterior::new(2.0, 2e-10).unwrap();
        let lift = contrast(&control, &treatment, Direction::Increase, alpha).unwrap().lift.unwrap();
        let half = alpha.two_sided_z() * 2e-10 * 2.0_f64.sqrt();
        assert!(((lift.upper.unwrap() - 1.0) / half - 1.0).abs() < 1e-5, "{lift:?}");
        assert!(((1.0 - lift.lower.unwrap()) / half - 1.0).abs() < 1e-5, "{lift:?}");
    }

    #[test]
    fn a_student_mean_that_hardly_varies_is_a_fixed_point() {
        let of = |mean, variance| {
            let seen = Mean::from_variance(1_000, mean, variance).unwrap();
            NormalInverseGamma::REFERENCE.update(&seen).unwrap().mean_posterior().unwrap()
        };
        let (narrow, wide) = (of(0.1, 1e-32), of(0.09, 0.01));
        let alpha = Alpha::new(0.05).unwrap();
        let exact = wide.tails(0.1).unwrap().1;
        let found = contrast(&narrow, &wide, Direction::Increase, alpha).unwrap();
        assert!((found.probability_better / exact - 1.0).abs() < 1e-8, "{found:?} {exact}");
        let standings = standings(&[narrow, wide], Direction::Increase).unwrap();
        assert!((standings[1].probability_best / exact - 1.0).abs() < 1e-8, "{standings:?}");
        let own = wide.credible_interval(alpha).unwrap();
        assert!((found.difference.lower.unwrap() / (own.lower.unwrap() - 0.1) - 1.0).abs() < 1e-8);
        assert!((found.difference.upper.unwrap() / (own.upper.unwrap() - 0.1) - 1.0).abs() < 1e-8);
    }

    #[test]
    fn rates_that_are_all_but_surely_zero_are_refused() {
        let of = |a, b| BetaPrior::new(a, b).unwrap().update(Proportion::default());
        let alpha = Alpha::new(0.05).unwrap();
        for arm in [of(0.001, 1_000.001), of(0.01, 1_000.01), of(1_000.0, 0.049)] {
            let refused = Inconclusive::OutOfDomain { what: "a beta posterior with a count below 0.05" };
            assert_eq!(contrast(&arm, &arm, Direction::Increase, alpha), Err(refused));
            assert_eq!(standings(&[arm, arm], Direction::Increase), Err(refused));
        }
        let least = of(0.05, 1_000.0);
        let found = contrast(&least, &least, Direction::Increase, alpha).unwrap();
        assert!((found.probability_better - 0.5).abs() < 1e-10, "{found:?}");
        let standings = standings(&[least, least], Direction::Increase).unwrap();
        assert!((standings[0].probability_best - 0.5).abs() < 1e-10, "{standings:?}");
        let seen = BetaPrior::new(0.001, 1_000.0).unwrap().update(Proportion::new(10, 1).unwrap());
        assert!(contrast(&seen, &seen, Direction::Increase, alpha).is_ok());
    }

    #[test]
    fn a_lift_of_a_million_million_keeps_its_digits() {
        let of = |a, b| BetaPrior::new(a, b).unwrap().update(Proportion::default());
        let alpha = Alpha::new(1e-6).unwrap();
        let found = contrast(&of(0.5, 1.0), &of(5_611.0, 11_144.0), Direction::Increase, alpha).unwrap();
        // P(p_t > p_c (1 + l)) = 5e-7, and p_c = v² for a uniform v: E[sqrt(p_t)]²/(1 + l) = 25e-14.
        let upper = found.lift.unwrap().upper.unwrap();
        assert!((upper / 1_339_500_739_776.1 - 1.0).abs() < 1e-9, "{upper}");
    }

    #[test]
    fn a_control_that_is_surely_negative_is_not_called_zero() {
        let arm = |mean| NormalPosterior::new(mean, 1.0).unwrap();
        let found =
            contrast(&arm(-100.0), &arm(-90.0), Direction::Increase, Alpha::new(0.05).unwrap()).unwrap();
        assert_eq!(found.lift, Err(Inconclusive::ControlNotPositive));
    }
}
