//! Whatever is wrong with the Worker, the visitor gets the origin's page.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, also in its helpers"
)]

use std::time::{Duration, Instant};

use kerf_tests::edge::{Build, PAGE, Published, Site, Worker, WorkerOptions};
use kerf_tests::edge::{client, folder, wire};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::Value;

/// Sends a request; fails unless the answer is the origin's page.
async fn page(request: RequestBuilder) {
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.text().await.unwrap(), PAGE);
}

async fn health(client: &Client, worker: &Worker) -> Value {
    client.get(format!("{}/kerf/health", worker.url)).send().await.unwrap().json().await.unwrap()
}

/// Serves the usual bundle and waits until the Worker has it.
async fn publish(client: &Client, worker: &Worker) {
    let published = Published::new(1, &wire());
    worker.put(&published.key, &published.bytes).await;
    worker.put("kerf/production/current", published.pointer.as_bytes()).await;
    while health(client, worker).await["bundle_version"] != 1 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_kv_namespace() {
    let site = Site::start().await;
    let mut options = WorkerOptions::new(&site.url);
    options.kv = false;
    let (worker, client) = (Worker::start(&options).await, client());
    page(client.get(format!("{}/page", worker.url))).await;
    assert!(site.last().headers.keys().all(|name| !name.as_str().starts_with("kerf-")));
    assert_eq!(health(&client, &worker).await["last_refusal"]["code"], "store_unreachable");
}

/// A cold isolate in a data centre that does not have the bundle yet.
#[tokio::test(flavor = "multi_thread")]
async fn with_a_kv_namespace_that_takes_long() {
    let site = Site::start().await;
    let mut options = WorkerOptions::new(&site.url);
    options.kv_wait = Some(Duration::from_millis(1_500));
    let (worker, client) = (Worker::start(&options).await, client());
    let published = Published::new(1, &wire());
    worker.put(&published.key, &published.bytes).await;
    worker.put("kerf/production/current", published.pointer.as_bytes()).await;
    let begin = Instant::now();
    page(client.get(format!("{}/page", worker.url))).await;
    assert!(begin.elapsed() < Duration::from_millis(1_000), "the visitor waited {:?}", begin.elapsed());
    assert_eq!(site.last().header("kerf-assignments"), None);
    // Loading goes on behind the answer: nobody asks while it does.
    tokio::time::sleep(Duration::from_millis(4_500)).await;
    page(client.get(format!("{}/page", worker.url))).await;
    assert_eq!(site.last().header("kerf-bundle"), Some("1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn with_settings_that_cannot_be_used() {
    let site = Site::start().await;
    for (name, value) in [
        ("KERF_PUBLIC_KEY", "no key"),
        ("KERF_PUBLIC_KEY", ""),
        ("KERF_COLLECTOR_URL", "no url"),
        ("KERF_ORIGIN", "no url"),
        ("KERF_REFRESH_SECONDS", "soon"),
        ("KERF_API_PREFIX", "no path"),
        ("KERF_USER_ID_HEADER", "no header"),
    ] {
        let mut options = WorkerOptions::new(&site.url);
        options.bind(name, value);
        let worker = Worker::start(&options).await;
        page(client().get(format!("{}/page", worker.url))).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_collector() {
    let site = Site::start().await;
    let mut options = WorkerOptions::new(&site.url);
    options.bind("KERF_COLLECTOR_URL", "http://127.0.0.1:9");
    let (worker, client) = (Worker::start(&options).await, client());
    publish(&client, &worker).await;
    for user in 0..200 {
        page(client.get(format!("{}/page", worker.url)).header("x-user-id", format!("u-{user}"))).await;
        assert!(site.last().header("kerf-assignments").is_some());
    }
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    page(client.get(format!("{}/page", worker.url))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_of_its_own_is_asked_instead_of_the_zone() {
    let (zone, origin) = (Site::start().await, Site::start().await);
    let mut options = WorkerOptions::new(&zone.url);
    options.bind("KERF_ORIGIN", &format!("{}/base/", origin.url));
    let worker = Worker::start(&options).await;
    page(client().get(format!("{}/page?x=1", worker.url))).await;
    assert_eq!(origin.last().target, "/base/page?x=1");
    assert_eq!(zone.requests().len(), 0);
}

async fn panicking() -> (Site, Worker, Client) {
    let site = Site::start().await;
    let mut options = WorkerOptions::new(&site.url);
    options.folder = folder(Build::Panicking);
    (site, Worker::start(&options).await, client())
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_handler_panics() {
    let (site, worker, client) = panicking().await;
    publish(&client, &worker).await;
    let url = format!("{}/page", worker.url);
    page(client.get(&url).header("x-plant-panic", "before")).await;
    assert_eq!(site.last().header("kerf-assignments"), None, "the page was passed through, not decided");
    page(client.post(&url).header("x-plant-panic", "before").body("a body")).await;
    assert_eq!(site.last().body, "a body");
    page(client.get(&url).header("x-plant-panic", "while-deciding")).await;
    // The next one is decided again, by the same instance or by a new one.
    publish(&client, &worker).await;
    page(client.get(&url)).await;
    assert!(site.last().header("kerf-assignments").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_neighbour_panics() {
    let (site, worker, client) = panicking().await;
    publish(&client, &worker).await;
    let held: Vec<_> =
        (0..5).map(|_| tokio::spawn(page(client.get(format!("{}/held", worker.url))))).collect();
    while site.requests().iter().filter(|request| request.target == "/held").count() < held.len() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    page(client.get(format!("{}/page", worker.url)).header("x-plant-panic", "before")).await;
    site.release();
    for neighbour in held {
        neighbour.await.unwrap();
    }
}

/// A neighbour whose page was already under way keeps it: the body comes from the runtime, not from WebAssembly.
#[tokio::test(flavor = "multi_thread")]
async fn when_a_neighbour_panics_while_a_page_streams() {
    let (site, worker, client) = panicking().await;
    publish(&client, &worker).await;
    let request = client.get(format!("{}/slow/page", worker.url)).header("accept-encoding", "identity");
    let streaming = request.send().await.unwrap();
    page(client.get(format!("{}/page", worker.url)).header("x-plant-panic", "before")).await;
    site.release();
    assert_eq!(streaming.text().await.unwrap(), "firstlast");
}
