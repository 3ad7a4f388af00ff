//! Experiments: reading, and the two ways of writing them.

use jiff::Timestamp;
use kerf_control_domain::{
    Experiment, ExperimentSpec, ExperimentStatus, Key, LayerKey, Phase, Range, Refusal, Version, first_fit,
};
use serde_json::Value;
use sqlx::PgConnection;

use crate::connect::Store;
use crate::error::{Current, StoreError, WriteError};
use crate::time::{from_sql, to_sql};
use crate::write::{Author, Change, Precondition, Write};

pub(crate) const KIND: &str = "experiment";

/// What a list is narrowed to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExperimentFilter {
    /// Only these; everything but what is archived when absent.
    pub phase: Option<Phase>,
    /// Only those that name this layer.
    pub layer: Option<LayerKey>,
}

/// Where a list goes on: after this experiment, in the order newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExperimentCursor {
    /// When it was made.
    pub created_at: Timestamp,
    /// Its key.
    pub key: String,
}

/// Which experiment is changed, and how the audit calls it.
#[derive(Clone, Copy, Debug)]
pub struct Edit<'a> {
    /// Its key.
    pub key: &'a Key,
    /// The version that the caller means.
    pub precondition: Precondition,
    /// Name of the change, for example `experiment.start`.
    pub action: &'static str,
}

impl Store {
    /// One experiment.
    ///
    /// # Errors
    /// [`StoreError`] when Postgres fails.
    pub async fn experiment_get(&self, key: &Key) -> Result<Option<Experiment>, StoreError> {
        let row = sqlx::query_as!(
            Row,
            "select key, version, spec, status, created_at, updated_at from experiment where key = $1",
            key.as_str(),
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(Experiment::try_from).transpose()
    }

    /// Experiments, newest first.
    ///
    /// # Errors
    /// [`StoreError`] when Postgres fails.
    pub async fn experiment_list(
        &self,
        filter: &ExperimentFilter,
        after: Option<&ExperimentCursor>,
        limit: i64,
    ) -> Result<Vec<Experiment>, StoreError> {
        let rows = sqlx::query_as!(
            Row,
            "select key, version, spec, status, created_at, updated_at
             from experiment
             where (phase = $1 or $1::text is null and phase <> 'archived')
               and ($2::text is null or layer = $2)
               and ($3::timestamptz is null or (created_at, key) < ($3, $4))
             order by created_at desc, key desc
             limit $5",
            filter.phase.map(Phase::as_str),
            filter.layer.as_ref().map(LayerKey::as_str),
            after.map(|cursor| to_sql(cursor.created_at)),
            after.map(|cursor| cursor.key.as_str()),
            limit,
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Experiment::try_from).collect()
    }

    /// Writes a new draft.
    ///
    /// # Errors
    /// [`WriteError::KeyTaken`], [`WriteError::KeyRetired`], or a refusal when the layer is unknown or does not fit.
    pub async fn experiment_create(&self, author: &Author, draft: &Experiment) -> Result<(), WriteError> {
        let mut write = Write::begin(self, author).await?;
        check_layer(write.connection(), draft).await?;
        sqlx::query!(
            "insert into experiment (key, version, phase, layer, spec, status, created_at, updated_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
            draft.key.as_str(),
            draft.version.get(),
            draft.status.phase.as_str(),
            draft.spec.layer.as_ref().map(LayerKey::as_str),
            draft.spec.to_json(),
            draft.status.to_json(),
            to_sql(draft.created_at),
            to_sql(draft.updated_at),
        )
        .execute(write.connection())
        .await?;
        write.commit(change(draft, None, "experiment.create")).await
    }

    /// Changes an experiment: `decide` sees the current one under a lock and says what follows it.
    ///
    /// Ranges of the layer are taken and released so that the experiment owns what it then claims. A decision that
    /// changes nothing writes nothing.
    ///
    /// # Errors
    /// [`WriteError::NotFound`], [`WriteError::Stale`], [`WriteError::LayerFull`], or what `decide` refuses.
    pub async fn experiment_change(
        &self,
        author: &Author,
        edit: Edit<'_>,
        decide: impl FnOnce(&Experiment) -> Result<Experiment, Refusal> + Send,
    ) -> Result<Experiment, WriteError> {
        let mut write = Write::begin(self, author).await?;
        let current = lock(write.connection(), edit.key).await?.ok_or(WriteError::NotFound)?;
        if let Precondition::Version(version) = edit.precondition
            && version != current.version
        {
            return Err(stale(write.connection(), &current, version).await?);
        }
        let mut next = decide(&current)?;
        if next.spec == current.spec && next.status == current.status {
            return Ok(current);
        }
        if next.spec.layer != current.spec.layer || next.spec.unit != current.spec.unit {
            check_layer(write.connection(), &next).await?;
        }
        settle_ranges(&mut write, &current, &mut next).await?;
        update(write.connection(), &next).await?;
        write.commit(change(&next, Some(current.version), edit.action)).await?;
        Ok(next)
    }
}

fn change<'a>(experiment: &'a Experiment, from: Option<Version>, action: &'static str) -> Change<'a> {
    Change {
        kind: KIND,
        key: experiment.key.as_str(),
        from,
        to: experiment.version,
        action,
        snapshot: experiment.snapshot(),
        publishes: true,
    }
}

async fn lock(connection: &mut PgConnection, key: &Key) -> Result<Option<Experiment>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "select key, version, spec, status, created_at, updated_at from experiment where key = $1 for update",
        key.as_str(),
    )
    .fetch_optional(connection)
    .await?;
    row.map(Experiment::try_from).transpose()
}

