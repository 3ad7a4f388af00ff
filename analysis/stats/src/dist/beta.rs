//! The regularised incomplete beta function and the beta distribution.

use std::f64::consts::TAU;

use super::gamma::{ln_1p_deficit, stirling_error};
use crate::Inconclusive;

/// From this size of both parameters on the tail is integrated, as the continued fraction needs their root in steps.
const LARGE: f64 = 3_000.0;
const MAX_STEPS: u32 = 20_000;

/// The probability of at most `x` under Beta(a, b); `y` is the complement `1 − x`, kept apart for its precision.
///
/// # Errors
/// [`Inconclusive::OutOfDomain`] unless a and b are positive and x and y lie in 0 to 1 and add up to it,
/// [`Inconclusive::NotConverged`] if the continued fraction does not converge.
pub fn lower(a: f64, b: f64, x: f64, y: f64) -> Result<f64, Inconclusive> {
    Ok(tails(a, b, x, y)?.0)
}

/// The probability of more than `x` under Beta(a, b).
///
/// # Errors
/// As [`lower`].
pub fn upper(a: f64, b: f64, x: f64, y: f64) -> Result<f64, Inconclusive> {
    Ok(tails(a, b, x, y)?.1)
}

/// Both tails at `x`: the smaller one has full relative precision, the larger is its complement.
///
/// # Errors
/// As [`lower`].
pub fn tails(a: f64, b: f64, x: f64, y: f64) -> Result<(f64, f64), Inconclusive> {
    let sound = a > 0.0 && b > 0.0 && a.is_finite() && b.is_finite() && (x + y - 1.0).abs() < 1e-9;
    if !sound || !(0.0..=1.0).contains(&x) || !(0.0..=1.0).contains(&y) {
        return Err(Inconclusive::OutOfDomain { what: "argument of the incomplete beta function" });
    }
    if x == 0.0 || y == 0.0 {
        return Ok(if x == 0.0 { (0.0, 1.0) } else { (1.0, 0.0) });
    }
    if a * y > b * x || (a * y == b * x && a > b) {
        let small = number(smaller_tail(a, b, x, y)?)?;
        Ok((small, 1.0 - small))
    } else {
        let small = number(smaller_tail(b, a, y, x)?)?;
        Ok((1.0 - small, small))
    }
}

/// Parameters at the very edge of the doubles (subnormal ones) have no tail to give.
fn number(tail: f64) -> Result<f64, Inconclusive> {
    let failed = Inconclusive::NotConverged { what: "incomplete beta function" };
    if tail.is_nan() { Err(failed) } else { Ok(tail) }
}

/// The logarithm of the density of Beta(a, b) at `x`, with `y = 1 − x`; infinite at an end where the density is zero
/// or without bound.
#[must_use]
pub fn ln_pdf(a: f64, b: f64, x: f64, y: f64) -> f64 {
    // Near 0 the density is x^(a − 1) / B(a, b), and B(1, b) is 1/b; the other end is the mirror image.
    let at_end = |power: f64, other: f64| match power.partial_cmp(&1.0) {
        Some(std::cmp::Ordering::Less) => f64::INFINITY,
        Some(std::cmp::Ordering::Equal) => other.ln(),
        _ => f64::NEG_INFINITY,
    };
    if x == 0.0 {
        at_end(a, b)
    } else if y == 0.0 {
        at_end(b, a)
    } else {
        ln_front(a, b, x, y) - x.ln() - y.ln()
    }
}

/// The value that a Beta(a, b) variable does not exceed with probability `p`.
///
/// Newton's method on the logit scale, kept in a bracket; to about 1e-12 relative in x or in 1 − x.
///
/// # Errors
/// [`Inconclusive::OutOfDomain`] unless `p` is strictly between 0 and 1 and a and b are positive,
/// [`Inconclusive::NotConverged`] if the iteration fails.
pub fn quantile(p: f64, a: f64, b: f64) -> Result<f64, Inconclusive> {
    Ok(1.0 / (1.0 + (-logit_quantile(p, a, b)?).exp()))
}

/// The value that a Beta(a, b) variable exceeds with probability `p`, which may be far below the last digit of 1.
///
/// # Errors
/// As [`quantile`].
pub fn upper_quantile(p: f64, a: f64, b: f64) -> Result<f64, Inconclusive> {
    // 1 − X follows Beta(b, a).
    Ok(1.0 / (1.0 + logit_quantile(p, b, a)?.exp()))
}

