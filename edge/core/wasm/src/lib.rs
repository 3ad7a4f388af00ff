//! The core as a WebAssembly module for tests and measurements: vector files and workloads, behind a plain C interface.
//!
//! The module imports nothing, so any host can run it: a host asks `input` for room, writes its bytes there, calls a function,
//! and reads what `output` and `output_len` point at. Natively the same functions are those of [`vectors`] and [`workloads`],
//! which is what the module is compared with.

pub mod vectors;
pub mod workloads;

#[cfg(target_family = "wasm")]
mod exports;
