//! What to do with an experiment: one recommended action, its reasons as codes, and one plain sentence.
//!
//! The rules, in order; the first that applies decides, and every other fact that matters is a further reason:
//! 1. a sample ratio mismatch: investigate, no result can be read;
//! 2. a guardrail breached: pause;
//! 3. the primary metric has no answer: continue (or keep the control, when the experiment is over);
//! 4. a significant loss under a test that may be read at any time: keep the control at once;
//! 5. the minimum run is not over: continue;
//! 6. a fixed-horizon test before its planned size: continue, it must not be read yet;
//! 7. a significant gain: ship; a significant loss: keep the control;
//! 8. nothing significant: keep the control when the planned size is reached or the experiment is over, else continue.

use serde::Serialize;

use crate::{
    Alpha, Inconclusive, PValue,
    fixed::{Comparison, margin::Direction},
    guardrail::Verdict,
    inconclusive::finite,
};

/// The recommended action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Give the treatment to everybody.
    Ship,
    /// End the experiment and keep the control.
    KeepControl,
    /// Let it run on.
    Continue,
    /// Stop exposing people now.
    Pause,
    /// Find the fault in the data before anything else.
    Investigate,
}

/// A reason for the action, with the numbers that made it.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// The arms do not have the units that their weights promise.
    SampleRatioMismatch {
        /// The p-value of the split.
        p_value: f64,
    },
    /// A guardrail got worse than its rule allows.
    GuardrailBreached {
        /// The metric.
        metric: String,
    },
    /// A guardrail is neither breached nor shown to hold.
    GuardrailOpen {
        /// The metric.
        metric: String,
    },
    /// The primary metric has no answer.
    PrimaryInconclusive {
        /// Why.
        cause: Inconclusive,
    },
    /// The split could not be checked.
    SplitUnchecked {
        /// Why.
        cause: Inconclusive,
    },
    /// The primary metric moved in the wanted direction.
    SignificantGain {
        /// The p-value.
        p_value: f64,
    },
    /// The primary metric moved against the wanted direction.
    SignificantLoss {
        /// The p-value.
        p_value: f64,
    },
    /// The primary metric did not move significantly.
    NotSignificant {
        /// The p-value.
        p_value: f64,
    },
    /// The minimum run is not over.
    MinimumRun {
        /// Days so far.
        days: f64,
        /// Days to run at least; `None` if that is no number.
        minimum: Option<f64>,
    },
    /// The planned number of units is not reached.
    PlannedSize {
        /// Units so far.
        units: u64,
        /// Units planned.
        planned: u64,
    },
    /// The planned number of units is reached.
    PlannedSizeReached,
    /// The experiment is over.
    Ended,
}

impl Reason {
    /// The stable code of this reason.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::SampleRatioMismatch { .. } => "sample_ratio_mismatch",
            Self::GuardrailBreached { .. } => "guardrail_breached",
            Self::GuardrailOpen { .. } => "guardrail_open",
            Self::PrimaryInconclusive { .. } => "primary_inconclusive",
            Self::SplitUnchecked { .. } => "split_unchecked",
            Self::SignificantGain { .. } => "significant_gain",
            Self::SignificantLoss { .. } => "significant_loss",
            Self::NotSignificant { .. } => "not_significant",
            Self::MinimumRun { .. } => "minimum_run_not_reached",
            Self::PlannedSize { .. } => "planned_size_not_reached",
            Self::PlannedSizeReached => "planned_size_reached",
            Self::Ended => "ended",
        }
    }

    fn text(&self) -> String {
        match self {
            Self::SampleRatioMismatch { p_value } => {
                format!("the arms do not have the units that their weights promise (p = {p_value:.2e})")
            }
            Self::GuardrailBreached { metric } => format!("the guardrail {metric} got worse"),
            Self::GuardrailOpen { metric } => format!("the guardrail {metric} is not shown to hold"),
            Self::PrimaryInconclusive { cause } => format!("the primary metric has no answer yet: {cause}"),
            Self::SplitUnchecked { cause } => format!("the split could not be checked: {cause}"),
            Self::SignificantGain { p_value } => {
                format!("the primary metric improved significantly (p = {p_value:.2e})")
            }
            Self::SignificantLoss { p_value } => {
                format!("the primary metric got significantly worse (p = {p_value:.2e})")
            }
            Self::NotSignificant { p_value } => {
                format!("the primary metric shows no significant change (p = {p_value:.2})")
            }
            Self::MinimumRun { days, minimum: Some(minimum) } => {
                format!("it has run {days:.1} of at least {minimum:.0} days")
            }
            Self::MinimumRun { days, minimum: None } => {
                format!("it has run {days:.1} days, and the minimum run is not known")
            }
            Self::PlannedSize { units, planned } => format!("it has {units} of {planned} planned units"),
            Self::PlannedSizeReached => "the planned number of units is reached".to_owned(),
            Self::Ended => "the experiment is over".to_owned(),
        }
    }
}

