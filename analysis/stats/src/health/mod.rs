//! Whether an experiment can be trusted at all, asked before its results are read.

pub mod balance;
pub mod multi_exposure;
pub mod novelty;
pub mod peeking;
pub mod sequential_srm;
pub mod srm;
