//! Planning: how many units, how long, what can be seen, and how a running experiment stands.
//!
//! One power function ([`Plan::power`]) is inverted for the sample size and the minimum detectable change, so the three
//! agree to rounding. Conventions (tails, pooling, rounding, the treatment's variance) are fields of [`Plan`].

mod duration;
mod metric;
mod midway;
mod plan;
mod sequential;

pub use duration::{Arrivals, Duration, duration};
pub use metric::{Change, Metric};
pub use midway::{Midway, MidwayPlan, midway};
pub use plan::{Detectable, Hypothesis, NullVariance, Plan, PlanReference, SampleSize, design_effect};
pub use sequential::{
    Inflation, always_valid_inflation, group_sequential_inflation, inflation_of_boundaries,
};
