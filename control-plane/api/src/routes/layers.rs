//! Layers and what they have free.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kerf_control_domain::{Fields, Layer, LayerKey, Unit, Violations};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::auth::{Caller, Read, Write};
use crate::http::body::JsonBody;
use crate::http::cursor::{self, Page};
use crate::http::etag;
use crate::http::params::Params;
use crate::http::problem::{Kind, Problem, ProblemBody};
use crate::routes::once::{Done, once, replayed};
use crate::routes::versions::PageParams;
use crate::state::App;

/// A layer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LayerBody {
    #[schema(example = "checkout_ui")]
    key: String,
    /// Attribute that every experiment of the layer deals.
    #[schema(example = "user_id")]
    unit: String,
    version: i64,
    #[schema(format = DateTime)]
    created_at: String,
    /// What no live experiment owns.
    #[schema(example = 80.0)]
    free_percent: f64,
    /// What live experiments own.
    ranges: Vec<RangeBody>,
}

/// Buckets that an experiment owns, in basis points.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RangeBody {
    experiment: String,
    /// First bucket.
    from: u16,
    /// First bucket after it.
    to: u16,
}

/// A new layer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LayerInput {
    #[schema(pattern = "^[a-z][a-z0-9_.-]{0,63}$")]
    key: String,
    /// `user_id` when absent.
    unit: Option<String>,
}

impl From<&Layer> for LayerBody {
    fn from(layer: &Layer) -> Self {
        let ranges = layer.taken.iter().map(|(range, experiment)| RangeBody {
            experiment: experiment.clone(),
            from: range.from(),
            to: range.to(),
        });
        Self {
            key: layer.key.to_string(),
            unit: layer.unit.to_string(),
            version: layer.version.get(),
            created_at: layer.created_at.to_string(),
            free_percent: layer.free().percent(),
            ranges: ranges.collect(),
        }
    }
}

/// Lists layers by key.
#[utoipa::path(get, path = "/api/v1/layers", tag = "layers", params(PageParams),
    responses((status = 200, description = "One page", body = Page<LayerBody>), (status = 400, response = ProblemBody)))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: Caller<Read>,
    Params(params): Params<PageParams>,
) -> Result<Json<Page<LayerBody>>, Problem> {
    let limit = cursor::limit(params.limit.as_deref())?;
    let after = cursor::decode::<String>(params.cursor.as_deref())?;
    let rows = app.store.layer_list(after.as_deref(), limit + 1).await?;
    Ok(Json(Page::of(rows, limit, |last| last.key.to_string(), |layer| LayerBody::from(&layer))))
}

/// Reads one layer.
#[utoipa::path(get, path = "/api/v1/layers/{key}", tag = "layers", params(("key" = String, Path, description = "Its key")),
    responses((status = 200, description = "The layer", body = LayerBody), (status = 404, response = ProblemBody)))]
pub(crate) async fn read(
    State(app): State<Arc<App>>,
    _: Caller<Read>,
    key: Result<Path<String>, axum::extract::rejection::PathRejection>,
) -> Result<Response, Problem> {
    let key = key.ok().and_then(|Path(text)| LayerKey::parse(&text).ok());
    let layer = match &key {
        Some(key) => app.store.layer_get(key).await?,
        None => None,
    };
    let layer = layer.ok_or_else(|| Problem::new(Kind::NotFound, "there is no layer with this key"))?;
    Ok((etag::headers(layer.version), Json(LayerBody::from(&layer))).into_response())
}

/// Creates a layer.
#[utoipa::path(post, path = "/api/v1/layers", tag = "layers", request_body = LayerInput,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat of this request answer the same")),
    responses((status = 201, description = "The layer", body = LayerBody, headers(("Location" = String, description = "Its path"))),
        (status = 400, response = ProblemBody), (status = 409, response = ProblemBody), (status = 413, response = ProblemBody),
        (status = 415, response = ProblemBody), (status = 422, response = ProblemBody)))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller<Write>,
    body: JsonBody,
) -> Result<Response, Problem> {
    let (key, unit) = parse(&body.document)?;
    let author = caller.author_once(None, &body.request_sha256);
    match once(&app.store, &author, app.store.layer_create(&author, &key, &unit)).await? {
        Done::Now(layer) => Ok(created(&layer)),
        Done::Before(_) => {
            let layer = app.store.layer_get(&key).await?;
            let layer = layer.ok_or_else(|| Problem::new(Kind::NotFound, "the layer is gone"))?;
            Ok(replayed(created(&layer)))
        }
    }
}

fn parse(document: &Value) -> Result<(LayerKey, Unit), Violations> {
    let mut fields = Fields::of(document, "")?;
    let key = fields.parsed("key", "bad_key", LayerKey::parse);
    if document.get("key").is_none_or(Value::is_null) {
        fields.refuse::<()>("key", "required", "a layer has a key");
    }
    let unit = fields.parsed("unit", "bad_attribute", Unit::parse).unwrap_or_default();
    let violations = fields.finish();
    match key {
        Some(key) => violations.or_ok((key, unit)),
        None => Err(violations),
    }
}

fn created(layer: &Layer) -> Response {
    let mut headers = etag::headers(layer.version);
    if let Ok(location) = HeaderValue::try_from(format!("/api/v1/layers/{}", layer.key)) {
        headers.insert(header::LOCATION, location);
    }
    (StatusCode::CREATED, headers, Json(LayerBody::from(layer))).into_response()
}
