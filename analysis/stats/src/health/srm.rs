//! Sample ratio mismatch: do the arms have the units that their weights promise?

use serde::Serialize;

use crate::{Alpha, Inconclusive, PValue, dist::chi_squared};

/// The rate below which a mismatch is reported by default, 0.001: rare enough to be read at every build of every
/// experiment (Fabijan et al., KDD 2019).
pub const DEFAULT_RATE: f64 = 0.001;

/// Observed against promised units.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SampleRatio {
    /// Pearson's statistic over the arms with a positive weight.
    pub statistic: f64,
    /// The number of those arms less one.
    pub degrees_of_freedom: u32,
    /// The probability of a larger statistic; keeps its precision down to 1e-300.
    pub p_value: PValue,
    /// Units that each arm should have, in the order given; 0 for an arm of weight zero.
    pub expected: Vec<f64>,
    /// Units found in arms of weight zero. They are not part of the test, and any at all is a fault of its own.
    pub outside: u64,
}

impl SampleRatio {
    /// Whether the split is refused at this rate.
    #[must_use]
    pub fn is_mismatch(&self, rate: Alpha) -> bool {
        self.p_value.is_significant(rate)
    }
}

/// Pearson's chi-square test of the units in each arm against the arms' weights.
///
/// An arm of weight zero is no arm: neither its units nor its degree of freedom count. The weights need not add up
/// to 1. Not for repeated looks: [`super::sequential_srm`] is.
///
/// Source: Pearson, Philosophical Magazine 50 (1900).
///
/// # Errors
/// [`Inconclusive::OutOfDomain`] if the numbers of arms differ, a weight is negative or not finite, or so small beside
/// the others that its share is none,
/// [`Inconclusive::TooFewArms`] for fewer than two positive weights, [`Inconclusive::NoUnits`] without units.
pub fn chi_square(units: &[u64], weights: &[f64]) -> Result<SampleRatio, Inconclusive> {
    let Split { shares, total, outside, arms } = split(units, weights)?;
    if total == 0 {
        return Err(Inconclusive::NoUnits);
    }
    let expected: Vec<f64> = shares.iter().map(|share| share * total as f64).collect();
    let statistic = (units.iter().zip(&expected))
        .filter(|(_, expected)| **expected > 0.0)
        .map(|(&observed, &expected)| {
            let excess = observed as f64 - expected;
            excess * excess / expected
        })
        .sum();
    let degrees_of_freedom = arms - 1;
    let p_value = PValue::clamped(chi_squared::sf(statistic, degrees_of_freedom)?);
    Ok(SampleRatio { statistic, degrees_of_freedom, p_value, expected, outside })
}

/// The promised split of the units that count.
pub(super) struct Split {
    /// The share of each arm; 0 for an arm of weight zero.
    pub(super) shares: Vec<f64>,
    /// Units in arms with a positive weight.
    pub(super) total: u64,
    /// Units in arms of weight zero.
    pub(super) outside: u64,
    /// The number of arms with a positive weight, at least 2.
    pub(super) arms: u32,
}

/// Checks the arms and leaves out those of weight zero.
pub(super) fn split(units: &[u64], weights: &[f64]) -> Result<Split, Inconclusive> {
    let sound = |weight: &f64| weight.is_finite() && *weight >= 0.0;
    if units.len() != weights.len() || !weights.iter().all(sound) {
        return Err(Inconclusive::OutOfDomain { what: "weights of the arms" });
    }
    let arms = weights.iter().filter(|weight| **weight > 0.0).count();
    let arms = u32::try_from(arms).map_err(|_| Inconclusive::TooFewArms)?;
    if arms < 2 {
        return Err(Inconclusive::TooFewArms);
    }
    // By the largest first: the sum of the weights themselves may leave the range of a double.
    let largest = weights.iter().copied().fold(0.0, f64::max);
    let sum: f64 = weights.iter().map(|weight| weight / largest).sum();
    let shares: Vec<f64> = weights.iter().map(|weight| weight / largest / sum).collect();
    if shares.iter().zip(weights).any(|(share, weight)| *weight > 0.0 && !share.is_normal()) {
        return Err(Inconclusive::OutOfDomain { what: "weights of the arms (one has no share)" });
    }
    let (mut total, mut outside) = (0_u64, 0_u64);
    for (&count, &weight) in units.iter().zip(weights) {
        let side = if weight > 0.0 { &mut total } else { &mut outside };
        *side = side.saturating_add(count);
    }
    Ok(Split { shares, total, outside, arms })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(value: f64, expected: f64, tolerance: f64) {
        assert!((value / expected - 1.0).abs() < tolerance, "{value} instead of {expected}");
    }

    #[test]
    fn known_mismatches_are_found() {
        let result = chi_square(&[821_588, 815_482], &[0.5, 0.5]).unwrap();
        close(result.statistic, 22.774, 1e-4);
        close(result.p_value.get(), 1.8218e-6, 1e-4);
        close(chi_square(&[502_000, 498_000], &[1.0, 1.0]).unwrap().statistic, 16.0, 1e-12);
    }

    #[test]
    fn an_arm_of_weight_zero_is_no_arm() {
        let with = chi_square(&[510, 7, 490], &[0.5, 0.0, 0.5]).unwrap();
        let without = chi_square(&[510, 490], &[0.5, 0.5]).unwrap();
        assert_eq!((with.statistic, with.p_value, with.outside), (without.statistic, without.p_value, 7));
        assert_eq!(with.degrees_of_freedom, 1);
    }

    #[test]
    fn a_gross_mismatch_keeps_its_size() {
        // A statistic of 1000.03 with one degree of freedom; mpmath 1.4.1: erfc(sqrt(1000.028642 / 2)).
        let units = [1_000_000 + 22_361, 1_000_000 - 22_361];
        let p = chi_square(&units, &[1.0, 1.0]).unwrap().p_value.get();
        close(p, 1.770_272_640_701_720_1e-219, 1e-11);
    }

    #[test]
    fn what_is_no_split_is_refused() {
        assert_eq!(chi_square(&[0, 0], &[1.0, 1.0]), Err(Inconclusive::NoUnits));
        assert_eq!(chi_square(&[1, 1], &[1.0, 0.0]), Err(Inconclusive::TooFewArms));
        assert!(chi_square(&[1, 1], &[1.0]).is_err());
        assert!(chi_square(&[1, 1], &[1.0, f64::NAN]).is_err());
        assert_eq!(chi_square(&[5, 5], &[1e300, 1e-300]).unwrap_err().code(), "out_of_domain");
    }

    #[test]
    fn weights_whose_sum_leaves_the_doubles_are_a_split() {
        let large = chi_square(&[600, 400], &[f64::MAX, f64::MAX]).unwrap();
        assert_eq!(large, chi_square(&[600, 400], &[1.0, 1.0]).unwrap());
        let small = chi_square(&[600, 400], &[1e-310, 1e-310]).unwrap();
        close(small.statistic, 40.0, 1e-12);
    }
}
