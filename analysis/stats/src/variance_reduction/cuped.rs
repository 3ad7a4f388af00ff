//! CUPED: control variates from the time before the experiment.
//!
//! Deng, Xu, Kohavi and Walker, "Improving the sensitivity of online controlled experiments by utilizing
//! pre-experiment data" (WSDM 2013), equations 4 to 6: the adjusted mean is `ȳ − θ (x̄ − x̄_all)`. The covariate's mean
//! over both arms is subtracted, so that the adjusted mean stays on the scale of the metric.

use serde::{Deserialize, Serialize};

use super::Adjusted;
use crate::{Estimate, Inconclusive, Multivariate, Pair, symmetric::Square};

/// Where the coefficient θ comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThetaFrom {
    /// Both arms merged into one sample, as in the paper and gbstats.
    #[default]
    Merged,
    /// The arms' own centred products added up: the coefficient of an analysis of covariance, which a large effect
    /// cannot disturb.
    WithinArms,
}

/// Adjusts two arms by one covariate; each pair holds (outcome, covariate).
///
/// `θ = s_xy / s²_x`, variance of each arm `(s²_y − 2 θ s_xy + θ² s²_x) / n`.
///
/// # Errors
/// [`Inconclusive::TooFewUnits`] for fewer than two units in an arm, [`Inconclusive::SingularCovariates`] if the
/// covariate does not vary.
pub fn adjust(control: &Pair, treatment: &Pair, theta: ThetaFrom) -> Result<Adjusted, Inconclusive> {
    let merged = control.merge(*treatment);
    let (product, squares) = match theta {
        ThetaFrom::Merged => (centred_product(&merged)?, merged.second().squares()),
        ThetaFrom::WithinArms => (
            centred_product(control)? + centred_product(treatment)?,
            control.second().squares() + treatment.second().squares(),
        ),
    };
    if squares <= 0.0 {
        return Err(Inconclusive::SingularCovariates);
    }
    let theta = product / squares;
    let centre = merged.second().mean();
    let arm = |pair: &Pair| {
        let value = pair.first().mean() - theta * (pair.second().mean() - centre);
        let (s_y, s_x, s_xy) = (pair.first().variance()?, pair.second().variance()?, pair.covariance()?);
        let variance = (s_y - 2.0 * theta * s_xy + theta * theta * s_x).max(0.0);
        Estimate::new(value, variance / pair.units() as f64, pair.units())
    };
    let unadjusted = control.first().estimate()?.variance + treatment.first().estimate()?.variance;
    Adjusted::new(arm(control)?, arm(treatment)?, unadjusted)
}

/// Adjusts two arms by several covariates; the first value of each unit is the outcome.
///
/// `θ = S_xx⁻¹ s_xy`, the same over both arms.
///
/// # Errors
/// [`Inconclusive::TooFewUnits`] for fewer than two units in an arm, [`Inconclusive::OutOfDomain`] if the arms hold
/// different numbers of values or no covariate, [`Inconclusive::SingularCovariates`] if the covariates are dependent.
pub fn adjust_by_several(
    control: &Multivariate,
    treatment: &Multivariate,
    theta: ThetaFrom,
) -> Result<Adjusted, Inconclusive> {
    let merged = control.merge(treatment)?;
    let count = merged.dimension().saturating_sub(1);
    if count == 0 {
        return Err(Inconclusive::OutOfDomain { what: "number of covariates" });
    }
    let product = |i: usize, j: usize| {
        let of = |moments: &Multivariate| moments.product(i, j).unwrap_or(0.0);
        match theta {
            ThetaFrom::Merged => of(&merged),
            ThetaFrom::WithinArms => of(control) + of(treatment),
        }
    };
    let outcome: Vec<f64> = (1..=count).map(|i| product(0, i)).collect();
    let theta = Square::from_entries(count, |i, j| product(i + 1, j + 1)).inverse()?.apply(&outcome);
    let weights: Vec<f64> = std::iter::once(1.0).chain(theta.iter().map(|theta| -theta)).collect();
    let arm = |moments: &Multivariate| {
        let shift: f64 = (moments.means().iter().zip(merged.means()).zip(&weights).skip(1))
            .map(|((mean, all), weight)| weight * (mean - all))
            .sum();
        let value = moments.means().first().copied().unwrap_or(0.0) + shift;
        Estimate::new(value, combination_variance(moments, &weights)?, moments.units())
    };
    let only_outcome: Vec<f64> =
        weights.iter().enumerate().map(|(i, _)| f64::from(u8::from(i == 0))).collect();
    let unadjusted =
        combination_variance(control, &only_outcome)? + combination_variance(treatment, &only_outcome)?;
    Adjusted::new(arm(control)?, arm(treatment)?, unadjusted)
}

/// Adjusts a ratio metric by the same ratio before the experiment.
///
/// The values of each unit are: numerator, denominator, earlier numerator, earlier denominator. Both ratios are
/// linearised (delta method), and θ is that of the linearised values (Deng et al. 2013, appendix B): around the merged
/// means for [`ThetaFrom::Merged`], around each arm's own for [`ThetaFrom::WithinArms`]. The variances of the arms are
/// always taken around their own means.
///
/// # Errors
/// [`Inconclusive::OutOfDomain`] unless each unit has four values, [`Inconclusive::ZeroDenominator`] if a
/// denominator sums to zero, [`Inconclusive::SingularCovariates`] if the earlier ratio does not vary.
pub fn adjust_ratio(
    control: &Multivariate,
    treatment: &Multivariate,
    theta: ThetaFrom,
) -> Result<Adjusted, Inconclusive> {
    let merged = Linearised::of(&control.merge(treatment)?)?;
    let (control, treatment) = (Linearised::of(control)?, Linearised::of(treatment)?);
    let (product, squares) = match theta {
        ThetaFrom::Merged => merged.products(),
        ThetaFrom::WithinArms => {
            let (own, other) = (control.products(), treatment.products());
            (own.0 + other.0, own.1 + other.1)
        }
    };
    if squares <= 0.0 {
        return Err(Inconclusive::SingularCovariates);
    }
    let theta = product / squares;
    let arm = |arm: &Linearised| {
        let variance = arm.variance - 2.0 * theta * arm.covariance + theta * theta * arm.earlier_variance;
        Estimate::new(
            arm.ratio - theta * (arm.earlier_ratio - merged.earlier_ratio),
            variance.max(0.0),
            arm.units,
        )
    };
    Adjusted::new(arm(&control)?, arm(&treatment)?, control.variance + treatment.variance)
}

