//! The chi-squared distribution.

use statrs::function::gamma::checked_gamma_ur;

use crate::Inconclusive;

/// The probability of more than `x`, relative precision about 1e-12 down to 1e-300.
///
/// The upper regularised incomplete gamma function of `statrs`.
///
/// # Errors
/// [`Inconclusive::OutOfDomain`] for no degrees of freedom or a negative `x`.
pub fn sf(x: f64, degrees_of_freedom: u32) -> Result<f64, Inconclusive> {
    if degrees_of_freedom == 0 || !(x >= 0.0 && x.is_finite()) {
        return Err(Inconclusive::OutOfDomain { what: "chi-squared statistic" });
    }
    if x == 0.0 {
        return Ok(1.0);
    }
    checked_gamma_ur(0.5 * f64::from(degrees_of_freedom), 0.5 * x)
        .map_err(|_| Inconclusive::NotConverged { what: "tail of the chi-squared distribution" })
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
