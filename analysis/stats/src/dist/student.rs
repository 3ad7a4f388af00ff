//! Student's t distribution with any positive degrees of freedom.

use super::{beta, normal};
use crate::{
    Alpha, Inconclusive,
    inconclusive::{finite, positive},
};

/// The probability of more than `t`, relative precision about 1e-12 in both tails.
///
/// Through the incomplete beta function (Abramowitz and Stegun 26.7.1); through `normalised` where that is exact
/// to a double.
///
/// # Errors
/// [`Inconclusive::OutOfDomain`] unless the degrees of freedom are positive and `t` a number.
pub fn sf(t: f64, degrees_of_freedom: f64) -> Result<f64, Inconclusive> {
    positive(degrees_of_freedom, "degrees of freedom")?;
    if t.is_nan() {
        return Err(Inconclusive::OutOfDomain { what: "statistic" });
    }
    if t == 0.0 {
        return Ok(0.5);
    }
    if let Some(z) = normalised(t, degrees_of_freedom) {
        return Ok(normal::sf(z));
    }
    // Both shares from t² / ν, so that neither end of the range turns into infinity over infinity.
    let square = t / degrees_of_freedom * t;
    let (x, y) = (1.0 / (1.0 + square), 1.0 / (1.0 + 1.0 / square));
    let tail = 0.5 * beta::lower(0.5 * degrees_of_freedom, 0.5, x, y)?;
    Ok(if t > 0.0 { tail } else { 1.0 - tail })
}

/// The probability of at most `t`.
///
/// # Errors
/// As [`sf`].
pub fn cdf(t: f64, degrees_of_freedom: f64) -> Result<f64, Inconclusive> {
    sf(-t, degrees_of_freedom)
}

/// The density at `t`.
///
/// # Errors
/// [`Inconclusive::OutOfDomain`] unless the degrees of freedom are positive and `t` a number.
pub fn pdf(t: f64, degrees_of_freedom: f64) -> Result<f64, Inconclusive> {
    positive(degrees_of_freedom, "degrees of freedom")?;
    if degrees_of_freedom.is_infinite() {
        return finite(normal::pdf(t), "argument of the density");
    }
    let half = 0.5 * degrees_of_freedom;
    let scale = beta::ln_gamma_ratio_half(half) - 0.5 * (std::f64::consts::PI * degrees_of_freedom).ln();
    let density = (scale - (half + 0.5) * (t * t / degrees_of_freedom).ln_1p()).exp();
    finite(density, "argument of the density")
}

/// The value that is exceeded with probability `p`.
///
/// Newton's method on the logarithm of the tail, from Hill's expansion; to about 1e-13 relative.
///
/// # Errors
/// [`Inconclusive::OutOfDomain`] unless `p` is strictly between 0 and 1 and the degrees of freedom are positive,
/// [`Inconclusive::NotConverged`] if the iteration fails.
pub fn upper_quantile(p: f64, degrees_of_freedom: f64) -> Result<f64, Inconclusive> {
    positive(degrees_of_freedom, "degrees of freedom")?;
    let z = normal::upper_quantile(p)?;
    if p == 0.5 {
        return Ok(0.0);
    }
    if p > 0.5 {
        return Ok(-upper_quantile(1.0 - p, degrees_of_freedom)?);
    }
    if let Some(t) = denormalised(z, degrees_of_freedom) {
        return Ok(t);
    }
    newton(p, degrees_of_freedom)
}

/// The value that is exceeded in absolute terms with the rate alpha.
///
/// # Errors
/// As [`upper_quantile`].
pub fn two_sided_critical(alpha: Alpha, degrees_of_freedom: f64) -> Result<f64, Inconclusive> {
    positive(degrees_of_freedom, "degrees of freedom")?;
    match denormalised(alpha.two_sided_z(), degrees_of_freedom) {
        Some(t) => Ok(t),
        None => upper_quantile(0.5 * alpha.get(), degrees_of_freedom),
    }
}

