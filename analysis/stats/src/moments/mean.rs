//! Count, mean and sum of squared deviations of one value per unit.

use serde::{Deserialize, Serialize};

use crate::{Estimate, Inconclusive, inconclusive::finite};

/// Units with the mean and the centred second moment of their values.
///
/// Merging is Chan, Golub and LeVeque (1979), adding a value is Welford (1962): neither loses digits when the mean
/// is large against the spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Mean {
    units: u64,
    mean: f64,
    /// `Σ (x − mean)²`.
    squares: f64,
}

#[derive(Deserialize)]
struct Unchecked {
    units: u64,
    mean: f64,
    squares: f64,
}

impl TryFrom<Unchecked> for Mean {
    type Error = Inconclusive;

    fn try_from(raw: Unchecked) -> Result<Self, Inconclusive> {
        Self::from_centred(raw.units, raw.mean, raw.squares)
    }
}

impl Mean {
    /// The statistic of no units.
    #[must_use]
    pub const fn empty() -> Self {
        Self { units: 0, mean: 0.0, squares: 0.0 }
    }

    /// From units, mean and centred sum of squares `Σ (x − mean)²`.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] if a number is not finite or the sum of squares negative.
    pub fn from_centred(units: u64, mean: f64, squares: f64) -> Result<Self, Inconclusive> {
        finite(mean, "mean")?;
        finite(squares, "sum of squares")?;
        if squares < 0.0 || (units == 0 && (mean != 0.0 || squares != 0.0)) {
            return Err(Inconclusive::OutOfDomain { what: "sum of squares" });
        }
        Ok(Self { units, mean, squares })
    }

    /// From units, mean and sample variance (divisor n − 1).
    ///
    /// # Errors
    /// As [`Mean::from_centred`].
    pub fn from_variance(units: u64, mean: f64, variance: f64) -> Result<Self, Inconclusive> {
        Self::from_centred(units, mean, variance * units.saturating_sub(1) as f64)
    }

    /// From units, `Σ x` and `Σ x²`.
    ///
    /// The difference `Σ x² − (Σ x)² / n` loses digits when the mean is large against the spread (about twice the
    /// decimal digits of their ratio): shift such values, or have the warehouse give centred moments. A difference
    /// that is nothing but rounding counts as 0.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] if a number is not finite, or `Σ x²` is smaller than `(Σ x)² / n` by more than
    /// rounding.
    pub fn from_sums(units: u64, sum: f64, sum_of_squares: f64) -> Result<Self, Inconclusive> {
        finite(sum, "sum")?;
        finite(sum_of_squares, "sum of squares")?;
        if units == 0 {
            return Self::from_centred(0, sum, sum_of_squares);
        }
        let mean = sum / units as f64;
        let squares = sum_of_squares - mean * sum;
        if squares < -1e-9 * sum_of_squares.abs() {
            return Err(Inconclusive::OutOfDomain { what: "sum of squares" });
        }
        let rounding = 4.0 * f64::EPSILON * sum_of_squares;
        Self::from_centred(units, mean, if squares <= rounding { 0.0 } else { squares })
    }

    /// Adds the value of one more unit.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] if it is not finite.
    pub fn push(&mut self, value: f64) -> Result<(), Inconclusive> {
        finite(value, "value")?;
        self.units = self.units.saturating_add(1);
        let before = value - self.mean;
        self.mean += before / self.units as f64;
        self.squares += before * (value - self.mean);
        Ok(())
    }

    /// The units of this part and of another, disjoint one.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        if self.units == 0 {
            return other;
        }
        if other.units == 0 {
            return self;
        }
        let units = self.units.saturating_add(other.units);
        let share = other.units as f64 / units as f64;
        let gap = other.mean - self.mean;
        Self {
            units,
            mean: self.mean + gap * share,
            squares: self.squares + other.squares + gap * gap * share * self.units as f64,
        }
    }

    /// The units.
    #[must_use]
    pub const fn units(&self) -> u64 {
        self.units
    }

    /// The mean of the values; 0 for no units.
    #[must_use]
    pub const fn mean(&self) -> f64 {
        self.mean
    }

    /// The sum of the values.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.mean * self.units as f64
    }

    /// The centred sum of squares, `Σ (x − mean)²`.
    #[must_use]
    pub const fn squares(&self) -> f64 {
        self.squares
    }

    /// The sample variance of the values (divisor n − 1).
    ///
    /// # Errors
    /// [`Inconclusive::TooFewUnits`] for fewer than two units, [`Inconclusive::OutOfDomain`] if values left the range of
    /// a double.
    pub fn variance(&self) -> Result<f64, Inconclusive> {
        if self.units < 2 {
            return Err(Inconclusive::TooFewUnits { needed: 2, found: self.units });
        }
        finite(self.squares / (self.units - 1) as f64, "variance")
    }

    /// The mean with its variance `s² / n` and `n − 1` degrees of freedom.
    ///
    /// # Errors
    /// [`Inconclusive::TooFewUnits`] for fewer than two units.
    pub fn estimate(&self) -> Result<Estimate, Inconclusive> {
        Estimate::new(self.mean, self.variance()? / self.units as f64, self.units)
    }
}

impl FromIterator<f64> for Mean {
    /// Values that are not finite make the mean so, which [`Mean::estimate`] refuses.
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut moments = Self::empty();
        for value in values {
            moments.units += 1;
            let before = value - moments.mean;
            moments.mean += before / moments.units as f64;
            moments.squares += before * (value - moments.mean);
        }
        moments
    }
}
