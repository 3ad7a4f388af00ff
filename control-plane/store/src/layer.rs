//! Layers and the ranges that experiments own in them.

use jiff::Timestamp;
use kerf_control_domain::{Key, Layer, LayerKey, Range, Unit, Version};
use serde_json::json;
use sqlx::PgConnection;
use sqlx::types::time::OffsetDateTime;

use crate::connect::Store;
use crate::error::{StoreError, WriteError};
use crate::time::{from_sql, to_sql};
use crate::write::{Author, Change, Write};

const KIND: &str = "layer";

impl Store {
    /// Writes a new layer.
    ///
    /// # Errors
    /// [`WriteError::KeyTaken`] when there is one with this key.
    pub async fn layer_create(
        &self,
        author: &Author,
        key: &LayerKey,
        unit: &Unit,
    ) -> Result<Layer, WriteError> {
        let mut write = Write::begin(self, author).await?;
        sqlx::query!(
            "insert into layer (key, version, unit, created_at) values ($1, 1, $2, $3)",
            key.as_str(),
            unit.as_str(),
            to_sql(author.at),
        )
        .execute(write.connection())
        .await?;
        write
            .commit(Change {
                kind: KIND,
                key: key.as_str(),
                from: None,
                to: Version::FIRST,
                action: "layer.create",
                snapshot: json!({"key": key.as_str(), "unit": unit.as_str()}),
                publishes: false,
            })
            .await?;
        Ok(layer(key.clone(), unit.clone(), Version::FIRST, author.at))
    }

    /// One layer with what is taken of it.
    ///
    /// # Errors
    /// [`StoreError`] when Postgres fails.
    pub async fn layer_get(&self, key: &LayerKey) -> Result<Option<Layer>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        let Some(mut layer) = find(&mut connection, key).await? else { return Ok(None) };
        fill(&mut connection, std::slice::from_mut(&mut layer)).await?;
        Ok(Some(layer))
    }

    /// Every layer with what is taken of it, by key, from the one after `after`.
    ///
    /// # Errors
    /// [`StoreError`] when Postgres fails.
    pub async fn layer_list(&self, after: Option<&str>, limit: i64) -> Result<Vec<Layer>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        let mut layers = all(&mut connection, after, limit).await?;
        fill(&mut connection, &mut layers).await?;
        Ok(layers)
    }
}

const fn layer(key: LayerKey, unit: Unit, version: Version, created_at: Timestamp) -> Layer {
    Layer { key, unit, version, created_at, taken: Vec::new() }
}

/// The layer itself, without what is taken.
pub(crate) async fn find(connection: &mut PgConnection, key: &LayerKey) -> Result<Option<Layer>, StoreError> {
    let row =
        sqlx::query_as!(Row, "select key, version, unit, created_at from layer where key = $1", key.as_str())
            .fetch_optional(connection)
            .await?;
    row.map(Layer::try_from).transpose()
}

/// Layers by key, without what is taken.
pub(crate) async fn all(
    connection: &mut PgConnection,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Layer>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        "select key, version, unit, created_at from layer where ($1::text is null or key > $1) order by key limit $2",
        after,
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Layer::try_from).collect()
}

async fn fill(connection: &mut PgConnection, layers: &mut [Layer]) -> Result<(), StoreError> {
    let rows = sqlx::query!(
        r#"select layer, experiment, lower(span) as "from!", upper(span) as "to!"
           from layer_range where released_at is null order by span"#
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let range = range(&row.layer, row.from, row.to)?;
        if let Some(layer) = layers.iter_mut().find(|layer| layer.key.as_str() == row.layer) {
            layer.taken.push((range, row.experiment));
        }
    }
    Ok(())
}

/// Locks the layer until the transaction ends, so that two starts do not look for space at once; what is taken now.
pub(crate) async fn lock_taken(
    connection: &mut PgConnection,
    key: &LayerKey,
) -> Result<Vec<Range>, StoreError> {
    sqlx::query!("select key from layer where key = $1 for update", key.as_str())
        .fetch_one(&mut *connection)
        .await?;
    let rows = sqlx::query!(
        r#"select lower(span) as "from!", upper(span) as "to!"
           from layer_range where layer = $1 and released_at is null"#,
        key.as_str(),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(|row| range(key.as_str(), row.from, row.to)).collect()
}

/// Gives ranges to an experiment.
pub(crate) async fn take(
    connection: &mut PgConnection,
    layer: &LayerKey,
    experiment: &Key,
    ranges: &[Range],
    at: OffsetDateTime,
) -> Result<(), StoreError> {
    for range in ranges {
        sqlx::query!(
            "insert into layer_range (layer, experiment, span, taken_at) values ($1, $2, int4range($3, $4), $5)",
            layer.as_str(),
            experiment.as_str(),
            i32::from(range.from()),
            i32::from(range.to()),
            at,
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Takes all ranges back from an experiment.
pub(crate) async fn release(
    connection: &mut PgConnection,
    experiment: &Key,
    at: OffsetDateTime,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update layer_range set released_at = $2 where experiment = $1 and released_at is null",
        experiment.as_str(),
        at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

fn range(layer: &str, from: i32, to: i32) -> Result<Range, StoreError> {
    Range::new(from.into(), to.into())
        .map_err(|error| StoreError::corrupt("layer_range", "span", layer, &error))
}

struct Row {
    key: String,
    version: i64,
    unit: String,
    created_at: OffsetDateTime,
}

impl TryFrom<Row> for Layer {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let corrupt =
            |column, reason: &dyn std::fmt::Display| StoreError::corrupt(KIND, column, &row.key, reason);
        let key = LayerKey::parse(&row.key).map_err(|error| corrupt("key", &error))?;
        let unit = Unit::parse(&row.unit).map_err(|error| corrupt("unit", &error))?;
        let version = Version::new(row.version).ok_or_else(|| corrupt("version", &row.version))?;
        Ok(layer(key, unit, version, from_sql(row.created_at)?))
    }
}
