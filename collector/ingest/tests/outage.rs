//! Kafka away, the collector killed, the disk short: no acknowledged event may be lost.

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

use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;
use support::{ChildCollector, Collector, Gate, brokers, config, metric, post, read_all, topic, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const LONG: Duration = Duration::from_secs(60);

/// A batch of events with these numbers; the number is part of the key and of the value.
fn batch(numbers: std::ops::Range<u32>) -> String {
    let at = kerf_events::Millis(now() - 60_000).to_rfc3339();
    let event = |n| {
        json!({"event_id": format!("n-{n}"), "event_type": "m", "user_id": format!("u{}", n % 7),
        "value": n, "timestamp": at})
    };
    json!({"events": numbers.map(event).collect::<Vec<_>>()}).to_string()
}

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

/// The numbers of the events in the topic; repeats collapse.
async fn numbers(topic: &str) -> BTreeSet<u32> {
    read_all(topic).await.iter().map(|message| message.record["value"].as_f64().unwrap() as u32).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_an_outage_reach_kafka_when_it_is_back() {
    let (topic, spool) = (topic(), tempfile::tempdir().unwrap());
    let mut gate = Gate::closed(&brokers()).await;
    let collector = Collector::start(config(&gate.address, &topic, spool.path())).await;
    for from in [0, 100, 200] {
        let (status, answer) = collector.post("/v1/events", batch(from..from + 100)).await;
        assert_eq!((status, answer["accepted"].as_u64()), (200, Some(100)));
    }
    assert_eq!(collector.metric("kerf_collector_kafka_away").await, 1);
    assert_eq!(collector.metric("kerf_collector_events_spooled_total").await, 300);
    assert!(collector.metric("kerf_collector_spool_bytes").await > 0);
    assert_eq!(reqwest::get(format!("{}/readyz", collector.url)).await.unwrap().status().as_u16(), 200);

    gate.open().await;
    until("the spool is empty", LONG, async || {
        (collector.metric("kerf_collector_spool_bytes").await == 0).then_some(())
    })
    .await;
    let (status, _) = collector.post("/v1/events", batch(300..400)).await;
    assert_eq!(status, 200);
    assert_eq!(collector.metric("kerf_collector_kafka_away").await, 0);
    let arrived = read_all(&topic).await;
    assert_eq!(arrived.len(), 400, "each once");
    assert_eq!(numbers(&topic).await, (0..400).collect());
    // In each partition, the events of the outage are in the order in which they came.
    for partition in 0..4 {
        let of_partition = arrived.iter().filter(|message| message.partition == partition);
        let order: Vec<_> =
            of_partition.map(|message| message.record["value"].as_f64().unwrap() as u32).collect();
        assert!(order.is_sorted(), "{order:?}");
    }
    collector.stop().await;
    assert_eq!(segments(spool.path()), 0);
}

fn segments(dir: &std::path::Path) -> usize {
    let names = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().ends_with(".log")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_in_an_outage_loses_no_acknowledged_event() {
    let (topic, spool) = (topic(), tempfile::tempdir().unwrap());
    let dir = spool.path().join("spool");
    let mut gate = Gate::closed(&brokers()).await;
    let mut acknowledged = BTreeSet::new();
    let mut next = 0;
    for round in 0..4 {
        let collector = ChildCollector::start(&gate.address, &topic, &dir).await;
        let url = collector.url.clone();
        let posting = tokio::spawn(async move {
            let mut done = Vec::new();
            loop {
                let numbers = next..next + 50;
                next += 50;
                let client =
                    reqwest::Client::new().post(format!("{url}/v1/events")).body(batch(numbers.clone()));
                match client.send().await {
                    Ok(answer) if answer.status().is_success() => done.extend(numbers),
                    Ok(answer) => panic!("{answer:?}"),
                    Err(_) => return (done, next),
                }
            }
        });
        // The first answer of a process takes as long as a delivery may; then it is quick.
        tokio::time::sleep(Duration::from_millis(2_500 + 137 * round)).await;
        collector.kill();
        let (done, after) = posting.await.unwrap();
        acknowledged.extend(done);
        next = after;
    }
    assert!(acknowledged.len() > 1_000, "{} acknowledged", acknowledged.len());
    assert!(segments(&dir) >= 4);

    gate.open().await;
    let collector = ChildCollector::start(&gate.address, &topic, &dir).await;
    until("the spool is empty", LONG, async || {
        (metric(&collector.url, "kerf_collector_spool_bytes").await == 0).then_some(())
    })
    .await;
    let arrived = numbers(&topic).await;
    let lost: Vec<_> = acknowledged.difference(&arrived).collect();
    assert!(lost.is_empty(), "{} of {} lost: {lost:?}", lost.len(), acknowledged.len());
    assert_eq!(metric(&collector.url, "kerf_collector_spool_damaged_bytes_total").await, 0);
    collector.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_while_draining_repeats_but_does_not_lose() {
    let (topic, spool) = (topic(), tempfile::tempdir().unwrap());
    let dir = spool.path().join("spool");
    let mut gate = Gate::closed(&brokers()).await;
    let collector = ChildCollector::start(&gate.address, &topic, &dir).await;
    for from in (0..20_000).step_by(1_000) {
        assert_eq!(post(&collector.url, "/v1/events", batch(from..from + 1_000)).await.0, 200);
    }
    collector.kill();
    gate.open().await;
    for lifetime in [300, 500, 700] {
        let collector = ChildCollector::start(&gate.address, &topic, &dir).await;
        tokio::time::sleep(Duration::from_millis(lifetime)).await;
        collector.kill();
    }
    let collector = ChildCollector::start(&gate.address, &topic, &dir).await;
    until("the spool is empty", LONG, async || {
        (metric(&collector.url, "kerf_collector_spool_bytes").await == 0).then_some(())
    })
    .await;
    assert_eq!(numbers(&topic).await, (0..20_000).collect());
    collector.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_tail_is_recognised_and_damage_is_counted_and_kept() {
    let (topic, spool) = (topic(), tempfile::tempdir().unwrap());
    let mut gate = Gate::closed(&brokers()).await;
    let collector = Collector::start(config(&gate.address, &topic, spool.path())).await;
    for from in [0, 10] {
        assert_eq!(collector.post("/v1/events", batch(from..from + 10)).await.0, 200);
    }
    collector.stop().await;
    let segment = spool.path().join("spool-0000000000000001.log");
    let mut bytes = std::fs::read(&segment).unwrap();
    let torn = bytes.len() - 5;
    bytes.truncate(torn);
    bytes[100] ^= 0x20;
    std::fs::write(&segment, &bytes).unwrap();

    gate.open().await;
    let collector = Collector::start(config(&gate.address, &topic, spool.path())).await;
    until("the segment is drained", LONG, async || (segments(spool.path()) == 0).then_some(())).await;
    let arrived = numbers(&topic).await;
    assert_eq!(arrived.len(), 18, "one event was torn, one damaged: {arrived:?}");
    assert!(collector.metric("kerf_collector_spool_damaged_bytes_total").await > 0);
    assert!(collector.metric("kerf_collector_spool_truncated_bytes_total").await > 0);
    assert!(segment.with_extension("damaged").exists());
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_spool_is_503_with_retry_after_and_loses_nothing_that_was_acknowledged() {
    let (topic, spool) = (topic(), tempfile::tempdir().unwrap());
    let mut gate = Gate::closed(&brokers()).await;
    let mut small = config(&gate.address, &topic, spool.path());
    small.spool_max_bytes = 50_000;
    let collector = Collector::start(small).await;
    let mut acknowledged = 0;
    let refused = loop {
        let request = reqwest::Client::new().post(format!("{}/v1/events", collector.url));
        let answer = request.body(batch(acknowledged..acknowledged + 20)).send().await.unwrap();
        if !answer.status().is_success() {
            break answer;
        }
        acknowledged += 20;
        assert!(acknowledged < 2_000, "the limit is not held");
    };
    assert_eq!(refused.status().as_u16(), 503);
    assert_eq!(refused.headers()["retry-after"], "5");
    assert_eq!(refused.json::<serde_json::Value>().await.unwrap()["type"], "/problems/unavailable");
    assert!(collector.metric("kerf_collector_spool_bytes").await <= 50_000);

    gate.open().await;
    until("the spool is empty", LONG, async || {
        (collector.metric("kerf_collector_spool_bytes").await == 0).then_some(())
    })
    .await;
    assert_eq!(collector.post("/v1/events", batch(5_000..5_001)).await.0, 200);
    assert_eq!(numbers(&topic).await, (0..acknowledged).chain([5_000]).collect());
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spool_that_another_collector_uses_is_refused() {
    let (topic, spool) = (topic(), tempfile::tempdir().unwrap());
    let first = Collector::start(config(&brokers(), &topic, spool.path())).await;
    // Once it answers it has the spool.
    assert_eq!(first.metric("kerf_collector_spool_bytes").await, 0);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let second =
        kerf_ingest::serve(config(&brokers(), &topic, spool.path()), listener, std::future::pending());
    let error = tokio::time::timeout(Duration::from_secs(10), second).await.unwrap().unwrap_err();
    assert!(error.to_string().contains("another collector uses the spool"), "{error}");
    first.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orderly_stop_finishes_what_it_began() {
    let (topic, spool) = (topic(), tempfile::tempdir().unwrap());
    let collector = Collector::start(config(&brokers(), &topic, spool.path())).await;
    let body = batch(0..1_000);
    let (sent_before, sent_after) = body.split_at(body.len() / 2);
    let address = collector.url.trim_start_matches("http://").to_owned();
    let mut open = tokio::net::TcpStream::connect(&address).await.unwrap();
    let head =
        format!("POST /v1/events HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\n\r\n", body.len());
    open.write_all(head.as_bytes()).await.unwrap();
    open.write_all(sent_before.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let stopping = tokio::spawn(collector.stop());
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(
        tokio::net::TcpStream::connect(&address).await.is_err(),
        "a stopping collector takes no new requests"
    );
    open.write_all(sent_after.as_bytes()).await.unwrap();
    let mut answer = String::new();
    open.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    stopping.await.unwrap();
    assert_eq!(numbers(&topic).await, (0..1_000).collect());
}
