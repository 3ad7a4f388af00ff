//! What the tests share: visits in JSON, and deciding them with the core.

use kerf_core::sticky::StickyEntry;
use kerf_core::{Attribute, Bundle, Context, Decision};
use serde_json::Value;

/// Attributes of a JSON context; null is left out, as every caller of the core does.
pub(crate) fn attributes(context: &Value) -> Vec<Attribute<'_>> {
    let members = context.as_object().into_iter().flatten();
    members
        .filter_map(|(name, value)| {
            Some(match value {
                Value::String(text) => Attribute::text(name, text),
                Value::Number(number) => Attribute::number(name, number.as_f64()?),
                Value::Bool(value) => Attribute::boolean(name, *value),
                Value::Array(_) | Value::Object(_) => Attribute { name, value: kerf_core::Value::Other },
                Value::Null => return None,
            })
        })
        .collect()
}

/// Kept assignments of `[[salt, variant], …]`.
pub(crate) fn sticky(kept: &Value) -> Vec<StickyEntry> {
    let pairs = kept.as_array().into_iter().flatten();
    pairs.map(|pair| StickyEntry::of(pair[0].as_str().unwrap(), pair[1].as_str().unwrap())).collect()
}

/// Variant, reason and experiment of a decision, as a line.
pub(crate) fn line(bundle: &Bundle<'_>, decision: &Decision) -> String {
    let variant = bundle.variant(decision).and_then(|variant| variant.key()).unwrap_or("-");
    let exposure = decision.exposure().and_then(|handle| bundle.key(handle)).unwrap_or("-");
    format!("{variant} {} {exposure}", decision.reason().as_str())
}

/// Decides a case of a vector file one by one, and checks that deciding all and explaining agree.
pub(crate) fn decide(bundle: &Bundle<'_>, case: &Value) -> String {
    let attributes = attributes(&case["context"]);
    let kept = sticky(&case["sticky"]);
    let now = case["now_ms"].as_i64().unwrap_or(0);
    let context =
        Context::new(&attributes, now).consent(case["consent"].as_bool().unwrap_or(true)).sticky(&kept);
    let key = case["key"].as_str().unwrap();
    let Some(handle) = bundle.find(key) else { return "- flag_not_found -".to_owned() };
    let subject = bundle.bind(&context);
    let decision = subject.decide(handle);
    let mut all = vec![Decision::EMPTY; bundle.len()];
    assert_eq!(subject.decide_all(&mut all), bundle.len());
    assert_eq!(all[handle.index()], decision, "deciding all differs from deciding one: {case}");
    let mut trace = kerf_core::explain::Trace::new(bundle);
    assert_eq!(subject.explain(handle, &mut trace), decision, "explaining differs from deciding: {case}");
    assert_eq!(bundle.bind_with::<2>(&context).decide(handle), decision, "a small subject differs: {case}");
    line(bundle, &decision)
}
