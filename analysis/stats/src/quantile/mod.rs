//! Quantiles: digests and order statistics, their standard errors under clustering, and winsorisation limits.

mod clustered;
mod digest;
mod order;
mod winsor;

/// The point at a share of the way from one value to another, also where their distance overflows.
fn on_line(from: f64, to: f64, share: f64) -> f64 {
    let distance = to - from;
    if distance.is_finite() { from + distance * share } else { from * (1.0 - share) + to * share }
}

pub use clustered::{ClusteredQuantile, OuterLevels};
pub use digest::TDigest;
pub use order::{Ordered, Rule};
pub use winsor::Limits;
