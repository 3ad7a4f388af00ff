//! The edge's own API.

mod support;

use kerf_gateway::{Api, Gateway, Route};
use serde_json::{Value, json};
use support::{call, edge, settings};

#[test]
fn an_assignment_counts_once_unless_it_is_told_not_to() {
    let (gateway, _) = edge();
    let (answer, body) = call(&gateway, "GET", "/api/v1/experiments/everybody/assignment?user_id=u-1", "");
    assert_eq!(answer.status, 200);
    assert_eq!((body["in_experiment"].as_bool(), body["reason"].as_str()), (Some(true), Some("assigned")));
    assert_eq!((body["experiment_id"].as_str(), body["user_id"].as_str()), (Some("everybody"), Some("u-1")));
    // mmh3 5.3.1: hash("everybody:u-1:variant") mod 10000 is 7028, not below 5000.
    assert_eq!(body["variant"], "treatment");
    assert_eq!(body["config"], json!({"color": "green"}));
    let event: Value = serde_json::from_str(&answer.events[0]).unwrap();
    assert_eq!((&event["variant"], event["user_id"].as_str()), (&body["variant"], Some("u-1")));
    let (answer, _) =
        call(&gateway, "GET", "/api/v1/experiments/everybody/assignment?user_id=u-1&exposure=false", "");
    assert_eq!(answer.events.len(), 0);
}

#[test]
fn attributes_come_as_text_or_typed() {
    let (gateway, _) = edge();
    for (query, reason) in [
        ("user_id=u&country=DE&context=%7B%22age%22%3A22%7D", "assigned"),
        ("user_id=u&country=DE&context=%7B%22age%22%3A17%7D", "not_targeted"),
        ("user_id=u&country=FR&context=%7B%22age%22%3A22%7D", "not_targeted"),
        ("user_id=u&country=DE&age=22", "not_targeted"),
    ] {
        let target = format!("/api/v1/experiments/adults/assignment?{query}");
        assert_eq!(call(&gateway, "GET", &target, "").1["reason"], reason, "{query}");
    }
}

#[test]
fn paused_is_control_and_is_not_counted() {
    let (gateway, _) = edge();
    let (answer, body) = call(&gateway, "GET", "/api/v1/experiments/paused/assignment?user_id=u-1", "");
    assert_eq!((body["variant"].as_str(), body["in_experiment"].as_bool()), (Some("control"), Some(false)));
    assert_eq!((body["reason"].as_str(), answer.events.len()), (Some("paused"), 0));
}

#[test]
fn what_is_wrong_with_a_call_is_said() {
    let (gateway, _) = edge();
    for (method, target, body, status, slug) in [
        ("GET", "/api/v1/experiments/nobody/assignment?user_id=u", "", 404, "/problems/not_found"),
        ("GET", "/api/v1/experiments/everybody/assignment", "", 400, "/problems/bad_parameter"),
        (
            "GET",
            "/api/v1/experiments/everybody/assignment?user_id=u&context=[1",
            "",
            400,
            "/problems/malformed_json",
        ),
        ("POST", "/evaluate", "{", 400, "/problems/malformed_json"),
        ("POST", "/evaluate", "{\"contxt\":{}}", 400, "/problems/malformed_json"),
        ("POST", "/evaluate", "{\"keys\":[\"nobody\"]}", 404, "/problems/not_found"),
    ] {
        let (answer, problem) = call(&gateway, method, target, body);
        assert_eq!(
            (answer.status, answer.content_type),
            (status, "application/problem+json"),
            "{target} {body}"
        );
        assert_eq!((problem["type"].as_str(), problem["status"].as_u64()), (Some(slug), Some(status.into())));
    }
}

#[test]
fn evaluate_answers_all_or_the_keys_asked_for() {
    let (gateway, _) = edge();
    let (answer, body) = call(&gateway, "POST", "/evaluate", r#"{"context":{"user_id":"u-1"}}"#);
    assert_eq!(body["bundle_version"], 7);
    assert_eq!(body["assignments"].as_object().unwrap().len(), 4);
    assert_eq!(
        body["assignments"]["new_nav"],
        json!({"variant": "on", "value": true, "in_experiment": false, "reason": "static"})
    );
    assert_eq!(answer.events.len(), 0);
    let request = r#"{"context":{"user_id":"u-1"},"keys":["everybody"],"exposure":true}"#;
    let (answer, body) = call(&gateway, "POST", "/evaluate", request);
    assert_eq!(body["assignments"].as_object().unwrap().len(), 1);
    assert_eq!(answer.events.len(), 1);
}

#[test]
fn without_a_bundle_the_answer_is_control() {
    let gateway = Gateway::new(settings());
    let (answer, body) = call(&gateway, "GET", "/api/v1/experiments/any/assignment?user_id=u", "");
    assert_eq!((answer.status, body["variant"].as_str()), (200, Some("control")));
    assert_eq!(body["reason"], "no_bundle");
    let (answer, body) = call(&gateway, "POST", "/evaluate", "{}");
    assert_eq!((answer.status, &body["assignments"]), (200, &json!({})));
}

#[test]
fn health_names_the_bundle() {
    let (gateway, _) = edge();
    let (_, body) = call(&gateway, "GET", "/kerf/health", "");
    assert_eq!((&body["bundle_version"], &body["last_refusal"]), (&json!(7), &Value::Null));
}

#[test]
fn everything_else_goes_to_the_origin() {
    let (mut gateway, _) = edge();
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/evaluate"),
        ("POST", "/api/v1/experiments/x/assignment"),
        ("GET", "/api/v1/experiments//assignment"),
        ("GET", "/api/v1/experiments/a/b/assignment"),
        ("GET", "/api/v1/experiments/x"),
    ] {
        assert_eq!(gateway.route(method, path), Route::Proxy, "{method} {path}");
    }
    gateway.settings.api_prefix = "/edge".into();
    assert_eq!(gateway.route("POST", "/evaluate"), Route::Proxy);
    assert_eq!(gateway.route("POST", "/edge/evaluate"), Route::Api(Api::Evaluate));
}
