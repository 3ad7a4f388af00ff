//! Inference after a group-sequential test: p-values, intervals and estimates that know of the earlier looks.
//!
//! Ordering of outcomes: stagewise (Armitage 1957; Jennison and Turnbull 2000, section 8.4). Crossing the upper
//! boundary earlier is more extreme than later, at the same look the larger statistic is; below, the mirror image.
//! It does not depend on looks that did not happen. With ψ_θ(k, z) the probability of an outcome at least as high under
//! drift θ, the two-sided p is 2 min(ψ_0, 1 − ψ_0) and the ends solve ψ_θ = α/2 and 1 − α/2; a one-sided design has
//! p = ψ_0 and a lower end where ψ_θ = α.

use serde::Serialize;

use super::{
    group::{Design, Look},
    recursion::{Path, apart},
    spending::Sides,
};
use crate::dist::normal;
use crate::root::solve_increasing;
use crate::{Effect, Inconclusive, Interval, PValue, inconclusive::finite};

/// What a group-sequential test says at its latest look.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Adjusted {
    /// Whether the statistic is beyond the boundary of this look.
    pub stopped: bool,
    /// The p-value under the stagewise ordering, as if the test stopped here; two-sided or one-sided as the design is.
    pub p_value: PValue,
    /// The interval under the stagewise ordering, as if the test stopped here; unbounded above for a one-sided design.
    pub interval: Interval,
    /// The median-unbiased estimate: equally likely to be too large as too small.
    pub median_unbiased: f64,
    /// The repeated interval, `estimate ± boundary · SE`: valid at every look whether or not one stops; unbounded at
    /// a look without a boundary, and above for a one-sided design (Jennison and Turnbull 2000, section 9.2).
    pub repeated: Interval,
}

/// Inference at the last of `looks` for an effect estimated with its fixed-horizon standard error.
///
/// The looks before it must not have stopped; they are those that [`super::group::boundaries`] gives for the design.
///
/// # Errors
/// [`Inconclusive::TooFewUnits`] without a look, [`Inconclusive::NoVariance`] without a standard error,
/// [`Inconclusive::NotConverged`] if an end of the interval is not found.
pub fn at_last_look(looks: &[Look], effect: &Effect, design: &Design) -> Result<Adjusted, Inconclusive> {
    let (last, earlier) = looks.split_last().ok_or(Inconclusive::TooFewUnits { needed: 1, found: 0 })?;
    if effect.standard_error <= 0.0 {
        return Err(Inconclusive::NoVariance);
    }
    finite(effect.standard_error, "standard error")?;
    let z = finite(effect.estimate / effect.standard_error, "statistic")?;
    let information: Vec<f64> = looks.iter().map(|look| look.information).collect();
    apart(&information)?;
    let sides = design.sides;
    let outcome = Outcome { earlier, sides, last: last.information, z };
    // The effect for a drift of 1: the expected statistic at this look is drift · √information, and the effect is that
    // many standard errors.
    let scale = effect.standard_error * last.information.sqrt();
    let stop = last.boundary.unwrap_or(f64::INFINITY);
    let reach = stop * effect.standard_error;
    let level = design.alpha.level();
    let end = |error: f64| Ok(scale * outcome.drift_where_as_high(error)?);
    let median_unbiased = end(0.5)?;
    Ok(match sides {
        Sides::One => Adjusted {
            stopped: z >= stop,
            p_value: PValue::clamped(outcome.as_high(0.0)),
            interval: Interval::between(end(design.alpha.get())?, f64::INFINITY, level),
            median_unbiased,
            repeated: Interval::between(effect.estimate - reach, f64::INFINITY, level),
        },
        Sides::Two => {
            let half = 0.5 * design.alpha.get();
            let upper = scale * outcome.drift_where_as_low(half)?;
            Adjusted {
                stopped: z.abs() >= stop,
                p_value: PValue::clamped(2.0 * outcome.as_high(0.0).min(outcome.as_low(0.0))),
                interval: Interval::between(end(half)?, upper, level),
                median_unbiased,
                repeated: Interval::around(effect.estimate, reach, level),
            }
        }
    })
}

/// Where the test stands: the looks that went on, and the statistic now.
struct Outcome<'a> {
    earlier: &'a [Look],
    sides: Sides,
    last: f64,
    z: f64,
}