/// Two ratios of one arm with the variances and the covariance of their estimates.
struct Linearised {
    units: u64,
    ratio: f64,
    earlier_ratio: f64,
    variance: f64,
    earlier_variance: f64,
    covariance: f64,
}

impl Linearised {
    /// The sums of products and of squares of the linearised values.
    fn products(&self) -> (f64, f64) {
        let scale = self.units as f64 * (self.units - 1) as f64;
        (self.covariance * scale, self.earlier_variance * scale)
    }

    fn of(moments: &Multivariate) -> Result<Self, Inconclusive> {
        let &[numerator, denominator, earlier_numerator, earlier_denominator] = moments.means() else {
            return Err(Inconclusive::OutOfDomain { what: "number of values of a unit" });
        };
        if denominator == 0.0 || earlier_denominator == 0.0 {
            return Err(Inconclusive::ZeroDenominator);
        }
        let (ratio, earlier_ratio) = (numerator / denominator, earlier_numerator / earlier_denominator);
        let now = [1.0 / denominator, -ratio / denominator, 0.0, 0.0];
        let earlier = [0.0, 0.0, 1.0 / earlier_denominator, -earlier_ratio / earlier_denominator];
        Ok(Self {
            units: moments.units(),
            ratio,
            earlier_ratio,
            variance: combination_variance(moments, &now)?,
            earlier_variance: combination_variance(moments, &earlier)?,
            covariance: combination_covariance(moments, &now, &earlier)?,
        })
    }
}

/// The variance of the mean of a linear combination of the values.
fn combination_variance(moments: &Multivariate, weights: &[f64]) -> Result<f64, Inconclusive> {
    Ok(combination_covariance(moments, weights, weights)?.max(0.0))
}

/// The covariance of the means of two linear combinations of the values.
fn combination_covariance(moments: &Multivariate, left: &[f64], right: &[f64]) -> Result<f64, Inconclusive> {
    let units = moments.units();
    if units < 2 {
        return Err(Inconclusive::TooFewUnits { needed: 2, found: units });
    }
    let products = Square::from_entries(moments.dimension(), |i, j| moments.product(i, j).unwrap_or(0.0));
    Ok(products.form(left, right) / (units - 1) as f64 / units as f64)
}

fn centred_product(pair: &Pair) -> Result<f64, Inconclusive> {
    Ok(pair.covariance()? * (pair.units() - 1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(rows: &[(f64, f64)]) -> Pair {
        let mut pair = Pair::empty();
        for (y, x) in rows {
            pair.push(*y, *x).unwrap();
        }
        pair
    }

    const CONTROL: [(f64, f64); 5] = [(3.0, 1.0), (5.5, 2.0), (4.0, 1.5), (9.0, 4.0), (7.0, 3.1)];
    const TREATMENT: [(f64, f64); 4] = [(4.0, 1.1), (8.0, 2.8), (6.5, 2.2), (11.0, 4.4)];

    #[test]
    fn one_covariate_is_the_special_case_of_several() {
        let multivariate = |rows: &[(f64, f64)]| {
            let mut moments = Multivariate::empty(2);
            for (y, x) in rows {
                moments.push(&[*y, *x]).unwrap();
            }
            moments
        };
        for theta in [ThetaFrom::Merged, ThetaFrom::WithinArms] {
            let one = adjust(&pair(&CONTROL), &pair(&TREATMENT), theta).unwrap();
            let several =
                adjust_by_several(&multivariate(&CONTROL), &multivariate(&TREATMENT), theta).unwrap();
            assert!((one.control.value - several.control.value).abs() < 1e-12);
            assert!((one.treatment.variance / several.treatment.variance - 1.0).abs() < 1e-10);
            assert!((one.variance_removed - several.variance_removed).abs() < 1e-10);
            assert!(one.variance_removed > 0.9);
        }
    }

    #[test]
    fn a_constant_covariate_is_refused() {
        let constant: Vec<_> = CONTROL.iter().map(|(y, _)| (*y, 1.0)).collect();
        assert_eq!(
            adjust(&pair(&constant), &pair(&constant), ThetaFrom::Merged),
            Err(Inconclusive::SingularCovariates)
        );
    }

    #[test]
    fn a_ratio_with_unit_denominators_is_the_mean() {
        let four = |rows: &[(f64, f64)]| {
            let mut moments = Multivariate::empty(4);
            for (y, x) in rows {
                moments.push(&[*y, 1.0, *x, 1.0]).unwrap();
            }
            moments
        };
        for theta in [ThetaFrom::Merged, ThetaFrom::WithinArms] {
            let ratio = adjust_ratio(&four(&CONTROL), &four(&TREATMENT), theta).unwrap();
            let mean = adjust(&pair(&CONTROL), &pair(&TREATMENT), theta).unwrap();
            assert!((ratio.control.value - mean.control.value).abs() < 1e-12);
            assert!((ratio.treatment.variance / mean.treatment.variance - 1.0).abs() < 1e-10);
        }
    }
}