impl Serialize for Reason {
    /// Written as its code.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

/// The primary metric's result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Primary {
    /// Treatment less control (of several treatments, the best one's, with its corrected p-value).
    pub change: f64,
    /// The p-value under the chosen method, after any correction.
    pub p_value: PValue,
    /// The wanted direction.
    pub direction: Direction,
    /// Whether the method allows a decision at any look (sequential or always valid), or only at the planned end.
    pub valid_at_any_time: bool,
}

impl Primary {
    /// The result of a fixed-horizon comparison, with its p-value after any correction.
    ///
    /// # Errors
    /// [`Inconclusive::NoVariance`] if an arm does not vary ([`Comparison::constant_arm`]) and
    /// [`Inconclusive::SmallCounts`] if too little happened ([`Comparison::small_counts`]): such a p-value says nothing
    /// to act on.
    pub const fn of(
        comparison: &Comparison,
        p_value: PValue,
        direction: Direction,
    ) -> Result<Self, Inconclusive> {
        if comparison.constant_arm {
            return Err(Inconclusive::NoVariance);
        }
        if comparison.small_counts {
            return Err(Inconclusive::SmallCounts);
        }
        let change = comparison.difference.estimate;
        Ok(Self { change, p_value, direction, valid_at_any_time: false })
    }
}

/// Everything that the recommendation rests on.
#[derive(Clone, Debug)]
pub struct Evidence<'a> {
    /// The primary metric, or why it has no answer.
    pub primary: Result<Primary, Inconclusive>,
    /// The rate at which it is significant.
    pub alpha: Alpha,
    /// The p-value of the split, or why it could not be tested.
    pub split: Result<PValue, Inconclusive>,
    /// The rate at which a split is refused ([`crate::health::srm::DEFAULT_RATE`]).
    pub split_rate: Alpha,
    /// Each guardrail metric with its verdict.
    pub guardrails: &'a [(&'a str, Verdict)],
    /// Days since the start; what is no number counts as none.
    pub days: f64,
    /// Days that it must run at least; full weeks, so that every weekday counts alike. What is no number is never
    /// reached.
    pub minimum_days: f64,
    /// Exposed units so far, over all arms.
    pub units: u64,
    /// Units that the power plan asks for; `None` without a plan.
    pub planned_units: Option<u64>,
    /// Whether the experiment has ended, so that no more data will come.
    pub ended: bool,
}

/// The recommendation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recommendation {
    /// What to do.
    pub action: Action,
    /// Why, the deciding reason first.
    pub reasons: Vec<Reason>,
    /// Action and deciding reason as one plain sentence.
    pub sentence: String,
}

/// Recommends an action by the rules that head this module.
#[must_use]
pub fn recommended_action(evidence: &Evidence<'_>) -> Recommendation {
    let sound = Evidence {
        primary: evidence.primary.and_then(|primary| finite(primary.change, "change").map(|_| primary)),
        days: if evidence.days.is_finite() { evidence.days } else { 0.0 },
        ..evidence.clone()
    };
    recommend(&sound)
}

fn recommend(evidence: &Evidence<'_>) -> Recommendation {
    let (action, mut reasons) = decide(evidence);
    for further in further_reasons(evidence) {
        if !reasons.contains(&further) {
            reasons.push(further);
        }
    }
    let because = reasons.first().map(Reason::text).unwrap_or_default();
    let sentence = match action {
        Action::Ship => format!("Ship the treatment: {because}."),
        Action::KeepControl => format!("Keep the control: {because}."),
        Action::Continue => format!("Keep it running: {because}."),
        Action::Pause => format!("Pause it: {because}."),
        Action::Investigate => format!("Do not read the results, find the fault first: {because}."),
    };
    Recommendation { action, reasons, sentence }
}

