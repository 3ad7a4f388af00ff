//! The builder against a real ClickHouse: its statistics equal a brute-force count, whatever comes in which order, and
//! whatever is killed in the middle.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, also in its helpers")]

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use kerf_tests::{
    database::Database,
    history::{DAY_MS, Expected, History},
};
use kerf_warehouse::{Builder, ClickHouse, Dimension, Experiment, Figures, PassReport, Reader};

fn experiment(key: &str, last_day: Option<Date>) -> Experiment {
    Experiment {
        key: key.to_owned(),
        primary_metric: "purchase".to_owned(),
        guardrail_metrics: vec!["latency".to_owned()],
        last_day,
    }
}

/// Midnight twelve days ago, in ms since the epoch: the whole history lies in the past and within the retention.
fn start() -> i64 {
    let now = Timestamp::now().as_millisecond();
    now - now % DAY_MS - 12 * DAY_MS
}

async fn pass(clickhouse: &ClickHouse, experiments: &[Experiment]) -> PassReport {
    let builder = Builder::open(clickhouse.clone()).await.unwrap();
    let report =
        builder.pass(experiments, Timestamp::now()).await.unwrap().expect("no other builder is at work");
    assert_eq!(report.failed, []);
    report
}

/// All figures of an experiment in the shape of the brute-force count.
async fn figures(clickhouse: &ClickHouse, key: &str) -> Expected {
    let mut found = Expected::new();
    for dimension in Dimension::ALL {
        let read = Reader::new(clickhouse.clone())
            .figures(key, Some(dimension))
            .await
            .unwrap()
            .expect("it was built");
        let Figures { all, segments, .. } = read;
        let slices = segments.into_iter().map(|(value, slice)| ((dimension.name().to_owned(), value), slice));
        for ((dimension, value), slice) in slices.chain([(("all".to_owned(), String::new()), all)]) {
            for (variant, arm) in slice.arms {
                found.insert((dimension.clone(), value.clone(), Some(variant)), (arm.units, arm.metrics));
            }
            if slice.multi_exposed > 0 {
                found.insert((dimension, value, None), (slice.multi_exposed, BTreeMap::new()));
            }
        }
    }
    found
}

async fn check(clickhouse: &ClickHouse, history: &History, experiment: &Experiment) {
    let mut expected = history.expected(experiment);
    for (key, cell) in &mut expected {
        if key.2.is_none() {
            cell.1.clear();
        }
    }
    assert!(expected.values().map(|cell| cell.0).sum::<u64>() > 100, "the history says something");
    let found = figures(clickhouse, &experiment.key).await;
    let keys: BTreeSet<_> = expected.keys().chain(found.keys()).collect();
    for key in keys {
        assert_eq!(found.get(key), expected.get(key), "{} {key:?}", experiment.key);
    }
}

#[tokio::test]
async fn statistics_equal_a_brute_force_count() {
    let database = Database::create().await;
    let clickhouse = database.clickhouse();
    let history = History::generate(1, 600, start());
    history.insert(&clickhouse).await;
    let last_day = TimeZone::UTC.to_datetime(Timestamp::from_millisecond(start()).unwrap()).date() + 6.days();
    let experiments = [experiment("checkout", None), experiment("search", Some(last_day))];
    pass(&clickhouse, &experiments).await;
    for experiment in &experiments {
        check(&clickhouse, &history, experiment).await;
    }
    database.drop().await;
}

#[tokio::test]
async fn repeats_and_a_pass_without_news_change_nothing() {
    let database = Database::create().await;
    let clickhouse = database.clickhouse();
    let history = History::generate(2, 300, start());
    let experiments = [experiment("checkout", None)];
    history.insert(&clickhouse).await;
    let first = pass(&clickhouse, &experiments).await;
    assert!(first.days >= 9 && first.experiments == 1, "{first:?}");
    assert_eq!(pass(&clickhouse, &experiments).await, PassReport::default());
    history.insert(&clickhouse).await;
    assert!(pass(&clickhouse, &experiments).await.days >= 9, "the builder saw the repeats");
    check(&clickhouse, &history, &experiments[0]).await;
    database.drop().await;
}

