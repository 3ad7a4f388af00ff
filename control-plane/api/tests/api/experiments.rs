//! Create, read, change.

use std::sync::Arc;

use reqwest::Method;
use serde_json::json;

use crate::harness::{Answer, Server, checkout, experiment};

#[tokio::test]
async fn the_documented_body_is_taken_as_it_stands() {
    let server = Server::start().await;
    let created = server.post("/api/v1/experiments", &checkout()).await.is(201);
    assert_eq!(created.header("etag"), "\"v1\"");
    assert_eq!(created.header("location"), "/api/v1/experiments/checkout_button_color");
    let read = server.get("/api/v1/experiments/checkout_button_color").await.is(200);
    assert_eq!(read.body, created.body);
    let body = &read.body;
    assert_eq!(
        (&body["id"], &body["key"]),
        (&json!("checkout_button_color"), &json!("checkout_button_color"))
    );
    assert_eq!(body["status"], "draft");
    assert_eq!(body["version"], 1);
    assert_eq!(body["unit"], "user_id");
    assert_eq!(body["traffic_percent"], 20.0);
    assert_eq!(body["assignment"], "kerf");
    assert_eq!(
        body["variants"][1],
        json!({"name": "treatment", "weight": 50.0, "config": {"button_color": "green"}})
    );
    assert_eq!(body["guardrail_metrics"], json!(["crash_rate", "p95_latency"]));
    assert_eq!(body["actions"], json!(["start", "archive"]));
    assert_eq!(body["started_at"], json!(null));
}

#[tokio::test]
async fn faults_are_answered_with_their_places() {
    let server = Server::start().await;
    let mut short = checkout();
    short["variants"][1]["weight"] = json!(49);
    let answer = server.post("/api/v1/experiments", &short).await;
    assert_eq!(answer.is_problem(422, "invalid").violations(), [("/variants", "weights_do_not_add_up")]);

    let mut unknown = checkout();
    unknown["layer"] = json!("nowhere");
    let answer = server.post("/api/v1/experiments", &unknown).await;
    assert_eq!(answer.is_problem(422, "invalid").violations(), [("/layer", "unknown_layer")]);

    let several = json!({
        "key": "Bad Key", "traffic_precent": 20, "version": 3,
        "targeting": {"and": [{"attr": "country", "op": "looks_like", "value": "DE"}]},
    });
    let answer = server.post("/api/v1/experiments", &several).await;
    let mut violations = answer.is_problem(422, "invalid").violations();
    violations.sort_unstable();
    assert_eq!(
        violations,
        [
            ("/key", "bad_key"),
            ("/name", "required"),
            ("/targeting/and/0/op", "unknown_operator"),
            ("/traffic_precent", "unknown_field"),
            ("/version", "read_only"),
        ]
    );
    server.post("/api/v1/experiments", &json!([1])).await.is_problem(422, "invalid");
}

#[tokio::test]
async fn what_is_no_json_document_is_refused_before_it_is_read() {
    let server = Server::start().await;
    let send = async |content_type: &str, body: Vec<u8>| {
        let request = server.request(Method::POST, "/api/v1/experiments", &server.admin);
        Answer::of(request.header("content-type", content_type).body(body).send().await.unwrap()).await
    };
    send("application/json", b"{\"name\": ".to_vec()).await.is_problem(400, "malformed_json");
    send("text/plain", b"{}".to_vec()).await.is_problem(415, "unsupported_media_type");
    send("application/json", vec![b' '; 1_048_577]).await.is_problem(413, "too_large");
    send("application/json; charset=utf-8", checkout().to_string().into_bytes()).await.is(201);
}

#[tokio::test]
async fn a_text_that_postgres_cannot_keep_is_a_fault_of_the_request() {
    let server = Server::start().await;
    let mut body = checkout();
    body["variants"][0]["config"] = json!({"text": "a\0b"});
    server.post("/api/v1/experiments", &body).await.is_problem(400, "bad_parameter");
    server.get("/api/v1/audit?key=%00").await.is_problem(400, "bad_parameter");
}

