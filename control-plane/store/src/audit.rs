//! The audit: who did what, in a chain of hashes.

use jiff::Timestamp;
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use crate::connect::Store;
use crate::error::{StoreError, WriteError};
use crate::time::{from_sql, to_sql};
use crate::write::{Author, Change, snapshot_sha256};

/// Names the lock under which rows are appended; any constant that nothing else uses.
const CHAIN_LOCK: i64 = 0x6b65_7266_6175;

/// What the first row has as the hash before it.
const GENESIS: [u8; 32] = [0; 32];

/// One row of the audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// 1, 2, … without gaps.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// Stable identity of who did it.
    pub actor: String,
    /// Name for people.
    pub actor_name: String,
    /// What, for example `experiment.start`.
    pub action: String,
    /// Kind of the resource.
    pub kind: String,
    /// Key of the resource.
    pub key: String,
    /// Version before, none for a new resource.
    pub from_version: Option<i64>,
    /// Version after.
    pub to_version: i64,
    /// Why, where somebody said so.
    pub reason: Option<String>,
    /// The request.
    pub request_id: String,
    /// SHA-256 of the snapshot of the version after.
    pub snapshot_sha256: Vec<u8>,
    /// Hash of the row before.
    pub previous_hash: Vec<u8>,
    /// SHA-256 over the hash before and this row.
    pub hash: Vec<u8>,
}

/// What a walk along the chain found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainCheck {
    /// Rows that were looked at.
    pub rows: i64,
    /// First row that does not follow from the one before, if any.
    pub first_broken: Option<i64>,
}

impl AuditRow {
    /// SHA-256 over the hash before and a JSON array of everything else, in the order of the fields.
    fn expected_hash(&self) -> Vec<u8> {
        let content = json!([
            self.id,
            self.at.as_microsecond(),
            self.actor,
            self.actor_name,
            self.action,
            self.kind,
            self.key,
            self.from_version,
            self.to_version,
            self.reason,
            self.request_id,
            self.snapshot_sha256,
        ]);
        let mut hash = Sha256::new();
        hash.update(&self.previous_hash);
        hash.update(content.to_string());
        hash.finalize().to_vec()
    }
}

/// Appends a row. Holds a lock until the transaction ends, so that rows commit in the order of their ids.
pub(crate) async fn append(
    connection: &mut PgConnection,
    author: &Author,
    change: &Change<'_>,
    snapshot_sha256: Vec<u8>,
) -> Result<(), WriteError> {
    sqlx::query!("select pg_advisory_xact_lock($1)", CHAIN_LOCK).execute(&mut *connection).await?;
    let last = sqlx::query!("select id, hash from audit order by id desc limit 1")
        .fetch_optional(&mut *connection)
        .await?;
    let (last_id, previous_hash) = last.map_or((0, GENESIS.to_vec()), |last| (last.id, last.hash));
    let mut row = AuditRow {
        id: last_id + 1,
        at: author.at,
        actor: author.actor.clone(),
        actor_name: author.actor_name.clone(),
        action: change.action.to_owned(),
        kind: change.kind.to_owned(),
        key: change.key.to_owned(),
        from_version: change.from.map(kerf_control_domain::Version::get),
        to_version: change.to.get(),
        reason: author.reason.clone(),
        request_id: author.request_id.clone(),
        snapshot_sha256,
        previous_hash,
        hash: Vec::new(),
    };
    row.hash = row.expected_hash();
    insert(connection, &row).await
}

async fn insert(connection: &mut PgConnection, row: &AuditRow) -> Result<(), WriteError> {
    sqlx::query!(
        "insert into audit
           (id, at, actor, actor_name, action, kind, key, from_version, to_version, reason, request_id,
            snapshot_sha256, previous_hash, hash)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        row.id,
        to_sql(row.at),
        row.actor,
        row.actor_name,
        row.action,
        row.kind,
        row.key,
        row.from_version,
        row.to_version,
        row.reason,
        row.request_id,
        row.snapshot_sha256,
        row.previous_hash,
        row.hash,
    )
    .execute(connection)
    .await?;
    Ok(())
}

impl Store {
    /// Rows with an id below `before`, newest first.
    ///
    /// # Errors
    /// [`StoreError`] when Postgres fails.
    pub async fn audit_list(
        &self,
        kind: Option<&str>,
        key: Option<&str>,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let rows = sqlx::query_as!(
            Row,
            "select * from audit
             where ($1::bigint is null or id < $1) and ($2::text is null or kind = $2) and ($3::text is null or key = $3)
             order by id desc limit $4",
            before,
            kind,
            key,
            limit,
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(AuditRow::try_from).collect()
    }

    /// Walks the whole chain from the first row, and compares each version with the hash that the chain has of it.
    ///
    /// # Errors
    /// [`StoreError`] when Postgres fails; a broken chain is an answer, not an error.
    pub async fn audit_check(&self) -> Result<ChainCheck, StoreError> {
        let mut check = ChainCheck { rows: 0, first_broken: None };
        let mut previous = GENESIS.to_vec();
        loop {
            let rows = self.audit_after(check.rows).await?;
            if rows.is_empty() {
                return Ok(check);
            }
            for (row, snapshot_sha256) in rows {
                let follows = row.id == check.rows + 1 && row.previous_hash == previous;
                if !follows || row.hash != row.expected_hash() || row.snapshot_sha256 != snapshot_sha256 {
                    check.first_broken = Some(check.rows + 1);
                    return Ok(check);
                }
                check.rows = row.id;
                previous = row.hash;
            }
        }
    }

    /// The next rows of the chain, each with the hash of the version that it tells of as that stands now.
    async fn audit_after(&self, id: i64) -> Result<Vec<(AuditRow, Vec<u8>)>, StoreError> {
        let rows = sqlx::query_as!(Row, "select * from audit where id > $1 order by id limit 1000", id)
            .fetch_all(&self.pool)
            .await?;
        let snapshots = sqlx::query_scalar!(
            r#"select snapshot as "snapshot!" from audit
               join resource_version on resource_version.kind = audit.kind and resource_version.key = audit.key
                 and resource_version.version = audit.to_version
               where id > $1 order by id limit 1000"#,
            id,
        )
        .fetch_all(&self.pool)
        .await?;
        let hashes = snapshots.iter().map(snapshot_sha256);
        rows.into_iter().map(AuditRow::try_from).zip(hashes).map(|(row, hash)| Ok((row?, hash))).collect()
    }
}

struct Row {
    id: i64,
    at: sqlx::types::time::OffsetDateTime,
    actor: String,
    actor_name: String,
    action: String,
    kind: String,
    key: String,
    from_version: Option<i64>,
    to_version: i64,
    reason: Option<String>,
    request_id: String,
    snapshot_sha256: Vec<u8>,
    previous_hash: Vec<u8>,
    hash: Vec<u8>,
}

impl TryFrom<Row> for AuditRow {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            at: from_sql(row.at)?,
            actor: row.actor,
            actor_name: row.actor_name,
            action: row.action,
            kind: row.kind,
            key: row.key,
            from_version: row.from_version,
            to_version: row.to_version,
            reason: row.reason,
            request_id: row.request_id,
            snapshot_sha256: row.snapshot_sha256,
            previous_hash: row.previous_hash,
            hash: row.hash,
        })
    }
}