fn decide(evidence: &Evidence<'_>) -> (Action, Vec<Reason>) {
    if let Some(mismatch) = mismatch(evidence) {
        return (Action::Investigate, vec![mismatch]);
    }
    let breached: Vec<Reason> = guardrails(evidence, Verdict::Breached).collect();
    if !breached.is_empty() {
        return (if evidence.ended { Action::KeepControl } else { Action::Pause }, breached);
    }
    let primary = match evidence.primary {
        Ok(primary) => primary,
        Err(cause) => {
            let action = if evidence.ended { Action::KeepControl } else { Action::Continue };
            return (action, vec![Reason::PrimaryInconclusive { cause }]);
        }
    };
    let moved = movement(&primary, evidence.alpha);
    if primary.valid_at_any_time && matches!(moved, Reason::SignificantLoss { .. }) {
        return (Action::KeepControl, vec![moved]);
    }
    if let Some(wait) = wait(evidence, primary.valid_at_any_time) {
        return (Action::Continue, vec![wait]);
    }
    let finished = evidence.ended || evidence.planned_units.is_some_and(|planned| evidence.units >= planned);
    let action = match moved {
        Reason::SignificantGain { .. } => Action::Ship,
        Reason::SignificantLoss { .. } => Action::KeepControl,
        _ if finished => Action::KeepControl,
        _ => Action::Continue,
    };
    (action, vec![moved])
}

/// The reason to wait that applies to a running experiment.
fn wait(evidence: &Evidence<'_>, valid_at_any_time: bool) -> Option<Reason> {
    if evidence.ended {
        return None;
    }
    let minimum = Some(evidence.minimum_days).filter(|minimum| minimum.is_finite());
    if minimum.is_none_or(|minimum| evidence.days < minimum) {
        return Some(Reason::MinimumRun { days: evidence.days, minimum });
    }
    short_of_plan(evidence).filter(|_| !valid_at_any_time)
}

fn short_of_plan(evidence: &Evidence<'_>) -> Option<Reason> {
    let planned = evidence.planned_units.filter(|planned| evidence.units < *planned)?;
    Some(Reason::PlannedSize { units: evidence.units, planned })
}

fn mismatch(evidence: &Evidence<'_>) -> Option<Reason> {
    let p_value = evidence.split.ok().filter(|p_value| p_value.is_significant(evidence.split_rate))?;
    Some(Reason::SampleRatioMismatch { p_value: p_value.get() })
}

fn movement(primary: &Primary, alpha: Alpha) -> Reason {
    let p_value = primary.p_value.get();
    if !primary.p_value.is_significant(alpha) {
        Reason::NotSignificant { p_value }
    } else if primary.direction.gain(primary.change) > 0.0 {
        Reason::SignificantGain { p_value }
    } else {
        Reason::SignificantLoss { p_value }
    }
}

fn guardrails<'a>(evidence: &'a Evidence<'_>, verdict: Verdict) -> impl Iterator<Item = Reason> + 'a {
    evidence.guardrails.iter().filter(move |(_, found)| *found == verdict).map(move |(metric, _)| {
        let metric = (*metric).to_owned();
        if verdict == Verdict::Breached {
            Reason::GuardrailBreached { metric }
        } else {
            Reason::GuardrailOpen { metric }
        }
    })
}

