//! Moves of an experiment's life, and what may change on the way.

use serde_json::{Value, json};

use crate::harness::{Server, checkout, experiment};

#[tokio::test]
async fn a_life_from_draft_to_archive() {
    let server = Server::start().await;
    server.post("/api/v1/experiments", &checkout()).await.is(201);
    let key = "checkout_button_color";
    let started = server.act(key, "start").await.is(200).body;
    assert_eq!((&started["status"], &started["actions"]), (&json!("running"), &json!(["pause", "complete"])));
    assert_eq!(started["started_at"], started["updated_at"]);

    let again = server.act(key, "start").await;
    assert_eq!(again.is_problem(409, "illegal_transition").body["code"], "already_started");
    assert_eq!(
        server.act(key, "archive").await.is_problem(409, "illegal_transition").body["code"],
        "still_live"
    );

    assert_eq!(server.act(key, "pause").await.is(200).body["status"], "paused");
    assert_eq!(server.act(key, "resume").await.is(200).body["status"], "running");
    let completed = server.act(key, "complete").await.is(200).body;
    assert_eq!(
        (&completed["status"], &completed["started_at"]),
        (&json!("completed"), &started["started_at"])
    );
    assert_eq!(completed["ended_at"], completed["updated_at"]);
    assert_eq!(server.act(key, "archive").await.is(200).body["status"], "archived");
    assert_eq!(
        server.act(key, "resume").await.is_problem(409, "illegal_transition").body["code"],
        "already_archived"
    );

    let listed = server.get("/api/v1/experiments").await.body;
    assert_eq!(listed["items"], json!([]), "what is archived leaves the lists");
    assert_eq!(
        server.get("/api/v1/experiments?status=archived").await.body["items"].as_array().unwrap().len(),
        1
    );
    server.act("nothing", "start").await.is_problem(404, "not_found");
    server.act("Not-A-Key", "start").await.is_problem(404, "not_found");
}

#[tokio::test]
async fn only_pause_waits_for_no_version() {
    let server = Server::start().await;
    server.post("/api/v1/experiments", &checkout()).await.is(201);
    let path = |action: &str| format!("/api/v1/experiments/checkout_button_color/{action}");
    for action in ["start", "resume", "complete", "archive"] {
        server.post(&path(action), &json!({})).await.is_problem(428, "precondition_required");
    }
    server.act("checkout_button_color", "start").await.is(200);
    server.post(&path("pause"), &json!({"reason": "too many errors"})).await.is(200);
}

#[tokio::test]
async fn a_draft_that_is_not_ready_says_what_is_missing() {
    let server = Server::start().await;
    server.post("/api/v1/experiments", &json!({"name": "young", "traffic_percent": 0})).await.is(201);
    let refused = server.act("young", "start").await;
    assert_eq!(
        refused.is_problem(422, "start_checks_failed").violations(),
        [
            ("/variants", "too_few_variants"),
            ("/primary_metric", "required"),
            ("/traffic_percent", "no_traffic")
        ]
    );
    let mut broken = experiment("broken", 10.0);
    broken["targeting"] = json!({"attr": "email", "op": "regex", "value": "("});
    server.post("/api/v1/experiments", &broken).await.is(201);
    let refused = server.act("broken", "start").await;
    assert_eq!(refused.is_problem(422, "start_checks_failed").violations()[0].1, "does_not_compile");
}

