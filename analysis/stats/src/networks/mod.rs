//! Experiments in which one unit's assignment reaches other units: clusters, regions, switchbacks, and the holdout
//! that measures everything that was shipped.

use crate::{Estimate, Inconclusive};

mod cluster;
mod geo;
mod holdout;
mod kernel;
mod regression;
mod switchback;

pub use cluster::{Cluster, ClusterComparison, compare_clusters, intracluster_correlation};
pub use geo::{Pair, PairedEffect, Region, compare_pairs, randomisation_test};
pub use holdout::{HoldoutDay, HoldoutImpact, Realised, holdout_days, holdout_impact, realised};
pub use kernel::SmallSample;
pub use regression::ClusterVariance;
pub use switchback::{Bin, Correlation, SwitchbackEffect, SwitchbackPlan, Weight, lag_profile, switchback};

/// An estimate over few correlated groups, with the degrees of freedom that its variance has.
///
/// # Errors
/// [`Inconclusive::NoVariance`] unless the variance is positive.
fn serial_estimate(value: f64, variance: f64, degrees_of_freedom: f64) -> Result<Estimate, Inconclusive> {
    if variance <= 0.0 {
        return Err(Inconclusive::NoVariance);
    }
    let estimate = Estimate::new(value, variance, degrees_of_freedom as u64 + 1)?;
    Ok(Estimate { degrees_of_freedom: Some(degrees_of_freedom), ..estimate })
}
