//! What looking early costs: the factor on the sample size, and what it saves on average.

use serde::Serialize;

use crate::dist::normal;
use crate::root::solve_increasing;
use crate::sequential::always_valid::Mixture;
use crate::sequential::group::{Design, boundaries};
use crate::sequential::recursion::{Exit, exit_probabilities};
use crate::sequential::spending::Sides;
use crate::{Alpha, Inconclusive, Probability};

/// The price and the gain of a sequential design, as factors on the sample size of the fixed one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inflation {
    /// Most units over the fixed design's units: the factor to plan with ([`super::Plan::inflation`]).
    pub maximum: f64,
    /// Expected units over the fixed design's units when there is no effect.
    pub expected_without_effect: f64,
    /// The same when the planned effect is real.
    pub expected_with_effect: f64,
    /// Probability of stopping at or before each look when the planned effect is real.
    pub stopped_by: Vec<f64>,
}

/// Inflation of a group-sequential design with error spending at the given information fractions, the last of them 1.
///
/// See [`inflation_of_boundaries`]. A look without a boundary, such as a very early one under O'Brien-Fleming spending,
/// cannot stop.
///
/// # Errors
/// As [`inflation_of_boundaries`], and [`Inconclusive::NothingToSpend`] when no look has a boundary.
pub fn group_sequential_inflation(
    design: &Design,
    information: &[f64],
    power: Probability,
) -> Result<Inflation, Inconclusive> {
    let looks = boundaries(design, information)?;
    if looks.iter().all(|look| look.boundary.is_none()) {
        return Err(Inconclusive::NothingToSpend);
    }
    let limits: Vec<f64> = looks.iter().map(|look| look.boundary.unwrap_or(f64::INFINITY)).collect();
    inflation_of_boundaries(&limits, design.sides, information, design.alpha, power)
}

/// Inflation of given boundaries on the statistic.
///
/// The drift θ (expected final statistic) is solved so that the boundaries are crossed with probability `power`; the
/// factor is `(θ/θ_fixed)²`. Two-sided boundaries are symmetric and crossing either counts; an infinite boundary cannot
/// be crossed.
///
/// Source: Jennison and Turnbull, *Group Sequential Methods* (2000), section 2.3 (the factor R).
///
/// # Errors
/// [`Inconclusive::OutOfDomain`] unless fractions increase to 1, one for each boundary, and the power lies between
/// alpha and 1.
pub fn inflation_of_boundaries(
    limits: &[f64],
    sides: Sides,
    information: &[f64],
    alpha: Alpha,
    power: Probability,
) -> Result<Inflation, Inconclusive> {
    if limits.len() != information.len() || information.last().is_none_or(|last| (last - 1.0).abs() > 1e-12) {
        return Err(Inconclusive::OutOfDomain { what: "the information fractions (one a look, the last 1)" });
    }
    let looks: Vec<(f64, f64, f64)> = information
        .iter()
        .zip(limits)
        .map(|(share, limit)| (*share, if sides == Sides::Two { -limit } else { f64::NEG_INFINITY }, *limit))
        .collect();
    let fixed = fixed_drift(alpha, sides, power)?;
    let crossed =
        |drift: f64| -> Result<f64, Inconclusive> { Ok(total(&exit_probabilities(&looks, drift)?)) };
    let drift = solve_increasing(
        |drift| Ok(crossed(drift)? - power.get()),
        (fixed, 1.3 * fixed),
        (0.0, 100.0),
        1e-9,
        "the drift of a sequential design",
    )?;
    let maximum = (drift / fixed).powi(2);
    let with_effect = exit_probabilities(&looks, drift)?;
    let without_effect = exit_probabilities(&looks, 0.0)?;
    let mut stopped = 0.0;
    let stopped_by = with_effect.iter().map(|exit| {
        stopped += exit.lower + exit.upper;
        stopped
    });
    Ok(Inflation {
        maximum,
        expected_without_effect: maximum * expected_share(&without_effect, information),
        expected_with_effect: maximum * expected_share(&with_effect, information),
        stopped_by: stopped_by.collect(),
    })
}

