//! End-to-end tests over real services, vectors, and the rules of the architecture.
//!
//! This library holds what several tests need: addresses of the servers, and data sets with a known answer.

pub mod database;
pub mod edge;
pub mod history;
pub mod platform;
pub mod recording;
