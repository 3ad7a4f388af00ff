//! Whether an experiment can be trusted at all, asked before its results are read.

pub mod srm;
