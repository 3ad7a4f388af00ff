//! Kafka to ClickHouse, at least once, idempotent.
//!
//! ```text
//! poll ─► Batch (RowBinary, dead letters, offsets) ─► Store (dead letters, then inserts, for ever) ─► commit
//! ```
//! Offsets are committed only after ClickHouse confirmed every row that they cover and Kafka every dead letter. A crash
//! anywhere sends rows again; rows with equal keys collapse. DESIGN.md has the protocol and its crash points.

mod assignment;
mod batch;
mod config;
mod consumer;
mod metrics;
mod operations;
mod prepare;
mod rowbinary;
mod rows;
mod server;
mod store;

pub use config::Config;
pub use server::{ServeError, serve};
