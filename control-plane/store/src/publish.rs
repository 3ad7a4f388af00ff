//! How far each publish target has got.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::types::time::OffsetDateTime;

use crate::connect::Store;
use crate::error::StoreError;
use crate::time::{from_sql, from_sql_opt, to_sql};

/// What a target has to get next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Number of the bundle.
    pub version: i64,
    /// SHA-256 of its bytes.
    pub sha256: Vec<u8>,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The signed pointer to it.
    pub pointer: Vec<u8>,
    /// Attempts for the target that failed since one succeeded.
    pub failed_attempts: i32,
}

/// Who delivers to which target.
#[derive(Clone, Copy, Debug)]
pub struct Lease<'a> {
    /// Name of the target.
    pub target: &'a str,
    /// Name of the process.
    pub owner: &'a str,
}

/// A step of a delivery that was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The bundle was written.
    Written,
    /// It was read back and is the same.
    Verified,
    /// The pointer was moved and read back.
    Live,
}

/// How publishing stands in one environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishStatus {
    /// The newest bundle, if there is one.
    pub bundle: Option<BundleInfo>,
    /// Why the last attempt to make a bundle failed, if it still does.
    pub last_error: Option<String>,
    /// Committed changes that no bundle has seen yet.
    pub waiting_changes: i64,
    /// The targets that were ever published to.
    pub targets: Vec<TargetStatus>,
}

/// What is known of a bundle beside its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleInfo {
    /// Number.
    pub version: i64,
    /// SHA-256 of its bytes.
    pub sha256: Vec<u8>,
    /// Size in bytes.
    pub size: i32,
    /// When it was made.
    pub created_at: Timestamp,
}

/// How far one target has got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetStatus {
    /// Name of the target.
    pub target: String,
    /// Newest bundle that was written there.
    pub written_version: i64,
    /// Newest bundle that was read back.
    pub verified_version: i64,
    /// Bundle that the pointer names.
    pub live_version: i64,
    /// Since when.
    pub live_at: Option<Timestamp>,
    /// Attempts that failed since one succeeded.
    pub failed_attempts: i32,
    /// When it is tried next after a failure.
    pub next_attempt_at: Timestamp,
    /// What went wrong last, if it still does.
    pub last_error: Option<String>,
    /// When anything of this changed last.
    pub updated_at: Timestamp,
}

