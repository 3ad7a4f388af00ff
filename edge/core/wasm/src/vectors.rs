//! Vector files: a bundle in the wire form, compiled and decided, with everything that could differ between targets written out.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "vector files are our own; one that is damaged has to stop the test"
)]

#[path = "../../tests/support/mod.rs"]
mod support;

use std::fmt::Write;

use kerf_core::explain::Trace;
use kerf_core::{Bundle, Context, compile, wire};
use serde_json::Value;

/// Compiles the bundle of a vector file and decides its cases.
///
/// The result is the compiled bundle, then two lines of text for each case: variant, reason, experiment of the exposure, value
/// of the variant, OpenFeature's reason and error code; and every step that led there, as JSON.
///
/// # Panics
/// If the file is not a vector file, or if deciding one, deciding all and explaining disagree.
pub fn decide(file: &str) -> Vec<u8> {
    let vectors: Value = serde_json::from_str(file).unwrap();
    let wire: wire::Bundle = serde_json::from_value(vectors["bundle"].clone()).unwrap();
    let compiled = compile(&wire).unwrap().bytes;
    let bundle = Bundle::open(&compiled).unwrap();
    let mut text = String::new();
    for case in vectors["cases"].as_array().unwrap() {
        write_case(&mut text, &bundle, case);
    }
    let mut result = compiled;
    result.extend_from_slice(text.as_bytes());
    result
}

fn write_case(text: &mut String, bundle: &Bundle<'_>, case: &Value) {
    let line = support::decide(bundle, case);
    let attributes = support::attributes(&case["context"]);
    let kept = support::sticky(&case["sticky"]);
    let context = Context::new(&attributes, case["now_ms"].as_i64().unwrap_or(0))
        .consent(case["consent"].as_bool().unwrap_or(true))
        .sticky(&kept);
    let mut trace = Trace::new(bundle);
    let handle = bundle.find(case["key"].as_str().unwrap()).unwrap();
    let decision = bundle.bind(&context).explain(handle, &mut trace);
    let value = bundle.variant(&decision).and_then(|variant| variant.value());
    let value = value.map(|value| value.to_string()).unwrap_or_default();
    let reason = decision.reason();
    let error = reason.error().map_or("-", |error| error.as_str());
    writeln!(text, "{line} {value:?} {} {error}", reason.open_feature().as_str()).unwrap();
    writeln!(text, "{}", serde_json::to_string(trace.steps()).unwrap()).unwrap();
}
