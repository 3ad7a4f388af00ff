//! API keys. Only the hash of a key is kept.

use jiff::Timestamp;
use kerf_control_domain::{Role, Version};
use serde_json::json;
use sqlx::PgConnection;
use sqlx::types::time::OffsetDateTime;

use crate::connect::Store;
use crate::error::{StoreError, WriteError};
use crate::time::{from_sql, from_sql_opt, to_sql};
use crate::write::{Author, Change, Write};

const KIND: &str = "api_key";

/// An API key as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Public part of the key.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// SHA-256 of the whole key.
    pub sha256: Vec<u8>,
    /// Version of the resource.
    pub version: Version,
    /// When it was made.
    pub created_at: Timestamp,
    /// Name of who made it.
    pub created_by: String,
    /// When it was revoked, if so.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the hour.
    pub last_used_at: Option<Timestamp>,
}

/// What a new key is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewApiKey {
    /// Public part of the key.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// SHA-256 of the whole key.
    pub sha256: Vec<u8>,
}

impl Store {
    /// Writes a new key.
    ///
    /// # Errors
    /// [`WriteError::Store`] when Postgres fails.
    pub async fn api_key_create(&self, author: &Author, new: NewApiKey) -> Result<ApiKey, WriteError> {
        let mut write = Write::begin(self, author).await?;
        sqlx::query!(
            "insert into api_key (id, version, name, role, sha256, created_at, created_by)
             values ($1, 1, $2, $3, $4, $5, $6)",
            new.id,
            new.name,
            new.role.as_str(),
            new.sha256,
            to_sql(author.at),
            author.actor_name,
        )
        .execute(write.connection())
        .await?;
        let key = ApiKey {
            id: new.id,
            name: new.name,
            role: new.role,
            sha256: new.sha256,
            version: Version::FIRST,
            created_at: author.at,
            created_by: author.actor_name.clone(),
            revoked_at: None,
            last_used_at: None,
        };
        write.commit(change(&key, None, "api_key.create")).await?;
        Ok(key)
    }

    /// The key with this public part, revoked or not.
    ///
    /// # Errors
    /// [`StoreError`] when Postgres fails.
    pub async fn api_key_find(&self, id: &str) -> Result<Option<ApiKey>, StoreError> {
        let row = sqlx::query_as!(Row, "select * from api_key where id = $1", id)
            .fetch_optional(&self.pool)
            .await?;
        row.map(ApiKey::try_from).transpose()
    }

    /// Notes that a key was used, at most once an hour.
    ///
    /// # Errors
    /// [`StoreError`] when Postgres fails.
    pub async fn api_key_used(&self, id: &str, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query!(
            "update api_key set last_used_at = $2
             where id = $1 and (last_used_at is null or last_used_at < $2::timestamptz - interval '1 hour')",
            id,
            to_sql(now),
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Keys by public part, from the one after `after`.
    ///
    /// # Errors
    /// [`StoreError`] when Postgres fails.
    pub async fn api_key_list(&self, after: Option<&str>, limit: i64) -> Result<Vec<ApiKey>, StoreError> {
        let rows = sqlx::query_as!(
            Row,
            "select * from api_key where ($1::text is null or id > $1) order by id limit $2",
            after,
            limit,
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(ApiKey::try_from).collect()
    }

    /// Revokes a key. Revoking it again changes nothing.
    ///
    /// # Errors
    /// [`WriteError::NotFound`] when there is none.
    pub async fn api_key_revoke(&self, author: &Author, id: &str) -> Result<ApiKey, WriteError> {
        let mut write = Write::begin(self, author).await?;
        let mut key = lock(write.connection(), id).await?.ok_or(WriteError::NotFound)?;
        if key.revoked_at.is_some() {
            return Ok(key);
        }
        let from = key.version;
        key.version = from.next();
        key.revoked_at = Some(author.at);
        sqlx::query!(
            "update api_key set version = $2, revoked_at = $3 where id = $1",
            id,
            key.version.get(),
            to_sql(author.at),
        )
        .execute(write.connection())
        .await?;
        write.commit(change(&key, Some(from), "api_key.revoke")).await?;
        Ok(key)
    }
}

async fn lock(connection: &mut PgConnection, id: &str) -> Result<Option<ApiKey>, StoreError> {
    let row = sqlx::query_as!(Row, "select * from api_key where id = $1 for update", id)
        .fetch_optional(connection)
        .await?;
    row.map(ApiKey::try_from).transpose()
}

fn change<'a>(key: &'a ApiKey, from: Option<Version>, action: &'static str) -> Change<'a> {
    let snapshot = json!({"name": key.name, "role": key.role.as_str(), "revoked_at": key.revoked_at});
    Change { kind: KIND, key: &key.id, from, to: key.version, action, snapshot, publishes: false }
}

struct Row {
    id: String,
    version: i64,
    name: String,
    role: String,
    sha256: Vec<u8>,
    created_at: OffsetDateTime,
    created_by: String,
    revoked_at: Option<OffsetDateTime>,
    last_used_at: Option<OffsetDateTime>,
}

impl TryFrom<Row> for ApiKey {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let corrupt =
            |column, reason: &dyn std::fmt::Display| StoreError::corrupt(KIND, column, &row.id, reason);
        Ok(Self {
            role: Role::parse(&row.role).ok_or_else(|| corrupt("role", &row.role))?,
            version: Version::new(row.version).ok_or_else(|| corrupt("version", &row.version))?,
            id: row.id,
            name: row.name,
            sha256: row.sha256,
            created_at: from_sql(row.created_at)?,
            created_by: row.created_by,
            revoked_at: from_sql_opt(row.revoked_at)?,
            last_used_at: from_sql_opt(row.last_used_at)?,
        })
    }
}
