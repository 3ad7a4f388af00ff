//! The results API over the whole platform: who may ask, what is refused, and what it says while a part is away.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, also in its helpers"
)]

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use kerf_tests::platform::Platform;
use serde_json::{Value, json};

/// A caller of the platform; blocking, since the test does one thing after the other.
struct Caller {
    runtime: tokio::runtime::Runtime,
    http: reqwest::Client,
}

impl Caller {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { runtime, http: reqwest::Client::new() }
    }

    fn call(&self, request: reqwest::RequestBuilder) -> (u16, String, Value) {
        self.runtime.block_on(async {
            let response = request.send().await.unwrap();
            let status = response.status().as_u16();
            let media_type = response.headers()["content-type"].to_str().unwrap().to_owned();
            (status, media_type, response.json().await.unwrap())
        })
    }

    fn results(&self, platform: &Platform, service: &str, path: &str, key: &str) -> (u16, String, Value) {
        let url = format!("{}/api/v1/experiments/{path}", platform.url(service));
        self.call(self.http.get(url).bearer_auth(key))
    }

    fn post(&self, platform: &Platform, path: &str, body: &Value) -> Value {
        let url = format!("{}/api/v1/experiments{path}", platform.url("control_plane"));
        let request =
            self.http.post(url).bearer_auth(platform.admin_key()).header("if-match", "*").json(body);
        let (status, _, answer) = self.call(request);
        assert!(status < 300, "{status} {answer}");
        answer
    }
}

fn experiment() -> Value {
    json!({
        "key": "signup", "name": "signup", "primary_metric": "signed_up", "guardrail_metrics": ["crash_rate"],
        "variants": [{"name": "control", "weight": 50, "config": {}}, {"name": "treatment", "weight": 50, "config": {}}],
    })
}

#[test]
fn results_are_answered_refused_and_unavailable_as_documented() {
    let mut platform = Platform::start(&["--build-seconds", "1"]);
    let caller = Caller::new();
    caller.post(&platform, "", &experiment());
    let admin = platform.admin_key().to_owned();

    for service in ["analysis", "control_plane"] {
        let refused = |path: &str, key: &str, status: u16| {
            let (found, media_type, problem) = caller.results(&platform, service, path, key);
            assert_eq!(
                (found, media_type.as_str()),
                (status, "application/problem+json"),
                "{service} {problem}"
            );
            assert_eq!(problem["status"], status);
        };
        refused("signup/results", "kerf_api_wrong", 401);
        refused("unknown/results", &admin, 404);
        refused("signup/results?segment=shoe_size", &admin, 400);
        let (status, _, draft) = caller.results(&platform, service, "signup/results", &admin);
        assert_eq!(
            (status, &draft["status"], &draft["p_value"]),
            (200, &json!("draft"), &Value::Null),
            "{draft}"
        );
        assert!(draft["reasons"].as_array().unwrap().iter().any(|reason| reason["code"] == "not_built"));
    }

    caller.post(&platform, "/signup/start", &json!({}));
    send_events(&caller, &platform);
    let answer = until(|| {
        let (_, _, answer) =
            caller.results(&platform, "control_plane", "signup/results?segment=country", &admin);
        (answer["variants"]["control"]["impressions"] == 20
            && answer["variants"]["treatment"]["conversions"] == 10)
            .then_some(answer)
    });
    assert_eq!(answer["variants"]["treatment"], json!({"impressions": 20, "conversions": 10, "rate": 0.5}));
    assert_eq!(answer["variants"]["control"]["conversions"], 5);
    assert_eq!(answer["segments"]["DE"]["variants"]["control"]["impressions"], 10);
    assert_eq!(answer["segments"]["unknown"]["variants"]["control"]["impressions"], 10);
    assert_eq!(answer["guardrails"][0]["metric"], "crash_rate");

    for (part, name) in [("clickhouse", "warehouse"), ("control-plane", "control plane")] {
        platform.tell(&format!("kill {part}"));
        let (status, _, problem) = caller.results(&platform, "analysis", "signup/results", &admin);
        assert_eq!(status, 503, "{part} is away: {problem}");
        assert!(problem["title"].as_str().unwrap().contains(name), "{problem}");
        platform.tell(&format!("start {part}"));
        let (_, _, back) = until(|| {
            let answer = caller.results(&platform, "analysis", "signup/results", &admin);
            (answer.0 == 200).then_some(answer)
        });
        assert_eq!(back["variants"], answer["variants"], "{part} is back");
    }
}

/// Twenty people in each arm, half of them without a country; a quarter and a half of them sign up.
fn send_events(caller: &Caller, platform: &Platform) {
    let mut events = Vec::new();
    for number in 0..40 {
        let (user, treated) = (format!("u{number}"), number % 2 == 1);
        let context = if number < 20 { json!({"country": "DE"}) } else { json!({}) };
        let variant = if treated { "treatment" } else { "control" };
        events.push(json!({"event_id": format!("e{number}"), "event_type": "exposure", "user_id": user,
            "experiment_id": "signup", "variant": variant, "timestamp": jiff::Timestamp::now(), "context": context}));
    }
    sleep(Duration::from_millis(5));
    for number in (0..40).filter(|number| number % 4 == 1 || number % 8 == 0) {
        events.push(
            json!({"event_id": format!("c{number}"), "event_type": "metric", "user_id": format!("u{number}"),
            "metric": "signed_up", "value": 1, "timestamp": jiff::Timestamp::now()}),
        );
    }
    let url = format!("{}/v1/events", platform.url("collector"));
    let (status, _, answer) = caller.call(caller.http.post(url).json(&json!({ "events": events })));
    assert_eq!((status, &answer["rejected"]), (200, &json!(0)), "{answer}");
}

/// Asks again until there is an answer.
fn until<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(started.elapsed() < Duration::from_secs(90), "what was waited for did not come");
        sleep(Duration::from_millis(200));
    }
}
