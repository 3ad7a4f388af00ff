//! Units that were seen in more than one variant: they are left out of the results, and too many are a fault.

use serde::Serialize;

use crate::{Alpha, Inconclusive, Interval, Probability, dist::beta};

/// The share above which crossed units are reported by default: 1% of all.
pub const DEFAULT_TOLERANCE: f64 = 0.01;

/// How many units crossed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MultiExposure {
    /// Units seen in more than one variant.
    pub crossed: u64,
    /// All units seen.
    pub units: u64,
    /// The share that crossed.
    pub share: f64,
    /// The exact (Clopper-Pearson) interval of that share.
    pub interval: Interval,
    /// Whether the whole interval lies above the tolerated share.
    pub excessive: bool,
}

/// Compares the share of crossed units with the tolerated one.
///
/// Clopper and Pearson (1934), two-sided at alpha.
///
/// # Errors
/// [`Inconclusive::NoUnits`] without units, [`Inconclusive::OutOfDomain`] if more crossed than there are.
pub fn check(
    crossed: u64,
    units: u64,
    tolerance: Probability,
    alpha: Alpha,
) -> Result<MultiExposure, Inconclusive> {
    if units == 0 {
        return Err(Inconclusive::NoUnits);
    }
    let rest = units
        .checked_sub(crossed)
        .ok_or(Inconclusive::OutOfDomain { what: "number of crossed units (more than units)" })?;
    let (k, n, half) = (crossed as f64, rest as f64, 0.5 * alpha.get());
    let lower = if crossed == 0 { 0.0 } else { beta::quantile(half, k, n + 1.0)? };
    let upper = if rest == 0 { 1.0 } else { beta::upper_quantile(half, k + 1.0, n)? };
    Ok(MultiExposure {
        crossed,
        units,
        share: k / units as f64,
        interval: Interval::between(lower, upper, alpha.level()),
        excessive: lower > tolerance.get(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_decides() {
        let alpha = Alpha::new(0.05).unwrap();
        let check = |crossed, units| check(crossed, units, Probability::new(0.01).unwrap(), alpha);
        assert!(!check(71, 57_680).unwrap().excessive);
        assert!(check(150, 10_000).unwrap().excessive);
        assert!(!check(3, 100).unwrap().excessive);
        assert_eq!(check(0, 0), Err(Inconclusive::NoUnits));
        assert!(check(2, 1).is_err());
        // SciPy 1.17.1: binomtest(3, 100).proportion_ci(method="exact")
        let interval = check(3, 100).unwrap().interval;
        assert!((interval.lower.unwrap() - 0.006_229_971_538_306).abs() < 1e-12);
        assert!((interval.upper.unwrap() - 0.085_176_052_974_280).abs() < 1e-12);
    }

    #[test]
    fn an_alpha_below_the_last_digit_of_one_has_an_interval() {
        // None of n crossed: the upper end is 1 - (alpha/2)^(1/n).
        let alpha = Alpha::new(1e-20).unwrap();
        let upper = check(0, 1_000, Probability::new(0.01).unwrap(), alpha).unwrap().interval.upper.unwrap();
        assert!((upper / -(5e-21_f64.ln() / 1_000.0).exp_m1() - 1.0).abs() < 1e-12, "{upper}");
    }
}
