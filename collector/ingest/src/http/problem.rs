//! Errors of a request as a whole, as RFC 9457 problem details.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kerf_events::BatchFault;
use serde::Serialize;

/// Why a request was not served.
#[derive(Debug)]
pub(super) enum Problem {
    /// The body is no batch.
    Batch(BatchFault),
    /// The body has more bytes than a batch may have.
    BodyTooLarge,
    /// The body did not arrive in time.
    SlowBody,
    /// The id in the path is not the key of an experiment.
    ExperimentId(String),
    /// The key is absent or wrong.
    Unauthorized,
    /// No such path.
    NotFound,
    /// Another method than the path has.
    MethodNotAllowed,
    /// Too much is worked on already.
    Busy,
    /// Neither Kafka nor the spool takes events.
    Unavailable(String),
}

#[derive(Serialize)]
struct Document {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    detail: String,
}

impl Problem {
    /// Status, slug and title.
    fn class(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Batch(BatchFault::TooManyBytes | BatchFault::TooManyEvents(_)) | Self::BodyTooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "too_large", "The batch is too large")
            }
            Self::Batch(_) => {
                (StatusCode::BAD_REQUEST, "malformed_batch", "The body is not a batch of events")
            }
            Self::SlowBody => (StatusCode::REQUEST_TIMEOUT, "slow_body", "The body did not arrive in time"),
            Self::ExperimentId(_) => {
                (StatusCode::BAD_REQUEST, "invalid_experiment_id", "Not the key of an experiment")
            }
            Self::Unauthorized => {
                (StatusCode::UNAUTHORIZED, "unauthenticated", "The ingest key is absent or wrong")
            }
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found", "No such path"),
            Self::MethodNotAllowed => {
                (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Not with this method")
            }
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy", "The collector is busy"),
            Self::Unavailable(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Events cannot be made durable now")
            }
        }
    }

    fn detail(&self) -> String {
        match self {
            Self::Batch(fault) => fault.to_string(),
            Self::BodyTooLarge => BatchFault::TooManyBytes.to_string(),
            Self::SlowBody => "the whole body must arrive within 15 seconds; send smaller batches".to_owned(),
            Self::ExperimentId(id) => format!("{id:?} does not match ^[a-z][a-z0-9_.-]{{0,63}}$"),
            Self::Unauthorized => "send `Authorization: Bearer` with the collector's ingest key".to_owned(),
            Self::NotFound => "events go to POST /v1/events".to_owned(),
            Self::MethodNotAllowed => "events are sent with POST".to_owned(),
            Self::Busy => {
                "too many events are on their way; send the same batch again after Retry-After".to_owned()
            }
            Self::Unavailable(why) => format!("{why}; send the same batch again after Retry-After"),
        }
    }

    /// The body may not have been read to its end, so nothing else can follow on the connection.
    const fn ends_connection(&self) -> bool {
        matches!(self, Self::BodyTooLarge | Self::SlowBody | Self::Unauthorized | Self::Busy)
    }

    /// Seconds after which the same request may succeed.
    fn retry_after(&self) -> Option<&'static str> {
        match self {
            Self::Busy => Some("1"),
            Self::Unavailable(_) => Some("5"),
            _ => None,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, slug, title) = self.class();
        let kind = format!("/problems/{slug}");
        let document = Document { kind, title, status: status.as_u16(), detail: self.detail() };
        let mut response = (status, axum::Json(document)).into_response();
        let mut set =
            |name: HeaderName, value| response.headers_mut().insert(name, HeaderValue::from_static(value));
        set(header::CONTENT_TYPE, "application/problem+json");
        if let Some(seconds) = self.retry_after() {
            set(header::RETRY_AFTER, seconds);
        }
        if self.ends_connection() {
            set(header::CONNECTION, "close");
        }
        if status == StatusCode::UNAUTHORIZED {
            set(header::WWW_AUTHENTICATE, "Bearer");
        }
        response
    }
}
