//! Balance before the experiment: pre-period A/A tests and carryover from an earlier experiment.

use serde::Serialize;

use crate::{Estimate, Inconclusive, PValue, dist::chi_squared, fixed, inconclusive::finite};

/// Whether groups that should not differ do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Balance {
    /// Cochran's Q: the weighted squares around the common mean.
    pub statistic: f64,
    /// Groups less one.
    pub degrees_of_freedom: u32,
    /// The p-value of "all groups have the same mean".
    pub p_value: PValue,
    /// The largest difference between a group and the first one, in its standard errors.
    pub largest: f64,
}

/// Tests that a metric measured before exposure is the same in every arm (pre-period A/A).
///
/// `Q = Σ (x_i − x̄)² / V_i` with the inverse-variance mean, chi-squared with k − 1 degrees of freedom (Cochran 1954);
/// for two arms the squared z. A small p-value says that the arms differed before anything was changed: a broken
/// split, or a covariate that was measured after exposure.
///
/// # Errors
/// [`Inconclusive::TooFewArms`] for fewer than two arms, [`Inconclusive::NoVariance`] if an arm does not vary.
pub fn pre_period(arms: &[Estimate]) -> Result<Balance, Inconclusive> {
    let (first, others) = arms.split_first().ok_or(Inconclusive::TooFewArms)?;
    if others.is_empty() {
        return Err(Inconclusive::TooFewArms);
    }
    for arm in arms {
        if arm.sound()?.variance <= 0.0 {
            return Err(Inconclusive::NoVariance);
        }
    }
    let weights: f64 = arms.iter().map(|arm| 1.0 / arm.variance).sum();
    let mean = arms.iter().map(|arm| arm.value / arm.variance).sum::<f64>() / weights;
    let statistic =
        finite(arms.iter().map(|arm| (arm.value - mean).powi(2) / arm.variance).sum(), "statistic")?;
    let degrees_of_freedom = u32::try_from(others.len()).map_err(|_| Inconclusive::TooFewArms)?;
    let distance = |arm: &Estimate| (arm.value - first.value) / (arm.variance + first.variance).sqrt();
    let largest = others.iter().map(distance).fold(0.0, |a: f64, b| if b.abs() > a.abs() { b } else { a });
    let p_value = PValue::clamped(chi_squared::sf(statistic, degrees_of_freedom)?);
    Ok(Balance { statistic, degrees_of_freedom, p_value, largest })
}

/// Tests whether the effect of this experiment depends on the arm that its units had in an earlier one (carryover).
///
/// Each entry is the effect (treatment less control) among the units of one earlier arm.
///
/// Sources: Kohavi et al., "Trustworthy online controlled experiments: five puzzling outcomes explained" (KDD 2012),
/// section 3.5, for carryover; Cochran (1954) for the test.
///
/// # Errors
/// As [`pre_period`].
pub fn carryover(effects_by_earlier_arm: &[(Estimate, Estimate)]) -> Result<Balance, Inconclusive> {
    let effects = effects_by_earlier_arm
        .iter()
        .map(|(control, treatment)| fixed::difference(*control, *treatment))
        .collect::<Result<Vec<_>, _>>()?;
    pre_period(&effects)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arm(value: f64, error: f64) -> Estimate {
        Estimate::new(value, error * error, 100).unwrap()
    }

    #[test]
    fn two_arms_are_the_squared_z() {
        let balance = pre_period(&[arm(1.0, 0.3), arm(1.8, 0.4)]).unwrap();
        assert!((balance.statistic - (0.8_f64 / 0.5).powi(2)).abs() < 1e-12);
        assert!((balance.largest - 1.6).abs() < 1e-12);
        assert!((balance.p_value.get() / PValue::two_sided_normal(1.6).unwrap().get() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn an_effect_that_depends_on_the_past_is_found() {
        let same = carryover(&[(arm(1.0, 0.1), arm(1.5, 0.1)), (arm(2.0, 0.1), arm(2.5, 0.1))]).unwrap();
        let other = carryover(&[(arm(1.0, 0.1), arm(1.5, 0.1)), (arm(2.0, 0.1), arm(3.5, 0.1))]).unwrap();
        assert!(same.p_value.get() > 0.99 && other.p_value.get() < 1e-6);
        assert_eq!(pre_period(&[arm(1.0, 0.1)]), Err(Inconclusive::TooFewArms));
        assert_eq!(pre_period(&[arm(1.0, 0.1), arm(1.0, 0.0)]), Err(Inconclusive::NoVariance));
    }
}
