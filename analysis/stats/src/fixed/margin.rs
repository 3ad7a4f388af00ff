//! Non-inferiority and equivalence: tests against a margin instead of against zero.

use serde::{Deserialize, Serialize};

use super::{Comparison, critical_value, relative::Means, upper_tail};
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

/// How far a change may go and still count as none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Margin {
    /// In the unit of the metric.
    Absolute(f64),
    /// As a share of the control's value (0.02 is 2% of it), whose own error counts.
    Relative(f64),
}

impl From<f64> for Margin {
    fn from(margin: f64) -> Self {
        Self::Absolute(margin)
    }
}

impl Margin {
    fn size(self) -> Result<f64, Inconclusive> {
        let (Self::Absolute(margin) | Self::Relative(margin)) = self;
        finite(positive(margin, "margin")?, "margin")
    }
}

/// The result of a test against a margin.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MarginTest {
    /// The margin, positive.
    pub margin: Margin,
    /// The one-sided p-value of "worse than the margin allows" (for equivalence the larger of the two).
    pub p_value: PValue,
    /// The interval that leads to the same decision, of the difference or, for a relative margin, of the difference over
    /// the control's absolute value: one-sided for non-inferiority, at level 1 − 2 alpha for equivalence.
    pub interval: Interval,
    /// Whether the claim (not inferior, equivalent) is shown at alpha.
    pub shown: bool,
}

/// Tests that the treatment is not worse than the control by `margin` or more; alpha is one-sided.
///
/// `H0: gain ≤ −margin`, where a gain is a change in the wanted direction; `(gain + margin) / SE` against the
/// comparison's reference, with [`Comparison::cautious_standard_error`]. A relative margin m allows the ratio
/// `r = 1 ∓ m`, and the test is `(t − r c) / sqrt(V_t + r² V_c)`: the delta method on the ratio with the ratio of the
/// hypothesis, whose interval is Fieller's.
///
/// Sources: Blackwelder, Controlled Clinical Trials 3 (1982); for ratios Hauschke, Kieser and Hothorn, Biometrical
/// Journal 41 (1999).
///
/// # Errors
/// [`Inconclusive::OutOfDomain`] unless the margin is positive, [`Inconclusive::NoVariance`] if an arm does not vary,
/// [`Inconclusive::SmallCounts`] where the comparison has them: an arm without a conversion has no error that could
/// show it to be good. A relative margin: [`Inconclusive::ZeroControl`] if the control is not significantly off zero.
pub fn non_inferiority(
    comparison: &Comparison,
    direction: Direction,
    margin: impl Into<Margin>,
    alpha: Alpha,
) -> Result<MarginTest, Inconclusive> {
    let margin = margin.into();
    sound(comparison, margin)?;
    let df = comparison.degrees_of_freedom;
    let p_value = upper_tail(excess(comparison, direction, margin)?, df)?;
    let critical = match df {
        None => alpha.one_sided_z(),
        Some(df) => student::upper_quantile(alpha.get(), df)?,
    };
    let both = interval(comparison, margin, critical, alpha.level())?;
    let interval = match direction {
        Direction::Increase => Interval { upper: None, ..both },
        Direction::Decrease => Interval { lower: None, ..both },
    };
    Ok(MarginTest { margin, p_value, interval, shown: p_value.is_significant(alpha) })
}

/// Two one-sided tests that the difference lies strictly within `± margin`; alpha is that of each (Schuirmann 1987).
///
/// # Errors
/// As [`non_inferiority`], and [`Inconclusive::OutOfDomain`] unless alpha is below one half.
pub fn equivalence(
    comparison: &Comparison,
    margin: impl Into<Margin>,
    alpha: Alpha,
) -> Result<MarginTest, Inconclusive> {
    let margin = margin.into();
    sound(comparison, margin)?;
    let df = comparison.degrees_of_freedom;
    let above_lower = upper_tail(excess(comparison, Direction::Increase, margin)?, df)?;
    let below_upper = upper_tail(excess(comparison, Direction::Decrease, margin)?, df)?;
    let p_value = PValue::clamped(above_lower.get().max(below_upper.get()));
    let doubled = alpha.doubled()?;
    let interval = interval(comparison, margin, critical_value(doubled, df)?, doubled.level())?;
    Ok(MarginTest { margin, p_value, interval, shown: p_value.is_significant(alpha) })
}

