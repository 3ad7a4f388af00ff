//! Tests of conversion rates: two arms by the pooled z, several by chi-square.

use serde::Serialize;

use super::{Comparison, compare_rates_of};
use crate::{Alpha, Inconclusive, PValue, Proportion, dist::chi_squared};

/// The two-proportion z-test: pooled statistic and p-value, unpooled (Wald) interval.
///
/// `z = (p_t − p_c) / sqrt(p (1 − p) (1/n_t + 1/n_c))` with p over both arms (Fleiss, Levin and Paik 2003, 2.3);
/// the standard error and interval of the difference use each arm's own variance. An arm that has none, because it
/// converted wholly or not at all, takes the pooled one, and so does the other arm where that is more cautious.
///
/// # Errors
/// [`Inconclusive::NoUnits`] if an arm is empty, [`Inconclusive::NoVariance`] if no unit or every unit converted.
pub fn z_test(control: Proportion, treatment: Proportion, alpha: Alpha) -> Result<Comparison, Inconclusive> {
    let (c, t) = (control.estimate()?, treatment.estimate()?);
    let pooled = control.merge(treatment);
    let (n_c, n_t) = (c.units as f64, t.units as f64);
    let failures = (pooled.units() - pooled.conversions()) as f64;
    let conversions = pooled.conversions() as f64;
    if conversions == 0.0 || failures == 0.0 {
        return Err(Inconclusive::NoVariance);
    }
    let n = pooled.units() as f64;
    let variance = (conversions / n) * (failures / n);
    let difference = excess(treatment, control) / n_t / n_c;
    let statistic = difference / (variance * (1.0 / n_c + 1.0 / n_t)).sqrt();
    let p_value = PValue::two_sided_normal(statistic)?;
    let comparison = compare_rates_of((c, t), (variance / n_c, variance / n_t), difference, alpha)?;
    let excludes_zero = !comparison.difference.interval.contains(0.0);
    Ok(Comparison {
        statistic,
        p_value,
        interval_agrees: excludes_zero == p_value.is_significant(alpha),
        small_counts: conversions.min(failures) / n * n_c.min(n_t) < 5.0,
        ..comparison
    })
}

/// `x_a n_b − x_b n_a` in whole numbers, so that a lift of 1e-6 keeps its digits.
fn excess(a: Proportion, b: Proportion) -> f64 {
    let (left, right) = (
        u128::from(a.conversions()) * u128::from(b.units()),
        u128::from(b.conversions()) * u128::from(a.units()),
    );
    let distance = left.abs_diff(right) as f64;
    if left < right { -distance } else { distance }
}

/// The result of a chi-square test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ChiSquare {
    /// Pearson's statistic.
    pub statistic: f64,
    /// Its degrees of freedom.
    pub degrees_of_freedom: u32,
    /// The probability of a larger one.
    pub p_value: PValue,
}

