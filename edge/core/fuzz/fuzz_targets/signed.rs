//! Any bytes as a signed pointer and as a signed cookie.
#![no_main]

#[path = "../../tests/support/hostile.rs"]
#[allow(dead_code, reason = "each target has one of the bodies")]
mod hostile;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hostile::signed(bytes, include_str!("../seeds/signed/pointer")));
