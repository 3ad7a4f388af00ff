//! The service as its callers see it: real HTTP, real Postgres, a real folder.

#![allow(missing_docs, reason = "tests are named by what they show")]

mod access;
mod experiments;
mod harness;
mod lifecycle;
mod publishing;
