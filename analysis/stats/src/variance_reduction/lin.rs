//! Regression adjustment with interactions: Lin's estimator.
//!
//! Lin, "Agnostic notes on regression adjustments to experimental data" (Annals of Applied Statistics 7, 2013): the
//! outcome on treatment, centred covariates and their products. That is one regression in each arm, read at the
//! covariate mean of both arms, so the arms' estimates are independent.
//!
//! A robust variance needs residuals of single units, which second moments do not hold. Units with equal covariates
//! share their fit and leverage, so the sufficient statistic here is the [`Cell`]: one for each distinct covariate
//! value, or one for each unit.

use serde::{Deserialize, Serialize};

use super::Adjusted;
use crate::{
    Estimate, Inconclusive, Mean, Multivariate,
    moments::all_units,
    symmetric::{Square, dot},
};

/// The units of one arm that share their covariates, with the moments of their outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// The covariates, in the same order in every cell.
    pub covariates: Vec<f64>,
    /// The moments of the outcome.
    pub outcome: Mean,
}

/// Which variance of the regression is used. With few units they differ by a factor of two and more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Robust {
    /// Equal variances everywhere: `σ² (X'X)⁻¹`. Not robust.
    Classical,
    /// White (1980): squared residuals as they are; too small with few units.
    Hc0,
    /// [`Robust::Hc0`] times `n / (n − p)` with p columns over both arms.
    Hc1,
    /// Squared residuals over `1 − h` with the leverage h: unbiased when variances are equal, and exactly the
    /// unequal-variance t-test without covariates.
    #[default]
    Hc2,
    /// Squared residuals over `(1 − h)²`: close to the jackknife, conservative.
    Hc3,
}

/// Adjusts two arms by their covariates.
///
/// The degrees of freedom of each estimate are those of its arm's regression, `n − k − 1`.
///
/// # Errors
/// [`Inconclusive::TooFewUnits`] unless each arm has at least two more units than covariates,
/// [`Inconclusive::SingularCovariates`] if covariates are dependent in an arm or a unit has leverage 1,
/// [`Inconclusive::OutOfDomain`] if cells hold different numbers of covariates.
pub fn adjust(control: &[Cell], treatment: &[Cell], robust: Robust) -> Result<Adjusted, Inconclusive> {
    let count = control.first().map_or(0, |cell| cell.covariates.len());
    let both = || control.iter().chain(treatment);
    if both().any(|cell| cell.covariates.len() != count || !cell.covariates.iter().all(|x| x.is_finite())) {
        return Err(Inconclusive::OutOfDomain { what: "covariates of a cell" });
    }
    let units: u64 = all_units(both().map(|cell| cell.outcome.units()));
    let centre: Vec<f64> = (0..count)
        .map(|j| {
            let weighted = both()
                .map(|cell| cell.outcome.units() as f64 * cell.covariates.get(j).copied().unwrap_or(0.0));
            weighted.sum::<f64>() / units.max(1) as f64
        })
        .collect();
    let fits = [fit(control, &centre)?, fit(treatment, &centre)?];
    let columns = 2 * (count + 1);
    let freedom = units.saturating_sub(columns as u64) as f64;
    let pooled = fits.iter().map(|fit| fit.residual_squares).sum::<f64>() / freedom;
    let [control_estimate, treatment_estimate] = fits.map(|fit| {
        let variance = match robust {
            Robust::Classical => pooled * fit.inverse.at(0, 0),
            Robust::Hc0 => fit.meat(|_| 1.0)?,
            Robust::Hc1 => fit.meat(|_| 1.0)? * units as f64 / freedom,
            Robust::Hc2 => fit.meat(|rest| 1.0 / rest)?,
            Robust::Hc3 => fit.meat(|rest| 1.0 / (rest * rest))?,
        };
        fit.estimate(variance)
    });
    let unadjusted = [control, treatment].map(|arm| {
        arm.iter()
            .fold(Mean::empty(), |sum, cell| sum.merge(cell.outcome))
            .estimate()
            .map(|mean| mean.variance)
    });
    let [control_variance, treatment_variance] = unadjusted;
    Adjusted::new(control_estimate?, treatment_estimate?, control_variance? + treatment_variance?)
}

