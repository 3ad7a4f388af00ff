//! The core as WebAssembly in workerd decides as the core does natively, one unit after another.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, also in its helpers"
)]

use futures::stream::{self, StreamExt as _};
use kerf_core::{Attribute, Bundle, Context};
use kerf_tests::edge::{Edge, Platform, Published};
use serde_json::{Value, json};

/// Units compared.
const UNITS: usize = 10_000;
/// Requests in flight at a time.
const AT_ONCE: usize = 16;

/// Experiments and flags that use gate, layer, weights, targeting, holdout, rollout and fall-through.
fn wire() -> Value {
    let variants = |weights: &[u32]| -> Value {
        weights.iter().enumerate().map(|(i, bp)| json!({ "key": format!("v{i}"), "weight_bp": bp })).collect()
    };
    let experiment = |key: &str, extra: Value| {
        let mut experiment = json!({
            "key": key, "salt": key, "unit": "user_id", "state": "running", "traffic_bp": 10_000, "control": "v0",
            "variants": variants(&[5_000, 5_000]),
        });
        experiment.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        experiment
    };
    let rollout =
        json!({ "bp": 1_000, "unit": "user_id", "variants": [{ "key": "v1", "weight_bp": 10_000 }] });
    json!({
        "format": 1, "environment": "production", "version": 1, "created": "2026-11-25T04:00:00Z",
        "layers": [{ "key": "ui", "unit": "user_id" }],
        "holdouts": [{ "key": "q4", "unit": "user_id", "bp": 500, "mode": "simple", "scope": "global" }],
        "experiments": [
            experiment("half", json!({})),
            experiment("three", json!({ "variants": variants(&[3_333, 3_333, 3_334]), "salt": "three:2" })),
            experiment("gated", json!({ "traffic_bp": 2_000 })),
            experiment("layered_a", json!({ "layer": "ui", "ranges": [[0, 3_000]], "traffic_bp": null })),
            experiment("layered_b", json!({ "layer": "ui", "ranges": [[3_000, 6_000]], "traffic_bp": null })),
            experiment("held", json!({ "holdouts": ["q4"] })),
            experiment("adults", json!({ "when": { "attr": "age", "op": "gte", "value": 18 } })),
            experiment("semver", json!({ "when": { "attr": "version", "op": "semver_gte", "value": "2.3" } })),
            experiment("regex", json!({ "when": { "attr": "user_id", "op": "regex", "value": "[0-4]$" } })),
        ],
        "flags": [{
            "key": "ramp", "type": "string", "enabled": true, "unit": "user_id", "off_variant": "v0", "default": "v0",
            "variants": [{ "key": "v0", "value": "old" }, { "key": "v1", "value": "new" }],
            "rules": [{ "id": "first", "rollout": rollout }, { "id": "test", "experiment": "half" }],
        }],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_worker_decides_as_the_core_does() {
    let edge = Edge::start(Platform::Worker).await;
    let published = Published::new(1, &wire());
    edge.publish(&published).await;
    edge.until(|health| health["bundle_version"] == 1).await;
    let bundle = Bundle::open(&published.bytes).unwrap();
    let edge = &edge;
    let answers = stream::iter(0..UNITS).map(|i| async move { (i, evaluate(edge, &unit(i)).await) });
    let mut answers = answers.buffer_unordered(AT_ONCE);
    let mut compared = 0;
    while let Some((i, answer)) = answers.next().await {
        assert_eq!(answer, native(&bundle, &unit(i)), "unit {i}");
        compared += 1;
    }
    assert_eq!(compared, UNITS);
}

/// Id, age and version of the i-th unit; ids of several scripts and lengths.
fn unit(i: usize) -> (String, f64, String) {
    let id = match i % 4 {
        0 => format!("user-{i:08}"),
        1 => format!("{i}"),
        2 => format!("用户-{i}-ünit"),
        _ => format!("{i:032x}"),
    };
    (id, (i % 40) as f64 / 2.0 + 8.0, format!("v{}.{}.{}", i % 4, i % 7, i % 3))
}

async fn evaluate(edge: &Edge, (id, age, version): &(String, f64, String)) -> Value {
    let body = json!({ "context": { "user_id": id, "age": age, "version": version } });
    let request = edge.client().post(format!("{}/evaluate", edge.url)).json(&body);
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    let assignments = answer["assignments"].as_object().unwrap();
    assignments.iter().map(|(key, one)| (key.clone(), json!([one["variant"], one["reason"]]))).collect()
}

/// The same, decided in this process.
fn native(bundle: &Bundle<'_>, (id, age, version): &(String, f64, String)) -> Value {
    let attributes =
        [Attribute::text("user_id", id), Attribute::number("age", *age), Attribute::text("version", version)];
    let context = Context::new(&attributes, jiff::Timestamp::now().as_millisecond());
    let subject = bundle.bind(&context);
    let keys =
        ["half", "three", "gated", "layered_a", "layered_b", "held", "adults", "semver", "regex", "ramp"];
    keys.iter()
        .map(|key| {
            let decision = subject.decide(bundle.find(key).unwrap());
            let variant = bundle.variant(&decision).and_then(|variant| variant.key().map(str::to_owned));
            ((*key).to_owned(), json!([variant, decision.reason().as_str()]))
        })
        .collect()
}
