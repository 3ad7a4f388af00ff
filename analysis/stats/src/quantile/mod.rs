//! Quantiles: digests and order statistics, their standard errors under clustering, and winsorisation limits.

mod clustered;
mod digest;
mod order;
mod winsor;

pub use clustered::{ClusteredQuantile, OuterLevels};
pub use digest::TDigest;
pub use order::{Ordered, Rule};
pub use winsor::Limits;
