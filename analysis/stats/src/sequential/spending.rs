//! Alpha-spending functions: how much of the error may be used up at a fraction of the information.

use serde::{Deserialize, Serialize};

use crate::{
    Alpha, Inconclusive,
    dist::normal,
    inconclusive::{finite, positive},
};

/// A spending function over the information fraction t (Lan and DeMets 1983).
///
/// Every function is 0 at t = 0, reaches alpha at t = 1, and stays there: information beyond the plan spends nothing
/// more, and what was not spent at a look that did not happen is there for the next one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spending {
    /// O'Brien-Fleming-like, each side spends `2 (1 − Φ(z_{α/4} / √t))`: the two-sided total is
    /// `4 (1 − Φ(z_{α/4} / √t))`. The convention of gsDesign and rpact, and the default.
    #[default]
    OBrienFleming,
    /// O'Brien-Fleming-like on the total, `2 (1 − Φ(z_{α/2} / √t))`: the other published form; spends more early.
    OBrienFlemingTotal,
    /// Pocock-like, `α ln(1 + (e − 1) t)`.
    Pocock,
    /// The power family, `α t^ρ` (Kim and DeMets 1987).
    Power {
        /// The exponent, positive; 3 is close to O'Brien-Fleming, 1 to Pocock.
        rho: f64,
    },
}

impl Spending {
    /// The total error (of all sides that are tested) spent by the fraction `t` of the planned information.
    ///
    /// `sides` is 2 for a two-sided total alpha, 1 when alpha is that of one side.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] unless t and the exponent are positive and finite.
    pub fn spent(self, t: f64, alpha: Alpha, sides: Sides) -> Result<f64, Inconclusive> {
        let t = finite(positive(t, "information fraction")?, "information fraction")?.min(1.0);
        let total = alpha.get();
        let spent = match self {
            Self::OBrienFleming => {
                let sides = sides.number();
                2.0 * sides * normal::sf(normal::upper_quantile(total / (2.0 * sides))? / t.sqrt())
            }
            Self::OBrienFlemingTotal => 2.0 * normal::sf(alpha.two_sided_z() / t.sqrt()),
            Self::Pocock => total * ((std::f64::consts::E - 1.0) * t).ln_1p(),
            Self::Power { rho } => total * t.powf(finite(positive(rho, "exponent")?, "exponent")?),
        };
        Ok(if t >= 1.0 { total } else { spent })
    }
}

/// Whether a boundary stops on one side or on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sides {
    /// Only large positive statistics stop.
    One,
    /// Symmetric: half of the error on each side.
    Two,
}

impl Sides {
    /// 1 or 2.
    #[must_use]
    pub const fn number(self) -> f64 {
        match self {
            Self::One => 1.0,
            Self::Two => 2.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_spends_all_of_alpha_and_no_more() {
        let alpha = Alpha::new(0.05).unwrap();
        for spending in [
            Spending::OBrienFleming,
            Spending::OBrienFlemingTotal,
            Spending::Pocock,
            Spending::Power { rho: 2.0 },
        ] {
            let at = |t| spending.spent(t, alpha, Sides::Two).unwrap();
            assert!(at(0.2) < at(0.5) && at(0.5) < at(0.99) && at(0.99) < 0.05);
            assert_eq!((at(1.0), at(1.7)), (0.05, 0.05));
            assert!(spending.spent(0.0, alpha, Sides::Two).is_err());
            assert!(spending.spent(f64::NAN, alpha, Sides::Two).is_err());
        }
        assert_eq!(Spending::default(), Spending::OBrienFleming);
        assert!(Spending::Power { rho: -1.0 }.spent(0.5, alpha, Sides::Two).is_err());
    }
}
