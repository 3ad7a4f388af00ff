//! Roots of monotone functions of one variable.
//!
//! Owns the bracketing and the iteration behind every inverted distribution and solved design; knows neither.

use crate::Inconclusive;

/// Evaluations after which a root is given up; 10 to 20 are usual.
const MOST_STEPS: usize = 400;
/// A root this much smaller than the first bracket counts as zero.
const SMALLEST_ROOT: f64 = 1e-40;

/// Finds where the increasing function `f` passes zero, starting from a guess of the bracket.
///
/// The bracket is widened by doubling its width on the side that needs it, staying within `domain`. The root is
/// located to a relative `tolerance`; one that is below 1e-40 of the bracket's first width counts as zero.
///
/// Source: Chandrupatla, Advances in Engineering Software 28 (1997): inverse quadratic steps where they are safe,
/// bisection elsewhere.
///
/// # Errors
/// [`Inconclusive::NotConverged`] naming `what` when `f` has no sign change within `domain`; an error of `f` is
/// passed on.
pub(crate) fn solve_increasing(
    f: impl Fn(f64) -> Result<f64, Inconclusive>,
    guess: (f64, f64),
    domain: (f64, f64),
    tolerance: f64,
    what: &'static str,
) -> Result<f64, Inconclusive> {
    let failed = Inconclusive::NotConverged { what };
    let (mut low, mut high) = (guess.0.max(domain.0), guess.1.min(domain.1));
    let mut width = high - low;
    if !(width > 0.0 && width.is_finite()) {
        return Err(failed);
    }
    let first_width = width;
    let (mut at_low, mut at_high) = (f(low)?, f(high)?);
    for _ in 0..MOST_STEPS {
        if at_low <= 0.0 && at_high >= 0.0 {
            return between(&f, &Bracket { low, at_low, high, at_high }, tolerance, first_width, failed);
        }
        width *= 2.0;
        if at_low > 0.0 {
            if low <= domain.0 {
                return Err(failed);
            }
            (high, at_high) = (low, at_low);
            low = (low - width).max(domain.0);
            at_low = f(low)?;
        } else {
            if high >= domain.1 || at_high.is_nan() {
                return Err(failed);
            }
            (low, at_low) = (high, at_high);
            high = (high + width).min(domain.1);
            at_high = f(high)?;
        }
    }
    Err(failed)
}

/// Two points with the root between them.
struct Bracket {
    low: f64,
    at_low: f64,
    high: f64,
    at_high: f64,
}

fn between(
    f: &impl Fn(f64) -> Result<f64, Inconclusive>,
    bracket: &Bracket,
    tolerance: f64,
    scale: f64,
    failed: Inconclusive,
) -> Result<f64, Inconclusive> {
    // a is the newest point, b the other end of the bracket, c the point before.
    let (mut a, mut at_a, mut b, mut at_b) = (bracket.high, bracket.at_high, bracket.low, bracket.at_low);
    let mut fraction = 0.5;
    for _ in 0..MOST_STEPS {
        if at_a == 0.0 {
            return Ok(a);
        }
        if at_b == 0.0 {
            return Ok(b);
        }
        let best = if at_a.abs() < at_b.abs() { a } else { b };
        let reach = (tolerance * best.abs()).max(SMALLEST_ROOT * scale);
        let smallest = (reach / (b - a).abs()).max(f64::EPSILON);
        if smallest > 0.5 {
            return Ok(best);
        }
        let next = a + fraction_within(fraction, smallest) * (b - a);
        let at_next = f(next)?;
        if !at_next.is_finite() {
            return Err(failed);
        }
        let (c, at_c);
        if (at_next > 0.0) == (at_a > 0.0) {
            (c, at_c) = (a, at_a);
        } else {
            (c, at_c) = (b, at_b);
            (b, at_b) = (a, at_a);
        }
        (a, at_a) = (next, at_next);
        fraction = next_fraction((a, at_a), (b, at_b), (c, at_c));
    }
    Err(failed)
}

fn fraction_within(fraction: f64, smallest: f64) -> f64 {
    fraction.clamp(smallest, 1.0 - smallest)
}

/// Inverse quadratic interpolation where Chandrupatla's criterion holds, else the middle.
fn next_fraction((a, at_a): (f64, f64), (b, at_b): (f64, f64), (c, at_c): (f64, f64)) -> f64 {
    let position = (a - b) / (c - b);
    let height = (at_a - at_b) / (at_c - at_b);
    if height * height < position && (1.0 - height) * (1.0 - height) < 1.0 - position {
        let first = at_a / (at_b - at_a) * at_c / (at_b - at_c);
        let second = (c - a) / (b - a) * at_a / (at_c - at_a) * at_b / (at_c - at_b);
        first + second
    } else {
        0.5
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);

    #[test]
    fn finds_a_root_far_from_the_guess() {
        let root =
            solve_increasing(|x| Ok(x * x * x - 1e9), (-1.0, 1.0), LINE, 1e-12, "a cube root").unwrap();
        assert!((root - 1_000.0).abs() < 1e-9, "{root}");
    }

    #[test]
    fn finds_a_tiny_root_to_relative_precision() {
        let root =
            solve_increasing(|x| Ok((x / 1e-20).ln()), (1e-3, 1.0), (1e-300, 1.0), 1e-12, "a log").unwrap();
        assert!((root / 1e-20 - 1.0).abs() < 1e-10, "{root}");
    }

    #[test]
    fn no_root_is_an_error_and_so_is_a_failing_function() {
        let none = solve_increasing(|_| Ok(1.0), (0.0, 1.0), (0.0, 10.0), 1e-9, "nothing");
        assert_eq!(none, Err(Inconclusive::NotConverged { what: "nothing" }));
        assert_eq!(
            solve_increasing(|_| Err(Inconclusive::NoUnits), (0.0, 1.0), LINE, 1e-9, "x"),
            Err(Inconclusive::NoUnits)
        );
    }
}
