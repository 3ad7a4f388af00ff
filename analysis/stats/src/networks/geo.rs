//! Geo experiments: few regions, assigned whole, often as matched pairs.
//!
//! Owns the inference that does not lean on many regions: the paired estimator with a t interval, and exact
//! randomisation tests that re-draw the assignment that was actually used. For more than about twenty unpaired
//! regions with a covariate, use [`super::cluster`] with CR2.

use serde::{Deserialize, Serialize};

use super::serial_estimate;
use crate::{Estimate, Inconclusive, PValue, inconclusive::serialize_outcome};

/// Most re-assignments that an exact test goes through (about 0.1 s); beyond, the design is large enough for t.
const MOST_ASSIGNMENTS: u64 = 2_000_000;

/// One region: its outcome per unit after the start, less what the analyst subtracts.
///
/// For a difference in differences, `outcome` is the mean after minus the mean before.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Region {
    /// Outcome per unit.
    pub outcome: f64,
    /// Units that live there, or their outcome before the start: the weight of the region.
    pub units: f64,
}

/// Two regions that were alike before, of which one was drawn for treatment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// The region that was drawn.
    pub treatment: Region,
    /// The other one.
    pub control: Region,
}

/// What a paired geo experiment found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PairedEffect {
    /// Weighted mean of the differences within pairs, with `pairs - 1` degrees of freedom.
    pub difference: Estimate,
    /// Exact two-sided p of "no region was changed": the share of the `2^pairs` draws whose difference is at least
    /// as far from zero. It cannot be below `2/2^pairs`. [`Inconclusive::OutOfDomain`] above 20 pairs, where the t
    /// test serves.
    #[serde(serialize_with = "serialize_outcome")]
    pub exact: Result<PValue, Inconclusive>,
}

/// Compares matched pairs; each weighs as many units as its regions hold.
///
/// `D = Σ w_p d_p` with `w_p = (n_1p + n_2p)/N`, variance `P/(P-1) · Σ (w_p d_p - D/P)²`.
///
/// Sources: Imai, King and Nall, Statistical Science 24 (2009), eq. 12; Fisher, *The Design of Experiments* (1935), section 21.
///
/// # Errors
/// [`Inconclusive::TooFewUnits`] below two pairs; [`Inconclusive::NoVariance`] when all weighted differences are
/// equal; [`Inconclusive::OutOfDomain`] for a region without units or with a non-finite outcome.
pub fn compare_pairs(pairs: &[Pair]) -> Result<PairedEffect, Inconclusive> {
    let weighted = weighted_differences(pairs)?;
    let count = weighted.len() as f64;
    let total: f64 = weighted.iter().sum();
    let spread: f64 = weighted.iter().map(|value| (value - total / count).powi(2)).sum();
    let difference = serial_estimate(total, count / (count - 1.0) * spread, count - 1.0)?;
    Ok(PairedEffect { difference, exact: sign_flips(&weighted) })
}

fn weighted_differences(pairs: &[Pair]) -> Result<Vec<f64>, Inconclusive> {
    if pairs.len() < 2 {
        return Err(Inconclusive::TooFewUnits { needed: 2, found: pairs.len() as u64 });
    }
    if pairs.iter().any(|pair| !(valid(&pair.treatment) && valid(&pair.control))) {
        return Err(Inconclusive::OutOfDomain { what: "a region" });
    }
    let units = |pair: &Pair| pair.treatment.units + pair.control.units;
    let total: f64 = pairs.iter().map(units).sum();
    Ok(pairs
        .iter()
        .map(|pair| units(pair) / total * (pair.treatment.outcome - pair.control.outcome))
        .collect())
}

fn valid(region: &Region) -> bool {
    region.outcome.is_finite() && region.units.is_finite() && region.units > 0.0
}

/// Walks all sign patterns by a Gray code, so each costs one addition.
fn sign_flips(weighted: &[f64]) -> Result<PValue, Inconclusive> {
    let patterns = 1_u64.checked_shl(weighted.len() as u32).filter(|patterns| *patterns <= MOST_ASSIGNMENTS);
    let patterns =
        patterns.ok_or(Inconclusive::OutOfDomain { what: "the number of pairs for an exact test" })?;
    let seen: f64 = weighted.iter().sum();
    let scale: f64 = weighted.iter().map(|value| value.abs()).sum();
    let mut signs = vec![1.0; weighted.len()];
    let mut sum = seen;
    let mut as_far = 0_u64;
    for pattern in 1..=patterns {
        if as_extreme(sum, seen, scale) {
            as_far += 1;
        }
        let flip = pattern.trailing_zeros() as usize;
        if let (Some(sign), Some(value)) = (signs.get_mut(flip), weighted.get(flip)) {
            *sign = -*sign;
            sum += 2.0 * *sign * value;
        }
    }
    PValue::new(as_far as f64 / patterns as f64)
}

