//! Joint moments of any number of values per unit, for several covariates.

use serde::{Deserialize, Serialize};

use super::{Mean, Pair};
use crate::{Inconclusive, inconclusive::finite};

/// Units with the means and centred products of `k` values each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Multivariate {
    units: u64,
    means: Vec<f64>,
    /// `Σ (x_i − mean_i)(x_j − mean_j)` for j ≤ i, row by row.
    products: Vec<f64>,
}

#[derive(Deserialize)]
struct Unchecked {
    units: u64,
    means: Vec<f64>,
    products: Vec<f64>,
}

impl TryFrom<Unchecked> for Multivariate {
    type Error = Inconclusive;

    fn try_from(raw: Unchecked) -> Result<Self, Inconclusive> {
        let Unchecked { units, means, products } = raw;
        if products.len() != means.len() * (means.len() + 1) / 2 {
            return Err(Inconclusive::OutOfDomain { what: "number of products" });
        }
        means.iter().try_for_each(|mean| finite(*mean, "mean").map(drop))?;
        products.iter().try_for_each(|product| finite(*product, "sum of products").map(drop))?;
        Ok(Self { units, means, products })
    }
}

impl Multivariate {
    /// The statistic of no units with `k` values each.
    #[must_use]
    pub fn empty(k: usize) -> Self {
        Self { units: 0, means: vec![0.0; k], products: vec![0.0; k * (k + 1) / 2] }
    }

    /// From units, `Σ x_i`, and `Σ x_i x_j` for j ≤ i row by row; see [`Mean::from_sums`] for their loss of digits.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] if the lengths do not fit or the sums cannot be those of real values.
    pub fn from_sums(units: u64, sums: &[f64], products: &[f64]) -> Result<Self, Inconclusive> {
        if products.len() != sums.len() * (sums.len() + 1) / 2 {
            return Err(Inconclusive::OutOfDomain { what: "number of products" });
        }
        let n = units.max(1) as f64;
        let means: Vec<f64> = sums.iter().map(|sum| sum / n).collect();
        let mut centred = Vec::with_capacity(products.len());
        let mut raw = products.iter();
        for (i, mean) in means.iter().enumerate() {
            for (j, sum) in sums.iter().take(i + 1).enumerate() {
                let product = raw.next().copied().unwrap_or(0.0);
                let value = finite(product - mean * sum, "sum of products")?;
                centred.push(if i == j { value.max(0.0) } else { value });
            }
        }
        Ok(Self { units, means, products: centred })
    }

    /// Adds the values of one more unit.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] if their number does not fit or one is not finite.
    pub fn push(&mut self, values: &[f64]) -> Result<(), Inconclusive> {
        if values.len() != self.means.len() || values.iter().any(|value| !value.is_finite()) {
            return Err(Inconclusive::OutOfDomain { what: "values of a unit" });
        }
        let one = Self { units: 1, means: values.to_vec(), products: vec![0.0; self.products.len()] };
        *self = self.merge(&one)?;
        Ok(())
    }

    /// The units of this part and of another, disjoint one.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] if the two hold different numbers of values.
    pub fn merge(&self, other: &Self) -> Result<Self, Inconclusive> {
        if self.means.len() != other.means.len() {
            return Err(Inconclusive::OutOfDomain { what: "number of values of a unit" });
        }
        let units = self.units.saturating_add(other.units);
        let share = other.units as f64 / units.max(1) as f64;
        let weight = self.units as f64 * share;
        let gaps: Vec<f64> = self.means.iter().zip(&other.means).map(|(a, b)| b - a).collect();
        let pairs = gaps.iter().enumerate().flat_map(|(i, a)| gaps.iter().take(i + 1).map(move |b| a * b));
        Ok(Self {
            units,
            means: self.means.iter().zip(&gaps).map(|(mean, gap)| mean + gap * share).collect(),
            products: (self.products.iter().zip(&other.products).zip(pairs))
                .map(|((a, b), gap)| a + b + gap * weight)
                .collect(),
        })
    }

    /// The units.
    #[must_use]
    pub const fn units(&self) -> u64 {
        self.units
    }

    /// The number of values per unit.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.means.len()
    }

    /// The means, in the caller's order.
    #[must_use]
    pub fn means(&self) -> &[f64] {
        &self.means
    }

    /// `Σ (x_i − mean_i)(x_j − mean_j)`; `None` outside the dimension.
    #[must_use]
    pub fn product(&self, i: usize, j: usize) -> Option<f64> {
        let (row, column) = if i < j { (j, i) } else { (i, j) };
        self.products.get(row * (row + 1) / 2 + column).copied()
    }

    /// The moments of one value; `None` outside the dimension.
    #[must_use]
    pub fn mean(&self, i: usize) -> Option<Mean> {
        Mean::from_centred(self.units, *self.means.get(i)?, self.product(i, i)?).ok()
    }

    /// The joint moments of two values; `None` outside the dimension.
    #[must_use]
    pub fn pair(&self, i: usize, j: usize) -> Option<Pair> {
        Pair::from_centred(self.mean(i)?, self.mean(j)?, self.product(i, j)?).ok()
    }
}
