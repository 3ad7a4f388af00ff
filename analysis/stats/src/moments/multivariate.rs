//! Joint moments of any number of values per unit, for several covariates.

use serde::{Deserialize, Serialize};

use super::{Mean, Pair, PairSums};
use crate::Inconclusive;

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
        Self::from_centred(raw.units, raw.means, raw.products)
    }
}

impl Multivariate {
    /// The statistic of no units with `k` values each.
    #[must_use]
    pub fn empty(k: usize) -> Self {
        Self { units: 0, means: vec![0.0; k], products: vec![0.0; k * (k + 1) / 2] }
    }

    /// Joins means with `Σ (x_i − mean_i)(x_j − mean_j)` for j ≤ i row by row.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] if the lengths do not fit, a sum of squares is negative, or a product breaks the
    /// Cauchy-Schwarz bound by more than rounding.
    pub fn from_centred(units: u64, means: Vec<f64>, products: Vec<f64>) -> Result<Self, Inconclusive> {
        let raw = Self { units, means, products };
        if raw.products.len() != raw.means.len() * (raw.means.len() + 1) / 2 {
            return Err(Inconclusive::OutOfDomain { what: "number of products" });
        }
        let single: Vec<Mean> =
            (0..raw.dimension()).map(|i| raw.checked_mean(i)).collect::<Result<_, _>>()?;
        let mut products = Vec::with_capacity(raw.products.len());
        for (i, one) in single.iter().enumerate() {
            for (j, other) in single.iter().take(i).enumerate() {
                let product = raw.product(i, j).unwrap_or(0.0);
                products.push(Pair::from_centred(*one, *other, product)?.product());
            }
            products.push(one.squares());
        }
        Ok(Self { products, ..raw })
    }

    /// From units, `Σ x_i`, and `Σ x_i x_j` for j ≤ i row by row; see [`Mean::from_sums`] for their loss of digits.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] if the lengths do not fit or the sums cannot be those of real values.
    pub fn from_sums(units: u64, sums: &[f64], products: &[f64]) -> Result<Self, Inconclusive> {
        if products.len() != sums.len() * (sums.len() + 1) / 2 {
            return Err(Inconclusive::OutOfDomain { what: "number of products" });
        }
        let product = |i: usize, j: usize| products.get(i * (i + 1) / 2 + j).copied().unwrap_or(0.0);
        let squares = |i: usize| product(i, i);
        let (mut means, mut centred) = (Vec::with_capacity(sums.len()), Vec::with_capacity(products.len()));
        for (i, first) in sums.iter().enumerate() {
            for (j, second) in sums.iter().take(i).enumerate() {
                let pair = PairSums {
                    units,
                    first: *first,
                    second: *second,
                    first_squared: squares(i),
                    second_squared: squares(j),
                    product: product(i, j),
                };
                centred.push(Pair::from_sums(pair)?.product());
            }
            let own = Mean::from_sums(units, *first, squares(i))?;
            means.push(own.mean());
            centred.push(own.squares());
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
        self.checked_mean(i).ok()
    }

    fn checked_mean(&self, i: usize) -> Result<Mean, Inconclusive> {
        let outside = Inconclusive::OutOfDomain { what: "index of a value" };
        let (mean, squares) = self.means.get(i).zip(self.products.get(i * (i + 3) / 2)).ok_or(outside)?;
        Mean::from_centred(self.units, *mean, *squares)
    }

    /// The joint moments of two values; `None` outside the dimension.
    #[must_use]
    pub fn pair(&self, i: usize, j: usize) -> Option<Pair> {
        Pair::from_centred(self.mean(i)?, self.mean(j)?, self.product(i, j)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_that_no_values_have_are_refused() {
        let sums = |products: &[f64]| Multivariate::from_sums(10, &[20.0, 30.0], products);
        assert!(sums(&[50.0, 60.0, 100.0]).is_ok());
        // Σ x² below (Σ x)²/n, and a product beyond what the squares allow.
        assert!(sums(&[10.0, 60.0, 100.0]).is_err());
        assert!(sums(&[50.0, 90.0, 100.0]).is_err());
    }

    #[test]
    fn a_stored_statistic_is_checked_like_a_computed_one() {
        let read = |products: [f64; 3]| {
            let json = serde_json::json!({"units": 10, "means": [2.0, 3.0], "products": products});
            serde_json::from_value::<Multivariate>(json)
        };
        assert!(read([4.0, 2.0, 9.0]).is_ok());
        assert!(read([-4.0, 2.0, 9.0]).is_err());
        assert!(read([4.0, 6.5, 9.0]).is_err());
    }
}
