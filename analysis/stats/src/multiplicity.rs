//! Corrections for many tests at once: metrics, arms, segments.
//!
//! A family is a set of tests over which an error rate is to hold; the caller states it by a key. Tests without an
//! answer are no members. Adjusted p-values are compared with alpha itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::PValue;

/// Which error rate is held, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Correction {
    /// No correction.
    None,
    /// Family-wise error, any dependence: `m p`.
    Bonferroni,
    /// Family-wise error, any dependence, never less powerful than Bonferroni (Holm 1979).
    Holm,
    /// False discovery rate, independent or positively dependent tests (Benjamini and Hochberg 1995).
    BenjaminiHochberg,
}

/// Adjusts the p-values of one family, in the order given.
#[must_use]
pub fn adjust(p_values: &[PValue], correction: Correction) -> Vec<PValue> {
    let count = p_values.len() as f64;
    match correction {
        Correction::None => p_values.to_vec(),
        Correction::Bonferroni => p_values.iter().map(|p| PValue::clamped(count * p.get())).collect(),
        Correction::Holm => {
            // From the smallest: (m − i) p, never below the one before.
            stepwise(p_values, false, |rank, p| (count - rank) * p, f64::max)
        }
        Correction::BenjaminiHochberg => {
            // From the largest: m p / rank, never above the one before.
            stepwise(p_values, true, |rank, p| count * p / (count - rank), f64::min)
        }
    }
}

/// Adjusts each family on its own; the answer is in the order of the tests.
#[must_use]
pub fn adjust_families<F: Ord>(tests: &[(F, PValue)], correction: Correction) -> Vec<PValue> {
    let mut families: BTreeMap<&F, Vec<(usize, PValue)>> = BTreeMap::new();
    for (place, (family, p)) in tests.iter().enumerate() {
        families.entry(family).or_default().push((place, *p));
    }
    let mut adjusted: Vec<(usize, PValue)> = Vec::with_capacity(tests.len());
    for members in families.into_values() {
        let p_values: Vec<PValue> = members.iter().map(|(_, p)| *p).collect();
        let places = members.iter().map(|(place, _)| *place);
        adjusted.extend(places.zip(adjust(&p_values, correction)));
    }
    adjusted.sort_unstable_by_key(|(place, _)| *place);
    adjusted.into_iter().map(|(_, p)| p).collect()
}

/// Walks the sorted p-values from one end, keeping the adjusted ones monotone.
fn stepwise(
    p_values: &[PValue],
    from_largest: bool,
    adjusted: impl Fn(f64, f64) -> f64,
    keep: fn(f64, f64) -> f64,
) -> Vec<PValue> {
    let mut order: Vec<(usize, f64)> = p_values.iter().map(|p| p.get()).enumerate().collect();
    order.sort_unstable_by(|a, b| a.1.total_cmp(&b.1));
    if from_largest {
        order.reverse();
    }
    let mut running = None;
    for (rank, (_, p)) in order.iter_mut().enumerate() {
        let value = adjusted(rank as f64, *p).min(1.0);
        let kept = running.map_or(value, |so_far| keep(so_far, value));
        running = Some(kept);
        *p = kept;
    }
    order.sort_unstable_by_key(|(place, _)| *place);
    order.into_iter().map(|(_, p)| PValue::clamped(p)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p_values(values: &[f64]) -> Vec<PValue> {
        values.iter().map(|p| PValue::new(*p).unwrap()).collect()
    }

    fn check(correction: Correction, expected: &[f64]) {
        let found = adjust(&p_values(&[0.01, 0.04, 0.03, 0.005, 0.55]), correction);
        for (found, expected) in found.iter().zip(expected) {
            assert!((found.get() - expected).abs() < 1e-15, "{correction:?}: {found:?}");
        }
    }

    #[test]
    fn textbook_values() {
        check(Correction::None, &[0.01, 0.04, 0.03, 0.005, 0.55]);
        check(Correction::Bonferroni, &[0.05, 0.2, 0.15, 0.025, 1.0]);
        check(Correction::Holm, &[0.04, 0.09, 0.09, 0.025, 0.55]);
        check(Correction::BenjaminiHochberg, &[0.025, 0.05, 0.05, 0.025, 0.55]);
    }

    #[test]
    fn families_do_not_see_each_other() {
        let tests: Vec<(&str, PValue)> =
            ["a", "b", "a", "b"].into_iter().zip(p_values(&[0.01, 0.01, 0.5, 0.02])).collect();
        let found: Vec<f64> =
            adjust_families(&tests, Correction::Bonferroni).iter().map(|p| p.get()).collect();
        assert_eq!(found, [0.02, 0.02, 1.0, 0.04]);
        assert!(adjust_families::<u8>(&[], Correction::Holm).is_empty());
    }
}
