//! The public API against a real broker.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test fails by panicking; numbers in it are small"
)]

mod support;

use serde_json::{Value, json};
use std::time::Duration;
use support::{Collector, config, key, read_all, topic, until};

async fn collector(topic: &str) -> (Collector, tempfile::TempDir) {
    let spool = tempfile::tempdir().unwrap();
    (Collector::start(config(&support::brokers(), topic, spool.path())).await, spool)
}

fn now(ago: Duration) -> String {
    let at = std::time::SystemTime::now() - ago;
    humantime(at)
}

/// RFC 3339 to the second.
fn humantime(at: std::time::SystemTime) -> String {
    let seconds = at.duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    kerf_events::Millis(i64::try_from(seconds).unwrap()).to_rfc3339()
}

fn statuses(answer: &Value) -> Vec<&str> {
    answer["results"].as_array().unwrap().iter().map(|result| result["status"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_answered_event_by_event_and_lies_in_kafka() {
    let topic = topic();
    let (collector, _spool) = collector(&topic).await;
    let at = now(Duration::from_secs(60));
    let batch = json!({"events": [
        {"event_id": "0198a000-0000-7000-8000-000000000001", "event_type": "exposure", "user_id": "u1",
         "experiment_id": "checkout", "variant": "treatment", "timestamp": at, "context": {"country": "DE"}},
        {"event_id": "order-1", "event_type": "metric", "user_id": "u1", "metric": "revenue", "value": 9.5,
         "timestamp": at},
        {"event_type": "metric", "user_id": "u1", "metric": "revenue", "value": "9.5"},
        {"event_type": "diagnostic", "name": "bundle_refused"},
    ]});
    let (status, answer) = collector.post("/v1/events", batch.to_string()).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(3), &json!(1)));
    assert_eq!(statuses(&answer), ["accepted", "accepted", "rejected", "accepted"]);
    assert_eq!(answer["results"][2]["code"], "wrong_type");
    assert_eq!(answer["results"][2]["pointer"], "/value");

    let arrived = read_all(&topic).await;
    assert_eq!(arrived.len(), 3);
    let unit = key().unit("u1").to_string();
    let of_unit: Vec<_> = arrived.iter().filter(|message| message.key.as_deref() == Some(&unit)).collect();
    assert_eq!(of_unit.len(), 2);
    assert_eq!(of_unit[0].partition, of_unit[1].partition);
    let diagnostic = arrived.iter().find(|message| message.record["type"] == "diagnostic").unwrap();
    assert_eq!(diagnostic.key, None);
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_path_implies_experiment_or_type() {
    let topic = topic();
    let (collector, _spool) = collector(&topic).await;
    let seed = r#"{"user_id": "u7", "event_type": "conversion", "value": 1}"#;
    let (status, answer) = collector.post("/api/v1/experiments/checkout/events", seed).await;
    assert_eq!((status, answer["accepted"].as_u64()), (200, Some(1)), "{answer}");
    let exposure = r#"[{"user_id": "u7", "experiment_id": "checkout", "variant": "control"}]"#;
    assert_eq!(collector.post("/exposures", exposure).await.0, 200);
    assert_eq!(collector.post("/metrics", r#"{"user_id":"u7","metric":"m","value":2}"#).await.0, 200);
    let (status, answer) = collector.post("/exposures", seed).await;
    assert_eq!((status, &answer["results"][0]["code"]), (422, &json!("conflict")));
    let (status, problem) = collector.post("/api/v1/experiments/Not%20a%20key/events", seed).await;
    assert_eq!((status, &problem["type"]), (400, &json!("/problems/invalid_experiment_id")));

    let mut kinds: Vec<_> = read_all(&topic)
        .await
        .iter()
        .map(|message| {
            let record = &message.record;
            (record["type"].clone(), record["experiment_id"].clone(), record["metric"].clone())
        })
        .collect();
    kinds.sort_by_key(|kind| format!("{kind:?}"));
    assert_eq!(
        kinds,
        [
            (json!("exposure"), json!("checkout"), Value::Null),
            (json!("metric"), Value::Null, json!("m")),
            (json!("metric"), json!("checkout"), json!("conversion")),
        ]
    );
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_events_are_refused_as_such() {
    let topic = topic();
    let (collector, _spool) = collector(&topic).await;
    let event = |at: String| {
        json!([{"user_id": "u1", "event_type": "metric", "metric": "m", "value": 1, "timestamp": at}])
            .to_string()
    };
    let day = Duration::from_hours(24);
    let (status, answer) = collector.post("/v1/events", event(now(91 * day))).await;
    assert_eq!((status, &answer["results"][0]["code"]), (422, &json!("timestamp_too_old")));
    assert_eq!(answer["results"][0]["pointer"], "/timestamp");
    let (status, _) = collector.post("/v1/events", event(now(89 * day))).await;
    assert_eq!(status, 200);
    assert_eq!(collector.metric("kerf_collector_events_rejected_total{code=\"timestamp_too_old\"}").await, 1);
    assert_eq!(collector.metric("kerf_collector_events_accepted_total").await, 1);
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_batch_is_a_problem_document() {
    let topic = topic();
    let (collector, _spool) = collector(&topic).await;
    let client = reqwest::Client::new();
    let many = format!("[{}]", vec!["1"; 1_001].join(","));
    let long = format!("[\"{}\"]", "x".repeat(1_000_000));
    for (body, status, slug) in [
        ("{", 400, "malformed_batch"),
        ("[]", 400, "malformed_batch"),
        (many.as_str(), 413, "too_large"),
        (long.as_str(), 413, "too_large"),
    ] {
        let response =
            client.post(format!("{}/v1/events", collector.url)).body(body.to_owned()).send().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{slug}");
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        // A body that was not read to its end would be taken for the next request.
        let ends = response.headers().get("connection").is_some_and(|value| value == "close");
        assert_eq!(ends, body.len() > 1_000_000, "{slug}");
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["type"], format!("/problems/{slug}"));
        assert_eq!(problem["status"], status);
    }
    let wrong_path = client.post(format!("{}/v2/events", collector.url)).send().await.unwrap();
    assert_eq!(wrong_path.status().as_u16(), 404);
    let wrong_method = client.get(format!("{}/v1/events", collector.url)).send().await.unwrap();
    assert_eq!(wrong_method.status().as_u16(), 405);
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_may_send_from_any_site() {
    let topic = topic();
    let (collector, _spool) = collector(&topic).await;
    let client = reqwest::Client::new();
    for path in ["/v1/events", "/exposures", "/metrics", "/api/v1/experiments/checkout/events"] {
        let preflight = client
            .request(reqwest::Method::OPTIONS, format!("{}{path}", collector.url))
            .header("origin", "https://shop.example")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type")
            .send()
            .await
            .unwrap();
        assert_eq!(preflight.status().as_u16(), 200, "{path}");
        assert_eq!(preflight.headers()["access-control-allow-origin"], "https://shop.example", "{path}");
        assert_eq!(preflight.headers()["access-control-allow-methods"], "POST", "{path}");
    }
    let beacon = client
        .post(format!("{}/v1/events", collector.url))
        .header("origin", "https://shop.example")
        .header("content-type", "text/plain;charset=UTF-8")
        .body(r#"{"event_type":"signup","anonymous_id":"a1","value":1}"#)
        .send()
        .await
        .unwrap();
    assert_eq!(beacon.status().as_u16(), 200);
    assert_eq!(beacon.headers()["access-control-allow-origin"], "https://shop.example");
    let operator = client.get(format!("{}/metrics", collector.url)).header("origin", "https://shop.example");
    assert!(!operator.send().await.unwrap().headers().contains_key("access-control-allow-origin"));
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ingest_key_is_asked_for_when_there_is_one() {
    let topic = topic();
    let spool = tempfile::tempdir().unwrap();
    let mut config = config(&support::brokers(), &topic, spool.path());
    config.ingest_key = Some("s3cret".to_owned());
    let collector = Collector::start(config).await;
    let event = r#"{"event_type":"signup","user_id":"u1","value":1}"#;
    let (status, problem) = collector.post("/v1/events", event).await;
    assert_eq!((status, &problem["type"]), (401, &json!("/problems/unauthenticated")));
    let request = reqwest::Client::new().post(format!("{}/v1/events", collector.url)).bearer_auth("s3cret");
    assert_eq!(request.body(event).send().await.unwrap().status().as_u16(), 200);
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_collector_says_how_it_is() {
    let topic = topic();
    let (collector, _spool) = collector(&topic).await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(reqwest::get(format!("{}{path}", collector.url)).await.unwrap().status().as_u16(), 200);
    }
    collector.post("/v1/events", r#"{"event_type":"signup","user_id":"u1","value":1}"#).await;
    let produced = || async { Some(collector.metric("kerf_collector_events_produced_total").await) };
    until("the event is counted", Duration::from_secs(20), async || produced().await.filter(|n| *n == 1))
        .await;
    assert_eq!(collector.metric("kerf_collector_kafka_away").await, 0);
    collector.stop().await;
}
