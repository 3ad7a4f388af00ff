//! The core on every target: what `kerf-core-wasm` exports, run by the hosts that decide in production.
//!
//! Natively the functions of that crate are called; in WebAssembly the module is loaded by [`Wasmtime`], and by [`Workerd`], the
//! runtime of Cloudflare Workers. All three give the same bytes; the test `vectors` asserts it, the benchmark `targets` compares
//! their times, and those of [`V8`], whose clock runs while it works.

#![expect(clippy::panic, reason = "hosts for tests and measurements: whatever does not start ends them")]
#![expect(clippy::missing_panics_doc, reason = "see above")]

mod node;
mod v8;
mod wasmtime_host;
mod workerd;

use std::env;
use std::fs;
use std::path::PathBuf;

pub use v8::V8;
pub use wasmtime_host::{Compiled, Wasmtime};
pub use workerd::Workerd;

/// A setting that `./dev test` and `./dev bench` make.
fn setting(name: &str) -> PathBuf {
    match env::var_os(name) {
        Some(value) => value.into(),
        None => {
            panic!("{name} is not set; run `./dev test` or `./dev bench`, which build and set what is needed")
        }
    }
}

/// The built module.
pub fn module() -> PathBuf {
    setting("KERF_TEST_CORE_MODULE")
}

/// The vector files, in order.
pub fn vector_files() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors");
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut files: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    files
}
