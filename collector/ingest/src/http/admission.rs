//! Who may send, and how much at once.

use super::problem::Problem;
use axum::body::Body;
use axum::http::{HeaderMap, Request, header};
use bytes::Bytes;
use kerf_events::limits::BATCH_BYTES;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How long a request may wait for others to finish before it is sent away.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a sender may take for the body.
const READING: Duration = Duration::from_secs(15);

/// The gate before the pipeline: a key where one is asked for, and a bound on the bytes that are worked on.
pub(super) struct Admission {
    ingest_key: Option<String>,
    bytes: Arc<Semaphore>,
}

/// A body, and its share of the bytes in flight until it is dropped.
pub(super) struct Admitted {
    pub(super) body: Bytes,
    _share: OwnedSemaphorePermit,
}

impl Admission {
    pub(super) fn new(ingest_key: Option<String>, in_flight_bytes: u32) -> Self {
        let bytes = usize::try_from(in_flight_bytes).unwrap_or(usize::MAX).max(BATCH_BYTES);
        Self { ingest_key, bytes: Arc::new(Semaphore::new(bytes)) }
    }

    /// Reads the body of a request that may be served now.
    pub(super) async fn admit(&self, request: Request<Body>) -> Result<Admitted, Problem> {
        self.authorize(request.headers())?;
        let share = announced(request.headers());
        if share > BATCH_BYTES {
            return Err(Problem::BodyTooLarge);
        }
        // At most BATCH_BYTES, so it fits into u32 and into the semaphore.
        let permits = u32::try_from(share.max(1)).unwrap_or(u32::MAX);
        let waiting = Arc::clone(&self.bytes).acquire_many_owned(permits);
        let share = timeout(PATIENCE, waiting).await.ok().and_then(Result::ok).ok_or(Problem::Busy)?;
        let body = timeout(READING, axum::body::to_bytes(request.into_body(), BATCH_BYTES))
            .await
            .map_err(|_| Problem::SlowBody)?
            .map_err(|_| Problem::BodyTooLarge)?;
        Ok(Admitted { body, _share: share })
    }

    fn authorize(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let Some(expected) = &self.ingest_key else { return Ok(()) };
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let given = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        if same(expected.as_bytes(), given.as_bytes()) { Ok(()) } else { Err(Problem::Unauthorized) }
    }
}

/// The announced length of the body; a body of unknown length counts as the longest one.
fn announced(headers: &HeaderMap) -> usize {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    length.unwrap_or(BATCH_BYTES)
}

/// Compares in a time that depends on the lengths alone.
fn same(a: &[u8], b: &[u8]) -> bool {
    let difference = a.iter().zip(b).fold(0, |sum, (x, y)| sum | (x ^ y));
    a.len() == b.len() && difference == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(length: Option<&str>, authorization: Option<&str>) -> Request<Body> {
        let mut request = Request::new(Body::from("[]"));
        for (name, value) in [(header::CONTENT_LENGTH, length), (header::AUTHORIZATION, authorization)] {
            if let Some(value) = value {
                request.headers_mut().insert(name, value.parse().unwrap());
            }
        }
        request
    }

    #[tokio::test]
    async fn a_key_is_asked_for_when_there_is_one() {
        let admission = Admission::new(Some("s3cret".to_owned()), 0);
        assert!(admission.admit(request(None, Some("Bearer s3cret"))).await.is_ok());
        for wrong in [None, Some("Bearer s3cre"), Some("Bearer s3cret2"), Some("s3cret"), Some("Bearer ")] {
            let refused = admission.admit(request(None, wrong)).await;
            assert!(matches!(refused, Err(Problem::Unauthorized)), "{wrong:?}");
        }
    }

    #[tokio::test]
    async fn bytes_in_flight_are_bounded() {
        let admission = Admission::new(None, 0);
        let unknown_length = admission.admit(request(None, None)).await.unwrap();
        assert!(matches!(admission.admit(request(Some("2"), None)).await, Err(Problem::Busy)));
        drop(unknown_length);
        let one = admission.admit(request(Some("2"), None)).await.unwrap();
        let two = admission.admit(request(Some("2"), None)).await.unwrap();
        assert_eq!((&one.body[..], &two.body[..]), (&b"[]"[..], &b"[]"[..]));
    }

    #[tokio::test]
    async fn a_body_that_is_announced_too_long_is_not_read() {
        let admission = Admission::new(None, 0);
        let refused = admission.admit(request(Some("1000001"), None)).await;
        assert!(matches!(refused, Err(Problem::BodyTooLarge)));
    }
}
