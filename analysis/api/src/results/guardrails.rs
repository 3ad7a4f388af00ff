//! Guardrail metrics: each treatment's mean per unit against the control's, by the rule of two standard deviations.

use kerf_stats::{
    Inconclusive, Mean,
    fixed::{self, Reference, compare, margin::Direction},
    guardrail::{self, two_standard_deviations},
};
use kerf_warehouse::Slice;

use super::{
    assess::Question,
    document::{Guardrail, Reason},
};

/// Judges every guardrail of every treatment; what cannot be judged is a reason.
pub(super) fn guardrails(
    question: &Question<'_>,
    slice: Option<&Slice>,
    reasons: &mut Vec<Reason>,
) -> Vec<Guardrail> {
    let Some(control) = question.experiment.control() else { return Vec::new() };
    let mut judged = Vec::new();
    for metric in &question.experiment.guardrail_metrics {
        let before = mean(slice, &control.name, metric);
        for variant in question.treatments() {
            let after = mean(slice, &variant.name, metric);
            let outcome = before.and_then(|before| judge(question, before, after?));
            if let Err(cause) = outcome {
                let pointer = format!("/guardrails/{}", judged.len());
                reasons.push(Reason { pointer, code: cause.code(), detail: cause.to_string() });
            }
            let outcome = outcome.ok();
            judged.push(Guardrail {
                metric: metric.clone(),
                variant: variant.name.clone(),
                verdict: outcome.map(|(_, rule)| rule.verdict),
                control: before.ok().map(|mean| mean.mean()),
                treatment: after.ok().map(|mean| mean.mean()),
                difference: outcome.map(|(comparison, _)| comparison.difference.estimate),
                harm: outcome.map(|(_, rule)| rule.harm),
            });
        }
    }
    judged
}

/// A guardrail has no declared direction: less is taken to be better, as for crashes, errors and latency.
fn judge(
    question: &Question<'_>,
    control: Mean,
    treatment: Mean,
) -> Result<(fixed::Comparison, guardrail::Guardrail), Inconclusive> {
    let comparison =
        compare(control.estimate()?, treatment.estimate()?, question.policy.alpha, Reference::Welch)?;
    Ok((comparison, two_standard_deviations(&comparison, Direction::Decrease)?))
}

fn mean(slice: Option<&Slice>, variant: &str, metric: &str) -> Result<Mean, Inconclusive> {
    let arm = slice.and_then(|slice| slice.arms.get(variant)).ok_or(Inconclusive::NoUnits)?;
    arm.metrics.get(metric).ok_or(Inconclusive::NoUnits)?.mean()
}
