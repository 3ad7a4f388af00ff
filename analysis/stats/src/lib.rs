//! Statistical methods on sufficient statistics.
//!
//! Every method is a pure function of statistics that merge (`moments`, `quantile`), so a result can be computed
//! from whatever the warehouse has aggregated. No input or output, no clock, no random source.
//!
//! A number that means "unknown" does not exist here: what cannot be answered is an [`Inconclusive`] with a code.
//! Formulas, sources and conventions stand in `METHODS.md`; each module names its own.

#![forbid(unsafe_code)]

pub mod bandits;
pub mod bayes;
pub mod decision;
pub mod design;
pub mod dist;
pub mod estimate;
pub mod fixed;
pub mod guardrail;
pub mod health;
pub mod heterogeneity;
pub mod inconclusive;
pub mod moments;
pub mod multiplicity;
pub mod networks;
pub mod probability;
mod quadrature;
pub mod quantile;
mod root;
pub mod sequential;
mod symmetric;
pub mod variance_reduction;

pub use estimate::{Effect, Estimate, Interval, PValue};
pub use inconclusive::Inconclusive;
pub use moments::{Count, DaySeries, Mean, Multivariate, Pair, PairSums, Proportion};
pub use probability::{Alpha, Probability};