async fn update(connection: &mut PgConnection, next: &Experiment) -> Result<(), WriteError> {
    sqlx::query!(
        "update experiment set version = $2, phase = $3, layer = $4, spec = $5, status = $6, updated_at = $7
         where key = $1",
        next.key.as_str(),
        next.version.get(),
        next.status.phase.as_str(),
        next.spec.layer.as_ref().map(LayerKey::as_str),
        next.spec.to_json(),
        next.status.to_json(),
        to_sql(next.updated_at),
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn check_layer(connection: &mut PgConnection, experiment: &Experiment) -> Result<(), WriteError> {
    let Some(key) = &experiment.spec.layer else { return Ok(()) };
    match crate::layer::find(connection, key).await? {
        None => Err(Experiment::unknown_layer(key).into()),
        Some(layer) => Ok(experiment.fits(&layer)?),
    }
}

/// Takes what the experiment claims and does not own yet; releases everything when it claims nothing.
async fn settle_ranges(
    write: &mut Write<'_>,
    current: &Experiment,
    next: &mut Experiment,
) -> Result<(), WriteError> {
    let at = to_sql(write.author().at);
    match next.claim() {
        Some((layer, share)) => {
            let layer = layer.clone();
            let missing = current.missing_share(share);
            let taken = crate::layer::lock_taken(write.connection(), &layer).await?;
            let found = first_fit(&taken, missing)
                .map_err(|full| WriteError::LayerFull { layer: layer.clone(), full })?;
            crate::layer::take(write.connection(), &layer, &next.key, &found, at).await?;
            next.status.ranges.extend(found);
            next.status.ranges.sort_unstable();
        }
        None if current.status.ranges.is_empty() => {}
        None => {
            crate::layer::release(write.connection(), &next.key, at).await?;
            next.status.ranges = Vec::<Range>::new();
        }
    }
    Ok(())
}

async fn stale(
    connection: &mut PgConnection,
    current: &Experiment,
    named: Version,
) -> Result<WriteError, StoreError> {
    let before = sqlx::query_scalar!(
        "select snapshot from resource_version where kind = $1 and key = $2 and version = $3",
        KIND,
        current.key.as_str(),
        named.get(),
    )
    .fetch_optional(&mut *connection)
    .await?;
    let by = sqlx::query_scalar!(
        "select actor_name from resource_version where kind = $1 and key = $2 and version = $3",
        KIND,
        current.key.as_str(),
        current.version.get(),
    )
    .fetch_one(connection)
    .await?;
    let changed = before.map(|before| Experiment::changes(&before, &current.snapshot())).unwrap_or_default();
    Ok(WriteError::Stale(Box::new(Current {
        version: current.version,
        changed_by: by,
        changed_at: current.updated_at,
        changed,
    })))
}

pub(crate) struct Row {
    pub(crate) key: String,
    pub(crate) version: i64,
    pub(crate) spec: Value,
    pub(crate) status: Value,
    pub(crate) created_at: sqlx::types::time::OffsetDateTime,
    pub(crate) updated_at: sqlx::types::time::OffsetDateTime,
}

impl TryFrom<Row> for Experiment {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let corrupt =
            |column, reason: &dyn std::fmt::Display| StoreError::corrupt(KIND, column, &row.key, reason);
        Ok(Self {
            key: Key::parse(&row.key).map_err(|error| corrupt("key", &error))?,
            version: Version::new(row.version).ok_or_else(|| corrupt("version", &row.version))?,
            spec: ExperimentSpec::parse_stored(&row.spec).map_err(|error| corrupt("spec", &error))?,
            status: ExperimentStatus::parse_stored(&row.status).map_err(|error| corrupt("status", &error))?,
            created_at: from_sql(row.created_at)?,
            updated_at: from_sql(row.updated_at)?,
        })
    }
}
