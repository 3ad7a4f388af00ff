//! Methods that stay valid when results are looked at before the end.
//!
//! Two families. Group-sequential tests ([`group`]) plan a number of looks, spend the error over them and lose little
//! power; their looks may fall anywhere. Always-valid methods ([`always_valid`]) may be read after every event,
//! without a plan, and pay with wider intervals.

pub mod adjusted;
pub mod always_valid;
pub mod group;
pub mod recursion;
pub mod spending;
