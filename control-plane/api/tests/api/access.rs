//! Who may do what, and how often.

use kerf_control_api::{Limits, Rate};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Options, Server, checkout};

/// What a viewer may not do; everything else of the document is for readers.
const FOR_ADMINS: [(&str, &str); 5] = [
    ("get", "/api/v1/audit"),
    ("get", "/api/v1/audit/check"),
    ("get", "/api/v1/keys"),
    ("post", "/api/v1/keys"),
    ("delete", "/api/v1/keys/{id}"),
];

#[tokio::test]
async fn every_route_of_the_document_with_every_role() {
    let server = Server::start().await;
    server.post("/api/v1/experiments", &checkout()).await.is(201);
    let document = server.get("/openapi.json").await.body;
    let mut routes = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys().filter(|name| *name != "parameters") {
            let verb = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let real = path
                .replace("{env}", "production")
                .replace("{slug}", "invalid")
                .replace("{name}", "1-000000000000");
            let real = real.replace("{id}", "checkout_button_color").replace("{key}", "checkout_ui");
            let call = async |key: &str| {
                let request = server.request(verb.clone(), &real, key).json(&json!({}));
                Answer::of(request.send().await.unwrap()).await
            };
            if !path.starts_with("/api/") && !path.starts_with("/config/") {
                assert_ne!(call("").await.status, 401, "{method} {path}");
                continue;
            }
            routes += 1;
            call("").await.is_problem(401, "unauthenticated");
            call("kerf_api_nonsense").await.is_problem(401, "unauthenticated");
            let for_admins = method != "get" || FOR_ADMINS.contains(&(method, path));
            let viewer = call(&server.viewer).await;
            assert_eq!(viewer.status == 403, for_admins, "viewer {method} {path}: {:?}", viewer.body);
            let admin = call(&server.admin).await;
            assert!(![401, 403].contains(&admin.status), "admin {method} {path}: {:?}", admin.body);
        }
    }
    assert_eq!(routes, 22, "every operation was called");
}

#[tokio::test]
async fn a_key_is_shown_once_and_dies_when_revoked() {
    let server = Server::start().await;
    let made = server.post("/api/v1/keys", &json!({"name": "ci", "role": "viewer"})).await.is(201).body;
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("kerf_api_"));
    let read = async |key: &str| {
        Answer::of(server.request(Method::GET, "/api/v1/layers", key).send().await.unwrap()).await
    };
    read(secret).await.is(200);
    let forbidden = server.request(Method::POST, "/api/v1/layers", secret).json(&json!({"key": "x"}));
    let forbidden = Answer::of(forbidden.send().await.unwrap()).await;
    let detail = forbidden.is_problem(403, "forbidden").body["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("write") && detail.contains("viewer"), "{detail}");

    let listed = server.get("/api/v1/keys").await.body;
    assert!(!listed.to_string().contains(secret), "a list has no secret");
    let ci = listed["items"].as_array().unwrap().iter().find(|key| key["name"] == "ci").unwrap();
    assert_eq!(ci["created_by"], "test admin");
    assert_ne!(ci["last_used_at"], Value::Null);

    let path = format!("/api/v1/keys/{}", made["id"].as_str().unwrap());
    for _ in 0..2 {
        let revoke = server.request(Method::DELETE, &path, &server.admin).send().await.unwrap();
        assert_eq!(revoke.status(), 200);
    }
    let refused = read(secret).await;
    assert_eq!(
        refused.is_problem(401, "unauthenticated").header("www-authenticate"),
        "Bearer realm=\"kerf\""
    );
    let other_secret =
        format!("{}{}", &secret[..secret.len() - 1], if secret.ends_with('A') { 'B' } else { 'A' });
    read(&other_secret).await.is_problem(401, "unauthenticated");
    server.post("/api/v1/keys", &json!({"name": "", "role": "root"})).await.is_problem(422, "invalid");
}

#[tokio::test]
async fn a_copy_of_the_database_holds_no_key() {
    let server = Server::start().await;
    let secret = server.admin["kerf_api_".len() + 23..].to_owned();
    let mut rows = Vec::new();
    for table in ["api_key", "resource_version", "audit"] {
        rows.extend(server.database.dump(table).await);
    }
    assert!(!rows.is_empty());
    assert!(rows.iter().all(|row| !row.contains(&server.admin) && !row.contains(&secret[..20])), "{rows:?}");
}

#[tokio::test]
async fn who_calls_too_often_waits() {
    let limits = Limits { reads: Rate::new(1, 3), writes: Rate::new(1, 1) };
    let server = Server::with(Options { limits: Some(limits), ..Options::default() }).await;
    let mut refused = None;
    for _ in 0..6 {
        let answer = server.get("/api/v1/layers").await;
        assert_eq!(answer.header("ratelimit-policy"), "\"reads\";q=3;w=3");
        if answer.status == 429 {
            refused = Some(answer);
        }
    }
    let refused = refused.unwrap();
    refused.is_problem(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), refused.body["retry_after"].to_string());
    let other = server.request(Method::GET, "/api/v1/layers", &server.viewer).send().await.unwrap();
    assert_eq!(other.status(), 200, "another key has its own limit");
}

#[tokio::test]
async fn every_change_is_in_the_audit_and_a_changed_row_is_found() {
    let server = Server::start().await;
    server.post("/api/v1/experiments", &checkout()).await.is(201);
    server.act("checkout_button_color", "start").await.is(200);
    server.act("checkout_button_color", "start").await.is(409);
    let rows = server.get("/api/v1/audit?kind=experiment&key=checkout_button_color").await.is(200).body;
    let told: Vec<_> = rows["items"].as_array().unwrap().iter().map(|row| row["action"].clone()).collect();
    assert_eq!(told, ["experiment.start", "experiment.create"], "what was refused changed nothing");
    assert_eq!(rows["items"][0]["actor_name"], "test admin");
    assert_eq!(rows["items"][0]["previous_hash"], rows["items"][1]["hash"]);
    assert_eq!(server.get("/api/v1/audit/check").await.body["intact"], true);

    for statement in ["update audit set actor = 'nobody'", "delete from audit", "truncate audit"] {
        let refused = server.database.execute(statement).await.unwrap_err().to_string();
        assert!(refused.contains("audit rows are written once"), "{refused}");
    }
    // An owner of the database can switch the trigger off; the chain shows that somebody did.
    let tamper = "alter table audit disable trigger all; update audit set reason = 'harmless' where id = 4";
    server.database.execute(tamper).await.unwrap();
    assert_eq!(
        server.get("/api/v1/audit/check").await.body,
        json!({"intact": false, "rows": 3, "first_broken": 4})
    );
}

#[tokio::test]
async fn a_version_that_was_changed_by_hand_is_found_too() {
    let server = Server::start().await;
    let mut body = checkout();
    body["variants"][0]["config"] = json!({"numbers": [1e300, 0.1, -0.0, 1.5e-7, u64::MAX, i64::MIN, 100.0]});
    server.post("/api/v1/experiments", &body).await.is(201);
    assert_eq!(
        server.get("/api/v1/audit/check").await.body["intact"],
        true,
        "numbers are hashed as they read back"
    );
    let tamper = "alter table resource_version disable trigger all;
        update resource_version set snapshot = jsonb_set(snapshot, '{spec,traffic_percent}', '99') where kind = 'experiment'";
    server.database.execute(tamper).await.unwrap();
    assert_eq!(server.get("/api/v1/audit/check").await.body["first_broken"], 4);
}
