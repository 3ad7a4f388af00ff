//! The standard normal distribution.

use std::f64::consts::{FRAC_1_SQRT_2, LN_2, SQRT_2};

use statrs::function::erf::erfc_inv;

use crate::Inconclusive;

/// `1 / sqrt(2 pi)`.
const INV_SQRT_2PI: f64 = 0.398_942_280_401_432_7;
/// `ln(sqrt(2 pi))`.
pub(crate) const LN_SQRT_2PI: f64 = 0.918_938_533_204_672_7;

/// The density at `z`.
#[must_use]
pub fn pdf(z: f64) -> f64 {
    INV_SQRT_2PI * (-0.5 * z * z).exp()
}

/// The probability of at most `z`.
#[must_use]
pub fn cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z * FRAC_1_SQRT_2)
}

/// The probability of more than `z`, relative precision about 1e-13 down to 1e-300.
#[must_use]
pub fn sf(z: f64) -> f64 {
    0.5 * libm::erfc(z * FRAC_1_SQRT_2)
}

/// The natural logarithm of [`sf`], exact also where that underflows.
///
/// From 10 standard deviations on by Laplace's continued fraction of Mills' ratio (Abramowitz and Stegun 26.2.14).
#[must_use]
pub fn ln_sf(z: f64) -> f64 {
    if z < -1.0 {
        return (-cdf(z)).ln_1p();
    }
    if z < 10.0 {
        return libm::erfc(z / SQRT_2).ln() - LN_2;
    }
    let mills = (1..=60).rev().fold(z, |tail, k| z + f64::from(k) / tail);
    -0.5 * z * z - LN_SQRT_2PI - mills.ln()
}

/// The value that is exceeded with probability `p`.
///
/// # Errors
/// [`Inconclusive::OutOfDomain`] unless `p` is strictly between 0 and 1.
pub fn upper_quantile(p: f64) -> Result<f64, Inconclusive> {
    Ok(-quantile(p)?)
}

/// The value that is not exceeded with probability `p`.
///
/// By the inverse error function of `statrs`, about 1e-15 relative down to 1e-300. For a probability near 1 ask
/// [`upper_quantile`] of its complement, which a double can hold.
///
/// # Errors
/// [`Inconclusive::OutOfDomain`] unless `p` is strictly between 0 and 1.
pub fn quantile(p: f64) -> Result<f64, Inconclusive> {
    if !(p > 0.0 && p < 1.0) {
        return Err(Inconclusive::OutOfDomain { what: "probability of a quantile" });
    }
    Ok(-SQRT_2 * erfc_inv(2.0 * p))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantile_inverts_both_tails() {
        for p in [1e-300, 1e-100, 1e-20, 1e-5, 0.01, 0.07, 0.3, 0.5, 0.8, 0.95] {
            let back = cdf(quantile(p).unwrap());
            assert!((back / p - 1.0).abs() < 1e-12, "{p}: {back}");
        }
    }

    #[test]
    fn the_logarithm_joins_smoothly_where_the_method_changes() {
        let (below, above) = (ln_sf(10.0 - 1e-9), ln_sf(10.0));
        assert!((below - above - 1.01e-8).abs() < 1e-10, "{below} {above}");
        // mpmath 1.4.1: log(erfc(100/sqrt(2))/2)
        assert!((ln_sf(100.0) / -5_005.524_208_694_205 - 1.0).abs() < 1e-15);
    }

    #[test]
    fn the_ends_have_no_quantile() {
        for p in [0.0, 1.0, f64::NAN, -1.0] {
            assert!(quantile(p).is_err());
        }
    }
}
