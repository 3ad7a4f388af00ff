//! The gamma function's logarithm and its Stirling error.

use super::normal::LN_SQRT_2PI;

/// The natural logarithm of the gamma function for a positive argument.
#[must_use]
pub fn ln_gamma(x: f64) -> f64 {
    libm::lgamma(x)
}

/// `ln Γ(x) − [(x − ½) ln x − x + ½ ln 2π]`, the error of Stirling's formula, for a positive argument.
///
/// Loader, "Fast and accurate computation of binomial probabilities" (2000): with it, ratios of gamma functions of
/// large arguments lose no digits.
#[must_use]
pub fn stirling_error(x: f64) -> f64 {
    if x < 16.0 {
        return libm::lgamma(x) - ((x - 0.5) * x.ln() - x + LN_SQRT_2PI);
    }
    // Bernoulli series, DLMF 5.11.1; the first term left out is below 1e-17 from 16 on.
    const SERIES: [f64; 7] = [
        1.0 / 12.0,
        -1.0 / 360.0,
        1.0 / 1260.0,
        -1.0 / 1680.0,
        1.0 / 1188.0,
        -691.0 / 360_360.0,
        1.0 / 156.0,
    ];
    let inverse_square = 1.0 / (x * x);
    SERIES.iter().rev().fold(0.0, |sum, c| sum * inverse_square + c) / x
}

/// `u − ln(1 + u)` for `u > −1`, without cancellation near zero.
#[must_use]
pub fn ln_1p_deficit(u: f64) -> f64 {
    if !(-0.4..=0.7).contains(&u) {
        return u - u.ln_1p();
    }
    // With r = u / (2 + u): ln(1 + u) = 2 atanh(r), and u = 2 r + r u, so the deficit is r u − 2 Σ r^(2k+1)/(2k+1).
    let r = u / (2.0 + u);
    let square = r * r;
    let series = (1..=18).rev().fold(0.0, |sum, k| (sum + 1.0 / f64::from(2 * k + 1)) * square);
    r * (u - 2.0 * series)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stirling_error_joins_at_the_change_of_method() {
        let (below, above) = (stirling_error(16.0 - 1e-9), stirling_error(16.0));
        assert!((below / above - 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_deficit_keeps_its_digits_near_zero() {
        // mpmath 1.4.1
        assert!((ln_1p_deficit(1e-8) / 4.999_999_966_666_667e-17 - 1.0).abs() < 1e-14);
        assert!((ln_1p_deficit(0.5) / 0.094_534_891_891_835_61 - 1.0).abs() < 1e-14);
        assert!((ln_1p_deficit(-0.4) / 0.110_825_623_765_990_68 - 1.0).abs() < 1e-14);
    }
}
