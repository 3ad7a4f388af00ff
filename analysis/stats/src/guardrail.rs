//! Guardrails: has a metric that must not get worse got worse?
//!
//! Three rules, from the simplest to the one that an automatic pause may rest on: two standard deviations,
//! non-inferiority against a margin, and a sequentially valid interval.
//!
//! Standard errors are [`Comparison::cautious_standard_error`]: an arm that happens not to vary is not known without
//! error, so that a small arm without any event breaches nothing, while one in which every unit failed does.

use serde::Serialize;

use crate::{
    Alpha, Inconclusive, Interval, PValue,
    dist::normal,
    fixed::{
        Comparison,
        margin::{Direction, Margin, excess, non_inferiority},
    },
};

/// The state of a guardrail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The metric is shown to be worse than the rule allows.
    Breached,
    /// The metric is shown to be no worse than the rule allows.
    Held,
    /// Neither is shown yet.
    Open,
}

/// What a guardrail rule found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Guardrail {
    /// The state.
    pub verdict: Verdict,
    /// The loss in standard errors: positive when the treatment is worse.
    pub harm: f64,
    /// The one-sided p-value of "no worse than the rule allows".
    pub p_value: PValue,
}

/// The rule of two standard deviations: breached when the treatment is worse by more than two standard errors of
/// the difference (Shewhart's warning limit on one side; Montgomery, *Introduction to Statistical Quality Control*, 5.3).
///
/// One-sided error 2.3% at a single look, much more when looked at daily: it warns, it should not pause by itself.
/// There is no margin, so it never shows that a metric holds: the verdict is open unless breached.
///
/// # Errors
/// [`Inconclusive::NoVariance`] if the difference has no standard error.
pub fn two_standard_deviations(
    comparison: &Comparison,
    direction: Direction,
) -> Result<Guardrail, Inconclusive> {
    let harm = -excess(comparison, direction, Margin::Absolute(0.0))?;
    let verdict = if harm > 2.0 { Verdict::Breached } else { Verdict::Open };
    Ok(Guardrail { verdict, harm, p_value: PValue::clamped(normal::sf(harm)) })
}

/// The rule of a margin: held when non-inferiority is shown, breached when inferiority by more than the margin is.
///
/// Each of the two one-sided tests has the rate alpha. It never holds where [`non_inferiority`] refuses an arm that does
/// not vary or small counts, but may be breached there.
///
/// # Errors
/// [`Inconclusive::OutOfDomain`] unless the margin is positive, [`Inconclusive::NoVariance`] if the difference has no
/// standard error (with a relative margin, if an arm does not vary); others of a relative margin as
/// [`non_inferiority`].
pub fn margin(
    comparison: &Comparison,
    direction: Direction,
    margin: impl Into<Margin>,
    alpha: Alpha,
) -> Result<Guardrail, Inconclusive> {
    let margin = margin.into();
    let held = match non_inferiority(comparison, direction, margin, alpha) {
        Ok(test) => test.shown,
        Err(Inconclusive::NoVariance | Inconclusive::SmallCounts) => false,
        Err(other) => return Err(other),
    };
    let harm = -excess(comparison, direction, margin)?;
    let p_value = crate::fixed::upper_tail(harm, comparison.degrees_of_freedom)?;
    let verdict = match (held, p_value.is_significant(alpha)) {
        (true, _) => Verdict::Held,
        (false, true) => Verdict::Breached,
        (false, false) => Verdict::Open,
    };
    Ok(Guardrail { verdict, harm, p_value })
}

