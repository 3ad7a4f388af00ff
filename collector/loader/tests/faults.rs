//! Faults, for real: ClickHouse goes away, the loader is killed, the group changes. No event may be lost or doubled.

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

use std::time::Duration;
use support::{ChildLoader, Gate, Loader, Place, clickhouse_url, numbered, until};

const EVENTS: u32 = 40_000;

const TRUTH: &str = "select count() as n, toUInt64(sum(value)) as s from raw_metric final";

/// Count and sum of all numbered events.
fn truth() -> (u64, u64) {
    (u64::from(EVENTS), (0..u64::from(EVENTS)).sum())
}

/// Everything is there, once.
async fn assert_exact(place: &Place) {
    let complete = async || place.one::<(u64, u64)>(TRUTH).await.ok().filter(|(n, _)| *n >= truth().0);
    assert_eq!(until("all events are loaded", Duration::from_secs(90), complete).await, truth());
}

/// Events in shuffled order, a tenth of them twice.
fn events() -> Vec<(String, Vec<u8>)> {
    let mut order: Vec<u32> = (0..EVENTS).chain((0..EVENTS).step_by(10)).collect();
    order.sort_by_key(|number| number.wrapping_mul(2_654_435_761) ^ (number >> 3));
    order.into_iter().map(numbered).collect()
}

fn address(url: &str) -> String {
    url.trim_start_matches("http://").trim_end_matches('/').to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn clickhouse_that_goes_away_is_waited_for() {
    let place = Place::new().await;
    let mut gate = Gate::open(&address(&clickhouse_url())).await;
    let mut config = place.config();
    config.clickhouse_url = format!("http://{}", gate.address);
    config.batch_rows = 3_000;
    let loader = Loader::start(config).await;
    let producing = async {
        for chunk in events().chunks(4_000) {
            place.produce(chunk).await;
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    };
    let faults = async {
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(400)).await;
            gate.close().await;
            tokio::time::sleep(Duration::from_millis(1_000)).await;
            gate.reopen().await;
        }
    };
    tokio::join!(producing, faults);
    assert_exact(&place).await;
    assert!(loader.metric("kerf_loader_insert_retries_total").await > 0, "the fault was not felt");
    loader.stop().await;
    place.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_clickhouse_is_away_reading_is_paused_and_the_member_stays() {
    let place = Place::new().await;
    let mut gate = Gate::open(&address(&clickhouse_url())).await;
    let mut config = place.config();
    config.clickhouse_url = format!("http://{}", gate.address);
    config.batch_rows = 500;
    let loader = Loader::start(config).await;
    place.produce(&[numbered(0)]).await;
    place.until_count("select count() from raw_metric", 1).await;
    gate.close().await;
    place.produce(&events()).await;
    let paused = async || (loader.metric("kerf_loader_paused").await == 1).then_some(());
    until("reading is paused", Duration::from_secs(20), paused).await;
    // Longer than the session timeout of 6 s: a member that does not poll or beat would be gone.
    tokio::time::sleep(Duration::from_secs(8)).await;
    assert_eq!(loader.metric("kerf_loader_partitions").await, 4);
    gate.reopen().await;
    assert_exact(&place).await;
    let resumed = async || (loader.metric("kerf_loader_paused").await == 0).then_some(());
    until("reading goes on", Duration::from_secs(20), resumed).await;
    loader.stop().await;
    place.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_of_the_loader_loses_and_doubles_nothing() {
    let place = Place::new().await;
    let all = events();
    let produced = async {
        for chunk in all.chunks(2_000) {
            place.produce(chunk).await;
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    };
    let killed = async {
        for lifetime in [700, 7_500, 300, 8_000] {
            let loader = ChildLoader::start(&place, &clickhouse_url());
            tokio::time::sleep(Duration::from_millis(lifetime)).await;
            loader.kill();
        }
        ChildLoader::start(&place, &clickhouse_url())
    };
    let ((), last) = tokio::join!(produced, killed);
    assert_exact(&place).await;
    let rows: u64 = place.one("select count() from raw_metric").await.unwrap();
    println!("{rows} rows for {} events after four kills", truth().0);
    last.kill();
    place.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn loaders_that_come_and_go_share_the_partitions() {
    let place = Place::new().await;
    let mut config = place.config();
    config.batch_rows = 1_000;
    let first = Loader::start(config.clone()).await;
    let producing = async {
        for chunk in events().chunks(2_000) {
            place.produce(chunk).await;
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    };
    let changing = async {
        tokio::time::sleep(Duration::from_millis(800)).await;
        let second = Loader::start(config.clone()).await;
        let shared = async || (second.metric("kerf_loader_partitions").await == 2).then_some(());
        until("the partitions are shared", Duration::from_secs(30), shared).await;
        first.stop().await;
        let third = Loader::start(config.clone()).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        second.stop().await;
        third
    };
    let ((), third) = tokio::join!(producing, changing);
    assert_exact(&place).await;
    third.stop().await;
    place.clean().await;
}
