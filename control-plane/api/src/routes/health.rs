//! Is it alive, is it ready, what can it do.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::problem::{Problem, ProblemBody};
use crate::state::App;

/// State of the service.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HealthBody {
    #[schema(example = "ok")]
    status: &'static str,
}

/// Says that the process lives.
#[utoipa::path(get, path = "/healthz", tag = "health",
    responses((status = 200, description = "It lives", body = HealthBody)))]
pub(crate) async fn alive() -> Json<HealthBody> {
    Json(HealthBody { status: "ok" })
}

/// Says that Postgres answers and the schema is up to date.
#[utoipa::path(get, path = "/readyz", tag = "health",
    responses((status = 200, description = "Ready", body = HealthBody), (status = 503, response = ProblemBody)))]
pub(crate) async fn ready(State(app): State<Arc<App>>) -> Result<Json<HealthBody>, Problem> {
    if !app.is_migrated() {
        return Err(Problem::unavailable(
            "Postgres is not available, or the schema is being brought up to date",
        ));
    }
    app.store.ping().await?;
    Ok(Json(HealthBody { status: "ready" }))
}

/// Answers the OpenAPI document of this API.
#[utoipa::path(get, path = "/openapi.json", tag = "health",
    responses((status = 200, description = "OpenAPI 3.1", body = Object)))]
pub(crate) async fn document(State(app): State<Arc<App>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], app.openapi.clone())
}