/// Adjusts two arms by their joint moments alone; the first value of each unit is the outcome.
///
/// The same estimates as [`adjust`]; the variance assumes equal variances within each arm (not between the arms),
/// since second moments hold no more: `σ²_arm (1/n + d' S_xx⁻¹ d)` with d the distance of the arm's covariate means from
/// those of both arms, the variance of a fitted value. Prefer [`adjust`] where variances depend on the covariates.
///
/// Source: Draper and Smith, *Applied Regression Analysis*, 3rd ed. (1998), for the variance of a fitted value.
///
/// # Errors
/// As [`adjust`].
pub fn adjust_by_moments(control: &Multivariate, treatment: &Multivariate) -> Result<Adjusted, Inconclusive> {
    let merged = control.merge(treatment)?;
    let arm = |moments: &Multivariate| -> Result<(Estimate, f64), Inconclusive> {
        let count = moments.dimension().saturating_sub(1);
        let (units, needed) = (moments.units(), count as u64 + 2);
        if units < needed {
            return Err(Inconclusive::TooFewUnits { needed, found: units });
        }
        let product = |i: usize, j: usize| moments.product(i, j).unwrap_or(0.0);
        let outcome: Vec<f64> = (1..=count).map(|i| product(0, i)).collect();
        let inverse = Square::from_entries(count, |i, j| product(i + 1, j + 1)).inverse()?;
        let slopes = inverse.apply(&outcome);
        let gaps: Vec<f64> =
            merged.means().iter().zip(moments.means()).skip(1).map(|(all, own)| all - own).collect();
        let value = moments.means().first().copied().unwrap_or(0.0) + dot(&slopes, &gaps);
        let freedom = (units - needed + 1) as f64;
        let sigma = (product(0, 0) - dot(&slopes, &outcome)).max(0.0) / freedom;
        let estimate =
            Estimate::new(value, sigma * (1.0 / units as f64 + inverse.form(&gaps, &gaps)), units)?;
        let unadjusted = product(0, 0) / (units - 1) as f64 / units as f64;
        Ok((Estimate { degrees_of_freedom: Some(freedom), ..estimate }, unadjusted))
    };
    let ((control, control_variance), (treatment, treatment_variance)) = (arm(control)?, arm(treatment)?);
    Adjusted::new(control, treatment, control_variance + treatment_variance)
}

/// The regression of one arm on a constant and the centred covariates.
struct Fit<'a> {
    rows: Vec<(Vec<f64>, &'a Mean)>,
    inverse: Square,
    coefficients: Vec<f64>,
    residual_squares: f64,
    units: u64,
}

fn fit<'a>(cells: &'a [Cell], centre: &[f64]) -> Result<Fit<'a>, Inconclusive> {
    let order = centre.len() + 1;
    let units: u64 = all_units(cells.iter().map(|cell| cell.outcome.units()));
    if units < order as u64 + 1 {
        return Err(Inconclusive::TooFewUnits { needed: order as u64 + 1, found: units });
    }
    let rows: Vec<(Vec<f64>, &Mean)> = (cells.iter().filter(|cell| cell.outcome.units() > 0))
        .map(|cell| {
            let centred = cell.covariates.iter().zip(centre).map(|(x, centre)| x - centre);
            (std::iter::once(1.0).chain(centred).collect(), &cell.outcome)
        })
        .collect();
    let mut normal = Square::zeros(order);
    let mut right = vec![0.0; order];
    for (row, outcome) in &rows {
        let n = outcome.units() as f64;
        for (i, (x, sum)) in row.iter().zip(right.iter_mut()).enumerate() {
            *sum += n * x * outcome.mean();
            for (j, z) in row.iter().enumerate() {
                normal.add_at(i, j, n * x * z);
            }
        }
    }
    let inverse = normal.inverse()?;
    let coefficients = inverse.apply(&right);
    let mut fit = Fit { rows, inverse, coefficients, residual_squares: 0.0, units };
    fit.residual_squares = fit.rows.iter().map(|(row, outcome)| fit.squares(row, outcome)).sum();
    Ok(fit)
}

