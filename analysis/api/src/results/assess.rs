//! From sufficient statistics to results: calls `kerf-stats` and names every figure that cannot be known.

use jiff::Timestamp;
use kerf_stats::{
    Alpha, Inconclusive, Interval, PValue, Proportion,
    decision::{Evidence, Primary, recommended_action},
    fixed::{self, margin::Direction, proportions},
    guardrail::Verdict,
    health::srm,
    multiplicity::{Correction, adjust},
};
use kerf_warehouse::{Figures, MetricSums, Slice};

use super::{
    document::{Comparison, Ordered, Reason, Results, SampleRatio, SplitStatus, VariantFigures},
    guardrails::guardrails,
};
use crate::control_plane::{Experiment, Variant};

/// How a segment whose value the edge did not know is called.
const UNKNOWN_SEGMENT: &str = "unknown";

/// What holds for every experiment.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// The accepted rate of false alarms, two-sided.
    pub alpha: Alpha,
    /// The rate at which a split is refused.
    pub split_rate: Alpha,
    /// Days that an experiment runs at least before a result is acted on: full weeks.
    pub minimum_days: f64,
}

impl Policy {
    /// Five percent, a split refused at 0.001, two weeks.
    ///
    /// # Errors
    /// Never: the rates are valid.
    pub fn standard() -> Result<Self, Inconclusive> {
        Ok(Self { alpha: Alpha::new(0.05)?, split_rate: Alpha::new(srm::DEFAULT_RATE)?, minimum_days: 14.0 })
    }
}

/// An experiment at a moment, judged by a policy.
pub(super) struct Question<'a> {
    pub(super) experiment: &'a Experiment,
    pub(super) policy: &'a Policy,
    pub(super) days: Option<f64>,
}

/// The results of an experiment; `figures` is `None` before its first build.
///
/// With `segmented`, the answer has one more of the same shape for each segment of the figures.
#[must_use]
pub fn results(
    experiment: &Experiment,
    figures: Option<&Figures>,
    segmented: bool,
    policy: &Policy,
    now: Timestamp,
) -> Results {
    let question = Question { experiment, policy, days: days_running(experiment, now) };
    let of = |slice: Option<&Slice>| Results {
        diagnostics: Ordered(Vec::new()),
        built_at: figures.map(|figures| figures.built_at),
        as_of: figures.map(|figures| figures.as_of),
        ..question.results(slice)
    };
    let segments = figures.filter(|_| segmented).map(|figures| {
        let named = |value: &str| if value.is_empty() { UNKNOWN_SEGMENT } else { value }.to_owned();
        Ordered(figures.segments.iter().map(|(value, slice)| (named(value), of(Some(slice)))).collect())
    });
    let diagnostics =
        figures.map(|figures| figures.diagnostics.clone().into_iter().collect()).unwrap_or_default();
    Results { diagnostics: Ordered(diagnostics), segments, ..of(figures.map(|figures| &figures.all)) }
}

/// Days from the start to the end or to now; `None` before the start.
fn days_running(experiment: &Experiment, now: Timestamp) -> Option<f64> {
    let started = experiment.started_at?;
    let until = experiment.ended_at.filter(|_| experiment.has_ended()).unwrap_or(now);
    Some(until.duration_since(started).as_secs_f64().max(0.0) / 86_400.0)
}

/// A treatment and how it compares with the control.
struct Compared<'a> {
    variant: &'a str,
    outcome: Result<fixed::Comparison, Inconclusive>,
    /// The p-value, corrected for the number of treatments.
    p_value: Option<PValue>,
}

