//! A sample ratio mismatch test that may be read after every batch.
//!
//! Lindon and Malek, "Anytime-valid inference for multinomial count data" (NeurIPS 2022), theorem 1: the Bayes factor
//! of a Dirichlet prior around the promised shares against the shares themselves is a martingale under the promised
//! split, so that `1 / max over time` is a p-value at all times.

use serde::Serialize;

use super::srm::{Split, split};
use crate::{
    Alpha, Inconclusive, PValue,
    dist::gamma::{ln_1p_deficit, stirling_error},
    inconclusive::{finite, positive},
};

/// The default concentration: the prior expects a mismatch of about 1% in a half (standard deviation
/// `√(0.25 / 10,001)`). A smaller one finds gross mismatches a little sooner and small ones much later.
pub const DEFAULT_CONCENTRATION: f64 = 10_000.0;

/// The state of the sequential test after some counts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SequentialSplit {
    /// The natural logarithm of the Bayes factor at these counts.
    pub ln_bayes_factor: f64,
    /// The largest one so far.
    pub ln_largest: f64,
    /// The p-value at all times: 1 over the largest Bayes factor so far, at most 1.
    pub p_value: PValue,
}

impl SequentialSplit {
    /// Whether the split is refused at this rate, now or earlier.
    #[must_use]
    pub fn is_mismatch(&self, rate: Alpha) -> bool {
        self.p_value.is_significant(rate)
    }

    /// The state after later counts, given the state before.
    #[must_use]
    pub fn after(self, earlier: &Self) -> Self {
        Self::with(self.ln_bayes_factor, self.ln_bayes_factor.max(earlier.ln_largest))
    }

    fn with(ln_bayes_factor: f64, ln_largest: f64) -> Self {
        Self { ln_bayes_factor, ln_largest, p_value: PValue::clamped((-ln_largest).exp()) }
    }
}

/// The test at the cumulative units of each arm; arms of weight zero are no arms.
///
/// `concentration` is the sum of the Dirichlet prior's parameters, which are proportional to the weights.
///
/// # Errors
/// As [`super::srm::chi_square`] (but no units give a Bayes factor of 1), and [`Inconclusive::OutOfDomain`] unless the
/// concentration is positive and finite.
pub fn test(units: &[u64], weights: &[f64], concentration: f64) -> Result<SequentialSplit, Inconclusive> {
    finite(positive(concentration, "concentration")?, "concentration")?;
    let Split { shares, total, .. } = split(units, weights)?;
    let arms = || units.iter().zip(&shares).filter(|(_, share)| **share > 0.0);
    let after = concentration + total as f64;
    let mut ln_bayes_factor = remainder(concentration) - remainder(after);
    for (&count, &share) in arms() {
        let prior = concentration * share;
        let posterior = prior + count as f64;
        ln_bayes_factor += remainder(posterior) - remainder(prior);
        // The prior sits exactly at the promised shares, so its own divergence is zero.
        let excess = count as f64 - total as f64 * share;
        ln_bayes_factor += after * share * divergence(excess / (after * share), posterior / (after * share));
    }
    finite(ln_bayes_factor, "concentration")?;
    Ok(SequentialSplit::with(ln_bayes_factor, ln_bayes_factor))
}

/// What remains of `ln Γ(x)` beside `x ln x − x`: the constant cancels between the prior and the posterior.
fn remainder(x: f64) -> f64 {
    stirling_error(x) - 0.5 * x.ln()
}

/// `(1 + u) ln(1 + u) − u`, given `1 + u` too.
fn divergence(u: f64, one_plus: f64) -> f64 {
    if u < -0.4 { one_plus * one_plus.ln() - u } else { u * u.ln_1p() - ln_1p_deficit(u) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition: a ratio of Dirichlet-multinomial and multinomial probabilities.
    fn by_definition(units: &[u64], shares: &[f64], concentration: f64) -> f64 {
        let ln_gamma = libm::lgamma;
        let total: u64 = units.iter().sum();
        let arms = units.iter().zip(shares).map(|(&n, &share)| {
            let n = n as f64;
            ln_gamma(concentration * share + n) - ln_gamma(concentration * share) - n * share.ln()
        });
        ln_gamma(concentration) - ln_gamma(concentration + total as f64) + arms.sum::<f64>()
    }

    #[test]
    fn the_stable_form_is_the_definition() {
        for (units, shares) in [
            (vec![0, 0], vec![0.5, 0.5]),
            (vec![7, 0], vec![0.5, 0.5]),
            (vec![510, 490], vec![0.5, 0.5]),
            (vec![100, 210, 290], vec![0.2, 0.3, 0.5]),
        ] {
            for concentration in [1.0, 100.0, 10_000.0] {
                let found = test(&units, &shares, concentration).unwrap().ln_bayes_factor;
                let expected = by_definition(&units, &shares, concentration);
                assert!((found - expected).abs() < 1e-9, "{units:?} {concentration}: {found} {expected}");
            }
        }
    }

    #[test]
    fn the_largest_factor_counts() {
        let early = test(&[1_100, 900], &[0.5, 0.5], 100.0).unwrap();
        let late = test(&[10_000, 10_000], &[0.5, 0.5], 100.0).unwrap().after(&early);
        assert_eq!(late.p_value, early.p_value);
        assert!(late.ln_bayes_factor < early.ln_bayes_factor);
    }

    #[test]
    fn a_trillion_units_keep_their_digits() {
        let half = 500_000_000_000;
        let balanced = test(&[half, half], &[0.5, 0.5], 10_000.0).unwrap();
        // With a perfect split the factor is about √(concentration / (concentration + n)).
        assert!((balanced.ln_bayes_factor - 0.5 * (1e4 / (1e4 + 1e12_f64)).ln()).abs() < 1e-4);
        assert_eq!(balanced.p_value.get(), 1.0);
        let off = test(&[half + 10_000_000, half - 10_000_000], &[0.5, 0.5], 10_000.0).unwrap();
        assert!(off.p_value.get() < 1e-50 && off.p_value.get() > 1e-100);
    }

    #[test]
    fn an_arm_of_weight_zero_is_no_arm() {
        let with = test(&[510, 9, 490], &[1.0, 0.0, 1.0], 100.0).unwrap();
        assert_eq!(with, test(&[510, 490], &[0.5, 0.5], 100.0).unwrap());
        assert!(test(&[1, 1], &[1.0, 1.0], 0.0).is_err());
    }
}