#[tokio::test]
async fn traffic_of_what_runs_only_goes_up_and_the_rest_is_frozen() {
    let server = Server::start().await;
    server.post("/api/v1/experiments", &checkout()).await.is(201);
    let key = "checkout_button_color";
    server.act(key, "start").await.is(200);
    let change = async |body: Value| server.patch(key, "*", &body).await;
    let down = change(json!({"traffic_percent": 19})).await;
    assert_eq!(down.is_problem(422, "invalid").violations(), [("/traffic_percent", "traffic_only_up")]);
    let weights = change(json!({"variants": [{"name": "control"}, {"name": "other"}]})).await;
    assert_eq!(weights.is_problem(422, "invalid").violations(), [("/variants", "needs_new_experiment")]);
    change(json!({"traffic_percent": 35.5, "name": "Button colour"})).await.is(200);
    let layer = server.get("/api/v1/layers/checkout_ui").await.is(200).body;
    assert_eq!(layer["free_percent"], 64.5);
    assert_eq!(
        layer["ranges"],
        json!([
            {"experiment": key, "from": 0, "to": 2_000},
            {"experiment": key, "from": 2_000, "to": 3_550},
        ]),
        "what it had stays, so nobody moves"
    );
}

#[tokio::test]
async fn a_layer_is_shared_out_and_given_back() {
    let server = Server::start().await;
    for (name, traffic) in [("a", 40.0), ("b", 40.0), ("c", 30.0)] {
        server.post("/api/v1/experiments", &experiment(name, traffic)).await.is(201);
    }
    server.act("a", "start").await.is(200);
    server.act("b", "start").await.is(200);
    let full = server.act("c", "start").await;
    let detail = full.is_problem(409, "layer_full").body["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("20% free") && detail.contains("30%"), "{detail}");
    assert_eq!(server.get("/api/v1/experiments/c").await.body["status"], "draft", "nothing was half done");

    server.act("a", "pause").await.is(200);
    server.act("c", "start").await.is_problem(409, "layer_full");
    server.act("a", "complete").await.is(200);
    server.act("c", "start").await.is(200);
    server.patch("c", "*", &json!({"traffic_percent": 60})).await.is(200);
    let layer = server.get("/api/v1/layers/checkout_ui").await.body;
    assert_eq!(layer["free_percent"], 0.0);
    assert_eq!(
        layer["ranges"],
        json!([
            {"experiment": "c", "from": 0, "to": 3_000},
            {"experiment": "c", "from": 3_000, "to": 4_000},
            {"experiment": "b", "from": 4_000, "to": 8_000},
            {"experiment": "c", "from": 8_000, "to": 10_000},
        ])
    );
}

#[tokio::test]
async fn layers_are_made_and_deal_one_unit() {
    let server = Server::start().await;
    let made = server.post("/api/v1/layers", &json!({"key": "devices", "unit": "device_id"})).await.is(201);
    assert_eq!(
        (made.header("location"), &made.body["free_percent"]),
        ("/api/v1/layers/devices", &json!(100.0))
    );
    server.post("/api/v1/layers", &json!({"key": "devices"})).await.is_problem(409, "key_taken");
    let bad = server.post("/api/v1/layers", &json!({"unit": "a b", "kee": 1})).await;
    let mut violations = bad.is_problem(422, "invalid").violations();
    violations.sort_unstable();
    assert_eq!(violations, [("/kee", "unknown_field"), ("/key", "required"), ("/unit", "bad_attribute")]);

    let mut body = experiment("x", 10.0);
    body["layer"] = json!("devices");
    let other_unit = server.post("/api/v1/experiments", &body).await;
    assert_eq!(other_unit.is_problem(422, "invalid").violations(), [("/unit", "unit_of_the_layer_differs")]);
    body["unit"] = json!("device_id");
    server.post("/api/v1/experiments", &body).await.is(201);
    let moved = server.patch("x", "*", &json!({"layer": "nowhere"})).await;
    assert_eq!(moved.is_problem(422, "invalid").violations(), [("/layer", "unknown_layer")]);

    let keys =
        |page: &Value| page["items"].as_array().unwrap().iter().map(|l| l["key"].clone()).collect::<Vec<_>>();
    let page = server.get("/api/v1/layers?limit=1").await.body;
    assert_eq!(keys(&page), ["checkout_ui"]);
    let next = page["next_cursor"].as_str().unwrap();
    assert_eq!(keys(&server.get(&format!("/api/v1/layers?cursor={next}")).await.body), ["devices"]);
}

#[tokio::test]
async fn what_another_system_assigned_brings_its_dates_and_owns_nothing() {
    let server = Server::start().await;
    let mut body = experiment("landing_page", 100.0);
    body["assignment"] = json!("external");
    body["started_at"] = json!("2026-11-02T13:42:05Z");
    body["ended_at"] = json!("2026-11-24T13:41:54.000001Z");
    let created = server.post("/api/v1/experiments", &body).await.is(201).body;
    assert_eq!((&created["started_at"], &created["status"]), (&body["started_at"], &json!("draft")));
    let started = server.act("landing_page", "start").await.is(200).body;
    assert_eq!(started["started_at"], body["started_at"]);
    assert_eq!(server.get("/api/v1/layers/checkout_ui").await.body["free_percent"], 100.0);
    let completed = server.act("landing_page", "complete").await.is(200).body;
    assert_eq!(completed["ended_at"], body["ended_at"]);

    let mut own = experiment("own", 10.0);
    own["started_at"] = json!("2026-11-02T13:42:05Z");
    let refused = server.post("/api/v1/experiments", &own).await;
    assert_eq!(refused.is_problem(422, "invalid").violations(), [("/started_at", "read_only")]);
}

#[tokio::test]
async fn the_end_may_say_what_was_decided() {
    let server = Server::start().await;
    server.post("/api/v1/experiments", &checkout()).await.is(201);
    server.act("checkout_button_color", "start").await.is(200);
    let complete = async |body: Value| {
        let path = "/api/v1/experiments/checkout_button_color/complete";
        let request =
            server.request(reqwest::Method::POST, path, &server.admin).header("if-match", "*").json(&body);
        crate::harness::Answer::of(request.send().await.unwrap()).await
    };
    for (body, violation) in [
        (json!({"decision": "ship"}), ("/variant", "required")),
        (json!({"decision": "ship", "variant": "purple"}), ("/variant", "unknown_variant")),
        (json!({"decision": "celebrate"}), ("/decision", "unknown_decision")),
        (json!({"variant": "treatment"}), ("/variant", "not_shipped")),
        (json!({"reasons": "x"}), ("/reasons", "unknown_field")),
    ] {
        assert_eq!(complete(body).await.is_problem(422, "invalid").violations(), [violation]);
    }
    let body =
        complete(json!({"decision": "ship", "variant": "treatment", "reason": "+5%"})).await.is(200).body;
    assert_eq!(body["decision"], json!({"decision": "ship", "variant": "treatment"}));
}

#[tokio::test]
async fn a_post_with_an_idempotency_key_happens_once() {
    let server = Server::start().await;
    let create = async |key: &str, body: &Value| {
        let request = server.request(reqwest::Method::POST, "/api/v1/experiments", &server.admin);
        let request = request.header("idempotency-key", key).json(body);
        crate::harness::Answer::of(request.send().await.unwrap()).await
    };
    let first = create("one", &checkout()).await.is(201);
    assert_eq!(first.header("idempotency-replayed"), "");
    server.patch("checkout_button_color", "*", &json!({"traffic_percent": 50})).await.is(200);
    let again = create("one", &checkout()).await.is(201);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.body, first.body, "the answer is that of the first time");
    create("one", &experiment("other", 1.0)).await.is_problem(422, "idempotency_mismatch");
    create("two", &checkout()).await.is_problem(409, "key_taken");

    // All at once: one is made, every answer is the same.
    let body = experiment("race", 1.0);
    let (a, b, c) = tokio::join!(create("race", &body), create("race", &body), create("race", &body));
    for answer in [a, b, c] {
        assert_eq!(answer.is(201).body["key"], "race");
    }
    assert_eq!(
        server.get("/api/v1/experiments/race/versions").await.body["items"].as_array().unwrap().len(),
        1
    );
}