#[tokio::test]
async fn a_key_is_taken_once_and_never_used_again() {
    let server = Server::start().await;
    server.post("/api/v1/experiments", &checkout()).await.is(201);
    server.post("/api/v1/experiments", &checkout()).await.is_problem(409, "key_taken");
    server.act("checkout_button_color", "start").await.is(200);
    server.act("checkout_button_color", "complete").await.is(200);
    server.act("checkout_button_color", "archive").await.is(200);
    server.post("/api/v1/experiments", &checkout()).await.is_problem(409, "key_taken");
    // Even when somebody removes the row by hand, the key stays retired.
    let removed = "begin; delete from publish_outbox; alter table layer_range disable trigger all; delete from layer_range;
        delete from experiment; commit";
    server.database.execute(removed).await.unwrap();
    server.post("/api/v1/experiments", &checkout()).await.is_problem(409, "key_retired");
}

#[tokio::test]
async fn a_change_names_the_version_that_it_changes() {
    let server = Server::start().await;
    server.post("/api/v1/experiments", &checkout()).await.is(201);
    let path = "/api/v1/experiments/checkout_button_color";

    let request = server.request(Method::PATCH, path, &server.admin).json(&json!({"hypothesis": "x"}));
    Answer::of(request.send().await.unwrap()).await.is_problem(428, "precondition_required");
    server.patch("checkout_button_color", "v1", &json!({})).await.is_problem(400, "bad_parameter");

    let changed =
        server.patch("checkout_button_color", "\"v1\"", &json!({"traffic_percent": 30})).await.is(200);
    assert_eq!(changed.header("etag"), "\"v2\"");
    assert_eq!(changed.body["traffic_percent"], 30.0);
    assert_eq!(changed.body["hypothesis"], checkout()["hypothesis"], "what a patch does not name stays");

    let stale = server.patch("checkout_button_color", "\"v1\"", &json!({"traffic_percent": 40})).await;
    let current = &stale.is_problem(412, "stale_version").body["current"];
    assert_eq!(current["version"], 2);
    assert_eq!(current["etag"], "\"v2\"");
    assert_eq!(current["changed_by"], "test admin");
    assert_eq!(current["changed"], json!(["/traffic_percent"]));

    server.patch("checkout_button_color", "*", &json!({"traffic_percent": 40})).await.is(200);
    let same = server.patch("checkout_button_color", "\"v3\"", &json!({"traffic_percent": 40})).await.is(200);
    assert_eq!(same.header("etag"), "\"v3\"", "a patch that changes nothing makes no version");
}

#[tokio::test]
async fn a_copy_that_is_current_is_not_sent_again() {
    let server = Server::start().await;
    server.post("/api/v1/experiments", &checkout()).await.is(201);
    let read = async |tag: &str| {
        let path = "/api/v1/experiments/checkout_button_color";
        let request = server.request(Method::GET, path, &server.viewer).header("if-none-match", tag);
        Answer::of(request.send().await.unwrap()).await
    };
    let unchanged = read("\"v1\"").await.is(304);
    assert_eq!((unchanged.header("etag"), &unchanged.body), ("\"v1\"", &json!("")));
    read("\"v0\"").await.is(200);
}

#[tokio::test]
async fn lists_go_on_where_they_stopped_also_when_something_is_added() {
    let server = Server::start().await;
    for number in 0..7 {
        server.post("/api/v1/experiments", &experiment(&format!("e{number}"), 1.0)).await.is(201);
    }
    server.act("e3", "start").await.is(200);
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = server.get(&format!("/api/v1/experiments?limit=3{cursor}")).await.is(200);
        seen.extend(page.body["items"].as_array().unwrap().iter().map(|item| item["key"].clone()));
        server.post("/api/v1/experiments", &experiment(&format!("later{}", seen.len()), 1.0)).await.is(201);
        match page.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["e6", "e5", "e4", "e3", "e2", "e1", "e0"]);
    let running = server.get("/api/v1/experiments?status=running").await.is(200);
    assert_eq!(running.body["items"].as_array().unwrap().len(), 1);
    assert_eq!(server.get("/api/v1/experiments?layer=other").await.is(200).body["items"], json!([]));
    server.get("/api/v1/experiments?status=gone").await.is_problem(400, "bad_parameter");
    server.get("/api/v1/experiments?state=running").await.is_problem(400, "bad_parameter");
    server.get("/api/v1/experiments?limit=0").await.is_problem(400, "bad_parameter");
    server.get("/api/v1/experiments?cursor=abc").await.is_problem(400, "bad_cursor");
}

