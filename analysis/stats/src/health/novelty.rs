//! Novelty and primacy: does the effect fade or grow with the days since a unit was first exposed?
//!
//! The input is the effect on each day since exposure (tenure), not on each calendar day: a calendar series mixes
//! newcomers with those who are used to it.

use serde::Serialize;

use crate::{
    Alpha, DaySeries, Effect, Estimate, Inconclusive, Interval, PValue,
    dist::chi_squared,
    fixed::difference,
    inconclusive::{finite, positive},
};

/// The effect on one day since exposure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct DayEffect {
    /// Whole days since the unit's first exposure.
    pub day: u32,
    /// Treatment less control on that day.
    pub effect: Estimate,
}

/// The effect on each day that has units of both arms, from their series by days since exposure.
///
/// # Errors
/// [`Inconclusive::TooFewUnits`] if an arm has a single unit on such a day: leave out its last days.
pub fn day_effects(control: &DaySeries, treatment: &DaySeries) -> Result<Vec<DayEffect>, Inconclusive> {
    let both = control.days().map(|(day, own)| (day, own, treatment.on(day)));
    both.filter(|(_, own, other)| own.units() > 0 && other.units() > 0)
        .map(|(day, own, other)| {
            Ok(DayEffect { day, effect: difference(own.estimate()?, other.estimate()?)? })
        })
        .collect()
}

/// What the effect does over the days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Pattern {
    /// No significant slope.
    Steady,
    /// The effect shrinks towards zero or past it: it was partly curiosity.
    Novelty,
    /// The effect grows away from zero: users had to learn.
    Primacy,
}

/// The trend of the effect over the days since exposure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Trend {
    /// The change of the effect per day.
    pub slope: Effect,
    /// The two-sided p-value of "no slope".
    pub p_value: PValue,
    /// The fitted effect on the first day of the series.
    pub first: f64,
    /// The fitted effect on the last day.
    pub last: f64,
    /// The p-value of "the effect is the same on all days" (Cochran's Q under the same correlation), which also sees
    /// patterns that are no line.
    pub homogeneity: PValue,
    /// The verdict at alpha.
    pub pattern: Pattern,
}

/// Fits a line through the day effects by generalised least squares.
///
/// The same units come back on other days, so their day effects are correlated: `correlation` is the assumed
/// correlation of any two days' effects (0 when each day holds other units). Ignoring a positive one makes the test
/// of the slope conservative and that of the level wrong. Variances are taken as known; the reference is the normal.
///
/// With `V = D ((1 − ρ) I + ρ 11') D`, D the standard errors, and the rows `(1, day − first day)` of X, the line is
/// `(X'V⁻¹X)⁻¹ X'V⁻¹e` and its variance `(X'V⁻¹X)⁻¹`.
///
/// Sources: Aitken, Proc. Royal Society of Edinburgh 55 (1935), for generalised least squares; Sherman and Morrison,
/// Annals of Mathematical Statistics 21 (1950), for `V⁻¹`; Cochran, Biometrics 10 (1954), for the homogeneity.
///
/// # Errors
/// [`Inconclusive::TooFewUnits`] for fewer than three days or equal days, [`Inconclusive::NoVariance`] if a day has no
/// variance, [`Inconclusive::OutOfDomain`] unless the correlation is in 0 to below 1.
pub fn trend(days: &[DayEffect], correlation: f64, alpha: Alpha) -> Result<Trend, Inconclusive> {
    if !(0.0..1.0).contains(&correlation) {
        return Err(Inconclusive::OutOfDomain { what: "correlation of the days" });
    }
    let too_few = Inconclusive::TooFewUnits { needed: 3, found: days.len() as u64 };
    let first_day = days.iter().map(|day| day.day).min().ok_or(too_few)?;
    let last_day = days.iter().map(|day| day.day).max().ok_or(too_few)?;
    if days.len() < 3 || first_day == last_day {
        return Err(too_few);
    }
    days.iter().try_for_each(|day| day.effect.sound().map(drop))?;
    let whiten = Whitener::new(days, correlation)?;
    let time = |day: &DayEffect| f64::from(day.day - first_day);
    let (one, line, effect) = (
        whiten.scaled(days, |_| 1.0),
        whiten.scaled(days, time),
        whiten.scaled(days, |day| day.effect.value),
    );
    let (a, b, c) = (whiten.product(&one, &one), whiten.product(&one, &line), whiten.product(&line, &line));
    let (u, v) = (whiten.product(&one, &effect), whiten.product(&line, &effect));
    let determinant = positive(a * c - b * b, "spread of the days")?;
    let slope = (a * v - b * u) / determinant;
    let first = (c * u - b * v) / determinant;
    let standard_error = (a / determinant).sqrt();
    let last = first + slope * f64::from(last_day - first_day);
    let p_value = PValue::two_sided_normal(slope / standard_error)?;
    let squares = finite(whiten.product(&effect, &effect) - u * u / a, "day effects")?.max(0.0);
    let freedom = u32::try_from(days.len() - 1).map_err(|_| too_few)?;
    let interval = Interval::around(slope, alpha.two_sided_z() * standard_error, alpha.level());
    Ok(Trend {
        slope: Effect { estimate: slope, standard_error, interval },
        p_value,
        first,
        last,
        homogeneity: PValue::clamped(chi_squared::sf(squares, freedom)?),
        pattern: match p_value.is_significant(alpha) {
            false => Pattern::Steady,
            true if slope * (first + last) < 0.0 => Pattern::Novelty,
            true => Pattern::Primacy,
        },
    })
}