/// The logit of the [`quantile`].
fn logit_quantile(p: f64, a: f64, b: f64) -> Result<f64, Inconclusive> {
    if !(p > 0.0 && p < 1.0 && a > 0.0 && b > 0.0) {
        return Err(Inconclusive::OutOfDomain { what: "argument of the beta quantile" });
    }
    let z = super::normal::quantile(p)?;
    let mut logit = (a / b).ln() + z * (1.0 / a + 1.0 / b).sqrt();
    let (mut below, mut above) = (-745.0_f64, 745.0_f64);
    logit = logit.clamp(below + 1.0, above - 1.0);
    for _ in 0..300 {
        let (x, y) = (1.0 / (1.0 + (-logit).exp()), 1.0 / (1.0 + logit.exp()));
        let (lower, upper) = tails(a, b, x, y)?;
        // The smaller tail keeps its digits, so compare on its side.
        let excess = if lower < upper { (lower / p).ln() } else { -(upper / (1.0 - p)).ln() };
        if excess == 0.0 {
            return Ok(logit);
        }
        if excess > 0.0 {
            above = logit;
        } else {
            below = logit;
        }
        let density = ln_front(a, b, x, y).exp();
        let slope = density / if lower < upper { lower } else { upper };
        let newton = logit - excess / slope;
        let next = if newton > below && newton < above { newton } else { 0.5 * (below + above) };
        if (next - logit).abs() <= 1e-14 * logit.abs().max(1.0) {
            return Ok(next);
        }
        logit = next;
    }
    Err(Inconclusive::NotConverged { what: "quantile of the beta distribution" })
}

/// `ln(Γ(h + ½) / Γ(h))` without the cancellation of two large logarithms.
pub(crate) fn ln_gamma_ratio_half(h: f64) -> f64 {
    // (h) ln(h + ½) − (h − ½) ln h − ½ + errors, from ln Γ(x) = (x − ½) ln x − x + ½ ln 2π + error.
    let ratio = (0.5 / h).ln_1p();
    h * ratio + 0.5 * h.ln() - 0.5 + stirling_error(h + 0.5) - stirling_error(h)
}

/// `ln(x^a y^b / B(a, b))` by Loader's deviances: no cancellation, however large a and b are.
fn ln_front(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let n = a + b;
    let shift = b * x - a * y;
    let deviance = a * deviance(shift / a, n * x / a) + b * deviance(-shift / b, n * y / b);
    let errors = stirling_error(n) - stirling_error(a) - stirling_error(b);
    0.5 * (a / n * (b / TAU)).ln() + errors - deviance
}

/// `u − ln(1 + u)`, given `1 + u` too, so that digits are kept near zero and near −1.
fn deviance(u: f64, one_plus: f64) -> f64 {
    if u < -0.4 { u - one_plus.ln() } else { ln_1p_deficit(u) }
}

/// The lower tail at `x`, where `x` is at most the mean.
fn smaller_tail(a: f64, b: f64, x: f64, y: f64) -> Result<f64, Inconclusive> {
    let front = ln_front(a, b, x, y);
    if a.min(b) > LARGE { Ok(integrate(a, b, x, y) * front.exp()) } else { fraction(a, b, x, y, front) }
}

/// Continued fraction by Lentz's method; written in `a y − b x` and `y`, it keeps its digits where x is next to 1.
///
/// Source: DiDonato and Morris, ACM Transactions on Mathematical Software 18 (1992), algorithm 708, BFRAC.
fn fraction(a: f64, b: f64, x: f64, y: f64, front: f64) -> Result<f64, Inconclusive> {
    let slack = (a * y - b * x).max(0.0);
    let mut value = a / (a + 1.0) * (slack + 1.0);
    let (mut c, mut d) = (value, 0.0);
    for step in 1..=MAX_STEPS {
        let n = f64::from(step);
        let middle = a + 2.0 * n - 1.0;
        let above = (a + n - 1.0) / middle * ((a + b + n - 1.0) / middle) * n * (b - n) * x * x;
        let below = n + n * (b - n) * x / middle + (a + n) / (middle + 2.0) * (slack + 1.0 + n * (1.0 + y));
        d = 1.0 / (below + above * d);
        c = below + above / c;
        let factor = c * d;
        value *= factor;
        if (factor - 1.0).abs() <= f64::EPSILON {
            return Ok(front.exp() / value);
        }
    }
    Err(Inconclusive::NotConverged { what: "incomplete beta function" })
}

/// The lower tail at `x` relative to `x^a y^b / B(a, b)`, by Gauss-Legendre panels that grow with the distance.
fn integrate(a: f64, b: f64, x: f64, y: f64) -> f64 {
    // The integrand at x − s relative to x is exp(−decay·s − (a−1)·deficit(−s/x) − (b−1)·deficit(s/y)).
    let decay = ((a - 1.0) * y - (b - 1.0) * x) / (x * y);
    let curvature = (a - 1.0) / (x * x) + (b - 1.0) / (y * y);
    let scale = 1.0 / (decay.max(0.0) + curvature.sqrt());
    let integrand = |s: f64| {
        let near = (a - 1.0) * ln_1p_deficit(-s / x) + (b - 1.0) * ln_1p_deficit(s / y);
        (-decay * s - near).exp()
    };
    let mut total = 0.0;
    let mut from = 0.0;
    for edge in [0.75, 1.5, 2.5, 4.0, 6.0, 9.0, 14.0, 22.0, 40.0] {
        let to = (edge * scale).min(x);
        let (middle, half) = (0.5 * (from + to), 0.5 * (to - from));
        let panel: f64 = GAUSS_LEGENDRE_12
            .iter()
            .map(|&(node, weight)| {
                weight * (integrand(middle - half * node) + integrand(middle + half * node))
            })
            .sum();
        total += half * panel;
        from = to;
        if to >= x {
            break;
        }
    }
    total / (x * y)
}