/// The sequentially valid rule, for automatic pauses: reads an always-valid interval of the difference.
///
/// Breached when the whole interval is worse than the margin, held when the whole interval is better. With an
/// interval from [`crate::sequential::always_valid`] that covers at all times with 1 − alpha, a guardrail that looks after every
/// batch breaches wrongly at most with probability alpha, ever.
#[must_use]
pub fn always_valid(difference: &Interval, direction: Direction, margin: f64) -> Verdict {
    let (least, most) = match direction {
        Direction::Increase => (difference.lower, difference.upper),
        Direction::Decrease => (difference.upper.map(|end| -end), difference.lower.map(|end| -end)),
    };
    match (least, most) {
        (_, Some(most)) if most < -margin => Verdict::Breached,
        (Some(least), _) if least > -margin => Verdict::Held,
        _ => Verdict::Open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Estimate, Mean, Proportion,
        fixed::{Reference, compare, proportions::z_test},
    };

    fn latency(change: f64) -> Comparison {
        let control = Estimate::new(100.0, 0.5, 1_000).unwrap();
        let treatment = Estimate::new(100.0 + change, 0.5, 1_000).unwrap();
        compare(control, treatment, Alpha::new(0.05).unwrap(), Reference::Normal).unwrap()
    }

    #[test]
    fn two_standard_deviations_breach_only_in_the_bad_direction() {
        let rule = |change, direction| two_standard_deviations(&latency(change), direction).unwrap().verdict;
        assert_eq!(rule(2.01, Direction::Decrease), Verdict::Breached);
        assert_eq!(rule(1.99, Direction::Decrease), Verdict::Open);
        assert_eq!(rule(2.01, Direction::Increase), Verdict::Open);
        assert_eq!(rule(-2.01, Direction::Increase), Verdict::Breached);
    }

    #[test]
    fn an_arm_that_happens_not_to_vary_is_not_certain() {
        let alpha = Alpha::new(0.05).unwrap();
        let rate = |units, conversions| Proportion::new(units, conversions).unwrap();
        let of_rates = |treatment| z_test(rate(9_900, 99), treatment, alpha).unwrap();
        let values = |units, ones: u64| Mean::from_sums(units, ones as f64, ones as f64).unwrap();
        let of_means = |ones| {
            let (control, treatment) = (values(9_900, 99), values(100, ones));
            compare(control.estimate().unwrap(), treatment.estimate().unwrap(), alpha, Reference::Welch)
                .unwrap()
        };
        // None of 100 where 1% is usual: neither a loss nor, where less is better, a proof of anything.
        for none in [of_rates(rate(100, 0)), of_means(0)] {
            let two = two_standard_deviations(&none, Direction::Increase).unwrap();
            assert!(two.verdict == Verdict::Open && (two.harm - 1.0).abs() < 0.02, "{two:?}");
            for direction in [Direction::Increase, Direction::Decrease] {
                assert_eq!(margin(&none, direction, 0.002, alpha).unwrap().verdict, Verdict::Open);
                assert!(non_inferiority(&none, direction, 0.002, alpha).is_err());
            }
        }
        // All of 100 is a breach for either.
        for all in [of_rates(rate(100, 100)), of_means(100)] {
            assert_eq!(
                two_standard_deviations(&all, Direction::Decrease).unwrap().verdict,
                Verdict::Breached
            );
            assert_eq!(margin(&all, Direction::Decrease, 0.01, alpha).unwrap().verdict, Verdict::Breached);
        }
        assert_eq!(
            non_inferiority(&of_means(0), Direction::Increase, 0.1, alpha),
            Err(Inconclusive::NoVariance)
        );
        assert_eq!(
            non_inferiority(&of_rates(rate(100, 0)), Direction::Increase, 0.1, alpha),
            Err(Inconclusive::SmallCounts)
        );
    }

    #[test]
    fn a_margin_separates_held_open_and_breached() {
        let alpha = Alpha::new(0.05).unwrap();
        let rule = |change| margin(&latency(change), Direction::Decrease, 3.0, alpha).unwrap().verdict;
        assert_eq!(rule(0.0), Verdict::Held);
        assert_eq!(rule(2.5), Verdict::Open);
        assert_eq!(rule(5.0), Verdict::Breached);
    }

    #[test]
    fn an_always_valid_interval_decides_by_its_ends() {
        let rule =
            |lower, upper, direction| always_valid(&Interval::between(lower, upper, 0.95), direction, 1.0);
        assert_eq!(rule(-3.0, -1.5, Direction::Increase), Verdict::Breached);
        assert_eq!(rule(-0.5, 2.0, Direction::Increase), Verdict::Held);
        assert_eq!(rule(-1.5, 2.0, Direction::Increase), Verdict::Open);
        assert_eq!(rule(1.5, 3.0, Direction::Decrease), Verdict::Breached);
        assert_eq!(rule(f64::NEG_INFINITY, f64::INFINITY, Direction::Decrease), Verdict::Open);
    }
}
