//! What the API says about itself.

use std::path::Path;

use serde_json::Value;

use crate::harness::Server;

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
    let request = server.request(reqwest::Method::PUT, "/healthz", "").send().await.unwrap();
    crate::harness::Answer::of(request).await.is_problem(405, "method_not_allowed");
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
