//! Joint moments of two values per unit: numerator and denominator, or outcome and covariate.

use serde::{Deserialize, Serialize};

use super::Mean;
use crate::{Estimate, Inconclusive, inconclusive::finite};

/// Units with the moments of two values each and their centred product.
///
/// For a ratio metric the first value is the numerator and the second the denominator; for regression adjustment
/// the first is the outcome and the second the covariate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Pair {
    first: Mean,
    second: Mean,
    /// `Σ (x − mean x)(y − mean y)`.
    product: f64,
}

#[derive(Deserialize)]
struct Unchecked {
    first: Mean,
    second: Mean,
    product: f64,
}

impl TryFrom<Unchecked> for Pair {
    type Error = Inconclusive;

    fn try_from(raw: Unchecked) -> Result<Self, Inconclusive> {
        Self::from_centred(raw.first, raw.second, raw.product)
    }
}

/// The raw sums of a pair, as a warehouse gives them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PairSums {
    /// Units.
    pub units: u64,
    /// `Σ x`.
    pub first: f64,
    /// `Σ y`.
    pub second: f64,
    /// `Σ x²`.
    pub first_squared: f64,
    /// `Σ y²`.
    pub second_squared: f64,
    /// `Σ x y`.
    pub product: f64,
}

impl Pair {
    /// The statistic of no units.
    #[must_use]
    pub const fn empty() -> Self {
        Self { first: Mean::empty(), second: Mean::empty(), product: 0.0 }
    }

    /// Joins two means over the same units with `Σ (x − mean x)(y − mean y)`.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] if the units differ or the product breaks the Cauchy-Schwarz bound by more than
    /// rounding.
    pub fn from_centred(first: Mean, second: Mean, product: f64) -> Result<Self, Inconclusive> {
        finite(product, "sum of products")?;
        let bound = (first.squares() * second.squares()).sqrt();
        if first.units() != second.units() || product.abs() > bound * (1.0 + 1e-6) + f64::MIN_POSITIVE {
            return Err(Inconclusive::OutOfDomain { what: "sum of products" });
        }
        Ok(Self { first, second, product: product.clamp(-bound, bound) })
    }

    /// From raw sums; see [`Mean::from_sums`] for their loss of digits.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] if the sums cannot be those of real values.
    pub fn from_sums(sums: PairSums) -> Result<Self, Inconclusive> {
        let first = Mean::from_sums(sums.units, sums.first, sums.first_squared)?;
        let second = Mean::from_sums(sums.units, sums.second, sums.second_squared)?;
        let product = sums.product - first.mean() * sums.second;
        // A cancelled square may be smaller than the rounding of the product: then the product is rounding too.
        let rounding = 1e-9 * (sums.first_squared * sums.second_squared).sqrt();
        let bound = (first.squares() * second.squares()).sqrt();
        let product = if product.abs() <= bound + rounding { product.clamp(-bound, bound) } else { product };
        Self::from_centred(first, second, product)
    }

    /// Adds the two values of one more unit.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] if one is not finite.
    pub fn push(&mut self, first: f64, second: f64) -> Result<(), Inconclusive> {
        finite(second, "value")?;
        let before = first - self.first.mean();
        self.first.push(first)?;
        self.second.push(second)?;
        self.product += before * (second - self.second.mean());
        Ok(())
    }

    /// The units of this part and of another, disjoint one.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        if self.units() == 0 {
            return other;
        }
        if other.units() == 0 {
            return self;
        }
        let weight =
            self.units() as f64 * (other.units() as f64 / (self.units() as f64 + other.units() as f64));
        let gaps = (other.first.mean() - self.first.mean()) * (other.second.mean() - self.second.mean());
        Self {
            first: self.first.merge(other.first),
            second: self.second.merge(other.second),
            product: self.product + other.product + gaps * weight,
        }
    }

    /// `Σ (x − mean x)(y − mean y)`.
    pub(super) const fn product(&self) -> f64 {
        self.product
    }

    /// The units.
    #[must_use]
    pub const fn units(&self) -> u64 {
        self.first.units()
    }

    /// The moments of the first value.
    #[must_use]
    pub const fn first(&self) -> Mean {
        self.first
    }

    /// The moments of the second value.
    #[must_use]
    pub const fn second(&self) -> Mean {
        self.second
    }

    /// The sample covariance (divisor n − 1).
    ///
    /// # Errors
    /// As [`Mean::variance`].
    pub fn covariance(&self) -> Result<f64, Inconclusive> {
        self.first.variance()?;
        finite(self.product / (self.units() - 1) as f64, "covariance")
    }

    /// The ratio of the sums, `Σ x / Σ y`, with its delta-method variance.
    ///
    /// With R the ratio: `Var = (s²_x − 2 R s_xy + R² s²_y) / (n ȳ²)` (Deng, Knoblich and Lu, KDD 2018, section 3).
    ///
    /// # Errors
    /// [`Inconclusive::TooFewUnits`] for fewer than two units, [`Inconclusive::ZeroDenominator`] if `Σ y` is 0.
    pub fn ratio(&self) -> Result<Estimate, Inconclusive> {
        let (numerator, denominator) = (self.first.mean(), self.second.mean());
        let (s_x, s_y, s_xy) = (self.first.variance()?, self.second.variance()?, self.covariance()?);
        if denominator == 0.0 {
            return Err(Inconclusive::ZeroDenominator);
        }
        let ratio = numerator / denominator;
        let linearised = (s_x - 2.0 * ratio * s_xy + ratio * ratio * s_y).max(0.0);
        let units = self.units();
        Estimate::new(ratio, linearised / (units as f64 * denominator * denominator), units)
    }
}
