//! The answer of the results API, as far as it is shown here.

use serde::Deserialize;
use std::collections::BTreeMap;

/// Results of an experiment or of a segment.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Answer {
    pub(crate) variants: BTreeMap<String, Variant>,
    pub(crate) lift: Option<f64>,
    pub(crate) p_value: Option<f64>,
    pub(crate) confidence_interval: Option<(f64, f64)>,
    pub(crate) recommended_action: String,
    pub(crate) difference: Option<f64>,
    pub(crate) z: Option<f64>,
    pub(crate) srm: SampleRatio,
    pub(crate) multi_exposed: Option<u64>,
    #[serde(default)]
    pub(crate) diagnostics: BTreeMap<String, u64>,
    #[serde(default)]
    pub(crate) reasons: Vec<Reason>,
    #[serde(default)]
    pub(crate) segments: BTreeMap<String, Answer>,
}

/// One arm.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Variant {
    pub(crate) impressions: Option<u64>,
    pub(crate) conversions: Option<u64>,
    pub(crate) rate: Option<f64>,
}

/// The check of the split.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct SampleRatio {
    pub(crate) p_value: Option<f64>,
    pub(crate) status: String,
}

/// Why a figure is missing, or what the recommendation rests on.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Reason {
    pub(crate) pointer: String,
    pub(crate) code: String,
}
