//! Interactions between experiments that run on the same units.
//!
//! Owns the difference in differences of two experiments, the omnibus test for more variants, the screen over all
//! pairs, and the check that two assignments are independent. Without an interaction, each experiment's own
//! comparison stays right while others run; with one, it is an average over the other's arms.

use serde::Serialize;

use crate::dist::chi_squared;
use crate::moments::all_units;
use crate::multiplicity::{Correction, adjust};
use crate::symmetric::Square;
use crate::{
    Alpha, Effect, Estimate, Inconclusive, PValue,
    inconclusive::{finite, serialize_outcome},
};

/// Estimates of the four groups of units in both experiments.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TwoByTwo {
    /// Control of both.
    pub neither: Estimate,
    /// Treatment of the first only.
    pub first: Estimate,
    /// Treatment of the second only.
    pub second: Estimate,
    /// Treatment of both.
    pub both: Estimate,
}

/// How two experiments influence each other.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interaction {
    /// Effect of the first where the second is at control.
    pub first_without_second: Effect,
    /// Effect of the first where the second is at treatment.
    pub first_with_second: Effect,
    /// The second of these less the first: the difference in differences (symmetric in the experiments).
    pub interaction: Effect,
    /// Degrees of freedom; `None` for the normal reference.
    pub degrees_of_freedom: Option<f64>,
    /// Two-sided p of "no interaction".
    pub p_value: PValue,
    /// Whether the effect of the first significantly changes its sign with the second: the case to act on.
    pub sign_flips: bool,
}

/// Estimates the interaction of two experiments with two arms each.
///
/// `(both - second) - (first - neither)`, variance the sum of the four, Satterthwaite's degrees of freedom over the
/// four estimates (normal if one has none).
///
/// Source: Cox, *Planning of Experiments* (1958), chapter 6; Satterthwaite, Biometrics Bulletin 2 (1946).
///
/// # Errors
/// [`Inconclusive::NoVariance`] when no group varies.
pub fn interaction(groups: &TwoByTwo, alpha: Alpha) -> Result<Interaction, Inconclusive> {
    let without = contrast(&[(1.0, groups.first), (-1.0, groups.neither)])?;
    let with = contrast(&[(1.0, groups.both), (-1.0, groups.second)])?;
    let change =
        contrast(&[(1.0, groups.both), (-1.0, groups.second), (-1.0, groups.first), (1.0, groups.neither)])?;
    let (first_without_second, first_with_second) = (without.effect(alpha)?, with.effect(alpha)?);
    let clear = |effect: &Effect| !effect.interval.contains(0.0);
    let p_value = change.p_value(0.0)?;
    Ok(Interaction {
        first_without_second,
        first_with_second,
        interaction: change.effect(alpha)?,
        degrees_of_freedom: change.degrees_of_freedom,
        p_value,
        sign_flips: p_value.is_significant(alpha)
            && clear(&first_without_second)
            && clear(&first_with_second)
            && without.value.signum() != with.value.signum(),
    })
}

/// A linear combination of independent estimates with Satterthwaite's degrees of freedom.
fn contrast(terms: &[(f64, Estimate)]) -> Result<Estimate, Inconclusive> {
    let value = terms.iter().map(|(sign, estimate)| sign * estimate.value).sum();
    terms.iter().try_for_each(|(_, estimate)| estimate.sound().map(drop))?;
    let variance: f64 = terms.iter().map(|(_, estimate)| estimate.variance).sum();
    if variance <= 0.0 {
        return Err(Inconclusive::NoVariance);
    }
    let units = all_units(terms.iter().map(|(_, estimate)| estimate.units));
    let inverse =
        terms.iter().filter(|(_, estimate)| estimate.variance > 0.0).try_fold(0.0, |sum, (_, estimate)| {
            let share = estimate.variance / variance;
            Some(sum + share * share / estimate.degrees_of_freedom?)
        });
    Ok(Estimate { degrees_of_freedom: inverse.map(f64::recip), ..Estimate::new(value, variance, units)? })
}

/// A Wald test with its degrees of freedom.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TableTest {
    /// The chi-square statistic.
    pub statistic: f64,
    /// Its degrees of freedom.
    pub degrees_of_freedom: u32,
    /// Probability of a greater one.
    pub p_value: PValue,
}

