//! HTTP in, Kafka or the disk spool out.
//!
//! ```text
//! request ─ http ─► pipeline: parse ─► stamp ─► route ─► policy ─► Kafka sink
//!                                                           └────► spool ─► drain ─► Kafka sink
//! ```
//! Each step knows only the one after it. `pipeline` is pure. A sink says what became of each message and decides
//! nothing; `policy` decides between Kafka and the spool. An answer of 200 means durable: acknowledged by Kafka, or
//! fsynced in the spool. See DESIGN.md.

mod config;
mod drain;
mod http;
mod metrics;
mod pipeline;
mod policy;
mod server;
mod sink;
mod spool;

pub use config::Config;
pub use server::{ServeError, serve, serve_without_storing};
