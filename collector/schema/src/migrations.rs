//! Applying the numbered files.
//!
//! Every statement can be repeated (`if not exists`), so two loaders that start at once, or one that is killed
//! between a statement and its entry in `kerf_schema`, do no harm.

use clickhouse::{Client, Row};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// One numbered file of DDL.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Its number; files are applied in this order.
    pub version: u32,
    /// Its name, for people.
    pub name: &'static str,
    /// Statements, each ended by a `;` at the end of a line.
    pub sql: &'static str,
}

/// Every file, in order.
pub const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "raw_events", sql: include_str!("../ddl/0001_raw_events.sql") },
    Migration { version: 2, name: "exposure", sql: include_str!("../ddl/0002_exposure.sql") },
];

/// Why the schema could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The name of the database cannot be used.
    #[error(transparent)]
    Name(#[from] crate::AddressError),
    /// ClickHouse was not reached, or refused a statement.
    #[error("ClickHouse did not take {what}: {source}")]
    ClickHouse {
        /// The statement's place.
        what: String,
        /// What the client said.
        source: clickhouse::error::Error,
    },
    /// A file differs from the one that was applied under the same number.
    #[error(
        "DDL {version} was applied to this database in another form; restore that file and put the change into a new one"
    )]
    Changed {
        /// The number of the file.
        version: u32,
    },
    /// The database was written by a newer program.
    #[error("the database has DDL {0}, which this program does not know; update the program")]
    Newer(u32),
}

#[derive(Row, Deserialize)]
struct Applied {
    version: u32,
    checksum: String,
}

const LEDGER: &str = "create table if not exists kerf_schema (
  version UInt32, name String, checksum String, applied_at DateTime64(3, 'UTC')
) engine = ReplacingMergeTree order by version settings fsync_after_insert = 1";

/// Creates the database where it is absent and applies what it does not have yet; returns the versions applied now.
///
/// # Errors
/// [`SchemaError`]; when ClickHouse could not be reached, the call can be repeated.
pub async fn apply(client: &Client, database: &str) -> Result<Vec<u32>, SchemaError> {
    crate::connect::check_name(database)?;
    // A statement of its own, without the database that may not exist yet.
    let server = client.clone().with_database("default");
    execute(&server, &format!("create database if not exists {database}"), "create database").await?;
    let client = client.clone().with_database(database);
    execute(&client, LEDGER, "kerf_schema").await?;
    let applied = applied(&client).await?;
    let mut fresh = Vec::new();
    for migration in pending(&applied, MIGRATIONS)? {
        for statement in statements(migration.sql) {
            execute(&client, &statement, migration.name).await?;
        }
        record(&client, migration).await?;
        fresh.push(migration.version);
    }
    Ok(fresh)
}

async fn applied(client: &Client) -> Result<Vec<Applied>, SchemaError> {
    client
        .query_raw("select version, checksum from kerf_schema final order by version")
        .fetch_all()
        .await
        .map_err(|source| SchemaError::ClickHouse { what: "kerf_schema".to_owned(), source })
}

/// The files that a database with these entries still needs.
fn pending<'m>(applied: &[Applied], all: &'m [Migration]) -> Result<Vec<&'m Migration>, SchemaError> {
    for entry in applied {
        let known = all.iter().find(|migration| migration.version == entry.version);
        let known = known.ok_or(SchemaError::Newer(entry.version))?;
        if checksum(known.sql) != entry.checksum {
            return Err(SchemaError::Changed { version: entry.version });
        }
    }
    Ok(all
        .iter()
        .filter(|migration| !applied.iter().any(|entry| entry.version == migration.version))
        .collect())
}

async fn record(client: &Client, migration: &Migration) -> Result<(), SchemaError> {
    client
        .query("insert into kerf_schema select ?, ?, ?, now64(3)")
        .bind(migration.version)
        .bind(migration.name)
        .bind(checksum(migration.sql))
        .execute()
        .await
        .map_err(|source| SchemaError::ClickHouse { what: "an entry of kerf_schema".to_owned(), source })
}

async fn execute(client: &Client, sql: &str, what: &str) -> Result<(), SchemaError> {
    client
        .query_raw(sql)
        .execute()
        .await
        .map_err(|source| SchemaError::ClickHouse { what: what.to_owned(), source })
}

/// SHA-256 in hex.
fn checksum(sql: &str) -> String {
    Sha256::digest(sql).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The statements of a file, without its comment lines; a `;` ends a statement only at the end of a line.
fn statements(sql: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut statement = String::new();
    for line in sql.lines().filter(|line| !line.trim_start().starts_with("--")) {
        match line.trim_end().strip_suffix(';') {
            Some(last) => {
                statement.push_str(last);
                all.push(std::mem::take(&mut statement));
            }
            None => {
                statement.push_str(line);
                statement.push('\n');
            }
        }
    }
    if !statement.trim().is_empty() {
        all.push(statement);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Migration = Migration { version: 1, name: "one", sql: "select 1;\n" };
    const TWO: Migration = Migration { version: 2, name: "two", sql: "select 2;\n" };

    fn entry(version: u32, sql: &str) -> Applied {
        Applied { version, checksum: checksum(sql) }
    }

    #[test]
    fn statements_end_at_a_semicolon_that_ends_a_line() {
        let sql = "-- a; comment;\ncreate a (x Int8);\n\ncreate b ';'\n  x;\nlast\n";
        let found: Vec<_> = statements(sql).iter().map(|text| text.trim().to_owned()).collect();
        assert_eq!(found, ["create a (x Int8)", "create b ';'\n  x", "last"]);
    }

    #[test]
    fn only_what_was_not_applied_is_pending() {
        let versions = |applied: &[Applied]| -> Vec<u32> {
            pending(applied, &[ONE, TWO]).unwrap().iter().map(|migration| migration.version).collect()
        };
        assert_eq!(versions(&[]), [1, 2]);
        assert_eq!(versions(&[entry(1, ONE.sql)]), [2]);
        assert_eq!(versions(&[entry(1, ONE.sql), entry(2, TWO.sql)]), [0; 0]);
    }

    #[test]
    fn a_changed_file_and_a_newer_database_are_refused() {
        assert!(matches!(pending(&[entry(1, "other")], &[ONE]), Err(SchemaError::Changed { version: 1 })));
        assert!(matches!(pending(&[entry(2, TWO.sql)], &[ONE]), Err(SchemaError::Newer(2))));
    }

    #[test]
    fn the_files_are_numbered_without_gaps() {
        let versions: Vec<_> = MIGRATIONS.iter().map(|migration| migration.version).collect();
        assert_eq!(versions, (1..=versions.len().try_into().unwrap()).collect::<Vec<u32>>());
    }
}