/// Solves `sf(t) = p` for p below one half, in the logarithms of t and p, where the tail is close to a line.
fn newton(p: f64, degrees_of_freedom: f64) -> Result<f64, Inconclusive> {
    let target = p.ln();
    // From the tail's power law for few degrees of freedom, else the normal quantile: both lie at or below t.
    let mut t = normal::upper_quantile(p)?.max(1e-300);
    for _ in 0..200 {
        let tail = sf(t, degrees_of_freedom)?;
        let slope = -pdf(t, degrees_of_freedom)? * t / tail;
        let step = (tail.ln() - target) / slope;
        let next = t * (-step).clamp(-3.0, 3.0).exp();
        if (next / t - 1.0).abs() < 4e-15 {
            return Ok(next);
        }
        if step.abs() < 1e-13 {
            return Ok(next);
        }
        t = next;
    }
    Err(Inconclusive::NotConverged { what: "quantile of Student's t" })
}

/// The normal deviate with the same tail as `t`, or `None` where the expansion is not exact to a double.
///
/// Hill, "Algorithm 395: Student's t-distribution", Communications of the ACM 13 (1970). Used while its last term
/// moves the tail by less than 1e-9 relative, so that the first neglected one is far below 1e-13.
fn normalised(t: f64, degrees_of_freedom: f64) -> Option<f64> {
    if degrees_of_freedom.is_infinite() || degrees_of_freedom > 1e18 {
        return Some(t);
    }
    if degrees_of_freedom < 200.0 {
        return None;
    }
    let a = degrees_of_freedom - 0.5;
    let b = 48.0 * a * a;
    let z = (a * (t / degrees_of_freedom * t).ln_1p()).sqrt();
    let (first, second) = hill_terms(z, b);
    (second.abs() * (z + 1.0) < 1e-9).then_some((z + first - second).copysign(t))
}

/// The inverse of [`normalised`] by fixed-point iteration, for a positive deviate.
fn denormalised(deviate: f64, degrees_of_freedom: f64) -> Option<f64> {
    if degrees_of_freedom.is_infinite() || degrees_of_freedom > 1e18 {
        return Some(deviate);
    }
    if degrees_of_freedom < 200.0 {
        return None;
    }
    let a = degrees_of_freedom - 0.5;
    let b = 48.0 * a * a;
    let mut z = deviate;
    for _ in 0..12 {
        let (first, second) = hill_terms(z, b);
        if second.abs() * (z + 1.0) >= 1e-9 {
            return None;
        }
        let next = deviate - first + second;
        let moved = (next - z).abs();
        z = next;
        if moved <= 1e-16 * z.abs() {
            break;
        }
    }
    Some((degrees_of_freedom * (z * z / a).exp_m1()).sqrt())
}

/// The first and the second correction of Hill's expansion at `z`.
fn hill_terms(z: f64, b: f64) -> (f64, f64) {
    let square = z * z;
    let first = z * (square + 3.0) / b;
    let polynomial = ((4.0 * square + 33.0) * square + 240.0) * square + 855.0;
    let second = z * polynomial / (10.0 * b * (b + 0.8 * square * square + 100.0));
    (first, second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_degree_is_the_cauchy_distribution() {
        for t in [0.1_f64, 1.0, 12.7, 1e8] {
            let exact = (1.0 / t).atan() / std::f64::consts::PI;
            assert!((sf(t, 1.0).unwrap() / exact - 1.0).abs() < 1e-13, "{t}");
        }
    }

    #[test]
    fn quantiles_invert_the_tail() {
        for df in [0.7, 1.0, 2.5, 9.0, 150.0, 250.0, 4e4, 1e12] {
            for p in [1e-12, 1e-4, 0.025, 0.3, 0.7] {
                let back = sf(upper_quantile(p, df).unwrap(), df).unwrap();
                assert!((back / p - 1.0).abs() < 1e-11, "{df} {p} {back}");
            }
        }
    }

    #[test]
    fn what_is_no_degree_of_freedom_is_refused() {
        for df in [0.0, -1.0, f64::NAN] {
            assert!(sf(1.0, df).is_err() && pdf(1.0, df).is_err() && upper_quantile(0.1, df).is_err());
        }
    }
}