impl Fit<'_> {
    /// The sum of squared residuals of a cell.
    fn squares(&self, row: &[f64], outcome: &Mean) -> f64 {
        let miss = outcome.mean() - dot(row, &self.coefficients);
        outcome.squares() + outcome.units() as f64 * miss * miss
    }

    /// The sandwich variance of the constant; `weight` turns `1 − h` into the factor of a squared residual.
    fn meat(&self, weight: impl Fn(f64) -> f64) -> Result<f64, Inconclusive> {
        let mut total = 0.0;
        for (row, outcome) in &self.rows {
            let weights = self.inverse.apply(row);
            let rest = 1.0 - dot(row, &weights);
            if rest < 1e-10 {
                return Err(Inconclusive::SingularCovariates);
            }
            let influence = weights.first().copied().unwrap_or(0.0);
            total += influence * influence * self.squares(row, outcome) * weight(rest);
        }
        Ok(total)
    }

    fn estimate(&self, variance: f64) -> Result<Estimate, Inconclusive> {
        let value = self.coefficients.first().copied().unwrap_or(0.0);
        let freedom = self.units as f64 - self.coefficients.len() as f64;
        Ok(Estimate { degrees_of_freedom: Some(freedom), ..Estimate::new(value, variance, self.units)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(covariates: &[f64], outcomes: &[f64]) -> Cell {
        Cell { covariates: covariates.to_vec(), outcome: outcomes.iter().copied().collect() }
    }

    #[test]
    fn without_covariates_hc2_is_the_unequal_variance_estimate() {
        let (control, treatment) = ([3.0, 4.0, 7.5, 5.0], [6.0, 8.0, 2.0]);
        let adjusted = adjust(&[cell(&[], &control)], &[cell(&[], &treatment)], Robust::Hc2).unwrap();
        let plain: Mean = treatment.into_iter().collect();
        assert!((adjusted.treatment.variance / plain.estimate().unwrap().variance - 1.0).abs() < 1e-12);
        assert!(adjusted.variance_removed.abs() < 1e-12);
    }

    #[test]
    fn cells_and_single_units_give_the_same() {
        let (a, b) = ([1.0, 2.5, 2.0, 4.0], [3.0, 5.5, 4.5]);
        let cells = [cell(&[0.0], &a), cell(&[1.0], &b)];
        let single: Vec<Cell> =
            a.iter().map(|y| cell(&[0.0], &[*y])).chain(b.iter().map(|y| cell(&[1.0], &[*y]))).collect();
        for robust in [Robust::Classical, Robust::Hc0, Robust::Hc1, Robust::Hc2, Robust::Hc3] {
            let grouped = adjust(&cells, &cells, robust).unwrap();
            let by_unit = adjust(&single, &single, robust).unwrap();
            assert!((grouped.control.variance / by_unit.control.variance - 1.0).abs() < 1e-12);
            assert!((grouped.control.value - by_unit.control.value).abs() < 1e-12);
        }
    }

    #[test]
    fn moments_give_the_same_means() {
        let rows = [(3.0, 1.0), (5.5, 2.0), (4.0, 1.5), (9.0, 4.0), (7.0, 3.1)];
        let other = [(4.0, 1.1), (8.0, 2.8), (6.5, 2.2), (11.0, 4.4), (3.0, 0.5)];
        let cells = |rows: &[(f64, f64)]| rows.iter().map(|(y, x)| cell(&[*x], &[*y])).collect::<Vec<_>>();
        let moments = |rows: &[(f64, f64)]| {
            let mut moments = Multivariate::empty(2);
            for (y, x) in rows {
                moments.push(&[*y, *x]).unwrap();
            }
            moments
        };
        let by_cells = adjust(&cells(&rows), &cells(&other), Robust::Hc2).unwrap();
        let by_moments = adjust_by_moments(&moments(&rows), &moments(&other)).unwrap();
        assert!((by_cells.control.value - by_moments.control.value).abs() < 1e-11);
        assert!((by_cells.treatment.value - by_moments.treatment.value).abs() < 1e-11);
    }

    #[test]
    fn a_unit_that_fits_itself_is_refused() {
        let alone = [cell(&[0.0], &[1.0, 2.0, 3.0]), cell(&[1.0], &[5.0])];
        assert_eq!(adjust(&alone, &alone, Robust::Hc2), Err(Inconclusive::SingularCovariates));
        assert!(matches!(adjust(&alone[..0], &alone, Robust::Hc2), Err(Inconclusive::OutOfDomain { .. })));
    }
}
