//! Exact order statistics.

use serde::{Deserialize, Serialize};

use crate::{Inconclusive, Probability};

/// How a quantile is read from sorted values (Hyndman and Fan 1996).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Type 1: the smallest value whose share of values at or below it reaches the level. Always an observed value.
    InverseDistribution,
    /// Type 7: linear between the order statistics at `(n − 1) p`, as NumPy and R do by default.
    Linear,
}

/// Values in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Ordered(Vec<f64>);

impl Ordered {
    /// Sorts the values.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] if one is not finite.
    pub fn new(mut values: Vec<f64>) -> Result<Self, Inconclusive> {
        if values.iter().any(|value| !value.is_finite()) {
            return Err(Inconclusive::OutOfDomain { what: "value" });
        }
        values.sort_unstable_by(f64::total_cmp);
        Ok(Self(values))
    }

    /// The values of this part and of another, disjoint one.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        let mut values = self.0;
        values.extend(other.0);
        // The stable sort finds the two sorted runs and merges them.
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    /// The values, ascending.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.0
    }

    /// The quantile at this level.
    ///
    /// # Errors
    /// [`Inconclusive::NoUnits`] without values.
    pub fn quantile(&self, level: Probability, rule: Rule) -> Result<f64, Inconclusive> {
        let count = self.0.len();
        let at =
            |rank: usize| self.0.get(rank.min(count.saturating_sub(1))).copied().ok_or(Inconclusive::NoUnits);
        match rule {
            Rule::InverseDistribution => {
                // An ulp of the product must not push an exact rank to the next one.
                let place = level.get() * count as f64;
                let rank = (place - 1e-12 * place).ceil() as usize;
                at(rank.saturating_sub(1))
            }
            Rule::Linear => {
                let place = level.get() * count.saturating_sub(1) as f64;
                let below = place.floor();
                let (low, high) = (at(below as usize)?, at(below as usize + 1)?);
                Ok(super::on_line(low, high, place - below))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_rules_on_a_small_sample() {
        let values = Ordered::new(vec![4.0, 1.0, 3.0, 2.0]).unwrap();
        let at = |p, rule| values.quantile(Probability::new(p).unwrap(), rule).unwrap();
        assert_eq!(at(0.5, Rule::InverseDistribution), 2.0);
        assert_eq!(at(0.51, Rule::InverseDistribution), 3.0);
        assert_eq!(at(0.0, Rule::InverseDistribution), 1.0);
        assert_eq!(at(1.0, Rule::InverseDistribution), 4.0);
        assert_eq!(at(0.5, Rule::Linear), 2.5);
        assert_eq!(at(1.0, Rule::Linear), 4.0);
        assert_eq!(
            Ordered::default().quantile(Probability::new(0.5).unwrap(), Rule::Linear),
            Err(Inconclusive::NoUnits)
        );
    }
}