impl Outcome<'_> {
    /// The probability, under a drift, of an outcome at least as high in the ordering.
    fn as_high(&self, drift: f64) -> f64 {
        let (path, _, crossed_above) = self.walk(drift);
        crossed_above + path.above(self.last, self.z)
    }

    /// The probability, under a drift, of an outcome at least as low in the ordering.
    fn as_low(&self, drift: f64) -> f64 {
        let (path, crossed_below, _) = self.walk(drift);
        crossed_below + path.below(self.last, self.z)
    }

    fn walk(&self, drift: f64) -> (Path, f64, f64) {
        let mut path = Path::start(drift);
        let (mut below, mut above) = (0.0, 0.0);
        let following = self.earlier.iter().skip(1).map(|look| look.information).chain([self.last]);
        for (look, next) in self.earlier.iter().zip(following) {
            let stop = look.boundary.unwrap_or(f64::INFINITY);
            let low = if self.sides == Sides::Two { -stop } else { f64::NEG_INFINITY };
            below += path.below(look.information, low);
            above += path.above(look.information, stop);
            path = path.advance(look.information, low, stop, next);
        }
        (path, below, above)
    }

    /// The drift under which an outcome at least as high has this probability.
    fn drift_where_as_high(&self, probability: f64) -> Result<f64, Inconclusive> {
        let wanted = deviate(probability)?;
        self.drift_where(wanted, |drift| Ok(deviate(self.as_high(drift))? - wanted))
    }

    /// The drift under which an outcome at least as low has this probability.
    fn drift_where_as_low(&self, probability: f64) -> Result<f64, Inconclusive> {
        let wanted = deviate(probability)?;
        self.drift_where(-wanted, |drift| Ok(wanted - deviate(self.as_low(drift))?))
    }

    /// The drift at which an increasing function is zero, from that of a test without earlier looks: a number of standard
    /// errors from the naive one.
    fn drift_where(
        &self,
        errors: f64,
        increasing: impl Fn(f64) -> Result<f64, Inconclusive>,
    ) -> Result<f64, Inconclusive> {
        let unit = 1.0 / self.last.sqrt();
        let guess = unit * (self.z + errors);
        let line = (f64::NEG_INFINITY, f64::INFINITY);
        let bracket = (guess - 0.1 * unit, guess + 0.1 * unit);
        solve_increasing(increasing, bracket, line, 1e-9, "adjusted interval")
    }
}