/// Refuses what no claim can rest on.
fn sound(comparison: &Comparison, margin: Margin) -> Result<(), Inconclusive> {
    margin.size()?;
    if comparison.constant_arm {
        return Err(Inconclusive::NoVariance);
    }
    if comparison.small_counts { Err(Inconclusive::SmallCounts) } else { Ok(()) }
}

/// By how many standard errors the gain is above the loss that the margin allows.
pub(crate) fn excess(
    comparison: &Comparison,
    direction: Direction,
    margin: Margin,
) -> Result<f64, Inconclusive> {
    let gain = direction.gain(comparison.difference.sound()?.estimate);
    let (distance, error) = match margin {
        Margin::Absolute(margin) => (gain + margin, comparison.cautious_standard_error),
        Margin::Relative(share) => {
            let (means, caution) = means(comparison)?;
            let ratio = 1.0 - direction.gain(share) * means.control.signum();
            (gain + share * means.control.abs(), caution * means.variance_at(ratio).sqrt())
        }
    };
    if error <= 0.0 {
        return Err(Inconclusive::NoVariance);
    }
    finite(distance / error, "margin")
}

/// The interval of the change, in the terms of the margin, with this critical value on both sides.
fn interval(
    comparison: &Comparison,
    margin: Margin,
    critical: f64,
    level: f64,
) -> Result<Interval, Inconclusive> {
    match margin {
        Margin::Absolute(_) => {
            let reach = critical * comparison.cautious_standard_error;
            Ok(Interval::around(comparison.difference.estimate, reach, level))
        }
        Margin::Relative(_) => {
            let (means, caution) = means(comparison)?;
            let ratios = means.ratios(critical * caution, level)?.interval();
            let Some(Interval { lower: Some(lower), upper: Some(upper), level }) = ratios else {
                return Err(Inconclusive::ZeroControl);
            };
            Ok(if means.control > 0.0 {
                Interval::between(lower - 1.0, upper - 1.0, level)
            } else {
                Interval::between(1.0 - upper, 1.0 - lower, level)
            })
        }
    }
}

/// Both arms, with the factor by which the cautious standard error is above their own.
fn means(comparison: &Comparison) -> Result<(Means, f64), Inconclusive> {
    let (control, treatment) = (comparison.control.sound()?, comparison.treatment.sound()?);
    if control.variance <= 0.0 || treatment.variance <= 0.0 {
        return Err(Inconclusive::NoVariance);
    }
    let caution = comparison.cautious_standard_error / comparison.difference.standard_error;
    let means = Means::independent(control, treatment, comparison.difference.estimate);
    Ok((means, finite(caution, "standard error")?))
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

    #[test]
    fn a_relative_margin_counts_the_error_of_the_control() {
        let alpha = Alpha::new(0.05).unwrap();
        let control = Estimate::new(10.0, 0.04, 500).unwrap();
        for sign in [1.0, -1.0] {
            let control = Estimate { value: sign * control.value, ..control };
            for change in [-0.5, -0.2, -0.05, 0.0, 0.1, 0.4] {
                let treatment = Estimate::new(control.value + change, 0.05, 500).unwrap();
                let comparison = compare(control, treatment, alpha, Reference::Normal).unwrap();
                for direction in [Direction::Increase, Direction::Decrease] {
                    let test =
                        non_inferiority(&comparison, direction, Margin::Relative(0.06), alpha).unwrap();
                    let bad = if direction == Direction::Increase { -0.06 } else { 0.06 };
                    assert_eq!(test.shown, !test.interval.contains(bad), "{sign} {change} {direction:?}");
                }
                let test = equivalence(&comparison, Margin::Relative(0.06), alpha).unwrap();
                assert_eq!(test.shown, !test.interval.contains(0.06) && !test.interval.contains(-0.06));
            }
        }
        // By hand: t = 9.8, c = 10, r = 0.94: (9.8 - 9.4) / sqrt(0.05 + 0.94² 0.04).
        let comparison =
            compare(control, Estimate::new(9.8, 0.05, 500).unwrap(), alpha, Reference::Normal).unwrap();
        let found = excess(&comparison, Direction::Increase, Margin::Relative(0.06)).unwrap();
        assert!((found - 0.4 / 0.085_344_f64.sqrt()).abs() < 1e-12, "{found}");
        let near = Estimate::new(0.01, 0.04, 500).unwrap();
        let near = compare(near, control, alpha, Reference::Normal).unwrap();
        let refused = non_inferiority(&near, Direction::Increase, Margin::Relative(0.1), alpha);
        assert_eq!(refused, Err(Inconclusive::ZeroControl));
    }
}
