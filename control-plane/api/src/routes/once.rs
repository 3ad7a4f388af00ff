//! Requests with an Idempotency-Key: done once, answered the same way again.

use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use kerf_control_domain::{Experiment, Key, Version};
use kerf_control_store::{Author, Store, StoreError, VersionRow, WriteError};

use crate::http::problem::{Kind, Problem};

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// What a write did, now or before.
#[derive(Debug)]
pub(crate) enum Done<T> {
    /// Just now.
    Now(T),
    /// In answer to an earlier request with the same idempotency key.
    Before(Box<VersionRow>),
}

/// Writes, unless the same request was written before.
pub(crate) async fn once<T>(
    store: &Store,
    author: &Author,
    write: impl Future<Output = Result<T, WriteError>> + Send,
) -> Result<Done<T>, Problem> {
    if let Some(before) = before(store, author).await? {
        return Ok(Done::Before(Box::new(before)));
    }
    match write.await {
        Ok(done) => Ok(Done::Now(done)),
        // The same request may have been committed meanwhile, by whichever of two got there first.
        Err(error) => match before(store, author).await? {
            Some(before) => Ok(Done::Before(Box::new(before))),
            None => Err(error.into()),
        },
    }
}

async fn before(store: &Store, author: &Author) -> Result<Option<VersionRow>, Problem> {
    let Some(idempotency) = &author.idempotency else { return Ok(None) };
    match store.idempotency_find(&author.actor, &idempotency.key).await? {
        None => Ok(None),
        Some(found) if found.request_sha256 == idempotency.request_sha256 => Ok(Some(found.version)),
        Some(_) => Err(Problem::new(
            Kind::IdempotencyMismatch,
            "this Idempotency-Key came with another request before",
        )),
    }
}

/// The experiment as a version of it was.
pub(crate) fn experiment_at(row: &VersionRow) -> Result<Experiment, Problem> {
    let corrupt = |reason: &dyn std::fmt::Display| StoreError::Corrupt {
        table: "resource_version",
        column: "snapshot",
        key: row.key.clone(),
        reason: reason.to_string(),
    };
    let key = Key::parse(&row.key).map_err(|error| corrupt(&error))?;
    let version = Version::new(row.version).ok_or_else(|| corrupt(&row.version))?;
    Ok(Experiment::from_snapshot(key, version, &row.snapshot, row.at).map_err(|error| corrupt(&error))?)
}

/// Says that an answer is an earlier one.
pub(crate) fn replayed(mut response: Response) -> Response {
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}
