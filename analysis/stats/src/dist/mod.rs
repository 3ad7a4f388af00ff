//! Distribution functions whose tails are computed as tails, never as one minus the other side.
//!
//! From `statrs` where it holds (the inverse normal, chi-squared); a documented routine where it loses digits: the
//! normal tail, Student's t, the beta distribution with large parameters. `tests/second_opinion.rs` measures both
//! against certified values (mpmath, 50 digits, `tests/oracle/dist.json`).

pub mod beta;
pub mod chi_squared;
pub mod gamma;
pub mod normal;
pub mod student;
