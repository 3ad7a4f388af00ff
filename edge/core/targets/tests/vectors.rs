//! The vectors give the same bytes natively, in wasmtime and in workerd: the compiled bundle, every decision, every step.

#![expect(clippy::panic, reason = "it says more than an assertion")]

use std::fs;

use kerf_core_targets::{Compiled, Workerd, vector_files};
use kerf_core_wasm::vectors;

/// Says where two results part, with the line that differs.
fn assert_same(name: &str, native: &[u8], other: &[u8]) {
    if native == other {
        return;
    }
    let common = native.iter().zip(other).take_while(|(native, other)| native == other).count();
    let line = |bytes: &[u8]| {
        let start =
            bytes.iter().take(common).rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        let line = bytes.iter().skip(start).take_while(|byte| **byte != b'\n').copied().collect::<Vec<_>>();
        String::from_utf8_lossy(&line).into_owned()
    };
    panic!(
        "{name}: {} and {} bytes, the first {common} the same\nnatively: {}\nthere:    {}",
        native.len(),
        other.len(),
        line(native),
        line(other)
    );
}

#[test]
fn wasmtime_decides_as_the_native_core() {
    let compiled = Compiled::new(false);
    let mut instance = compiled.instance();
    for path in vector_files() {
        let file = fs::read_to_string(&path).unwrap();
        let native = vectors::decide(&file);
        assert_same(&path.display().to_string(), &native, &instance.decide_vectors(&file));
    }
}

#[test]
fn workerd_decides_as_the_native_core() {
    let mut workerd = Workerd::start();
    for path in vector_files() {
        let native = vectors::decide(&fs::read_to_string(&path).unwrap());
        assert_same(&path.display().to_string(), &native, &workerd.decide_vectors(&path));
    }
}
