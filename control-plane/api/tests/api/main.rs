//! The service as its callers see it: real HTTP, real Postgres, a real folder.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]
#![allow(missing_docs, reason = "tests are named by what they show")]

mod access;
mod document;
mod experiments;
mod faults;
mod forwarding;
mod harness;
mod lifecycle;
mod publishing;
