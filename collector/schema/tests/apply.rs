//! The schema against a real ClickHouse.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test fails by panicking; numbers in it are small"
)]

use clickhouse::Client;
use std::time::{SystemTime, UNIX_EPOCH};

/// A database of this test's own; the caller drops it.
fn fresh() -> (Client, String) {
    let url = std::env::var("KERF_TEST_CLICKHOUSE_URL")
        .expect("KERF_TEST_CLICKHOUSE_URL is not set: run `./dev test`, or `./dev services` and export what it prints");
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    let database = format!("kerf_schema_test_{nanos}");
    (kerf_schema::connect(&url, &database).unwrap(), database)
}

async fn one<T: clickhouse::RowOwned + clickhouse::RowRead>(client: &Client, sql: &str) -> T {
    client.query_raw(sql).fetch_one().await.unwrap()
}

#[tokio::test]
async fn the_first_run_applies_everything_and_the_second_nothing() {
    let (client, database) = fresh();
    let (one_run, another) =
        tokio::join!(kerf_schema::apply(&client, &database), kerf_schema::apply(&client, &database));
    assert!(!one_run.unwrap().is_empty());
    another.unwrap();
    assert_eq!(kerf_schema::apply(&client, &database).await.unwrap(), [0; 0]);

    let tables: Vec<String> = client
        .query_raw("select name from system.tables where database = currentDatabase() order by name")
        .fetch_all()
        .await
        .unwrap();
    assert_eq!(
        tables,
        ["exposure", "exposure_mv", "kerf_schema", "raw_diagnostic", "raw_exposure", "raw_metric"]
    );
    client.query_raw(&format!("drop database {database}")).execute().await.unwrap();
}

#[tokio::test]
async fn a_repeated_exposure_changes_nothing_and_two_variants_are_seen() {
    let (client, database) = fresh();
    kerf_schema::apply(&client, &database).await.unwrap();
    let insert = |variant: &str, ms: u32| {
        format!(
            "insert into raw_exposure (unit, experiment_id, variant, ts, event_id, country) values \
             ('0123456789abcdef', 'checkout', '{variant}', now64(3) + {ms}, \
             '01981b2e-6f3a-7c11-8a4b-0123456789ab', 'DE')"
        )
    };
    for sql in [insert("b", 2), insert("a", 1), insert("b", 2)] {
        client.query_raw(&sql).execute().await.unwrap();
    }
    let element = "select tupleElement(first, 'variant'), tupleElement(first, 'country'), \
                   toString(variant_min), toString(variant_max), count() over () from exposure final";
    let outside = "select f.variant, f.country, toString(variant_min), toString(variant_max), count() over () \
                   from (select first as f, variant_min, variant_max from exposure final)";
    for sql in [element, outside] {
        let row: (String, String, String, String, u64) = one(&client, sql).await;
        assert_eq!(row, ("a".into(), "DE".into(), "a".into(), "b".into(), 1), "{sql}");
    }
    client.query_raw(&format!("drop database {database}")).execute().await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_away_is_an_error_that_says_so() {
    let client = kerf_schema::connect("http://127.0.0.1:1/", "kerf").unwrap();
    let error = kerf_schema::apply(&client, "kerf").await.unwrap_err().to_string();
    assert!(error.contains("ClickHouse did not take create database"), "{error}");
}
