//! Every method against numbers that other programs computed; the scripts are in `oracle/`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a case that cannot be read must stop the test"
)]

mod bandits;
mod bayes;
mod check;
mod design;
mod dist;
mod fixed;
mod health;
mod heterogeneity;
mod networks;
mod sequential;
mod variance_reduction;