/// Inner products under the inverse of `D ((1 − ρ) I + ρ 11') D`, by Sherman and Morrison.
struct Whitener {
    errors: Vec<f64>,
    correlation: f64,
}

impl Whitener {
    fn new(days: &[DayEffect], correlation: f64) -> Result<Self, Inconclusive> {
        let errors: Vec<f64> = days.iter().map(|day| day.effect.standard_error()).collect();
        if errors.iter().any(|error| *error <= 0.0) {
            return Err(Inconclusive::NoVariance);
        }
        Ok(Self { errors, correlation })
    }

    fn scaled(&self, days: &[DayEffect], value: impl Fn(&DayEffect) -> f64) -> Vec<f64> {
        days.iter().zip(&self.errors).map(|(day, error)| value(day) / error).collect()
    }

    fn product(&self, left: &[f64], right: &[f64]) -> f64 {
        let rho = self.correlation;
        let dot: f64 = left.iter().zip(right).map(|(a, b)| a * b).sum();
        let sums = left.iter().sum::<f64>() * right.iter().sum::<f64>();
        (dot - rho * sums / (1.0 - rho + rho * left.len() as f64)) / (1.0 - rho)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(effect: impl Fn(f64) -> f64, error: f64) -> Vec<DayEffect> {
        (0..10)
            .map(|day| DayEffect {
                day,
                effect: Estimate::new(effect(f64::from(day)), error * error, 1_000).unwrap(),
            })
            .collect()
    }

    fn fitted(effect: impl Fn(f64) -> f64, error: f64, correlation: f64) -> Trend {
        trend(&days(effect, error), correlation, Alpha::new(0.05).unwrap()).unwrap()
    }

    #[test]
    fn a_line_is_found_exactly_under_any_correlation() {
        for correlation in [0.0, 0.3, 0.9] {
            let trend = fitted(|day| 0.5 - 0.04 * day, 0.05, correlation);
            assert!((trend.slope.estimate + 0.04).abs() < 1e-12 && (trend.first - 0.5).abs() < 1e-12);
            assert_eq!(trend.pattern, Pattern::Novelty);
        }
        assert_eq!(fitted(|day| 0.1 + 0.04 * day, 0.05, 0.0).pattern, Pattern::Primacy);
        assert_eq!(fitted(|day| -0.1 - 0.04 * day, 0.05, 0.0).pattern, Pattern::Primacy);
        assert_eq!(fitted(|_| 0.5, 0.05, 0.0).pattern, Pattern::Steady);
    }

    #[test]
    fn correlation_sharpens_the_slope() {
        let apart = fitted(|day| 0.01 * day, 0.05, 0.0).slope.standard_error;
        let together = fitted(|day| 0.01 * day, 0.05, 0.75).slope.standard_error;
        assert!((together / apart - 0.5).abs() < 1e-9);
    }

    #[test]
    fn a_jump_that_is_no_line_shows_in_the_homogeneity() {
        let trend = fitted(|day| if day == 5.0 { 1.0 } else { 0.0 }, 0.1, 0.0);
        assert!(trend.homogeneity.get() < 1e-10);
        assert_eq!(trend.pattern, Pattern::Steady);
    }

    #[test]
    fn series_of_both_arms_give_the_effect_of_each_shared_day() {
        let series = |shift: f64, days: std::ops::Range<u32>| -> DaySeries {
            let values =
                |day| [1.0, 2.0, 4.0].map(|value| value + shift * f64::from(day)).into_iter().collect();
            days.map(|day| (day, values(day))).collect()
        };
        let effects = day_effects(&series(0.0, 0..5), &series(0.5, 1..9)).unwrap();
        assert_eq!(effects.iter().map(|day| day.day).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert!(effects.iter().all(|day| (day.effect.value - 0.5 * f64::from(day.day)).abs() < 1e-12));
    }

    #[test]
    fn too_few_days_are_refused() {
        let alpha = Alpha::new(0.05).unwrap();
        assert!(trend(&days(|_| 0.0, 0.1)[..2], 0.0, alpha).is_err());
        assert!(trend(&days(|_| 0.0, 0.0), 0.0, alpha).is_err());
        assert!(trend(&days(|_| 0.0, 0.1), 1.0, alpha).is_err());
    }
}
