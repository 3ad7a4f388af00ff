//! Bundle and pointer for edges that read them from here. The paths are the keys of the KV behind `/config/`.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::auth::{Caller, Read};
use crate::http::problem::{Kind, Problem, ProblemBody};
use crate::publish::{BundleKey, hex, sha256};
use crate::state::App;

/// Reads the signed pointer to the newest bundle.
///
/// Needs a key, since bundles tell who is targeted; an edge trusts the signature of the pointer, not the sender.
#[utoipa::path(get, path = "/config/kerf/{env}/current", tag = "publishing",
    params(("env" = String, Path, description = "Key of the environment")),
    responses((status = 200, description = "The pointer", content_type = "text/plain", body = String),
        (status = 304, description = "The caller's copy is current"), (status = 400, response = ProblemBody), (status = 404, response = ProblemBody),
        (status = 503, response = ProblemBody)))]
pub(crate) async fn pointer(
    State(app): State<Arc<App>>,
    _: Caller<Read>,
    environment: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let environment = environment.map(|Path(text)| text).unwrap_or_default();
    let pointer = app.store.bundle_pointer(&environment).await?;
    let pointer =
        pointer.ok_or_else(|| Problem::new(Kind::NotFound, "nothing is published in this environment"))?;
    let tag = hex(&sha256(&pointer));
    Ok(file(&headers, &tag, "text/plain; charset=utf-8", "no-cache", pointer))
}

/// Reads a bundle, which never changes under its name `{version}-{first 12 hex digits of its SHA-256}`.
#[utoipa::path(get, path = "/config/kerf/{env}/bundle/{name}", tag = "publishing",
    params(("env" = String, Path, description = "Key of the environment"), ("name" = String, Path, description = "Name of the bundle, as the pointer gives it")),
    responses((status = 200, description = "The bundle", content_type = "application/octet-stream", body = Vec<u8>),
        (status = 304, description = "The caller's copy is current"), (status = 400, response = ProblemBody), (status = 404, response = ProblemBody),
        (status = 503, response = ProblemBody)))]
pub(crate) async fn bundle(
    State(app): State<Arc<App>>,
    _: Caller<Read>,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let missing = || Problem::new(Kind::NotFound, "there is no bundle of this name");
    let Path((environment, name)) = path.map_err(|_| missing())?;
    let key = BundleKey::parse(&name).ok_or_else(missing)?;
    let found = app.store.bundle_get(&environment, key.version()).await?;
    let (sha256, bytes) = found.filter(|(sha256, _)| key.names(sha256)).ok_or_else(missing)?;
    Ok(file(&headers, &hex(&sha256), "application/octet-stream", "max-age=31536000, immutable", bytes))
}

fn file(
    request: &HeaderMap,
    tag: &str,
    media_type: &'static str,
    cache: &'static str,
    bytes: Vec<u8>,
) -> Response {
    let tag = format!("\"{tag}\"");
    let known = request.get(header::IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == tag.as_bytes());
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    if let Ok(value) = HeaderValue::try_from(tag) {
        headers.insert(header::ETAG, value);
    }
    if known { (StatusCode::NOT_MODIFIED, headers).into_response() } else { (headers, bytes).into_response() }
}
