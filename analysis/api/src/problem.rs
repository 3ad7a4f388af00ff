//! Errors as problem details (RFC 9457), in one place.

use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use kerf_warehouse::ClickHouseError;
use serde::Serialize;

use crate::control_plane::ControlPlaneError;

/// Why a request has no results.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    /// `segment` names no dimension.
    #[error("results can be cut by {known}; `{segment}` is none of them")]
    UnknownSegment { segment: String, known: String },
    /// There is nothing under this path.
    #[error("there is nothing under this path; results are at /api/v1/experiments/{{id}}/results")]
    NoSuchPath,
    /// The control plane gave no experiment.
    #[error(transparent)]
    ControlPlane(#[from] ControlPlaneError),
    /// The warehouse gave no figures.
    #[error(transparent)]
    Warehouse(#[from] ClickHouseError),
}

#[derive(Serialize)]
struct Details {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: String,
}

impl Problem {
    /// Status, slug and title.
    const fn kind(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::UnknownSegment { .. } => {
                (StatusCode::BAD_REQUEST, "bad_parameter", "A parameter is not valid")
            }
            Self::NoSuchPath => (StatusCode::NOT_FOUND, "not_found", "Not found"),
            Self::ControlPlane(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The control plane is not available")
            }
            Self::Warehouse(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The warehouse is not available")
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        if let Self::ControlPlane(ControlPlaneError::Refused(status, content_type, body)) = self {
            let content_type = content_type.unwrap_or(HeaderValue::from_static("application/problem+json"));
            return (status, [(header::CONTENT_TYPE, content_type)], body).into_response();
        }
        let (status, slug, title) = self.kind();
        if status.is_server_error() {
            tracing::warn!(error = %self, "results are not available");
        }
        let details = Details {
            r#type: format!("/problems/{slug}"),
            title,
            status: status.as_u16(),
            detail: self.to_string(),
        };
        let mut response = (status, Json(details)).into_response();
        let headers: &[(HeaderName, &str)] = if status == StatusCode::SERVICE_UNAVAILABLE {
            &[(header::CONTENT_TYPE, "application/problem+json"), (header::RETRY_AFTER, "5")]
        } else {
            &[(header::CONTENT_TYPE, "application/problem+json")]
        };
        for (name, value) in headers {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}
