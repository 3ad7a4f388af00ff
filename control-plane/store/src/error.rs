//! What can go wrong, cut by what the caller does next.

use jiff::Timestamp;
use kerf_control_domain::{LayerFull, LayerKey, Refusal, Version, Violations};

/// A failure of the database or of what is in it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Postgres cannot be reached or does not take work now; the same call may succeed later.
    #[error("Postgres is not available")]
    Unavailable(#[source] sqlx::Error),
    /// A row that no version of this program wrote.
    #[error("{table}.{column} of `{key}` cannot be read: {reason}")]
    Corrupt {
        /// Table.
        table: &'static str,
        /// Column.
        column: &'static str,
        /// Key of the row.
        key: String,
        /// What is wrong.
        reason: String,
    },
    /// A text with a NUL character, which Postgres keeps in no form.
    #[error("a text has a NUL character, which cannot be stored")]
    Unstorable,
    /// Anything else: a defect.
    #[error("Postgres refused a statement")]
    Database(#[source] sqlx::Error),
}

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// No such resource.
    #[error("there is no such resource")]
    NotFound,
    /// The key belongs to a resource that is there.
    #[error("the key is taken")]
    KeyTaken,
    /// The key was served before and is never used again.
    #[error("the key was used before")]
    KeyRetired,
    /// The caller's version is not the current one.
    #[error("the version is {} and not the one that was named", .0.version)]
    Stale(Box<Current>),
    /// The layer has not enough left.
    #[error("layer `{layer}`: {full}")]
    LayerFull {
        /// The layer.
        layer: LayerKey,
        /// What is left and what was wanted.
        full: LayerFull,
    },
    /// The domain refuses it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The idempotency key was used before; the caller looks at what it did then.
    #[error("the idempotency key was used before")]
    SeenBefore,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The current version of a resource, for the answer to a stale request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Current {
    /// Current version.
    pub version: Version,
    /// Who made it.
    pub changed_by: String,
    /// When.
    pub changed_at: Timestamp,
    /// What differs from the version that the caller named.
    pub changed: Vec<String>,
}

impl StoreError {
    pub(crate) fn corrupt(
        table: &'static str,
        column: &'static str,
        key: &str,
        reason: &dyn std::fmt::Display,
    ) -> Self {
        Self::Corrupt { table, column, key: key.to_owned(), reason: reason.to_string() }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let passing = match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => true,
            sqlx::Error::Database(database) => database.code().is_some_and(|code| is_passing(&code)),
            _ => false,
        };
        let code = error.as_database_error().and_then(|database| database.code());
        match code.as_deref() {
            Some("22021" | "22P05") => Self::Unstorable,
            _ if passing => Self::Unavailable(error),
            _ => Self::Database(error),
        }
    }
}

/// Classes of SQLSTATE that say "not now": connection, resources, operator, lock and serialisation.
fn is_passing(code: &str) -> bool {
    ["08", "53", "57", "40", "55"].iter().any(|class| code.starts_with(class))
}

impl From<sqlx::Error> for WriteError {
    fn from(error: sqlx::Error) -> Self {
        match error.as_database_error().and_then(|database| database.constraint()) {
            Some("experiment_pkey" | "layer_pkey") => Self::KeyTaken,
            Some("experiment_key_retired") => Self::KeyRetired,
            Some("idempotency_once") => Self::SeenBefore,
            _ => Self::Store(error.into()),
        }
    }
}

impl From<Violations> for WriteError {
    fn from(violations: Violations) -> Self {
        Self::Refused(Refusal::Invalid(violations))
    }
}
