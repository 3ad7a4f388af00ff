//! The outermost layer: gives each request an id, and each problem its document.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::http::problem::{Kind, Problem};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Id of a request, in the log, the audit and the answer.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub(crate) String);

/// Runs the request and finishes its answer.
pub(crate) async fn finish(mut request: Request, next: Next) -> Response {
    let id = format!("req_{:032x}", rand::random::<u128>());
    request.extensions_mut().insert(RequestId(id.clone()));
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response = render(response, problem, &id);
    }
    tracing::debug!(%method, path, status = response.status().as_u16(), request = id, "answered");
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// Keeps the status and the headers that inner layers set.
fn render(response: Response, problem: Problem, id: &str) -> Response {
    let (mut parts, _) = response.into_parts();
    if let Some(seconds) = problem.wait() {
        parts.headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if parts.status == StatusCode::PAYLOAD_TOO_LARGE {
        // The rest of the body was not read, so nothing else can follow on the connection.
        parts.headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    parts.headers.remove(header::CONTENT_LENGTH);
    match serde_json::to_vec(&problem.into_body(id)) {
        Ok(bytes) => (parts, bytes).into_response(),
        Err(error) => {
            tracing::error!(%error, request = id, "a problem could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// What is at no path.
pub(crate) async fn not_found() -> Problem {
    Problem::new(Kind::NotFound, "nothing is at this path; /openapi.json lists what there is")
}

/// What is at a path, but not with this method.
pub(crate) async fn method_not_allowed() -> Problem {
    Problem::new(
        Kind::MethodNotAllowed,
        "the path does not take this method; /openapi.json lists what there is",
    )
}
