//! Bandits: shares of traffic that follow the evidence, and unbiased estimates in spite of it.
//!
//! A batch ends, [`Policy::weights`] turns the arms' posteriors into the next batch's weights, and every assignment is
//! logged with the weight it was drawn at. Ordinary means over such data are biased, because an arm with a bad start
//! is drawn less and keeps its bad start: [`evaluate`] corrects for that with the logged weights.

pub mod evaluate;
mod policy;

pub use policy::{BASIS_POINTS, Choice, Policy, Rule, Weights};