/// Inflation of a confidence sequence that is tuned to be tightest at the planned end.
///
/// Counts only a rejection at the planned end, so it is an upper bound on the units needed; stopping early is what the
/// method is for, and its expected sample size is well below (METHODS.md shows it by simulation).
///
/// With the half width of Waudby-Smith et al. (2024), theorem 2.2, in standard errors in place of z: the factor is
/// the ratio of squared drifts, as for [`inflation_of_boundaries`].
///
/// # Errors
/// [`Inconclusive::OutOfDomain`] unless the power lies between alpha and 1.
pub fn always_valid_inflation(alpha: Alpha, power: Probability) -> Result<f64, Inconclusive> {
    let reach = Mixture::tightest_at(1.0, alpha)?.reach_at(1.0, alpha)?;
    let drift = drift_for(reach, Sides::Two, power)?;
    Ok((drift / fixed_drift(alpha, Sides::Two, power)?).powi(2))
}

fn fixed_drift(alpha: Alpha, sides: Sides, power: Probability) -> Result<f64, Inconclusive> {
    if power.get() <= alpha.get() || power.get() >= 1.0 {
        return Err(Inconclusive::OutOfDomain { what: "the power (above alpha and below 1)" });
    }
    let critical = if sides == Sides::Two { alpha.two_sided_z() } else { alpha.one_sided_z() };
    drift_for(critical, sides, power)
}

/// The drift at which one statistic passes the critical value with the wanted probability.
fn drift_for(critical: f64, sides: Sides, power: Probability) -> Result<f64, Inconclusive> {
    let near = critical + normal::quantile(power.get())?;
    if sides == Sides::One {
        return Ok(near);
    }
    solve_increasing(
        |drift| Ok(normal::cdf(drift - critical) + normal::cdf(-drift - critical) - power.get()),
        (0.9 * near.abs(), near.abs() + 1e-3),
        (0.0, 100.0),
        1e-12,
        "the drift of a fixed design",
    )
}

fn total(exits: &[Exit]) -> f64 {
    exits.iter().map(|exit| exit.lower + exit.upper).sum()
}

/// Expected information at the end; what never crossed ends at the last look.
fn expected_share(exits: &[Exit], information: &[f64]) -> f64 {
    let stopped: f64 =
        exits.iter().zip(information).map(|(exit, share)| (exit.lower + exit.upper) * share).sum();
    stopped + (1.0 - total(exits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sequential::group::{Classical, classical};

    #[test]
    fn factors_are_those_of_the_joint_normal_distribution() {
        // SciPy 1.17.1, multivariate_normal.cdf over the box of the classical boundaries, and brentq for the drift.
        let alpha = Alpha::new(0.05).unwrap();
        let power = Probability::new(0.8).unwrap();
        for (looks, expected) in [(2, 1.110_386), (5, 1.228_354)] {
            let limits = classical(Classical::Pocock, looks, alpha).unwrap();
            let information: Vec<f64> = (1..=looks).map(|k| f64::from(k) / f64::from(looks)).collect();
            let found = inflation_of_boundaries(&limits, Sides::Two, &information, alpha, power).unwrap();
            assert!((found.maximum - expected).abs() < 5e-5, "{looks}: {}", found.maximum);
            assert!((found.stopped_by.last().unwrap() - 0.8).abs() < 1e-7);
            assert!(found.expected_with_effect < found.expected_without_effect);
        }
    }

    #[test]
    fn a_look_too_early_to_stop_changes_nothing() {
        let design = Design::two_sided(Alpha::new(0.05).unwrap());
        let power = Probability::new(0.8).unwrap();
        let of = |information: &[f64]| group_sequential_inflation(&design, information, power).unwrap();
        let (with, without) = (of(&[1.0 / 365.0, 0.5, 1.0]), of(&[0.5, 1.0]));
        assert!((with.maximum - without.maximum).abs() < 1e-7, "{} {}", with.maximum, without.maximum);
        assert_eq!(with.stopped_by[0], 0.0);
    }

    #[test]
    fn one_look_costs_nothing() {
        let design = Design::two_sided(Alpha::new(0.05).unwrap());
        let found = group_sequential_inflation(&design, &[1.0], Probability::new(0.8).unwrap()).unwrap();
        assert!((found.maximum - 1.0).abs() < 1e-8, "{}", found.maximum);
    }

    #[test]
    fn a_plan_that_does_not_end_is_refused() {
        let design = Design::two_sided(Alpha::new(0.05).unwrap());
        let refused = group_sequential_inflation(&design, &[0.5, 0.9], Probability::new(0.8).unwrap());
        assert_eq!(refused.unwrap_err().code(), "out_of_domain");
    }
}
