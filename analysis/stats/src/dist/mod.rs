//! Distribution functions whose tails are computed as tails, never as one minus the other side.
//!
//! Why not `statrs`: its upper tails are formed by subtraction for Student's t, and its incomplete beta neither
//! reports a failure to converge nor holds its precision for large parameters. Certified values (mpmath, 50
//! digits) stand in `tests/oracle/dist.json`.

pub mod beta;
pub mod chi_squared;
pub mod gamma;
pub mod normal;
pub mod student;
