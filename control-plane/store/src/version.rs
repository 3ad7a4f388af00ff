//! Versions of resources, kept for ever.

use jiff::Timestamp;
use serde_json::Value;

use crate::connect::Store;
use crate::error::StoreError;
use crate::time::from_sql;

/// One version of a resource.
#[derive(Clone, Debug, PartialEq)]
pub struct VersionRow {
    /// Kind of the resource.
    pub kind: String,
    /// Key of the resource.
    pub key: String,
    /// Number of the version.
    pub version: i64,
    /// The whole resource as it was.
    pub snapshot: Value,
    /// What made it, for example `experiment.start`.
    pub action: String,
    /// Stable identity of who made it.
    pub actor: String,
    /// Name for people.
    pub actor_name: String,
    /// Why, where somebody said so.
    pub reason: Option<String>,
    /// The request.
    pub request_id: String,
    /// When.
    pub at: Timestamp,
}

struct Row {
    kind: String,
    key: String,
    version: i64,
    snapshot: Value,
    action: String,
    actor: String,
    actor_name: String,
    reason: Option<String>,
    request_id: String,
    at: sqlx::types::time::OffsetDateTime,
}

impl Store {
    /// Versions below `before`, newest first.
    ///
    /// # Errors
    /// [`StoreError`] when Postgres fails.
    pub async fn version_list(
        &self,
        kind: &str,
        key: &str,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<VersionRow>, StoreError> {
        let rows = sqlx::query_as!(
            Row,
            "select kind, key, version, snapshot, action, actor, actor_name, reason, request_id, at
             from resource_version
             where kind = $1 and key = $2 and ($3::bigint is null or version < $3)
             order by version desc limit $4",
            kind,
            key,
            before,
            limit,
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(VersionRow::try_from).collect()
    }

    /// One version.
    ///
    /// # Errors
    /// [`StoreError`] when Postgres fails.
    pub async fn version_get(
        &self,
        kind: &str,
        key: &str,
        version: i64,
    ) -> Result<Option<VersionRow>, StoreError> {
        let rows = self.version_list(kind, key, Some(version.saturating_add(1)), 1).await?;
        Ok(rows.into_iter().find(|row| row.version == version))
    }
}

impl TryFrom<Row> for VersionRow {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            kind: row.kind,
            key: row.key,
            version: row.version,
            snapshot: row.snapshot,
            action: row.action,
            actor: row.actor,
            actor_name: row.actor_name,
            reason: row.reason,
            request_id: row.request_id,
            at: from_sql(row.at)?,
        })
    }
}
