//! Non-inferiority and equivalence: tests against a margin instead of against zero.

use serde::{Deserialize, Serialize};

use super::{Comparison, critical_value, upper_tail};
use crate::{
    Alpha, Inconclusive, Interval, PValue,
    dist::student,
    inconclusive::{finite, positive},
};

/// Which way a metric should move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// More is better (conversion, revenue).
    Increase,
    /// Less is better (latency, crashes).
    Decrease,
}

impl Direction {
    /// The change counted so that a positive number is good.
    #[must_use]
    pub const fn gain(self, change: f64) -> f64 {
        match self {
            Self::Increase => change,
            Self::Decrease => -change,
        }
    }
}

/// The result of a test against a margin.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MarginTest {
    /// The margin as an absolute difference of the metric, positive.
    pub margin: f64,
    /// The one-sided p-value of "worse than the margin allows" (for equivalence the larger of the two).
    pub p_value: PValue,
    /// The interval that leads to the same decision: one-sided for non-inferiority, at level 1 − 2 alpha for
    /// equivalence.
    pub interval: Interval,
    /// Whether the claim (not inferior, equivalent) is shown at alpha.
    pub shown: bool,
}

/// Tests that the treatment is not worse than the control by `margin` or more; alpha is one-sided.
///
/// `H0: gain ≤ −margin`, where a gain is a change in the wanted direction.
///
/// # Errors
/// [`Inconclusive::OutOfDomain`] unless the margin is positive.
pub fn non_inferiority(
    comparison: &Comparison,
    direction: Direction,
    margin: f64,
    alpha: Alpha,
) -> Result<MarginTest, Inconclusive> {
    finite(positive(margin, "margin")?, "margin")?;
    let (gain, error, df) = parts(comparison, direction)?;
    let p_value = upper_tail((gain + margin) / error, df)?;
    let worst = one_sided_reach(error, alpha, df)?;
    let interval = match direction {
        Direction::Increase => Interval::between(gain - worst, f64::INFINITY, alpha.level()),
        Direction::Decrease => Interval::between(f64::NEG_INFINITY, worst - gain, alpha.level()),
    };
    Ok(MarginTest { margin, p_value, interval, shown: p_value.is_significant(alpha) })
}

/// Two one-sided tests that the difference lies strictly within `± margin`; alpha is that of each (Schuirmann 1987).
///
/// # Errors
/// [`Inconclusive::OutOfDomain`] unless the margin is positive and alpha below one half.
pub fn equivalence(comparison: &Comparison, margin: f64, alpha: Alpha) -> Result<MarginTest, Inconclusive> {
    finite(positive(margin, "margin")?, "margin")?;
    let (change, error, df) = parts(comparison, Direction::Increase)?;
    let above_lower = upper_tail((change + margin) / error, df)?;
    let below_upper = upper_tail((margin - change) / error, df)?;
    let p_value = PValue::clamped(above_lower.get().max(below_upper.get()));
    let doubled = alpha.doubled()?;
    let interval = Interval::around(change, critical_value(doubled, df)? * error, doubled.level());
    Ok(MarginTest { margin, p_value, interval, shown: p_value.is_significant(alpha) })
}

fn parts(comparison: &Comparison, direction: Direction) -> Result<(f64, f64, Option<f64>), Inconclusive> {
    let error = comparison.difference.standard_error;
    if error <= 0.0 {
        return Err(Inconclusive::NoVariance);
    }
    let effect = comparison.difference.sound()?;
    Ok((direction.gain(effect.estimate), error, comparison.degrees_of_freedom))
}

fn one_sided_reach(error: f64, alpha: Alpha, degrees_of_freedom: Option<f64>) -> Result<f64, Inconclusive> {
    Ok(error
        * match degrees_of_freedom {
            None => alpha.one_sided_z(),
            Some(df) => student::upper_quantile(alpha.get(), df)?,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Estimate,
        fixed::{Reference, compare},
    };

    #[test]
    fn the_decision_is_that_of_the_interval() {
        let alpha = Alpha::new(0.05).unwrap();
        let control = Estimate::new(10.0, 0.01, 50).unwrap();
        for change in [-0.5, -0.2, -0.05, 0.0, 0.1, 0.4] {
            let treatment = Estimate::new(10.0 + change, 0.012, 60).unwrap();
            let comparison = compare(control, treatment, alpha, Reference::Welch).unwrap();
            for direction in [Direction::Increase, Direction::Decrease] {
                let test = non_inferiority(&comparison, direction, 0.3, alpha).unwrap();
                let bad = if direction == Direction::Increase { -0.3 } else { 0.3 };
                assert_eq!(test.shown, !test.interval.contains(bad), "{change} {direction:?}");
            }
            let test = equivalence(&comparison, 0.3, alpha).unwrap();
            assert_eq!(test.shown, !test.interval.contains(0.3) && !test.interval.contains(-0.3));
        }
        let same = compare(control, control, alpha, Reference::Welch).unwrap();
        assert!(non_inferiority(&same, Direction::Increase, -1.0, alpha).is_err());
        assert!(equivalence(&same, f64::NAN, alpha).is_err());
    }
}
