//! Results as a pure function of an experiment, its figures and the time.

mod assess;
mod document;
mod guardrails;

pub use assess::{Policy, results};
pub use document::{
    Comparison, Guardrail, Ordered, Reason, Results, SampleRatio, SplitStatus, VariantFigures,
};
