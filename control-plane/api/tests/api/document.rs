//! What the API says about itself.

use std::path::Path;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Server, checkout};

/// The OpenAPI document is kept beside the crate, so that a change of the API is seen in review.
#[test]
fn the_document_is_the_one_that_was_reviewed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let document = kerf_control_api::openapi().to_pretty_json().unwrap() + "\n";
    if std::env::var_os("KERF_UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, &document).unwrap();
    }
    let reviewed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        reviewed == document,
        "the API changed: look at it with `KERF_UPDATE_SNAPSHOTS=1 cargo test -p kerf-control-api document` and `git diff`"
    );
}

#[test]
fn every_answer_of_the_document_has_a_description() {
    let document = serde_json::to_value(kerf_control_api::openapi()).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(!operation["summary"].as_str().unwrap_or_default().is_empty(), "{method} {path}");
            for (status, answer) in operation["responses"].as_object().unwrap() {
                let reference =
                    answer["$ref"].as_str().and_then(|to| document.pointer(to.trim_start_matches('#')));
                let described = reference.unwrap_or(answer);
                assert!(described["description"].is_string(), "{method} {path} {status}");
            }
        }
    }
}

#[tokio::test]
async fn every_type_of_problem_has_a_page() {
    let server = Server::start().await;
    let missing = server.get("/nowhere").await;
    missing.is_problem(404, "not_found");
    let request = server.request(Method::PUT, "/healthz", "").send().await.unwrap();
    Answer::of(request).await.is_problem(405, "method_not_allowed");
    for slug in [
        "malformed_json",
        "bad_parameter",
        "bad_cursor",
        "unauthenticated",
        "forbidden",
        "not_found",
        "method_not_allowed",
        "key_taken",
        "key_retired",
        "illegal_transition",
        "layer_full",
        "stale_version",
        "too_large",
        "unsupported_media_type",
        "invalid",
        "start_checks_failed",
        "idempotency_mismatch",
        "precondition_required",
        "rate_limited",
        "internal",
        "unavailable",
    ] {
        let page = server.get(&format!("/problems/{slug}")).await.is(200);
        assert!(matches!(&page.body, Value::String(text) if text.contains(slug)), "{slug}");
    }
    server.get("/problems/nothing").await.is_problem(404, "not_found");
}

/// Values that a careless or hostile client sends.
fn odd_value() -> impl Strategy<Value = Value> {
    let odd_text = prop::sample::select(vec![
        "",
        " ",
        "\0",
        "a\0b",
        "null",
        "../..",
        "%00",
        "é\u{202e}",
        "'; drop table experiment; --",
        "checkout_ui",
        "external",
        "kerf",
        "2026-11-25T00:00:00Z",
        "9999-12-31T23:59:60Z",
        "regex",
        "(",
        "user_id",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0_u8..=110).prop_map(Value::from),
        odd_text.prop_map(Value::from),
        Just(Value::from("x".repeat(5_000))),
        ".{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let name = prop::sample::select(vec![
            "name", "weight", "config", "attr", "op", "value", "values", "and", "not", "", "\0",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..4).prop_map(|fields| fields
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect()),
        ]
    })
}

/// The documented body with some fields changed.
fn odd_body() -> impl Strategy<Value = Value> {
    let field = prop::sample::select(vec![
        "name",
        "key",
        "hypothesis",
        "layer",
        "unit",
        "traffic_percent",
        "assignment",
        "started_at",
        "ended_at",
        "variants",
        "targeting",
        "primary_metric",
        "guardrail_metrics",
        "reason",
        "decision",
        "variant",
        "role",
        "id",
    ]);
    let changed = prop::collection::vec((field, odd_value()), 0..4).prop_map(|changes| {
        let mut body = checkout();
        for (name, value) in changes {
            body[name] = value;
        }
        body
    });
    prop_oneof![4 => changed, 1 => odd_value()]
}

/// Calls every operation with odd bodies, paths and queries. None may fail inside, or answer what is not documented.
#[tokio::test]
async fn no_request_is_answered_with_what_is_not_documented() {
    let server = Server::start().await;
    let document = serde_json::to_value(kerf_control_api::openapi()).unwrap();
    let mut runner = TestRunner::default();
    let paths =
        ["checkout_button_color", "draft", "checkout_ui", "%00", "a%2Fb", "x%FF", "production", "-", "layer"];
    let queries = [
        "",
        "?limit=3",
        "?cursor=%00",
        "?reason=%00",
        "?key=%00",
        "?status=%F0",
        "?layer=a%00",
        "?x=1",
        "?cursor=Ilx1MDAwMCI",
    ];
    server.post("/api/v1/experiments", &checkout()).await.is(201);
    let mut called = 0;
    for round in 0..60 {
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let body = odd_body().new_tree(&mut runner).unwrap().current();
                let part = paths[(round + called) % paths.len()];
                let real: String = path
                    .split('/')
                    .map(|name| if name.starts_with('{') { part } else { name })
                    .collect::<Vec<_>>()
                    .join("/");
                let real = format!("{real}{}", queries[(round * 7 + called) % queries.len()]);
                let verb = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                let request = server.request(verb, &real, &server.admin).header("if-match", "*").json(&body);
                let answer = Answer::of(request.send().await.unwrap()).await;
                called += 1;
                let documented = operation["responses"].get(answer.status.to_string());
                // 503 is what results answer here, because no analysis plane is configured.
                let inside = answer.status >= 500 && !path.ends_with("/results");
                assert!(
                    documented.is_some() && !inside,
                    "{method} {real} {body}: {} {:?}",
                    answer.status,
                    answer.body
                );
            }
        }
    }
    assert!(called > 1_000);
    assert_eq!(server.get("/api/v1/audit/check").await.body["intact"], json!(true));
}
