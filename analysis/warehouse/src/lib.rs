//! ClickHouse roll-ups and queries that give sufficient statistics.
//!
//! The [`Builder`] keeps the roll-ups up to raw events, the [`Reader`] gives the newest statistics of an experiment as
//! inputs of `kerf-stats`. `DESIGN.md` says why it is built so.

mod builder;
mod clickhouse;
mod days;
mod experiment;
mod figures;
mod lock;
mod source;
mod state;
mod stats_sql;
mod tables;

pub use builder::{BuildError, Builder, PassReport};
pub use clickhouse::{ClickHouse, ClickHouseError};
pub use experiment::Experiment;
pub use figures::{Arm, Dimension, Figures, MetricSums, Reader, Slice};
