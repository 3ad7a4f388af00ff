//! Any context against stored bundles.
#![no_main]

#[path = "../../tests/support/hostile.rs"]
#[allow(dead_code, reason = "each target has one of the bodies")]
mod hostile;

static BUNDLES: [&[u8]; 3] = [
    include_bytes!("../../vectors/format-1/operators.krfb"),
    include_bytes!("../../vectors/format-1/experiments.krfb"),
    include_bytes!("../../vectors/format-1/patterns.krfb"),
];

libfuzzer_sys::fuzz_target!(|text: &str| hostile::context(&BUNDLES, text));