/// Pearson's chi-square test that all arms convert alike (k x 2 table, no continuity correction).
///
/// With two arms the statistic is the square of the pooled z. Arms without units are left out.
///
/// Source: Pearson, Philosophical Magazine 50 (1900); degrees of freedom of Fisher (1922).
///
/// # Errors
/// [`Inconclusive::TooFewArms`] for fewer than two arms with units, [`Inconclusive::NoVariance`] if no unit or every
/// unit converted.
pub fn chi_square(arms: &[Proportion]) -> Result<ChiSquare, Inconclusive> {
    let filled = || arms.iter().filter(|arm| arm.units() > 0);
    let total = filled().fold(Proportion::default(), |sum, arm| sum.merge(*arm));
    let count = filled().count();
    if count < 2 {
        return Err(Inconclusive::TooFewArms);
    }
    let n = total.units() as f64;
    let rate = total.conversions() as f64 / n;
    let failure_rate = (total.units() - total.conversions()) as f64 / n;
    if rate == 0.0 || failure_rate == 0.0 {
        return Err(Inconclusive::NoVariance);
    }
    let statistic = filled()
        .map(|arm| {
            let excess = excess(*arm, total) / n;
            excess * excess / (arm.units() as f64 * rate * failure_rate)
        })
        .sum();
    let degrees_of_freedom = u32::try_from(count - 1).map_err(|_| Inconclusive::TooFewArms)?;
    let p_value = PValue::clamped(chi_squared::sf(statistic, degrees_of_freedom)?);
    Ok(ChiSquare { statistic, degrees_of_freedom, p_value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arm(units: u64, conversions: u64) -> Proportion {
        Proportion::new(units, conversions).unwrap()
    }

    fn alpha() -> Alpha {
        Alpha::new(0.05).unwrap()
    }

    #[test]
    fn no_conversion_anywhere_is_inconclusive() {
        assert_eq!(z_test(arm(10, 0), arm(10, 0), alpha()), Err(Inconclusive::NoVariance));
        assert_eq!(z_test(arm(10, 10), arm(10, 10), alpha()), Err(Inconclusive::NoVariance));
        assert_eq!(z_test(arm(0, 0), arm(10, 1), alpha()), Err(Inconclusive::NoUnits));
    }

    #[test]
    fn arms_that_are_separated_completely_still_have_a_p_value() {
        let result = z_test(arm(10, 0), arm(10, 10), alpha()).unwrap();
        assert!((result.statistic - 20.0_f64.sqrt()).abs() < 1e-12);
        assert!(!result.small_counts && result.p_value.get() < 1e-4);
        assert_eq!(result.relative, Err(Inconclusive::ZeroControl));
        assert!((result.difference.standard_error - 0.05_f64.sqrt()).abs() < 1e-12 && result.interval_agrees);
    }

    #[test]
    fn an_arm_without_a_conversion_is_not_known_without_error() {
        // 99 of 9,900 against 0 of 100, which 1% gives in 37% of all cases.
        let result = z_test(arm(9_900, 99), arm(100, 0), alpha()).unwrap();
        let pooled = (0.0099_f64 * 0.9901 * (1.0 / 100.0 + 1.0 / 9_900.0)).sqrt();
        assert!((result.difference.standard_error / pooled - 1.0).abs() < 1e-12);
        assert!(result.interval_agrees && result.difference.interval.contains(0.0));
        assert!(result.relative.unwrap().set.contains(0.0) && !result.constant_arm);
        let one_unit = z_test(arm(1, 0), arm(1_000, 500), alpha()).unwrap();
        assert!(one_unit.difference.interval.contains(0.0) && one_unit.difference.standard_error > 0.49);
        // Here the arm that varies is the small one, and the pooled variance would hide its error.
        let small = z_test(arm(9_900, 0), arm(100, 3), alpha()).unwrap();
        assert!(small.difference.standard_error > (0.03_f64 * 0.97 / 100.0).sqrt());
        let lost = z_test(arm(100, 3), arm(9_900, 0), alpha()).unwrap().relative.unwrap();
        assert!(lost.set.contains(-0.99));
    }

    #[test]
    fn all_lost_is_a_lift_of_minus_one_and_not_certain() {
        let result = z_test(arm(1, 1), arm(1, 0), alpha()).unwrap();
        let lift = result.relative.unwrap();
        assert_eq!((result.difference.estimate, lift.estimate), (-1.0, -1.0));
        assert!(lift.set.contains(0.0) && result.small_counts && !result.p_value.is_significant(alpha()));
    }

    #[test]
    fn two_arms_by_chi_square_are_the_squared_z() {
        let z = z_test(arm(10_000, 500), arm(10_000, 550), alpha()).unwrap();
        let chi = chi_square(&[arm(10_000, 500), arm(0, 0), arm(10_000, 550)]).unwrap();
        assert_eq!(chi.degrees_of_freedom, 1);
        assert!((chi.statistic / z.statistic.powi(2) - 1.0).abs() < 1e-12);
        assert!((chi.p_value.get() / z.p_value.get() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_pooled_test_that_contradicts_its_interval_says_so() {
        // Around alpha the pooled p and the unpooled interval part when the arms are of very different size.
        let disagreeing = (300..420).any(|conversions| {
            let result = z_test(arm(100_000, 20_000), arm(1_500, conversions), alpha()).unwrap();
            !result.interval_agrees
        });
        assert!(disagreeing);
    }
}