/// Tests that two experiments with any number of arms do not interact.
///
/// `table[i][j]` holds the units in arm i of the first and arm j of the second. The statistic is the weighted sum of
/// squares `Σ (y_ij - a_i - b_j)²/V_ij` about the best additive fit, chi-square with `(r-1)(c-1)` degrees of freedom. For
/// two by two it is the squared interaction over its variance.
///
/// Source: Scheffé, *The Analysis of Variance* (1959), section 4.4 (weighted two-way layout); Wald (1943).
///
/// # Errors
/// [`Inconclusive::TooFewArms`] below two rows or columns or for ragged rows; [`Inconclusive::NoVariance`] when a group
/// has no variance.
pub fn table_interaction(table: &[Vec<Estimate>]) -> Result<TableTest, Inconclusive> {
    let (rows, columns) = (table.len(), table.first().map_or(0, Vec::len));
    if rows < 2 || columns < 2 || table.iter().any(|row| row.len() != columns) {
        return Err(Inconclusive::TooFewArms);
    }
    let cells: Vec<(usize, usize, f64, f64)> = table
        .iter()
        .enumerate()
        .flat_map(|(i, row)| row.iter().enumerate().map(move |(j, cell)| (i, j, cell.value, cell.variance)))
        .collect();
    for cell in table.iter().flatten() {
        if cell.sound()?.variance <= 0.0 {
            return Err(Inconclusive::NoVariance);
        }
    }
    // Parameters: one a row, then the columns from the second on relative to the first.
    let order = rows + columns - 1;
    let active = |i: usize, j: usize| {
        let column = (j > 0).then(|| rows + j - 1);
        std::iter::once(i).chain(column)
    };
    // Residuals do not depend on the origin; centring keeps their digits when values are large.
    let centre = cells.iter().map(|(_, _, value, _)| value).sum::<f64>() / cells.len() as f64;
    let (mut design, mut response) = (Square::zeros(order), vec![0.0; order]);
    for (i, j, value, variance) in &cells {
        for p in active(*i, *j) {
            if let Some(sum) = response.get_mut(p) {
                *sum += (value - centre) / variance;
            }
            active(*i, *j).for_each(|q| design.add_at(p, q, 1.0 / variance));
        }
    }
    let fitted = design.inverse()?.apply(&response);
    let statistic: f64 = cells
        .iter()
        .map(|(i, j, value, variance)| {
            let fit: f64 = active(*i, *j).filter_map(|p| fitted.get(p)).sum();
            (value - centre - fit).powi(2) / variance
        })
        .sum();
    chi_square(statistic, (rows - 1) as u32 * (columns - 1) as u32)
}

fn chi_square(statistic: f64, degrees_of_freedom: u32) -> Result<TableTest, Inconclusive> {
    let p_value = PValue::new(chi_squared::sf(finite(statistic, "statistic")?, degrees_of_freedom)?)?;
    Ok(TableTest { statistic, degrees_of_freedom, p_value })
}

/// Tests that two experiments assign independently: a sample ratio check of the pair.
///
/// Pearson's chi-square of the table of units against the product of its margins, `(r-1)(c-1)` degrees of freedom. A small p
/// means that the experiments are not independent (overlapping targeting, one changing who is exposed to the other), and
/// that their interaction cannot be read.
///
/// Source: Pearson, Philosophical Magazine 50 (1900), with the degrees of freedom of Fisher, J. Royal Statistical Society
/// 85 (1922).
///
/// # Errors
/// [`Inconclusive::TooFewArms`] below two rows or columns with units, or for ragged rows.
pub fn independence(units: &[Vec<u64>]) -> Result<TableTest, Inconclusive> {
    let columns = units.first().map_or(0, Vec::len);
    if units.iter().any(|row| row.len() != columns) {
        return Err(Inconclusive::TooFewArms);
    }
    let row_sums: Vec<f64> =
        units.iter().map(|row| row.iter().map(|count| *count as f64).sum::<f64>()).collect();
    let column_sums: Vec<f64> = (0..columns)
        .map(|j| units.iter().filter_map(|row| row.get(j)).map(|count| *count as f64).sum())
        .collect();
    let positive = |sums: &[f64]| sums.iter().filter(|sum| **sum > 0.0).count();
    let (rows, columns) = (positive(&row_sums), positive(&column_sums));
    if rows < 2 || columns < 2 {
        return Err(Inconclusive::TooFewArms);
    }
    let total: f64 = row_sums.iter().sum();
    let mut statistic = 0.0;
    for (row, row_sum) in units.iter().zip(&row_sums) {
        for (seen, column_sum) in row.iter().zip(&column_sums) {
            let expected = row_sum / total * column_sum;
            if expected > 0.0 {
                statistic += (*seen as f64 - expected).powi(2) / expected;
            }
        }
    }
    chi_square(statistic, (rows - 1) as u32 * (columns - 1) as u32)
}

/// One pair of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PairScreen {
    /// The interaction, or why there is none.
    #[serde(serialize_with = "serialize_outcome")]
    pub found: Result<Interaction, Inconclusive>,
    /// Its p-value corrected over all pairs that have one.
    pub adjusted_p: Option<PValue>,
}

/// Screens all pairs of overlapping experiments; `correction` corrects over the pairs that can be tested.
///
/// Benjamini-Hochberg is the choice for a watch over many pairs; Holm where a single false alarm is expensive.
///
/// Source: Kohavi, Tang and Xu, *Trustworthy Online Controlled Experiments* (2020), chapter 4, for watching overlapping
/// experiments in pairs; the corrections as in [`adjust`].
#[must_use]
pub fn screen(pairs: &[TwoByTwo], correction: Correction, alpha: Alpha) -> Vec<PairScreen> {
    let found: Vec<Result<Interaction, Inconclusive>> =
        pairs.iter().map(|groups| interaction(groups, alpha)).collect();
    let p_values: Vec<PValue> = found.iter().flatten().map(|interaction| interaction.p_value).collect();
    let mut adjusted = adjust(&p_values, correction).into_iter();
    found
        .into_iter()
        .map(|found| PairScreen { adjusted_p: if found.is_ok() { adjusted.next() } else { None }, found })
        .collect()
}
