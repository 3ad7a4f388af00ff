//! The cumulative effect of everything that was shipped, measured against units that never got it.
//!
//! Owns the comparison of a long-lived holdout with its twin: units of the same size drawn beside it that get what
//! was shipped but never a running experiment. Their difference is free of the winner's curse, which makes the sum
//! of announced lifts too large: every launch was chosen because its estimate was high.

use serde::Serialize;

use crate::fixed::{Comparison, Reference, compare};
use crate::{Alpha, Effect, Estimate, Inconclusive, Interval, PValue};

/// The effect of all launches together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct HoldoutImpact {
    /// Shipped against held out, per unit.
    pub comparison: Comparison,
    /// The difference times the number of units that everything was shipped to: the total so far, in the unit of
    /// the metric.
    pub total: Effect,
}

/// Compares the twin (`shipped`) with the holdout (`held_out`) and scales the difference to `population` units.
///
/// Source: Welch, Biometrika 34 (1947), for the comparison; the population counts as known, so its total is
/// `population · (shipped − held out)` with that interval.
///
/// # Errors
/// Those of [`compare`]; [`Inconclusive::OutOfDomain`] for a negative population.
pub fn holdout_impact(
    held_out: Estimate,
    shipped: Estimate,
    population: f64,
    alpha: Alpha,
) -> Result<HoldoutImpact, Inconclusive> {
    if !(population >= 0.0 && population.is_finite()) {
        return Err(Inconclusive::OutOfDomain { what: "the population" });
    }
    let comparison = compare(held_out, shipped, alpha, Reference::Welch)?;
    let Effect { estimate, standard_error, interval } = comparison.difference;
    let scaled = Interval::between(
        interval.lower.map_or(f64::NEG_INFINITY, |end| end * population),
        interval.upper.map_or(f64::INFINITY, |end| end * population),
        interval.level,
    );
    let (estimate, standard_error) = (estimate * population, standard_error * population);
    let total = Effect { estimate, standard_error, interval: scaled }.sound()?;
    Ok(HoldoutImpact { comparison, total })
}

/// What the announced lifts add up to, against what the holdout shows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Realised {
    /// `∏ (1 + lift_i) - 1` over the launches, by the delta method on the logarithm.
    pub announced: Effect,
    /// The holdout's lift.
    pub measured: Effect,
    /// `ln(1 + measured) - ln(1 + announced)`: negative where launches gave less than was announced.
    pub log_gap: Effect,
    /// Two-sided p of "as announced"; normal reference.
    pub p_value: PValue,
}

/// Compares the holdout's lift with the product of the lifts that were announced at each launch.
///
/// Lifts and holdout are taken as independent: launches were measured on units outside the holdout.
/// `g = ln(1 + m) − Σ ln(1 + l_i)` with variance `s²_m/(1 + m)² + Σ s²_i/(1 + l_i)²`.
///
/// Sources: Oehlert, The American Statistician 46 (1992), for the delta method; Lee and Shen, "Winner's curse" (KDD
/// 2018), for why the gap is negative when launches were picked by their estimates.
///
/// # Errors
/// [`Inconclusive::NoUnits`] without launches; [`Inconclusive::OutOfDomain`] for a lift of -1 or less;
/// [`Inconclusive::NoVariance`] without any standard error.
pub fn realised(announced: &[Effect], measured: &Effect, alpha: Alpha) -> Result<Realised, Inconclusive> {
    if announced.is_empty() {
        return Err(Inconclusive::NoUnits);
    }
    let (log_announced, variance_announced) =
        announced.iter().try_fold((0.0, 0.0), |(sum, variance), lift| {
            let (log, own) = log_lift(lift)?;
            Ok::<_, Inconclusive>((sum + log, variance + own))
        })?;
    let (log_measured, variance_measured) = log_lift(measured)?;
    let normal = |value: f64, variance: f64| -> Result<Estimate, Inconclusive> {
        Ok(Estimate { degrees_of_freedom: None, ..Estimate::new(value, variance, 1)? })
    };
    let gap = normal(log_measured - log_announced, variance_announced + variance_measured)?;
    let on_log = normal(log_announced, variance_announced)?.effect(alpha)?;
    Ok(Realised {
        announced: Effect {
            estimate: log_announced.exp_m1(),
            standard_error: log_announced.exp() * variance_announced.sqrt(),
            interval: Interval::between(
                on_log.interval.lower.map_or(-1.0, f64::exp_m1),
                on_log.interval.upper.map_or(f64::INFINITY, f64::exp_m1),
                on_log.interval.level,
            ),
        }
        .sound()?,
        measured: *measured,
        log_gap: gap.effect(alpha)?,
        p_value: gap.p_value(0.0)?,
    })
}

/// `ln(1 + lift)` with its delta-method variance.
fn log_lift(lift: &Effect) -> Result<(f64, f64), Inconclusive> {
    if lift.sound()?.estimate <= -1.0 {
        return Err(Inconclusive::OutOfDomain { what: "a lift" });
    }
    Ok((lift.estimate.ln_1p(), (lift.standard_error / (1.0 + lift.estimate)).powi(2)))
}

/// One day of a holdout.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct HoldoutDay {
    /// Days since the holdout began, as the caller counts them.
    pub day: u32,
    /// The day's own difference per unit.
    pub difference: Effect,
    /// Sum of the differences up to this day, per unit: what a unit that got everything gained so far.
    pub cumulative: Effect,
}

/// The impact day by day, from each day's estimates of the holdout and its twin.
///
/// Units are largely the same every day, so a day's errors are correlated with another's. The cumulative variance is
/// the squared sum of the daily standard errors: exact under full correlation, conservative otherwise. The total of
/// [`holdout_impact`] on whole-period sums per unit is the sharper number where the warehouse has it.
///
/// Source: the variance of a sum is at most the squared sum of the standard deviations (Cauchy and Schwarz); see Casella
/// and Berger, *Statistical Inference* (2002), theorem 4.5.6.
///
/// # Errors
/// Those of [`compare`].
pub fn holdout_days(
    days: &[(u32, Estimate, Estimate)],
    alpha: Alpha,
) -> Result<Vec<HoldoutDay>, Inconclusive> {
    let (mut sum, mut error) = (0.0, 0.0);
    days.iter()
        .map(|(day, held_out, shipped)| {
            let difference = compare(*held_out, *shipped, alpha, Reference::Normal)?.difference;
            sum += difference.estimate;
            error += difference.standard_error;
            let interval = Interval::around(sum, alpha.two_sided_z() * error, alpha.level());
            let cumulative = Effect { estimate: sum, standard_error: error, interval }.sound()?;
            Ok(HoldoutDay { day: *day, difference, cumulative })
        })
        .collect()
}