#[tokio::test]
async fn every_version_is_kept_as_it_was() {
    let server = Server::start().await;
    server.post("/api/v1/experiments", &checkout()).await.is(201);
    server.patch("checkout_button_color", "*", &json!({"traffic_percent": 30})).await.is(200);
    server.act("checkout_button_color", "start").await.is(200);
    let request =
        server.request(Method::POST, "/api/v1/experiments/checkout_button_color/pause", &server.admin);
    let paused = request.json(&json!({"reason": "payment provider is down"})).send().await.unwrap();
    assert_eq!(paused.status(), 200);

    let versions = server.get("/api/v1/experiments/checkout_button_color/versions").await.is(200).body;
    let told: Vec<_> =
        versions["items"].as_array().unwrap().iter().map(|v| (&v["version"], &v["action"])).collect();
    assert_eq!(
        told,
        [
            (&json!(4), &json!("experiment.pause")),
            (&json!(3), &json!("experiment.start")),
            (&json!(2), &json!("experiment.update")),
            (&json!(1), &json!("experiment.create")),
        ]
    );
    assert_eq!(versions["items"][0]["reason"], "payment provider is down");
    assert_eq!(versions["items"][0]["snapshot"]["status"], "paused");
    assert_eq!(versions["items"][3]["snapshot"]["traffic_percent"], 20.0);
    let page = server.get("/api/v1/experiments/checkout_button_color/versions?limit=1").await.is(200).body;
    let next = page["next_cursor"].as_str().unwrap();
    let rest =
        server.get(&format!("/api/v1/experiments/checkout_button_color/versions?cursor={next}")).await.body;
    assert_eq!(rest["items"].as_array().unwrap().len(), 3);
    server.get("/api/v1/experiments/nothing/versions").await.is_problem(404, "not_found");
}

#[tokio::test]
async fn two_clients_change_a_thousand_times_and_no_update_is_lost() {
    let server = Arc::new(Server::start().await);
    server.post("/api/v1/experiments", &checkout()).await.is(201);
    let clients = ["left", "right"].map(|name| {
        let server = server.clone();
        tokio::spawn(async move {
            let mut refused = 0;
            for _ in 0..500 {
                refused += append(&server, name).await;
            }
            refused
        })
    });
    let mut refused = 0;
    for client in clients {
        refused += client.await.unwrap();
    }
    let body = server.get("/api/v1/experiments/checkout_button_color").await.body;
    let marks = body["hypothesis"].as_str().unwrap();
    assert_eq!((marks.matches('l').count(), marks.matches('r').count()), (500, 500));
    assert_eq!(body["version"], 1_001, "every update is a version, and {refused} were refused as stale");
    let check = server.get("/api/v1/audit/check").await.body;
    // The layer, two keys, the draft and the updates.
    assert_eq!(check, json!({"intact": true, "rows": 1_004, "first_broken": null}));
}

/// Adds a letter to what is there, as often as it takes; how often it was refused.
async fn append(server: &Server, name: &str) -> usize {
    let mut refused = 0;
    loop {
        let read = server.get("/api/v1/experiments/checkout_button_color").await.is(200);
        let before = if read.body["version"] == 1 { "" } else { read.body["hypothesis"].as_str().unwrap() };
        let patch = json!({"hypothesis": format!("{before}{}", &name[..1])});
        let answer = server.patch("checkout_button_color", read.header("etag"), &patch).await;
        if answer.status == 200 {
            return refused;
        }
        let current = &answer.is_problem(412, "stale_version").body["current"];
        assert_eq!(current["changed"], json!(["/hypothesis"]));
        refused += 1;
    }
}
