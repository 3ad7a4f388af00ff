//! Any bytes as a bundle.
#![no_main]

#[path = "../../tests/support/hostile.rs"]
#[allow(dead_code, reason = "each target has one of the bodies")]
mod hostile;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    hostile::bundle(bytes);
});
