//! The answer of the results API, field by field in its order.

use jiff::Timestamp;
use kerf_stats::{decision::Action, guardrail::Verdict};
use serde::{Serialize, Serializer};

use crate::control_plane::Status;

/// A map that keeps the order in which it was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Ordered<V>(pub Vec<(String, V)>);

impl<V: Serialize> Serialize for Ordered<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

/// Results of an experiment, or of one segment of it.
///
/// Rates and lifts are fractions. A figure that cannot be known is `null`, and `reasons` says why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Results {
    /// State of the experiment.
    pub status: Status,
    /// Whole days since the start, up to the end.
    pub days_running: Option<i64>,
    /// The arms in the order of their definition.
    pub variants: Ordered<VariantFigures>,
    /// Relative difference to the control. Of several treatments, this and what follows is of the best one.
    pub lift: Option<f64>,
    /// Two-sided p-value; with several treatments corrected by Holm.
    pub p_value: Option<f64>,
    /// Whether `p_value` is at most `alpha`.
    pub significant: Option<bool>,
    /// Interval of the absolute difference, at level 1 − alpha.
    pub confidence_interval: Option<[Option<f64>; 2]>,
    /// What to do.
    pub recommended_action: Action,
    /// Treatment's rate less the control's.
    pub difference: Option<f64>,
    /// Interval of the relative difference, at level 1 − alpha.
    pub lift_confidence_interval: Option<[Option<f64>; 2]>,
    /// The test statistic.
    pub z: Option<f64>,
    /// The method of the test.
    pub method: &'static str,
    /// The rate of false alarms that is accepted.
    pub alpha: f64,
    /// Whether the arms have the units that their weights promise.
    pub srm: SampleRatio,
    /// Units seen in more than one variant; they are in no arm.
    pub multi_exposed: Option<u64>,
    /// Units exposed that are in no arm, for this or another reason.
    pub excluded_units: Option<u64>,
    /// Diagnostic events by name.
    pub diagnostics: Ordered<u64>,
    /// The guardrail metrics, each against each treatment.
    pub guardrails: Vec<Guardrail>,
    /// Why figures are missing, and what the recommendation rests on.
    pub reasons: Vec<Reason>,
    /// Every treatment against the control.
    pub comparisons: Vec<Comparison>,
    /// When the figures were computed.
    pub built_at: Option<Timestamp>,
    /// Everything that was stored by then is in the figures.
    pub as_of: Option<Timestamp>,
    /// The same for each value of the dimension that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segments: Option<Ordered<Results>>,
}

/// One arm.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VariantFigures {
    /// Exposed units.
    pub impressions: Option<u64>,
    /// Units that converted.
    pub conversions: Option<u64>,
    /// Conversions per exposed unit.
    pub rate: Option<f64>,
}

/// The check of the split.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SampleRatio {
    /// Pearson's statistic.
    pub chi_square: Option<f64>,
    /// Its degrees of freedom.
    pub df: Option<u32>,
    /// The probability of a larger one.
    pub p_value: Option<f64>,
    /// Units that each arm should have.
    pub expected: Option<Ordered<f64>>,
    /// What it means.
    pub status: SplitStatus,
}

/// What the check of the split found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SplitStatus {
    /// The split is as promised.
    Ok,
    /// It is not: no result can be read.
    Mismatch,
    /// It could not be checked.
    Unknown,
}

/// A guardrail metric of one treatment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Guardrail {
    /// The metric; less of it is taken to be better.
    pub metric: String,
    /// The treatment.
    pub variant: String,
    /// `breached` when the treatment is worse by more than two standard errors.
    pub verdict: Option<Verdict>,
    /// The control's mean per unit.
    pub control: Option<f64>,
    /// The treatment's mean per unit.
    pub treatment: Option<f64>,
    /// Treatment less control.
    pub difference: Option<f64>,
    /// How much worse, in standard errors of the difference.
    pub harm: Option<f64>,
}

/// One treatment against the control.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The treatment.
    pub variant: String,
    /// Relative difference.
    pub lift: Option<f64>,
    /// Two-sided p-value, corrected for the number of treatments.
    pub p_value: Option<f64>,
    /// The same before the correction.
    pub unadjusted_p_value: Option<f64>,
    /// Whether `p_value` is at most alpha.
    pub significant: Option<bool>,
    /// Interval of the absolute difference.
    pub confidence_interval: Option<[Option<f64>; 2]>,
    /// Absolute difference.
    pub difference: Option<f64>,
    /// Interval of the relative difference.
    pub lift_confidence_interval: Option<[Option<f64>; 2]>,
    /// The test statistic.
    pub z: Option<f64>,
    /// Whether an arm has so few conversions that the normal approximation is poor.
    pub small_counts: Option<bool>,
}

/// A coded reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The figure it is about, as a JSON pointer.
    pub pointer: String,
    /// A stable code.
    pub code: &'static str,
    /// One sentence.
    pub detail: String,
}
