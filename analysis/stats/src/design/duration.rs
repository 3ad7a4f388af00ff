//! How long an experiment has to run.

use serde::{Deserialize, Serialize};

use crate::Inconclusive;
use crate::inconclusive::positive;

/// New units that become eligible, before the experiment's traffic share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrivals {
    /// The same number of new units every day.
    PerDay(f64),
    /// Distinct units seen after 1, 2, 3, … days, as measured. Returning visitors make this curve flatten; beyond
    /// its end it goes on with the growth of its last seven days (or what there is of them).
    Distinct(Vec<f64>),
}

/// When enough units are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Duration {
    /// Days until the number is reached.
    pub days: u32,
    /// The same rounded up to whole weeks, so that every weekday counts equally: what to plan with.
    pub whole_weeks: u32,
}

/// Longest duration that is an answer, in days (10 years).
const LONGEST: u32 = 3_653;

/// Days until `units` are enrolled of arrivals of which the share `traffic` enters the experiment.
///
/// The first day d with `traffic · distinct(d) ≥ units`; whole weeks as Kohavi, Tang and Xu, *Trustworthy Online
/// Controlled Experiments* (2020), chapter 2, ask for.
///
/// # Errors
/// [`Inconclusive::OutOfDomain`] for arguments that are not positive, a traffic above 1, a decreasing curve, or a
/// duration above ten years.
pub fn duration(units: f64, arrivals: &Arrivals, traffic: f64) -> Result<Duration, Inconclusive> {
    positive(units, "the number of units")?;
    if positive(traffic, "the traffic share")? > 1.0 {
        return Err(Inconclusive::OutOfDomain { what: "the traffic share" });
    }
    let needed = units / traffic;
    let days = match arrivals {
        Arrivals::PerDay(daily) => needed / positive(*daily, "the arrivals")?,
        Arrivals::Distinct(curve) => days_on_curve(needed, curve)?,
    };
    // A relative allowance keeps rounding noise from adding a day.
    let days = (days * (1.0 - 1e-12)).ceil().max(1.0);
    if days > f64::from(LONGEST) {
        return Err(Inconclusive::OutOfDomain { what: "the duration (above ten years)" });
    }
    let days = days as u32;
    Ok(Duration { days, whole_weeks: days.div_ceil(7) })
}

fn days_on_curve(needed: f64, curve: &[f64]) -> Result<f64, Inconclusive> {
    let invalid = Inconclusive::OutOfDomain { what: "the curve of distinct units" };
    let rising = curve.iter().zip(curve.iter().skip(1)).all(|(earlier, later)| earlier <= later);
    let last =
        curve.last().copied().filter(|last| last.is_finite() && *last > 0.0 && rising).ok_or(invalid)?;
    if let Some(day) = curve.iter().position(|seen| *seen >= needed) {
        return Ok(day as f64 + 1.0);
    }
    let window = curve.len().min(8);
    let start = curve.iter().rev().nth(window - 1).copied().unwrap_or(last);
    let growth = if window > 1 { (last - start) / (window - 1) as f64 } else { last };
    Ok(curve.len() as f64 + (needed - last) / positive(growth, "the growth at the end of the curve")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constant_arrivals_divide_and_round_up() {
        let found = duration(70_001.0, &Arrivals::PerDay(10_000.0), 0.5).unwrap();
        assert_eq!(found, Duration { days: 15, whole_weeks: 3 });
        assert_eq!(
            duration(70_000.0, &Arrivals::PerDay(10_000.0), 1.0).unwrap(),
            Duration { days: 7, whole_weeks: 1 }
        );
    }

    #[test]
    fn returning_visitors_stretch_the_end() {
        let curve = Arrivals::Distinct(vec![100.0, 180.0, 240.0, 280.0, 300.0]);
        assert_eq!(duration(240.0, &curve, 1.0).unwrap().days, 3);
        // After five days 300, then (300 - 100)/4 = 50 a day: 400 takes two more.
        assert_eq!(duration(400.0, &curve, 1.0).unwrap().days, 7);
    }

    #[test]
    fn a_flat_or_falling_curve_has_no_end() {
        assert!(duration(400.0, &Arrivals::Distinct(vec![100.0, 100.0, 100.0]), 1.0).is_err());
        assert!(duration(400.0, &Arrivals::Distinct(vec![100.0, 90.0]), 1.0).is_err());
        assert!(duration(400.0, &Arrivals::Distinct(vec![]), 1.0).is_err());
        assert!(duration(1e12, &Arrivals::PerDay(1.0), 1.0).is_err());
    }
}