/// Positive nodes and weights of the 12-point rule (Abramowitz and Stegun, table 25.4).
const GAUSS_LEGENDRE_12: [(f64, f64); 6] = [
    (0.125_233_408_511_468_9, 0.249_147_045_813_402_77),
    (0.367_831_498_998_180_2, 0.233_492_536_538_354_8),
    (0.587_317_954_286_617_4, 0.203_167_426_723_065_93),
    (0.769_902_674_194_304_7, 0.160_078_328_543_346_22),
    (0.904_117_256_370_474_9, 0.106_939_325_995_318_43),
    (0.981_560_634_246_719_3, 0.047_175_336_386_511_83),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_uniform_distribution_is_its_own_argument() {
        assert!((lower(1.0, 1.0, 0.3, 0.7).unwrap() - 0.3).abs() < 1e-15);
        assert!((upper(1.0, 1.0, 0.3, 0.7).unwrap() - 0.7).abs() < 1e-15);
    }

    #[test]
    fn integration_and_continued_fraction_agree_where_both_hold() {
        for (a, b, x) in
            [(3_100.0, 4_000.0, 0.42), (3_100.0, 90_000.0, 0.033), (5e3, 5e3, 0.46), (5e3, 5e3, 0.4999)]
        {
            let front = ln_front(a, b, x, 1.0 - x);
            let by_fraction = fraction(a, b, x, 1.0 - x, front).unwrap();
            let by_integral = integrate(a, b, x, 1.0 - x) * front.exp();
            assert!(
                (by_fraction / by_integral - 1.0).abs() < 1e-11,
                "{a} {b} {x}: {by_fraction} {by_integral}"
            );
        }
    }

    #[test]
    fn few_successes_among_very_many_keep_their_digits() {
        // mpmath 1.4.1, 60 digits: sums of the binomial, and the incomplete beta function for a half.
        for (a, b, x, expected) in [
            (1.0, 1e9, 1e-9, 0.367_879_440_987_502_6),
            (1.0, 1e12, 2e-12, 0.135_335_283_236_342),
            (50.0, 1e12, 6e-11, 0.084_406_681_030_277_82),
            (3.0, 1e7, 4e-7, 0.238_103_129_723_424_7),
            (200.0, 1e10, 2.2e-8, 0.081_805_642_142_804),
            (0.5, 1e9, 1e-9, 0.157_299_206_998_396_7),
            (2_000.0, 1e12, 2.05e-9, 0.132_149_240_065_181_8),
        ] {
            let found = upper(a, b, x, 1.0 - x).unwrap();
            assert!((found / expected - 1.0).abs() < 2e-13, "{a} {b} {x}: {found} against {expected}");
            assert_eq!(lower(b, a, 1.0 - x, x).unwrap(), found);
        }
    }

    #[test]
    fn quantiles_invert() {
        for (a, b) in [(1.0, 1.0), (0.5, 3.0), (30.0, 970.0), (5_000.0, 95_000.0), (1e9, 3e9)] {
            for p in [0.001, 0.025, 0.5, 0.975] {
                let x = quantile(p, a, b).unwrap();
                assert!((lower(a, b, x, 1.0 - x).unwrap() / p - 1.0).abs() < 1e-6, "{a} {b} {p}");
            }
        }
    }

    #[test]
    fn the_density_has_its_limits_at_the_ends() {
        assert_eq!(ln_pdf(2.0, 3.0, 0.0, 1.0), f64::NEG_INFINITY);
        assert_eq!(ln_pdf(0.5, 3.0, 0.0, 1.0), f64::INFINITY);
        assert_eq!(ln_pdf(1.0, 3.0, 0.0, 1.0), 3.0_f64.ln());
        assert_eq!(ln_pdf(3.0, 1.0, 1.0, 0.0), 3.0_f64.ln());
        assert_eq!(ln_pdf(1.0, 1.0, 1.0, 0.0), 0.0);
        assert!((ln_pdf(1.0, 3.0, 1e-12, 1.0 - 1e-12) - 3.0_f64.ln()).abs() < 1e-9);
    }

    #[test]
    fn arguments_outside_the_domain_are_refused() {
        assert!(lower(0.0, 1.0, 0.5, 0.5).is_err());
        assert!(lower(1.0, 1.0, 1.5, -0.5).is_err());
        assert!(lower(1.0, 1.0, 0.5, 0.4).is_err());
        assert!(quantile(0.0, 1.0, 1.0).is_err());
    }
}
