//! Post-stratification: each stratum is compared within itself and weighted by its share of all units.
//!
//! Miratrix, Sekhon and Yu, "Adjusting treatment effect estimates by post-stratification in randomized experiments"
//! (JRSS B 75, 2013), equation 4, with the variance given the strata's sizes.

use super::Adjusted;
use crate::{Estimate, Inconclusive, Mean, moments::all_units};

/// Adjusts two arms by strata; both slices list the strata in the same order.
///
/// Estimate `Σ w_h ȳ_h`, variance `Σ w_h² s²_h / n_h`, with w_h the stratum's share of both arms' units. A stratum
/// without any unit is left out; the degrees of freedom are Satterthwaite's.
///
/// # Errors
/// [`Inconclusive::TooFewUnits`] if a stratum has fewer than two units in one arm (merge small strata),
/// [`Inconclusive::NoUnits`] without units, [`Inconclusive::OutOfDomain`] if the numbers of strata differ.
pub fn adjust(control: &[Mean], treatment: &[Mean]) -> Result<Adjusted, Inconclusive> {
    if control.len() != treatment.len() {
        return Err(Inconclusive::OutOfDomain { what: "number of strata" });
    }
    let sizes: Vec<u64> =
        control.iter().zip(treatment).map(|(c, t)| all_units([c.units(), t.units()])).collect();
    let unadjusted = [control, treatment].map(|arm| {
        arm.iter()
            .fold(Mean::empty(), |sum, stratum| sum.merge(*stratum))
            .estimate()
            .map(|mean| mean.variance)
    });
    let [control_variance, treatment_variance] = unadjusted;
    let unadjusted = control_variance? + treatment_variance?;
    Adjusted::new(weighted(control, &sizes)?, weighted(treatment, &sizes)?, unadjusted)
}

fn weighted(strata: &[Mean], sizes: &[u64]) -> Result<Estimate, Inconclusive> {
    let total = all_units(sizes.iter().copied());
    if total == 0 {
        return Err(Inconclusive::NoUnits);
    }
    let (mut value, mut parts, mut units) = (0.0, Vec::with_capacity(strata.len()), 0_u64);
    for (stratum, &size) in strata.iter().zip(sizes).filter(|(_, size)| **size > 0) {
        let weight = size as f64 / total as f64;
        let estimate = stratum.estimate()?;
        value += weight * estimate.value;
        parts.push((weight * weight * estimate.variance, (estimate.units - 1) as f64));
        units = units.saturating_add(estimate.units);
    }
    let variance: f64 = parts.iter().map(|(part, _)| part).sum();
    let estimate = Estimate::new(value, variance, units)?;
    // Shares of the variance, so that squares of tiny or huge ones stay in range.
    let inverse: f64 = parts.iter().map(|(part, freedom)| (part / variance).powi(2) / freedom).sum();
    let degrees_of_freedom = (variance > 0.0 && inverse > 0.0).then(|| inverse.recip());
    Ok(Estimate { degrees_of_freedom, ..estimate })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stratum(values: &[f64]) -> Mean {
        values.iter().copied().collect()
    }

    #[test]
    fn one_stratum_is_the_plain_mean() {
        let (control, treatment) = (stratum(&[1.0, 2.0, 4.0]), stratum(&[3.0, 5.0]));
        let adjusted = adjust(&[control, Mean::empty()], &[treatment, Mean::empty()]).unwrap();
        assert_eq!(adjusted.control.value, control.mean());
        assert!((adjusted.control.degrees_of_freedom.unwrap() - 2.0).abs() < 1e-12);
        assert!(adjusted.variance_removed.abs() < 1e-12);
    }

    #[test]
    fn an_imbalance_between_strata_is_repaired() {
        // Both arms follow the same strata means 0 and 10, but hold them in different shares.
        let low = |n: usize| stratum(&[-1.0, 0.0, 1.0].repeat(n));
        let high = |n: usize| stratum(&[9.0, 10.0, 11.0].repeat(n));
        let adjusted = adjust(&[low(3), high(1)], &[low(1), high(3)]).unwrap();
        assert!((adjusted.control.value - adjusted.treatment.value).abs() < 1e-12);
        assert!(adjusted.variance_removed > 0.8);
    }

    #[test]
    fn a_stratum_missing_in_one_arm_is_named() {
        let both = stratum(&[1.0, 2.0]);
        assert_eq!(
            adjust(&[both, both], &[both, stratum(&[1.0])]),
            Err(Inconclusive::TooFewUnits { needed: 2, found: 1 })
        );
    }
}