/// All that a reader should know besides the deciding reason.
fn further_reasons(evidence: &Evidence<'_>) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = mismatch(evidence).into_iter().collect();
    reasons.extend(evidence.split.err().map(|cause| Reason::SplitUnchecked { cause }));
    reasons.extend(guardrails(evidence, Verdict::Breached));
    reasons.push(match &evidence.primary {
        Ok(primary) => movement(primary, evidence.alpha),
        Err(cause) => Reason::PrimaryInconclusive { cause: *cause },
    });
    if !evidence.ended {
        reasons.extend(wait(evidence, true));
    }
    reasons.extend(short_of_plan(evidence));
    if evidence.planned_units.is_some_and(|planned| evidence.units >= planned) {
        reasons.push(Reason::PlannedSizeReached);
    }
    reasons.extend(guardrails(evidence, Verdict::Open));
    reasons.extend(evidence.ended.then_some(Reason::Ended));
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Estimate, Proportion,
        fixed::{Reference, compare, proportions::z_test},
    };

    fn evidence<'a>() -> Evidence<'a> {
        Evidence {
            primary: Ok(primary(0.01, 0.001)),
            alpha: Alpha::new(0.05).unwrap(),
            split: PValue::new(0.4),
            split_rate: Alpha::new(0.001).unwrap(),
            guardrails: &[],
            days: 20.0,
            minimum_days: 14.0,
            units: 10_000,
            planned_units: Some(8_000),
            ended: false,
        }
    }

    fn primary(change: f64, p_value: f64) -> Primary {
        let p_value = PValue::new(p_value).unwrap();
        Primary { change, p_value, direction: Direction::Increase, valid_at_any_time: false }
    }

    fn check(evidence: &Evidence<'_>, action: Action, first: &str) {
        let recommendation = recommended_action(evidence);
        let codes: Vec<_> = recommendation.reasons.iter().map(Reason::code).collect();
        assert_eq!((recommendation.action, codes[0]), (action, first), "{codes:?}");
        assert!(recommendation.sentence.ends_with('.'));
    }

    #[test]
    fn each_rule_decides_in_its_order() {
        let base = evidence();
        check(&base, Action::Ship, "significant_gain");
        let primary_of = |change, p| Evidence { primary: Ok(primary(change, p)), ..evidence() };
        check(&primary_of(-0.01, 0.001), Action::KeepControl, "significant_loss");
        check(&primary_of(0.01, 0.3), Action::KeepControl, "not_significant");
        check(
            &Evidence { planned_units: None, ..primary_of(0.01, 0.3) },
            Action::Continue,
            "not_significant",
        );
        check(
            &Evidence { planned_units: None, ended: true, ..primary_of(0.01, 0.3) },
            Action::KeepControl,
            "not_significant",
        );
        check(&Evidence { units: 10, ..evidence() }, Action::Continue, "planned_size_not_reached");
        check(&Evidence { days: 3.0, ..evidence() }, Action::Continue, "minimum_run_not_reached");
        let unknown = Evidence { primary: Err(Inconclusive::NoVariance), ..evidence() };
        check(&unknown, Action::Continue, "primary_inconclusive");
        let breached = [("latency", Verdict::Breached), ("crashes", Verdict::Open)];
        check(&Evidence { guardrails: &breached, ..evidence() }, Action::Pause, "guardrail_breached");
        let mismatch = Evidence { split: PValue::new(1e-40), guardrails: &breached, ..evidence() };
        check(&mismatch, Action::Investigate, "sample_ratio_mismatch");
    }

    #[test]
    fn a_loss_that_may_be_read_at_any_time_does_not_wait() {
        let at_any_time = |change| Primary { valid_at_any_time: true, ..primary(change, 1e-4) };
        let early = |change| Evidence { primary: Ok(at_any_time(change)), days: 1.0, units: 5, ..evidence() };
        check(&early(-0.01), Action::KeepControl, "significant_loss");
        check(&early(0.01), Action::Continue, "minimum_run_not_reached");
        check(&Evidence { days: 15.0, ..early(0.01) }, Action::Ship, "significant_gain");
    }

    #[test]
    fn a_minimum_run_that_is_no_number_is_never_over() {
        for minimum_days in [f64::NAN, f64::INFINITY] {
            check(&Evidence { minimum_days, ..evidence() }, Action::Continue, "minimum_run_not_reached");
        }
    }

    #[test]
    fn a_comparison_with_a_constant_arm_is_no_evidence() {
        let arm = |variance| Estimate::new(1.0 + variance, variance, 100).unwrap();
        let of = |control, treatment| {
            let found = compare(control, treatment, Alpha::new(0.05).unwrap(), Reference::Welch).unwrap();
            Primary::of(&found, found.p_value, Direction::Increase)
        };
        assert_eq!(of(arm(0.0), arm(1e-6)), Err(Inconclusive::NoVariance));
        assert_eq!(of(arm(1e-6), arm(0.0)), Err(Inconclusive::NoVariance));
        assert!(of(arm(1e-6), arm(1e-6)).is_ok());
    }

    #[test]
    fn a_handful_of_conversions_is_no_evidence() {
        let of = |control: (u64, u64), treatment: (u64, u64)| {
            let arm = |(units, conversions)| Proportion::new(units, conversions).unwrap();
            let found = z_test(arm(control), arm(treatment), Alpha::new(0.05).unwrap()).unwrap();
            assert!(found.p_value.get() < 0.05);
            Primary::of(&found, found.p_value, Direction::Increase)
        };
        assert_eq!(of((1000, 0), (1000, 6)), Err(Inconclusive::SmallCounts));
        // None at all in one arm is evidence where many were to be expected.
        assert!(of((1000, 0), (1000, 20)).is_ok());
    }

    #[test]
    fn every_relevant_fact_is_a_reason_once() {
        let open = [("crashes", Verdict::Open)];
        let recommendation = recommended_action(&Evidence { guardrails: &open, days: 2.0, ..evidence() });
        let codes: Vec<_> = recommendation.reasons.iter().map(Reason::code).collect();
        assert_eq!(
            codes,
            ["minimum_run_not_reached", "significant_gain", "planned_size_reached", "guardrail_open"]
        );
        assert_eq!(recommendation.sentence, "Keep it running: it has run 2.0 of at least 14 days.");
    }
}
