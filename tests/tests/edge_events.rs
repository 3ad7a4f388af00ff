//! Exposures: each request's own, batched behind the answers, and no visitor's concern when the collector is away.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, also in its helpers"
)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt as _};
use kerf_tests::edge::{Edge, PAGE, Platform};
use kerf_tests::on_both_platforms;
use serde_json::json;

on_both_platforms!(
    each_exposure_arrives_once_in_batches,
    an_exposure_says_who_what_and_when,
    api_calls_count_unless_told_not_to,
    a_collector_that_refuses_gets_everything_later,
    a_collector_that_hangs_slows_nobody,
);

/// Requests in flight at a time.
const AT_ONCE: usize = 8;

/// Visits a page as so many users; when the first answer came late, fails.
async fn visit(edge: &Edge, users: std::ops::Range<usize>) -> Duration {
    let started = Instant::now();
    let visits = stream::iter(users).map(|user| async move {
        let request =
            edge.client().get(format!("{}/page", edge.url)).header("x-user-id", format!("u-{user}"));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.text().await.unwrap(), PAGE);
    });
    visits.buffer_unordered(AT_ONCE).collect::<Vec<_>>().await;
    started.elapsed()
}

/// The assignment of `everybody` to each user, as the origin was told.
fn told(edge: &Edge) -> BTreeMap<String, String> {
    let pages = edge.site.requests().into_iter().filter(|request| request.target == "/page");
    pages
        .map(|request| {
            let assignments = request.header("kerf-assignments").unwrap();
            let variant = assignments.split(", ").find_map(|member| member.strip_prefix("everybody="));
            (request.header("kerf-unit").unwrap().to_owned(), variant.unwrap().to_owned())
        })
        .collect()
}

/// How many of the users are in `a_fifth` by what the origin was told.
fn in_a_fifth(edge: &Edge) -> usize {
    let told = |request: &kerf_tests::edge::Stored| {
        request.header("kerf-assignments").is_some_and(|assignments| assignments.contains("a_fifth="))
    };
    edge.site.requests().iter().filter(|request| told(request)).count()
}

async fn each_exposure_arrives_once_in_batches(platform: Platform) {
    let edge = Edge::serving(platform).await;
    visit(&edge, 0..1_000).await;
    let events = edge.receiver.until(1_000 + in_a_fifth(&edge)).await;
    let of_everybody = events.values().filter(|event| event["experiment_id"] == "everybody");
    let counted: BTreeMap<_, _> = of_everybody
        .map(|event| {
            (event["user_id"].as_str().unwrap().to_owned(), event["variant"].as_str().unwrap().to_owned())
        })
        .collect();
    assert_eq!(counted, told(&edge), "the collector hears what the origin was told");
    let batches = edge.receiver.batches();
    assert!(batches.len() <= events.len() / 20, "{} batches for {} events", batches.len(), events.len());
    assert_eq!(batches.iter().map(Vec::len).sum::<usize>(), events.len(), "nothing is sent twice");
}

async fn an_exposure_says_who_what_and_when(platform: Platform) {
    let edge = Edge::serving(platform).await;
    let before = jiff::Timestamp::now().as_millisecond();
    let request = edge.client().get(format!("{}/page", edge.url)).header("x-user-id", "u-1");
    let request = request.header("cf-ipcountry", "DE").header("user-agent", "Mozilla/5.0 (iPhone) Mobile");
    request.send().await.unwrap();
    let expected = 2 + in_a_fifth(&edge);
    let events = edge.receiver.until(expected).await;
    let (id, event) = events.iter().find(|(_, event)| event["experiment_id"] == "germans").unwrap();
    assert_eq!(event["event_type"], "exposure");
    assert_eq!(event["user_id"], "u-1");
    assert_eq!(event["context"], json!({ "country": "DE", "platform": "web", "device": "mobile" }));
    let id: uuid::Uuid = id.parse().unwrap();
    let (seconds, nanoseconds) = id.get_timestamp().unwrap().to_unix();
    let at = i64::try_from(seconds).unwrap() * 1_000 + i64::from(nanoseconds / 1_000_000);
    assert!((before - 50..before + 10_000).contains(&at), "{at} is no time of a request after {before}");
}

async fn api_calls_count_unless_told_not_to(platform: Platform) {
    let edge = Edge::serving(platform).await;
    let assignment = "/api/v1/experiments/everybody/assignment";
    for query in ["user_id=u-1&exposure=false", "user_id=u-2"] {
        let answer = edge.get(&format!("{assignment}?{query}")).await;
        assert_eq!(answer.headers()["content-type"], "application/json");
        let answer: serde_json::Value = answer.json().await.unwrap();
        assert_eq!((&answer["in_experiment"], &answer["bundle_version"]), (&json!(true), &json!(1)));
    }
    for exposure in [false, true] {
        let body = json!({ "context": { "user_id": "u-3" }, "keys": ["everybody"], "exposure": exposure });
        let request = edge.client().post(format!("{}/evaluate", edge.url)).json(&body);
        let answer: serde_json::Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["assignments"]["everybody"]["in_experiment"], true);
    }
    let events = edge.receiver.until(2).await;
    let mut users: Vec<_> = events.values().map(|event| event["user_id"].as_str().unwrap()).collect();
    users.sort_unstable();
    assert_eq!(users, ["u-2", "u-3"]);
    for (path, status) in [("/api/v1/experiments/nobody/assignment?user_id=u", 404), (assignment, 400)] {
        let answer = edge.get(path).await;
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
    }
}

async fn a_collector_that_refuses_gets_everything_later(platform: Platform) {
    let edge = Edge::serving(platform).await;
    edge.receiver.refuse();
    visit(&edge, 0..200).await;
    while edge.receiver.tries() < 2 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(edge.receiver.batches().is_empty());
    edge.receiver.take();
    // The Worker tries again when somebody comes: it has no clock of its own.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    visit(&edge, 200..201).await;
    edge.receiver.until(201 + in_a_fifth(&edge)).await;
}

async fn a_collector_that_hangs_slows_nobody(platform: Platform) {
    let edge = Edge::serving(platform).await;
    visit(&edge, 0..400).await;
    let usual = visit(&edge, 400..800).await;
    edge.receiver.hang();
    let hanging = visit(&edge, 800..1_200).await;
    assert!(hanging < usual * 3 + Duration::from_millis(500), "{hanging:?} against {usual:?}");
}