impl Question<'_> {
    fn results(&self, slice: Option<&Slice>) -> Results {
        let mut reasons = Vec::new();
        let compared = self.compare(slice);
        let best = best(&compared);
        let split = self.split(slice);
        let guardrails = guardrails(self, slice, &mut reasons);
        let recommendation = {
            let verdicts: Vec<(&str, Verdict)> = guardrails
                .iter()
                .filter_map(|guardrail| Some((guardrail.metric.as_str(), guardrail.verdict?)))
                .collect();
            recommended_action(&self.evidence(slice, best, &split, &verdicts))
        };
        reasons.splice(
            0..0,
            recommendation.reasons.iter().enumerate().map(|(place, because)| Reason {
                pointer: "/recommended_action".to_owned(),
                code: because.code(),
                detail: if place == 0 {
                    recommendation.sentence.clone()
                } else {
                    because.code().replace('_', " ")
                },
            }),
        );
        self.explain(slice, best, &split, &mut reasons);
        let headline = best.map(|best| self.comparison(best));
        let figure = |of: fn(&Comparison) -> Option<f64>| headline.as_ref().and_then(of);
        Results {
            status: self.experiment.status,
            days_running: self.days.map(|days| days.floor() as i64),
            variants: Ordered(self.variants(slice)),
            lift: figure(|comparison| comparison.lift),
            p_value: figure(|comparison| comparison.p_value),
            significant: headline.as_ref().and_then(|comparison| comparison.significant),
            confidence_interval: headline.as_ref().and_then(|comparison| comparison.confidence_interval),
            recommended_action: recommendation.action,
            difference: figure(|comparison| comparison.difference),
            lift_confidence_interval: headline
                .as_ref()
                .and_then(|comparison| comparison.lift_confidence_interval),
            z: figure(|comparison| comparison.z),
            method: "two_proportion_z",
            alpha: self.policy.alpha.get(),
            srm: self.sample_ratio(split),
            multi_exposed: slice.map(|slice| slice.multi_exposed),
            excluded_units: slice.map(|slice| slice.multi_exposed + self.units_of_no_variant(slice)),
            diagnostics: Ordered(Vec::new()),
            guardrails,
            reasons,
            comparisons: compared.iter().map(|compared| self.comparison(compared)).collect(),
            built_at: None,
            as_of: None,
            segments: None,
        }
    }

    fn evidence<'b>(
        &self,
        slice: Option<&Slice>,
        best: Option<&Compared<'_>>,
        split: &Result<srm::SampleRatio, Inconclusive>,
        guardrails: &'b [(&'b str, Verdict)],
    ) -> Evidence<'b> {
        let primary = best.map_or(Err(Inconclusive::NoUnits), |best| {
            let comparison = best.outcome?;
            Primary::of(&comparison, best.p_value.unwrap_or(comparison.p_value), Direction::Increase)
        });
        Evidence {
            primary,
            alpha: self.policy.alpha,
            split: split.as_ref().map(|ratio| ratio.p_value).map_err(|cause| *cause),
            split_rate: self.policy.split_rate,
            guardrails,
            days: self.days.unwrap_or(0.0),
            minimum_days: self.policy.minimum_days,
            units: self.units(slice).iter().sum(),
            planned_units: None,
            ended: self.experiment.has_ended(),
        }
    }

    /// Says which figures are missing, and why.
    fn explain(
        &self,
        slice: Option<&Slice>,
        best: Option<&Compared<'_>>,
        split: &Result<srm::SampleRatio, Inconclusive>,
        reasons: &mut Vec<Reason>,
    ) {
        let mut because = |pointer: &str, code, detail: String| {
            reasons.push(Reason { pointer: pointer.to_owned(), code, detail });
        };
        if slice.is_none() {
            let detail =
                "the builder has not looked at this experiment yet; drafts and archived ones are not built";
            because("/variants", "not_built", detail.to_owned());
        }
        match best.map(|best| (&best.outcome, best)) {
            None => because("/p_value", "too_few_arms", Inconclusive::TooFewArms.to_string()),
            Some((Err(cause), _)) => because("/p_value", cause.code(), cause.to_string()),
            Some((Ok(comparison), _)) => match comparison.relative {
                Err(cause) => because("/lift", cause.code(), cause.to_string()),
                Ok(relative) if relative.set.interval().is_none() => {
                    let detail = "the control's rate is too close to zero for an interval of the lift";
                    because("/lift_confidence_interval", "unbounded", detail.to_owned());
                }
                Ok(_) => {}
            },
        }
        if let Err(cause) = split {
            because("/srm", cause.code(), cause.to_string());
        }
        let strangers = slice.map_or(0, |slice| self.units_of_no_variant(slice));
        if strangers > 0 {
            let detail =
                format!("{strangers} units were exposed to variants that the experiment does not have");
            because("/excluded_units", "unknown_variant", detail);
        }
    }

    fn compare(&self, slice: Option<&Slice>) -> Vec<Compared<'_>> {
        let Some(control) = self.experiment.control() else { return Vec::new() };
        let mut compared: Vec<Compared<'_>> = self
            .treatments()
            .map(|variant| {
                let outcome = self
                    .proportion(slice, control)
                    .and_then(|control| Ok((control, self.proportion(slice, variant)?)))
                    .and_then(|(control, treatment)| {
                        proportions::z_test(control, treatment, self.policy.alpha)
                    });
                Compared { variant: &variant.name, outcome, p_value: None }
            })
            .collect();
        let known: Vec<PValue> = compared
            .iter()
            .filter_map(|compared| compared.outcome.ok())
            .map(|outcome| outcome.p_value)
            .collect();
        let adjusted = adjust(&known, Correction::Holm);
        for (compared, p_value) in
            compared.iter_mut().filter(|compared| compared.outcome.is_ok()).zip(adjusted)
        {
            compared.p_value = Some(p_value);
        }
        compared
    }

    /// Every variant but the control.
    pub(super) fn treatments(&self) -> impl Iterator<Item = &Variant> {
        let control = self.experiment.control().map(|variant| variant.name.as_str());
        self.experiment.variants.iter().filter(move |variant| Some(variant.name.as_str()) != control)
    }

    /// Units and conversions of a variant; a variant that nobody saw has none.
    fn proportion(&self, slice: Option<&Slice>, variant: &Variant) -> Result<Proportion, Inconclusive> {
        match slice.and_then(|slice| slice.arms.get(&variant.name)) {
            None => Ok(Proportion::default()),
            Some(arm) => {
                let metric =
                    self.experiment.primary_metric.as_ref().and_then(|metric| arm.metrics.get(metric));
                metric.map_or(Err(Inconclusive::NoUnits), MetricSums::proportion)
            }
        }
    }

    fn variants(&self, slice: Option<&Slice>) -> Vec<(String, VariantFigures)> {
        let figures = |variant: &Variant| {
            let known = slice.and_then(|_| self.proportion(slice, variant).ok());
            VariantFigures {
                impressions: known.map(|proportion| proportion.units()),
                conversions: known.map(|proportion| proportion.conversions()),
                rate: known.and_then(|proportion| proportion.rate().ok()),
            }
        };
        self.experiment.variants.iter().map(|variant| (variant.name.clone(), figures(variant))).collect()
    }

    /// Exposed units in the order of the variants.
    fn units(&self, slice: Option<&Slice>) -> Vec<u64> {
        let units = |variant: &Variant| {
            slice.and_then(|slice| slice.arms.get(&variant.name)).map_or(0, |arm| arm.units)
        };
        self.experiment.variants.iter().map(units).collect()
    }

    fn units_of_no_variant(&self, slice: &Slice) -> u64 {
        let known = |name: &str| self.experiment.variants.iter().any(|variant| variant.name == name);
        slice.arms.iter().filter(|(name, _)| !known(name)).map(|(_, arm)| arm.units).sum()
    }

    fn split(&self, slice: Option<&Slice>) -> Result<srm::SampleRatio, Inconclusive> {
        let weights: Vec<f64> = self.experiment.variants.iter().map(|variant| variant.weight).collect();
        srm::chi_square(&self.units(slice), &weights)
    }

    fn sample_ratio(&self, split: Result<srm::SampleRatio, Inconclusive>) -> SampleRatio {
        let Ok(split) = split else {
            return SampleRatio {
                chi_square: None,
                df: None,
                p_value: None,
                expected: None,
                status: SplitStatus::Unknown,
            };
        };
        let mismatch = split.is_mismatch(self.policy.split_rate) || split.outside > 0;
        let names = self.experiment.variants.iter().map(|variant| variant.name.clone());
        SampleRatio {
            chi_square: Some(split.statistic),
            df: Some(split.degrees_of_freedom),
            p_value: Some(split.p_value.get()),
            expected: Some(Ordered(names.zip(split.expected).collect())),
            status: if mismatch { SplitStatus::Mismatch } else { SplitStatus::Ok },
        }
    }

    fn comparison(&self, compared: &Compared<'_>) -> Comparison {
        let outcome = compared.outcome.as_ref().ok();
        let relative = outcome.and_then(|outcome| outcome.relative.ok());
        Comparison {
            variant: compared.variant.to_owned(),
            lift: relative.map(|relative| relative.estimate),
            p_value: compared.p_value.map(PValue::get),
            unadjusted_p_value: outcome.map(|outcome| outcome.p_value.get()),
            significant: compared.p_value.map(|p_value| p_value.is_significant(self.policy.alpha)),
            confidence_interval: outcome.map(|outcome| ends(outcome.difference.interval)),
            difference: outcome.map(|outcome| outcome.difference.estimate),
            lift_confidence_interval: relative.and_then(|relative| relative.set.interval()).map(ends),
            z: outcome.map(|outcome| outcome.statistic),
            small_counts: outcome.map(|outcome| outcome.small_counts),
        }
    }
}

/// The treatment with the largest difference; the first one when none can be compared.
fn best<'b, 'a>(compared: &'b [Compared<'a>]) -> Option<&'b Compared<'a>> {
    let difference =
        |compared: &Compared<'_>| compared.outcome.as_ref().ok().map(|outcome| outcome.difference.estimate);
    compared
        .iter()
        .filter(|compared| compared.outcome.is_ok())
        .max_by(|a, b| difference(a).partial_cmp(&difference(b)).unwrap_or(std::cmp::Ordering::Equal))
        .or_else(|| compared.first())
}

pub(super) const fn ends(interval: Interval) -> [Option<f64>; 2] {
    [interval.lower, interval.upper]
}
