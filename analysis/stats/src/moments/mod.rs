//! Sufficient statistics that merge: merging two parts gives what the whole would have given.
//!
//! Each type is built from sums (as a warehouse gives them), unit by unit, or by merge; and each turns into an
//! [`Estimate`](crate::Estimate) of one arm. Variances are sample variances (divisor n − 1).

/// Adds units without leaving the range of a count.
pub(crate) fn all_units(units: impl IntoIterator<Item = u64>) -> u64 {
    units.into_iter().fold(0, u64::saturating_add)
}

mod days;
mod mean;
mod multivariate;
mod pair;
mod proportion;

pub use days::DaySeries;
pub use mean::Mean;
pub use multivariate::Multivariate;
pub use pair::{Pair, PairSums};
pub use proportion::{Count, Proportion};