/// Ties count as extreme; sums in another order differ by rounding only.
fn as_extreme(value: f64, seen: f64, scale: f64) -> bool {
    value.abs() >= seen.abs() - 1e-9 * scale
}

/// Exact two-sided p of "no region was changed" when `treatment` regions were drawn out of all of them at random.
///
/// The statistic is the difference of the arms' unweighted means. The smallest possible p is one over the number
/// of ways to draw (two, for arms of equal size).
///
/// Source: Fisher (1935); Imbens and Rubin, *Causal Inference* (2015), chapter 5.
///
/// # Errors
/// [`Inconclusive::NoUnits`] when an arm is empty; [`Inconclusive::OutOfDomain`] for non-finite outcomes or more than
/// two million ways to draw.
pub fn randomisation_test(control: &[f64], treatment: &[f64]) -> Result<PValue, Inconclusive> {
    if control.is_empty() || treatment.is_empty() {
        return Err(Inconclusive::NoUnits);
    }
    let all: Vec<f64> = treatment.iter().chain(control).copied().collect();
    if all.iter().any(|value| !value.is_finite()) {
        return Err(Inconclusive::OutOfDomain { what: "a region" });
    }
    let ways = draws(all.len() as u64, treatment.len() as u64)
        .ok_or(Inconclusive::OutOfDomain { what: "the number of regions for an exact test" })?;
    // The arms' centred sums are opposite, so the smaller arm tells as much in fewer steps.
    let fewer = if treatment.len() <= control.len() { treatment } else { control };
    let centre = all.iter().sum::<f64>() / all.len() as f64;
    let about: Vec<f64> = all.iter().map(|value| value - centre).collect();
    let seen: f64 = fewer.iter().map(|value| value - centre).sum();
    let scale: f64 = about.iter().map(|value| value.abs()).sum();
    let mut as_far = 0_u64;
    each_subset_sum(&about, fewer.len(), 0.0, &mut |sum| {
        as_far += u64::from(as_extreme(sum, seen, scale));
    });
    PValue::new(as_far as f64 / ways as f64)
}

/// `n` choose `k`, if at most [`MOST_ASSIGNMENTS`].
fn draws(n: u64, k: u64) -> Option<u64> {
    (0..k.min(n - k)).try_fold(1_u64, |ways, i| {
        Some(ways.checked_mul(n - i)? / (i + 1)).filter(|ways| *ways <= MOST_ASSIGNMENTS)
    })
}

/// Visits the sum of every choice of `size` values; at most `size` calls deep.
fn each_subset_sum(values: &[f64], size: usize, sum: f64, visit: &mut impl FnMut(f64)) {
    let Some(others) = size.checked_sub(1) else {
        visit(sum);
        return;
    };
    let mut rest = values;
    while let Some((first, after)) = rest.split_first()
        && rest.len() >= size
    {
        each_subset_sum(after, others, sum + first, visit);
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permutation_test_counts_every_draw() {
        // Seven regions, the three greatest treated: 1 of 35 draws is as high, none as low: p = 1/35.
        let p = randomisation_test(&[1.0, 2.0, 3.0, 4.0], &[50.0, 60.0, 70.0]).unwrap();
        assert!((p.get() - 1.0 / 35.0).abs() < 1e-15);
    }

    #[test]
    fn one_region_against_two_million_is_ranked_at_once_whichever_arm_it_is() {
        let many: Vec<f64> = (1..2_000_000).map(f64::from).collect();
        let centre = many.len() as f64 / 2.0;
        for p in [randomisation_test(&[3e6], &many).unwrap(), randomisation_test(&many, &[3e6]).unwrap()] {
            assert!((p.get() - 1.0 / 2e6).abs() < 1e-15);
        }
        assert!(randomisation_test(&[centre], &many).unwrap().get() > 0.999);
    }

    #[test]
    fn sign_flips_reach_their_smallest_value_when_all_pairs_agree() {
        let region = |outcome| Region { outcome, units: 10.0 };
        let pairs: Vec<Pair> =
            (1..=6).map(|i| Pair { treatment: region(f64::from(i)), control: region(0.0) }).collect();
        let effect = compare_pairs(&pairs).unwrap();
        assert!((effect.exact.unwrap().get() - 2.0 / 64.0).abs() < 1e-15);
    }

    #[test]
    fn too_many_pairs_have_no_exact_test_but_a_t_interval() {
        let pairs: Vec<Pair> = (0..40)
            .map(|i| Pair {
                treatment: Region { outcome: f64::from(i % 7), units: 1.0 },
                control: Region { outcome: f64::from(i % 5), units: 1.0 },
            })
            .collect();
        let effect = compare_pairs(&pairs).unwrap();
        assert_eq!(effect.exact.unwrap_err().code(), "out_of_domain");
    }
}
