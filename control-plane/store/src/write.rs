//! The one write path: whatever changes a resource is committed here, with everything that must not be forgotten.

use jiff::Timestamp;
use kerf_control_domain::Version;
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, Postgres, Transaction};

use crate::audit;
use crate::connect::Store;
use crate::error::{StoreError, WriteError};
use crate::idempotency::Idempotency;
use crate::time::to_sql;

/// Who changes something, when, and in answer to which request.
#[derive(Clone, Debug)]
pub struct Author {
    /// Stable identity: `key:{id}` or `system:{part}`.
    pub actor: String,
    /// Name for people.
    pub actor_name: String,
    /// Why, where somebody said so.
    pub reason: Option<String>,
    /// The request.
    pub request_id: String,
    /// When, to the microsecond.
    pub at: Timestamp,
    /// What the caller calls the request, if it must not happen twice.
    pub idempotency: Option<Idempotency>,
}

impl Author {
    /// The program itself.
    pub fn system(part: &str, reason: &str, at: Timestamp) -> Self {
        Self {
            actor: format!("system:{part}"),
            actor_name: part.to_owned(),
            reason: Some(reason.to_owned()),
            request_id: format!("system:{part}"),
            at,
            idempotency: None,
        }
    }
}

/// Which version the caller means to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// Whatever is there.
    Any,
    /// This one and no other.
    Version(Version),
}

/// What was done to a resource.
pub(crate) struct Change<'a> {
    pub(crate) kind: &'static str,
    pub(crate) key: &'a str,
    pub(crate) from: Option<Version>,
    pub(crate) to: Version,
    pub(crate) action: &'static str,
    pub(crate) snapshot: Value,
    /// Whether edges may have to learn of it.
    pub(crate) publishes: bool,
}

/// Hash of a version's snapshot as it stands in the audit.
pub(crate) fn snapshot_sha256(snapshot: &Value) -> Vec<u8> {
    Sha256::digest(snapshot.to_string()).to_vec()
}

/// A transaction that changes one resource. Only [`commit`](Self::commit) keeps it, and that takes the whole story.
pub(crate) struct Write<'a> {
    transaction: Transaction<'static, Postgres>,
    author: &'a Author,
    environment: &'a str,
}

impl<'a> Write<'a> {
    pub(crate) async fn begin(store: &'a Store, author: &'a Author) -> Result<Self, StoreError> {
        let transaction = store.pool.begin().await?;
        Ok(Self { transaction, author, environment: &store.environment })
    }

    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }

    pub(crate) const fn author(&self) -> &'a Author {
        self.author
    }

    /// Writes version, audit row and outbox row, then commits all of it or nothing.
    pub(crate) async fn commit(mut self, mut change: Change<'_>) -> Result<(), WriteError> {
        change.snapshot = self.as_it_reads_back(&change.snapshot).await?;
        let sha256 = snapshot_sha256(&change.snapshot);
        self.write_version(&change, &sha256).await?;
        if let Some(idempotency) = &self.author.idempotency {
            idempotency.remember(&mut self.transaction, self.author, &change).await?;
        }
        audit::append(&mut self.transaction, self.author, &change, sha256).await?;
        if change.publishes {
            self.write_outbox(&change).await?;
        }
        self.transaction.commit().await?;
        Ok(())
    }

    /// Postgres has its own way to write numbers; the hash is of what a reader will find.
    async fn as_it_reads_back(&mut self, snapshot: &Value) -> Result<Value, WriteError> {
        let read = sqlx::query_scalar!(r#"select $1::jsonb as "snapshot!""#, snapshot);
        Ok(read.fetch_one(&mut *self.transaction).await?)
    }

    async fn write_version(&mut self, change: &Change<'_>, sha256: &[u8]) -> Result<(), WriteError> {
        sqlx::query!(
            "insert into resource_version
               (kind, key, version, snapshot, sha256, action, actor, actor_name, reason, request_id, at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            change.kind,
            change.key,
            change.to.get(),
            change.snapshot,
            sha256,
            change.action,
            self.author.actor,
            self.author.actor_name,
            self.author.reason,
            self.author.request_id,
            to_sql(self.author.at),
        )
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    async fn write_outbox(&mut self, change: &Change<'_>) -> Result<(), WriteError> {
        sqlx::query!(
            "insert into publish_outbox (environment, kind, key, version, at) values ($1, $2, $3, $4, $5)",
            self.environment,
            change.kind,
            change.key,
            change.to.get(),
            to_sql(self.author.at),
        )
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }
}
