//! Requests that must not happen twice.

use sqlx::PgConnection;

use crate::connect::Store;
use crate::error::{StoreError, WriteError};
use crate::time::to_sql;
use crate::version::VersionRow;
use crate::write::{Author, Change};

/// The caller's name for a request, and what the request was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// `Idempotency-Key` of the request.
    pub key: String,
    /// SHA-256 over method, path and body.
    pub request_sha256: Vec<u8>,
}

/// What a request with this idempotency key did before.
#[derive(Clone, Debug, PartialEq)]
pub struct Remembered {
    /// SHA-256 of that request.
    pub request_sha256: Vec<u8>,
    /// The version that it wrote.
    pub version: VersionRow,
}

impl Idempotency {
    /// Written with the change, so that there is never one without the other. Older than a day is forgotten.
    pub(crate) async fn remember(
        &self,
        connection: &mut PgConnection,
        author: &Author,
        change: &Change<'_>,
    ) -> Result<(), WriteError> {
        let at = to_sql(author.at);
        sqlx::query!("delete from idempotency where at < $1::timestamptz - interval '24 hours'", at)
            .execute(&mut *connection)
            .await?;
        sqlx::query!(
            "insert into idempotency (principal, idempotency_key, request_sha256, kind, key, version, at)
             values ($1, $2, $3, $4, $5, $6, $7)",
            author.actor,
            self.key,
            self.request_sha256,
            change.kind,
            change.key,
            change.to.get(),
            at,
        )
        .execute(connection)
        .await?;
        Ok(())
    }
}

impl Store {
    /// What the principal's request with this idempotency key did, if it was seen within a day.
    ///
    /// # Errors
    /// [`StoreError`] when Postgres fails.
    pub async fn idempotency_find(&self, actor: &str, key: &str) -> Result<Option<Remembered>, StoreError> {
        let found = sqlx::query!(
            "select request_sha256, kind, key, version from idempotency where principal = $1 and idempotency_key = $2",
            actor,
            key,
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(found) = found else { return Ok(None) };
        let version = self.version_get(&found.kind, &found.key, found.version).await?;
        Ok(version.map(|version| Remembered { request_sha256: found.request_sha256, version }))
    }
}
