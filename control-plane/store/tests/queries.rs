//! What the compiler believed about the queries still holds on a migrated database.

use std::path::Path;

use kerf_control_store::testing::TestDatabase;
use serde_json::Value;
use sqlx::{
    AssertSqlSafe, Column, Connection, Either, Executor, PgConnection, SqlSafeStr, Statement, TypeInfo,
};

#[tokio::test]
async fn the_checked_queries_fit_the_migrations() {
    let database = TestDatabase::new().await;
    let mut connection = PgConnection::connect(&database.url()).await.unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx");
    let mut checked = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let known: Value = serde_json::from_str(&text).unwrap();
        let query = known["query"].as_str().unwrap();
        let prepared = (&mut connection).prepare(AssertSqlSafe(query.to_owned()).into_sql_str()).await;
        let prepared =
            prepared.unwrap_or_else(|error| panic!("{query}: {error}; run control-plane/store/prepare"));
        let columns: Vec<(&str, String)> = prepared
            .columns()
            .iter()
            .map(|column| (column.name(), column.type_info().name().to_lowercase()))
            .collect();
        let believed = known["describe"]["columns"].as_array().unwrap();
        let believed: Vec<(&str, String)> = believed
            .iter()
            .map(|column| {
                (column["name"].as_str().unwrap(), column["type_info"].as_str().unwrap().to_lowercase())
            })
            .collect();
        assert_eq!(columns, believed, "{query}: run control-plane/store/prepare");
        let parameters = known["describe"]["parameters"]["Left"].as_array().map_or(0, Vec::len);
        let found = match prepared.parameters() {
            Some(Either::Left(types)) => types.len(),
            Some(Either::Right(count)) => count,
            None => 0,
        };
        assert_eq!(found, parameters, "{query}");
        checked += 1;
    }
    assert!(checked > 40, "{checked} queries were looked at");
}
