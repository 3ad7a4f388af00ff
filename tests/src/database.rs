//! ClickHouse databases of a test's own.

use kerf_warehouse::ClickHouse;
use uuid::Uuid;

/// Reads an address that `./dev test` sets.
///
/// # Panics
/// If the variable is missing, with a sentence that says what to run.
#[must_use]
#[expect(clippy::panic, reason = "a test without its server fails with this sentence")]
pub fn server(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} is not set: run `./dev test`, or `./dev services` and export what it prints")
    })
}

/// A ClickHouse database that is dropped at the end.
#[derive(Debug)]
pub struct Database {
    name: String,
}

impl Database {
    /// Creates a database with the tables that the loader writes.
    ///
    /// # Panics
    /// If ClickHouse does not answer.
    #[expect(clippy::unwrap_used, reason = "test set-up")]
    pub async fn create() -> Self {
        let database = Self { name: format!("kerf_test_{}", Uuid::new_v4().simple()) };
        let client = kerf_schema::connect(&server("KERF_TEST_CLICKHOUSE_URL"), &database.name).unwrap();
        kerf_schema::apply(&client, &database.name).await.unwrap();
        database
    }

    /// The warehouse's view of it.
    ///
    /// # Panics
    /// If the address is no URL.
    #[must_use]
    #[expect(clippy::unwrap_used, reason = "test set-up")]
    pub fn clickhouse(&self) -> ClickHouse {
        ClickHouse::new(server("KERF_TEST_CLICKHOUSE_URL").parse().unwrap(), self.name.as_str())
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Drops it.
    ///
    /// # Panics
    /// If ClickHouse refuses.
    #[expect(clippy::unwrap_used, reason = "test tear-down")]
    pub async fn drop(self) {
        self.clickhouse().execute("", format!("drop database {}", self.name)).await.unwrap();
    }
}