impl Store {
    /// Leases the target to the owner and says what it must get: the newest bundle, if its pointer names another one.
    ///
    /// A pointer that moved less than a second ago is left alone, also when several processes publish.
    ///
    /// No lock is held while the network is used. Who dies in between loses the lease after `length`, and the next
    /// owner begins again; every step may be repeated.
    ///
    /// # Errors
    /// [`StoreError`] when Postgres fails.
    pub async fn target_claim(
        &self,
        lease: Lease<'_>,
        now: Timestamp,
        length: Duration,
    ) -> Result<Option<Delivery>, StoreError> {
        let at = to_sql(now);
        self.target_register(lease.target, at).await?;
        Ok(sqlx::query_as!(
            Delivery,
            "with newest as (
               select version, sha256, bytes, pointer from bundle
               where environment = $1 order by version desc limit 1
             )
             update publish_target set lease_owner = $3, lease_until = $5
             from newest
             where environment = $1 and target = $2 and live_version <> newest.version
               and next_attempt_at <= $4 and (live_at is null or live_at <= $4::timestamptz - interval '1 second')
               and (lease_until is null or lease_until <= $4 or lease_owner = $3)
             returning newest.version, newest.sha256, newest.bytes, newest.pointer, attempts as failed_attempts",
            self.environment,
            lease.target,
            lease.owner,
            at,
            at + length,
        )
        .fetch_optional(&self.pool)
        .await?)
    }

    /// Notes a step that was done. `false` when the lease was lost: then somebody else delivers, and this owner stops.
    ///
    /// # Errors
    /// [`StoreError`] when Postgres fails.
    pub async fn target_progress(
        &self,
        lease: Lease<'_>,
        step: Step,
        version: i64,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query!(
            "update publish_target set
               written_version = greatest(written_version, $4),
               verified_version = case when $5 then greatest(verified_version, $4) else verified_version end,
               live_version = case when $6 then $4 else live_version end,
               live_at = case when $6 then $7 else live_at end,
               attempts = case when $6 then 0 else attempts end,
               last_error = case when $6 then null else last_error end,
               lease_until = case when $6 then null else lease_until end,
               updated_at = $7
             where environment = $1 and target = $2 and lease_owner = $3 and lease_until > $7",
            self.environment,
            lease.target,
            lease.owner,
            version,
            step >= Step::Verified,
            step >= Step::Live,
            to_sql(now),
        )
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Notes a failure and gives the lease back.
    ///
    /// # Errors
    /// [`StoreError`] when Postgres fails.
    pub async fn target_failed(
        &self,
        lease: Lease<'_>,
        error: &str,
        now: Timestamp,
        wait: Duration,
    ) -> Result<(), StoreError> {
        let at = to_sql(now);
        sqlx::query!(
            "update publish_target set attempts = attempts + 1, last_error = $4, next_attempt_at = $6,
               lease_until = null, updated_at = $5
             where environment = $1 and target = $2 and lease_owner = $3",
            self.environment,
            lease.target,
            lease.owner,
            error,
            at,
            at + wait,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// What the target's pointer must be as far as this store knows: version and text, if it was ever moved.
    ///
    /// # Errors
    /// [`StoreError`] when Postgres fails.
    pub async fn target_pointer(&self, target: &str) -> Result<Option<(i64, Vec<u8>)>, StoreError> {
        let row = sqlx::query!(
            "select bundle.version, bundle.pointer from publish_target
             join bundle on bundle.environment = publish_target.environment and bundle.version = live_version
             where publish_target.environment = $1 and target = $2",
            self.environment,
            target,
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| (row.version, row.pointer)))
    }

    /// Notes that the target no longer has what it had, so that the next claim delivers everything again.
    ///
    /// Says nothing against a delivery that has moved the pointer on in the meantime.
    ///
    /// # Errors
    /// [`StoreError`] when Postgres fails.
    pub async fn target_lost(
        &self,
        target: &str,
        live_version: i64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "update publish_target set written_version = 0, verified_version = 0, live_version = 0, live_at = null,
               next_attempt_at = $4, updated_at = $4
             where environment = $1 and target = $2 and live_version = $3",
            self.environment,
            target,
            live_version,
            to_sql(now),
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// How publishing stands, or `None` for an environment that nobody knows.
    ///
    /// # Errors
    /// [`StoreError`] when Postgres fails.
    pub async fn publish_status(&self, environment: &str) -> Result<Option<PublishStatus>, StoreError> {
        let known = sqlx::query!(
            r#"select last_error,
                 (select count(*) from publish_outbox where publish_outbox.environment = environment.key) as "waiting!"
               from environment where key = $1"#,
            environment,
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(known) = known else { return Ok(None) };
        Ok(Some(PublishStatus {
            bundle: self.bundle_info(environment).await?,
            last_error: known.last_error,
            waiting_changes: known.waiting,
            targets: self.target_list(environment).await?,
        }))
    }

    async fn bundle_info(&self, environment: &str) -> Result<Option<BundleInfo>, StoreError> {
        let newest = sqlx::query!(
            r#"select version, sha256, octet_length(bytes) as "size!", created_at from bundle
               where environment = $1 order by version desc limit 1"#,
            environment,
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(newest) = newest else { return Ok(None) };
        let created_at = from_sql(newest.created_at)?;
        Ok(Some(BundleInfo { version: newest.version, sha256: newest.sha256, size: newest.size, created_at }))
    }

    /// Makes the target known, so that its status is shown before anything was delivered.
    async fn target_register(&self, target: &str, at: OffsetDateTime) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into publish_target (environment, target, next_attempt_at, updated_at)
             values ($1, $2, $3, $3) on conflict do nothing",
            self.environment,
            target,
            at,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    async fn target_list(&self, environment: &str) -> Result<Vec<TargetStatus>, StoreError> {
        let rows = sqlx::query_as!(
            Row,
            "select target, written_version, verified_version, live_version, live_at, attempts, next_attempt_at,
               last_error, updated_at
             from publish_target where environment = $1 order by target",
            environment,
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(TargetStatus::try_from).collect()
    }
}

struct Row {
    target: String,
    written_version: i64,
    verified_version: i64,
    live_version: i64,
    live_at: Option<OffsetDateTime>,
    attempts: i32,
    next_attempt_at: OffsetDateTime,
    last_error: Option<String>,
    updated_at: OffsetDateTime,
}

impl TryFrom<Row> for TargetStatus {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            target: row.target,
            written_version: row.written_version,
            verified_version: row.verified_version,
            live_version: row.live_version,
            live_at: from_sql_opt(row.live_at)?,
            failed_attempts: row.attempts,
            next_attempt_at: from_sql(row.next_attempt_at)?,
            last_error: row.last_error,
            updated_at: from_sql(row.updated_at)?,
        })
    }
}
