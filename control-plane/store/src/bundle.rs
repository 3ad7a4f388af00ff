//! Bundles: made from what is committed, numbered, never changed.

use jiff::Timestamp;
use kerf_control_domain::{Experiment, Layer};
use sqlx::PgConnection;

use crate::connect::Store;
use crate::error::StoreError;
use crate::experiment::Row as ExperimentRow;
use crate::time::to_sql;

/// What a bundle is made from.
#[derive(Debug)]
pub struct MakeInputs {
    /// Number that the bundle gets.
    pub version: i64,
    /// `not before` of the bundle before it; the new pointer's is later.
    pub last_not_before_ms: Option<i64>,
    /// Every experiment that runs or pauses.
    pub experiments: Vec<Experiment>,
    /// Every layer.
    pub layers: Vec<Layer>,
}

/// A bundle that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBundle {
    /// The binary form.
    pub bytes: Vec<u8>,
    /// SHA-256 of the bytes.
    pub sha256: Vec<u8>,
    /// The signed pointer to it.
    pub pointer: Vec<u8>,
    /// `not before` of the pointer, milliseconds since 1970.
    pub not_before_ms: i64,
    /// Public key to the key that signed the pointer.
    pub public_key: Vec<u8>,
    /// SHA-256 of what it decides, without its number and date: equal contents are published once.
    pub content_sha256: Vec<u8>,
}

/// What came of an attempt to make a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// Another process is making one.
    Busy,
    /// Nothing was asked for.
    Nothing,
    /// The changes decide nothing anew; this bundle stays.
    Unchanged(i64),
    /// This bundle is new.
    New(i64),
}

/// Why no bundle was made.
#[derive(Debug, thiserror::Error)]
pub enum MakeError<E: std::error::Error + 'static> {
    /// Postgres failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is committed cannot be compiled.
    #[error("the bundle cannot be compiled")]
    Make(#[source] E),
}

struct Newest {
    version: i64,
    content_sha256: Vec<u8>,
    public_key: Vec<u8>,
    not_before_ms: i64,
}

impl Store {
    /// Makes the next bundle, if the outbox asks for one, there is none yet, or the newest was signed by another key.
    ///
    /// One transaction over one snapshot: the outbox rows that are deleted are exactly those whose changes `make` saw.
    ///
    /// # Errors
    /// [`MakeError::Store`] when Postgres fails, [`MakeError::Make`] when `make` does; then the outbox stays as it was.
    pub async fn bundle_make<E: std::error::Error + 'static>(
        &self,
        now: Timestamp,
        public_key: &[u8],
        make: impl FnOnce(&MakeInputs) -> Result<NewBundle, E> + Send,
    ) -> Result<Made, MakeError<E>> {
        let mut transaction =
            self.pool.begin_with("begin isolation level repeatable read").await.map_err(StoreError::from)?;
        if !self.claim(&mut transaction).await? {
            return Ok(Made::Busy);
        }
        let newest = self.newest(&mut transaction).await?;
        let signed_by_us = newest.as_ref().is_some_and(|newest| newest.public_key == public_key);
        if signed_by_us && !self.outbox_waits(&mut transaction).await? {
            return Ok(Made::Nothing);
        }
        let inputs = MakeInputs {
            version: newest.as_ref().map_or(0, |newest| newest.version) + 1,
            last_not_before_ms: newest.as_ref().map(|newest| newest.not_before_ms),
            experiments: live(&mut transaction).await?,
            layers: crate::layer::all(&mut transaction, None, i64::MAX).await?,
        };
        let bundle = make(&inputs).map_err(MakeError::Make)?;
        self.outbox_clear(&mut transaction).await?;
        let made = match newest {
            Some(newest) if signed_by_us && newest.content_sha256 == bundle.content_sha256 => {
                Made::Unchanged(newest.version)
            }
            _ => {
                self.insert(&mut transaction, inputs.version, &bundle, now).await?;
                Made::New(inputs.version)
            }
        };
        transaction.commit().await.map_err(StoreError::from)?;
        Ok(made)
    }

    /// Keeps why no bundle could be made, or that it can again.
    ///
    /// # Errors
    /// [`StoreError`] when Postgres fails.
    pub async fn bundle_note_error(&self, error: Option<&str>) -> Result<(), StoreError> {
        sqlx::query!(
            "update environment set last_error = $2 where key = $1 and last_error is distinct from $2",
            self.environment,
            error,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The signed pointer to the newest bundle.
    ///
    /// # Errors
    /// [`StoreError`] when Postgres fails.
    pub async fn bundle_pointer(&self, environment: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(sqlx::query_scalar!(
            "select pointer from bundle where environment = $1 order by version desc limit 1",
            environment,
        )
        .fetch_optional(&self.pool)
        .await?)
    }

    /// SHA-256 and bytes of one bundle.
    ///
    /// # Errors
    /// [`StoreError`] when Postgres fails.
    pub async fn bundle_get(
        &self,
        environment: &str,
        version: i64,
    ) -> Result<Option<(Vec<u8>, Vec<u8>)>, StoreError> {
        let row = sqlx::query!(
            "select sha256, bytes from bundle where environment = $1 and version = $2",
            environment,
            version,
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| (row.sha256, row.bytes)))
    }

    async fn claim(&self, connection: &mut PgConnection) -> Result<bool, StoreError> {
        let claimed = sqlx::query!(
            "select key from environment where key = $1 for update skip locked",
            self.environment
        )
        .fetch_optional(connection)
        .await?;
        Ok(claimed.is_some())
    }

    async fn newest(&self, connection: &mut PgConnection) -> Result<Option<Newest>, StoreError> {
        Ok(sqlx::query_as!(
            Newest,
            "select version, content_sha256, public_key, not_before_ms from bundle
             where environment = $1 order by version desc limit 1",
            self.environment,
        )
        .fetch_optional(connection)
        .await?)
    }

    async fn outbox_waits(&self, connection: &mut PgConnection) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar!(
            r#"select exists (select from publish_outbox where environment = $1) as "waits!""#,
            self.environment,
        )
        .fetch_one(connection)
        .await?)
    }

    async fn outbox_clear(&self, connection: &mut PgConnection) -> Result<(), StoreError> {
        // Under repeatable read this removes what the snapshot shows, and nothing that was committed since.
        sqlx::query!("delete from publish_outbox where environment = $1", self.environment)
            .execute(connection)
            .await?;
        Ok(())
    }

    async fn insert(
        &self,
        connection: &mut PgConnection,
        version: i64,
        bundle: &NewBundle,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into bundle
               (environment, version, sha256, bytes, pointer, not_before_ms, content_sha256, public_key, created_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            self.environment,
            version,
            bundle.sha256,
            bundle.bytes,
            bundle.pointer,
            bundle.not_before_ms,
            bundle.content_sha256,
            bundle.public_key,
            to_sql(now),
        )
        .execute(connection)
        .await?;
        Ok(())
    }
}

async fn live(connection: &mut PgConnection) -> Result<Vec<Experiment>, StoreError> {
    let rows = sqlx::query_as!(
        ExperimentRow,
        "select key, version, spec, status, created_at, updated_at from experiment
         where phase in ('running', 'paused') order by key",
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Experiment::try_from).collect()
}
