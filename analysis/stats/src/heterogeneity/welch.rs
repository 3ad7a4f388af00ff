//! Welch's test that several groups share one effect, exact enough for groups of some ten units.

use crate::dist::{beta, chi_squared};
use crate::{Estimate, Inconclusive, PValue};

/// Degrees of freedom from which F and chi-square over its degrees of freedom are one distribution to a double.
const NORMAL: f64 = 1e12;

/// The p-value of "all independent estimates share one value".
///
/// Cochran's Q over `k - 1`, divided by `1 + 2 (k - 2)/(k² - 1) Λ` and read against F with `k - 1` and
/// `(k² - 1)/(3 Λ)` degrees of freedom, `Λ = Σ (1 - w_i/W)²/ν_i`. For two groups it is the square of Welch's t. Q
/// itself against chi-square takes the variances as known, and finds 17% at 5% in 50 groups of 10 units.
///
/// Source: Welch, Biometrika 38 (1951); the effects' own degrees of freedom take the place of `n_i - 1`.
///
/// # Errors
/// [`Inconclusive::TooFewArms`] below two estimates; [`Inconclusive::NoVariance`] when one has none.
pub(super) fn equal_effects(estimates: &[Estimate]) -> Result<PValue, Inconclusive> {
    let q = super::heterogeneity(estimates)?.statistic;
    let groups = estimates.len() as f64;
    let total: f64 = estimates.iter().map(|estimate| estimate.variance.recip()).sum();
    let unsure: f64 = estimates
        .iter()
        .map(|estimate| {
            let share = estimate.variance.recip() / total;
            (1.0 - share).powi(2) / estimate.degrees_of_freedom.unwrap_or(f64::INFINITY)
        })
        .sum();
    let (numerator, squares) = (groups - 1.0, groups * groups - 1.0);
    let denominator = squares / (3.0 * unsure);
    if denominator > NORMAL {
        return PValue::new(chi_squared::sf(q, estimates.len() as u32 - 1)?);
    }
    let ratio = q / (1.0 + 2.0 * (groups - 2.0) / squares * unsure);
    // Both shares from one quotient, so that neither end of the range turns into infinity over infinity.
    let quotient = ratio / denominator;
    let (x, y) = (1.0 / (1.0 + quotient), 1.0 / (1.0 + 1.0 / quotient));
    PValue::new(beta::lower(0.5 * denominator, 0.5 * numerator, x, y)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(value: f64, variance: f64, degrees: f64) -> Estimate {
        Estimate { degrees_of_freedom: Some(degrees), ..Estimate::new(value, variance, 10).unwrap() }
    }

    #[test]
    fn two_groups_are_welchs_t() {
        let (one, other) = (group(1.0, 0.2, 8.0), group(2.1, 0.05, 19.0));
        let degrees = 0.25 * 0.25 / (0.2 * 0.2 / 8.0 + 0.05 * 0.05 / 19.0);
        let expected = PValue::two_sided_student(1.1 / 0.5, degrees).unwrap();
        assert!((equal_effects(&[one, other]).unwrap().get() / expected.get() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn equal_groups_are_no_evidence_and_known_variances_are_cochrans_test() {
        let same = [group(1.0, 0.2, 8.0); 3];
        assert!((equal_effects(&same).unwrap().get() - 1.0).abs() < 1e-12);
        let known = [0.0, 1.0, 3.0]
            .map(|value| Estimate { degrees_of_freedom: None, ..Estimate::new(value, 1.0, 10).unwrap() });
        let cochran = super::super::heterogeneity(&known).unwrap().p_value;
        assert_eq!(equal_effects(&known).unwrap(), cochran);
    }
}