/// The normal deviate of a probability, in which the ordering's probabilities are nearly linear in the drift.
fn deviate(probability: f64) -> Result<f64, Inconclusive> {
    normal::quantile(probability.clamp(f64::MIN_POSITIVE, 1.0 - f64::EPSILON))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Alpha,
        sequential::{group::boundaries, spending::Spending},
    };

    fn design() -> Design {
        Design::two_sided(Alpha::new(0.05).unwrap())
    }

    fn effect(z: f64) -> Effect {
        Effect { estimate: 0.1 * z, standard_error: 0.1, interval: Interval::around(0.1 * z, 0.196, 0.95) }
    }

    #[test]
    fn a_single_look_is_the_ordinary_test() {
        let looks = boundaries(&design(), &[1.0]).unwrap();
        let result = at_last_look(&looks, &effect(2.5), &design()).unwrap();
        assert!((result.p_value.get() / 0.012_419_330_651_552_3 - 1.0).abs() < 1e-10);
        assert!((result.interval.lower.unwrap() - (0.25 - 0.195_996_398_454)).abs() < 1e-8);
        assert!((result.interval.upper.unwrap() - (0.25 + 0.195_996_398_454)).abs() < 1e-8);
        assert!((result.median_unbiased - 0.25).abs() < 1e-8 && result.stopped);
    }

    #[test]
    fn stopping_at_the_first_look_is_the_ordinary_interval_at_that_look() {
        let looks = boundaries(&design(), &[0.3]).unwrap();
        let result = at_last_look(&looks, &effect(4.5), &design()).unwrap();
        assert!((result.interval.lower.unwrap() - (0.45 - 0.195_996_398_454)).abs() < 1e-8, "{result:?}");
        assert!((result.median_unbiased - 0.45).abs() < 1e-8);
    }

    #[test]
    fn far_beyond_a_small_alpha_the_upper_end_is_that_of_the_first_look() {
        // As low as z = 40 is, to all digits, not to have stopped above at the first look: (U₁ + z_{α/2})/√t₁.
        let design = Design { spending: Spending::Pocock, ..Design::two_sided(Alpha::new(1e-6).unwrap()) };
        let looks = boundaries(&design, &[0.5, 1.0]).unwrap();
        let result = at_last_look(&looks, &effect(40.0), &design).unwrap();
        let closed = 0.1 * (looks[0].boundary.unwrap() + design.alpha.two_sided_z()) / 0.5_f64.sqrt();
        let found = result.interval.upper.unwrap();
        assert!((found / closed - 1.0).abs() < 1e-8, "{found} instead of {closed}");
    }

    #[test]
    fn after_close_looks_p_is_the_error_that_they_spent() {
        // Nothing of the last look is left at z = 10: p is 4(1 − Φ(z_{α/4}/√0.22)), by mpmath 1.4.1.
        let looks = boundaries(&design(), &[0.2, 0.21, 0.22, 1.0]).unwrap();
        let result = at_last_look(&looks, &effect(10.0), &design()).unwrap();
        assert!((result.p_value.get() / 3.528_878_077_337_757e-6 - 1.0).abs() < 1e-8, "{result:?}");
    }

    #[test]
    fn at_the_boundary_p_is_the_error_spent_and_the_interval_touches_zero() {
        let all = boundaries(&design(), &[0.25, 0.5, 0.8, 1.0]).unwrap();
        for k in 1..=all.len() {
            let looks = &all[..k];
            let last = looks[k - 1];
            let result = at_last_look(looks, &effect(last.boundary.unwrap()), &design()).unwrap();
            assert!((result.p_value.get() / last.spent - 1.0).abs() < 1e-6, "{k}");
            assert!(result.repeated.lower.unwrap().abs() < 1e-12);
            if k == all.len() {
                assert!(result.interval.lower.unwrap().abs() < 1e-7);
            }
        }
    }

    #[test]
    fn the_mirror_image_gives_mirrored_results() {
        let looks = boundaries(&design(), &[0.3, 0.7]).unwrap();
        let up = at_last_look(&looks, &effect(1.7), &design()).unwrap();
        let down = at_last_look(&looks, &effect(-1.7), &design()).unwrap();
        assert!((up.p_value.get() - down.p_value.get()).abs() < 1e-12);
        assert!((up.interval.lower.unwrap() + down.interval.upper.unwrap()).abs() < 1e-7);
        assert!((up.median_unbiased + down.median_unbiased).abs() < 1e-7);
    }

    #[test]
    fn one_side_stops_only_above_and_has_one_end() {
        let design = Design { sides: Sides::One, ..design() };
        let looks = boundaries(&design, &[0.5, 1.0]).unwrap();
        let single = at_last_look(&looks[..1], &effect(2.5), &design).unwrap();
        assert!((single.p_value.get() / 0.006_209_665_325_776_13 - 1.0).abs() < 1e-10);
        assert!((single.interval.lower.unwrap() - (0.25 - 0.164_485_362_695)).abs() < 1e-8);
        assert_eq!((single.interval.upper, single.repeated.upper), (None, None));
        for k in 1..=looks.len() {
            let stop = looks[k - 1].boundary.unwrap();
            let at = at_last_look(&looks[..k], &effect(stop * (1.0 + 1e-12)), &design).unwrap();
            assert!((at.p_value.get() / looks[k - 1].spent - 1.0).abs() < 1e-6 && at.stopped);
            assert!(at.repeated.lower.unwrap().abs() < 1e-11);
            assert!(!at_last_look(&looks[..k], &effect(-stop), &design).unwrap().stopped);
        }
        assert!(at_last_look(&looks, &effect(-3.0), &design).unwrap().p_value.get() > 0.99);
    }

    #[test]
    fn stopping_early_shrinks_the_estimate() {
        let looks = boundaries(&design(), &[0.5, 1.0]).unwrap();
        let result = at_last_look(&looks, &effect(2.2), &design()).unwrap();
        assert!(result.median_unbiased <= 0.22 + 1e-9);
        assert!(result.p_value.get() > 0.027);
    }
}
