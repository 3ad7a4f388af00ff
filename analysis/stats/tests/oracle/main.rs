//! Every method against numbers that other programs computed; the scripts are in `oracle/`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a case that cannot be read must stop the test"
)]

mod bayes;
mod check;
mod dist;
mod fixed;
mod health;
mod sequential;
mod variance_reduction;
