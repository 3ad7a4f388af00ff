//! From a real topic into real tables.

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

use rdkafka::ClientConfig;
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::message::{Headers, Message};
use std::collections::BTreeMap;
use std::time::Duration;
use support::{Loader, Place, brokers, message, numbered, until};

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_is_a_row_of_its_table() {
    let place = Place::new().await;
    let loader = Loader::start(place.config()).await;
    let at = kerf_events::Millis(support::now().0 - 60_000).to_rfc3339();
    place
        .produce(&[
            message(&format!(
                r#"{{"event_type":"exposure","event_id":"e-1","user_id":"u1","experiment_id":"checkout",
                    "variant":"treatment","timestamp":"{at}",
                    "context":{{"country":"DE","device":"mobile","plan":"pro"}}}}"#
            )),
            message(&format!(
                r#"{{"event_type":"conversion","event_id":"m-1","user_id":"u1","experiment_id":"checkout",
                    "value":2.5,"timestamp":"{at}","properties":{{"sku":"a-1"}}}}"#
            )),
            message(
                r#"{"event_type":"diagnostic","name":"bundle_refused","properties":{"error":"bad_hash"}}"#,
            ),
        ])
        .await;
    place.until_count("select count() from raw_exposure", 1).await;
    place.until_count("select count() from raw_metric", 1).await;
    place.until_count("select count() from raw_diagnostic", 1).await;

    let unit = message(r#"{"event_type":"x","user_id":"u1","value":1}"#).0;
    let exposure: (String, String, String, String, String, String) = place
        .one(
            "select lower(hex(unit)), concat(experiment_id, ' ', variant), toString(event_id), \
             concat(country, '|', platform, '|', device), toString(context), \
             formatDateTime(ts, '%Y-%m-%dT%H:%i:%S') from raw_exposure",
        )
        .await
        .unwrap();
    let key = kerf_events::EventId::from_text("e-1").unwrap().to_string();
    assert_eq!(exposure.0, unit);
    assert_eq!(exposure.1, "checkout treatment");
    assert_eq!(exposure.2, key);
    assert_eq!(exposure.3, "DE||mobile");
    assert_eq!(exposure.4, "{'plan':'pro'}");
    assert!(at.starts_with(&exposure.5), "{at} {}", exposure.5);
    let metric: (String, f64, String) =
        place.one("select toString(metric), value, toString(properties) from raw_metric").await.unwrap();
    assert_eq!(metric, ("checkout/conversion".into(), 2.5, "{'sku':'a-1'}".into()));
    let diagnostic: (String, String, bool) = place
        .one("select toString(name), toString(properties), unit = toFixedString('', 16) from raw_diagnostic")
        .await
        .unwrap();
    assert_eq!(diagnostic, ("bundle_refused".into(), "{'error':'bad_hash'}".into(), true));
    place.until_count("select count() from exposure where tupleElement(first, 'country') = 'DE'", 1).await;
    loader.stop().await;
    place.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_is_a_dead_letter_with_its_reason() {
    let place = Place::new().await;
    let old = String::from_utf8(numbered(1).1).unwrap().replace("\"v\":1", "\"v\":9");
    let bad: [(&str, &str); 2] = [("malformed", "{\"v\":"), ("unknown_version", &old)];
    let messages: Vec<_> = bad.iter().map(|(_, text)| ("k".to_owned(), text.as_bytes().to_vec())).collect();
    place.produce(&messages).await;
    place.produce(&[numbered(2)]).await;
    let loader = Loader::start(place.config()).await;
    place.until_count("select count() from raw_metric", 1).await;

    let letters = dead_letters(&format!("{}.dlq", place.topic), bad.len()).await;
    for (reason, text) in bad {
        let (payload, headers) = letters
            .iter()
            .find(|(_, headers)| headers["reason"] == reason)
            .unwrap_or_else(|| panic!("{reason}"));
        assert_eq!(payload, text);
        assert!(!headers["detail"].is_empty());
        assert!(headers["partition"].parse::<i32>().is_ok() && headers["offset"].parse::<i64>().is_ok());
        assert_eq!(loader.metric(&format!("kerf_loader_dead_letters_total{{reason=\"{reason}\"}}")).await, 1);
    }
    loader.stop().await;
    place.clean().await;
}

type DeadLetter = (String, BTreeMap<String, String>);

async fn dead_letters(topic: &str, expected: usize) -> Vec<DeadLetter> {
    let consumer: StreamConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers())
        .set("group.id", topic)
        .set("auto.offset.reset", "earliest")
        .create()
        .unwrap();
    consumer.subscribe(&[topic]).unwrap();
    let mut letters = Vec::new();
    while letters.len() < expected {
        let message = tokio::time::timeout(Duration::from_secs(30), consumer.recv()).await.unwrap().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let headers = message.headers().unwrap().iter();
        let headers = headers.map(|header| (header.key.to_owned(), text(header.value.unwrap()))).collect();
        letters.push((text(message.payload().unwrap()), headers));
    }
    letters
}

#[tokio::test(flavor = "multi_thread")]
async fn little_traffic_is_loaded_within_the_period() {
    let place = Place::new().await;
    let mut config = place.config();
    config.batch_period = Duration::from_secs(1);
    let loader = Loader::start(config).await;
    place.produce(&[numbered(1)]).await;
    place.until_count("select count() from raw_metric", 1).await;
    let begin = std::time::Instant::now();
    place.produce(&[numbered(2)]).await;
    place.until_count("select count() from raw_metric", 2).await;
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
    loader.stop().await;
    place.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_start_goes_on_where_the_last_one_ended() {
    let place = Place::new().await;
    let batch = |from: u32| (from..from + 1_000).map(numbered).collect::<Vec<_>>();
    place.produce(&batch(0)).await;
    let loader = Loader::start(place.config()).await;
    place.until_count("select count() from raw_metric", 1_000).await;
    loader.stop().await;
    place.produce(&batch(1_000)).await;
    let loader = Loader::start(place.config()).await;
    place.until_count("select count() from raw_metric final", 2_000).await;
    let rows = place.one::<u64>("select count() from raw_metric").await.unwrap();
    assert_eq!(rows, 2_000, "nothing was read twice after an orderly stop");
    let caught_up = async || (loader.metric("kerf_loader_lag").await == 0).then_some(());
    until("the lag is 0", Duration::from_secs(20), caught_up).await;
    assert_eq!(loader.metric("kerf_loader_rows_total{table=\"raw_metric\"}").await, 1_000);
    loader.stop().await;
    place.clean().await;
}
