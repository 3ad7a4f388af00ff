//! The chi-squared distribution with whole degrees of freedom.

use std::f64::consts::LN_2;

use super::normal;
use crate::Inconclusive;

/// The probability of more than `x`, relative precision about 1e-12 down to 1e-300.
///
/// # Errors
/// [`Inconclusive::OutOfDomain`] for no degrees of freedom or a negative `x`.
pub fn sf(x: f64, degrees_of_freedom: u32) -> Result<f64, Inconclusive> {
    Ok(ln_sf(x, degrees_of_freedom)?.exp())
}

/// The natural logarithm of [`sf`], also where that underflows.
///
/// Closed form for whole degrees of freedom (Abramowitz and Stegun 26.4.4 and 26.4.5): a sum of positive terms, so
/// that the tail keeps its relative precision.
///
/// # Errors
/// [`Inconclusive::OutOfDomain`] for no degrees of freedom or a negative `x`.
pub fn ln_sf(x: f64, degrees_of_freedom: u32) -> Result<f64, Inconclusive> {
    if degrees_of_freedom == 0 || !(x >= 0.0 && x.is_finite()) {
        return Err(Inconclusive::OutOfDomain { what: "chi-squared statistic" });
    }
    if x == 0.0 {
        return Ok(0.0);
    }
    let terms = ln_sum_of_terms(x, degrees_of_freedom);
    if degrees_of_freedom.is_multiple_of(2) {
        return Ok(terms.min(0.0));
    }
    let normal_tails = normal::ln_sf(x.sqrt()) + LN_2;
    Ok(ln_add(normal_tails, terms).min(0.0))
}

/// The logarithm of `Σ exp(−x/2) (x/2)^s / Γ(s + 1)` over s = k/2 − 1, k/2 − 2, … down to 0 or ½.
fn ln_sum_of_terms(x: f64, degrees_of_freedom: u32) -> f64 {
    if degrees_of_freedom == 1 {
        return f64::NEG_INFINITY;
    }
    let half = 0.5 * x;
    let top = 0.5 * f64::from(degrees_of_freedom) - 1.0;
    // The terms relative to the top one: 1 + s/h + s(s−1)/h² + …, every factor positive.
    let (mut sum, mut term, mut s) = (1.0, 1.0, top);
    let mut ln_scale = 0.0;
    while s > 0.75 {
        term *= s / half;
        sum += term;
        s -= 1.0;
        if sum > 1e250 {
            ln_scale += 250.0 * std::f64::consts::LN_10;
            sum *= 1e-250;
            term *= 1e-250;
        }
    }
    top * half.ln() - half - libm::lgamma(top + 1.0) + sum.ln() + ln_scale
}

fn ln_add(a: f64, b: f64) -> f64 {
    let (large, small) = if a > b { (a, b) } else { (b, a) };
    large + (small - large).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_degree_is_the_squared_normal() {
        let p = sf(1.959_963_984_540_054_f64.powi(2), 1).unwrap();
        assert!((p / 0.05 - 1.0).abs() < 1e-13, "{p}");
    }

    #[test]
    fn two_degrees_are_the_exponential() {
        assert!((sf(1_300.0, 2).unwrap() / (-650.0_f64).exp() - 1.0).abs() < 1e-13);
    }

    #[test]
    fn zero_is_certain_and_a_negative_statistic_refused() {
        assert_eq!(sf(0.0, 3), Ok(1.0));
        assert!(sf(-1.0, 3).is_err());
        assert!(sf(1.0, 0).is_err());
    }
}