#[tokio::test]
async fn late_events_are_counted_on_their_own_day() {
    let database = Database::create().await;
    let clickhouse = database.clickhouse();
    let history = History::generate(3, 400, start());
    let experiments = [experiment("checkout", None), experiment("search", None)];
    let (early, late) = history.clone().split(0.1, 3);
    early.insert(&clickhouse).await;
    pass(&clickhouse, &experiments).await;
    check(&clickhouse, &early, &experiments[0]).await;
    for part in [late.clone().split(0.5, 4).0, late.split(0.5, 4).1] {
        part.insert(&clickhouse).await;
        pass(&clickhouse, &experiments).await;
    }
    for experiment in &experiments {
        check(&clickhouse, &history, experiment).await;
    }
    database.drop().await;
}

#[tokio::test]
async fn another_metric_or_end_is_built_without_new_events() {
    let database = Database::create().await;
    let clickhouse = database.clickhouse();
    let history = History::generate(4, 300, start());
    history.insert(&clickhouse).await;
    let mut changed = experiment("checkout", None);
    pass(&clickhouse, std::slice::from_ref(&changed)).await;
    changed.guardrail_metrics.push("unrelated".to_owned());
    changed.last_day =
        Some(TimeZone::UTC.to_datetime(Timestamp::from_millisecond(start()).unwrap()).date() + 5.days());
    let report = pass(&clickhouse, std::slice::from_ref(&changed)).await;
    assert_eq!((report.days, report.experiments), (0, 1));
    check(&clickhouse, &history, &changed).await;
    database.drop().await;
}

#[tokio::test]
async fn only_one_builder_works_at_a_time_and_a_dead_one_frees_the_lock() {
    let database = Database::create().await;
    let clickhouse = database.clickhouse();
    History::generate(5, 2_000, start()).insert(&clickhouse).await;
    let builder = Builder::open(clickhouse.clone()).await.unwrap();
    let experiments = [experiment("checkout", None)];
    let busy = tokio::spawn({
        let (builder, experiments) = (builder.clone(), experiments.clone());
        async move { builder.pass(&experiments, Timestamp::now()).await }
    });
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert!(!busy.is_finished(), "the first builder is still at work");
    assert_eq!(builder.pass(&experiments, Timestamp::now()).await.unwrap(), None);
    busy.abort();
    assert!(busy.await.unwrap_err().is_cancelled());
    let mut after = None;
    for _ in 0..100 {
        after = builder.pass(&experiments, Timestamp::now()).await.unwrap();
        if after.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(after.is_some(), "the lock is free again");
    database.drop().await;
}

#[tokio::test]
async fn a_builder_that_is_stopped_at_any_statement_leaves_work_that_the_next_completes() {
    let database = Database::create().await;
    let clickhouse = database.clickhouse();
    let history = History::generate(6, 800, start());
    let experiments = [experiment("checkout", None), experiment("search", None)];
    let builder = Builder::open(clickhouse.clone()).await.unwrap();
    let mut stopped = 0;
    for round in 0..12_u64 {
        let (part, _) = history.clone().split(0.5, round);
        part.insert(&clickhouse).await;
        let limit = Duration::from_millis(40 + 90 * round);
        // Dropping the pass closes its connections in the middle of a statement, as a kill does.
        if tokio::time::timeout(limit, builder.pass(&experiments, Timestamp::now())).await.is_err() {
            stopped += 1;
        }
    }
    assert!(stopped > 3, "{stopped} passes were stopped half-way");
    history.insert(&clickhouse).await;
    let mut done = None;
    while done.is_none() {
        done = builder.pass(&experiments, Timestamp::now()).await.unwrap();
    }
    for experiment in &experiments {
        check(&clickhouse, &history, experiment).await;
    }
    database.drop().await;
}
