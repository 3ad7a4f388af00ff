//! A database for each test, made from a template that is migrated once.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test without its database must fail with a sentence"
)]

use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Timestamp;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection, Executor};

use crate::connect::{MIGRATIONS, Store};

/// Names the lock under which the template is made; several test programs may start at once.
const TEMPLATE_LOCK: i64 = 0x6b65_7266_7465;

/// A database that ends with its test.
#[derive(Debug)]
pub struct TestDatabase {
    admin: String,
    name: String,
}

impl TestDatabase {
    /// A migrated, empty database.
    ///
    /// # Panics
    /// When `KERF_TEST_DATABASE_URL` is missing or names no server on which databases can be made.
    pub async fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let admin = admin_url();
        let template = template(&admin).await;
        let name = format!("kerf_test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        run(&admin, &format!("create database {name} template {template}")).await;
        Self { admin, name }
    }

    /// URL of the database.
    pub fn url(&self) -> String {
        url_of(&self.admin, &self.name)
    }

    /// A store on the database, for the environment `production`.
    ///
    /// # Panics
    /// Never with a URL that [`new`](Self::new) could use.
    pub fn store(&self) -> Store {
        Store::connect_lazy(&self.url(), "production").expect("the URL was used before")
    }

    /// Every row of a table as text.
    ///
    /// # Panics
    /// When there is no such table.
    pub async fn dump(&self, table: &str) -> Vec<String> {
        let mut connection = PgConnection::connect(&self.url()).await.expect("the database is there");
        let statement = AssertSqlSafe(format!("select t::text from {table} t"));
        sqlx::query_scalar(statement).fetch_all(&mut connection).await.expect("the table can be read")
    }

    /// Runs a statement past the store.
    ///
    /// # Errors
    /// What Postgres says against it.
    pub async fn execute(&self, statement: &str) -> Result<u64, sqlx::Error> {
        Self::execute_at(self.url(), statement).await
    }

    /// Runs statements past the store without a borrow of the database, so that a task can.
    ///
    /// # Errors
    /// What Postgres says against it.
    pub async fn execute_at(url: String, statement: &str) -> Result<u64, sqlx::Error> {
        let mut connection = PgConnection::connect(&url).await?;
        Ok(connection.execute(AssertSqlSafe(statement.to_owned())).await?.rows_affected())
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (admin, name) = (self.admin.clone(), self.name.clone());
        // A destructor cannot wait in the runtime of the test, so it brings its own.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let statement = format!("drop database if exists {name} with (force)");
            runtime.expect("a runtime can be made").block_on(async { run(&admin, &statement).await });
        });
        // A test that fails already must not be hidden by a second failure.
        let _ = dropped.join();
    }
}

fn admin_url() -> String {
    std::env::var("KERF_TEST_DATABASE_URL").unwrap_or_else(|_| {
        panic!(
            "this test needs Postgres: run `./dev test`, or `./dev services` and set KERF_TEST_DATABASE_URL"
        )
    })
}

fn url_of(admin: &str, database: &str) -> String {
    let options: PgConnectOptions = admin.parse().expect("KERF_TEST_DATABASE_URL is a Postgres URL");
    sqlx::ConnectOptions::to_url_lossy(&options.database(database)).to_string()
}

/// Name of the template, which holds the hash of all migrations, so that a change makes a new one.
async fn template(admin: &str) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in MIGRATIONS.iter().flat_map(|migration| migration.checksum.iter()) {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    let name = format!("kerf_template_{hash:016x}");
    let mut connection =
        PgConnection::connect(admin).await.expect("KERF_TEST_DATABASE_URL can be connected to");
    let lock = sqlx::query("select pg_advisory_lock($1)").bind(TEMPLATE_LOCK);
    lock.execute(&mut connection).await.expect("the lock is granted");
    let there: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
        .bind(&name)
        .fetch_one(&mut connection)
        .await
        .expect("Postgres lists its databases");
    if !there {
        make_template(admin, &name).await;
    }
    connection.close().await.expect("the connection, and with it the lock, ends");
    name
}

/// Under another name until it is whole, so that a killed test program leaves no half of it.
async fn make_template(admin: &str, name: &str) {
    let half = format!("{name}_half");
    run(admin, &format!("drop database if exists {half} with (force)")).await;
    run(admin, &format!("create database {half}")).await;
    let store = Store::connect_lazy(&url_of(admin, &half), "production").expect("the URL was used before");
    store.migrate(Timestamp::now()).await.expect("the migrations can be applied");
    store.close().await;
    run(admin, &format!("alter database {half} rename to {name}")).await;
}

async fn run(admin: &str, statement: &str) {
    let mut connection =
        PgConnection::connect(admin).await.expect("KERF_TEST_DATABASE_URL can be connected to");
    let done = connection.execute(AssertSqlSafe(statement.to_owned())).await;
    done.unwrap_or_else(|error| panic!("{statement}: {error}"));
}
