//! API keys: make, list, revoke.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use kerf_control_domain::{Fields, Role, Violations};
use kerf_control_store::ApiKey;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::auth::{Caller, ManageKeys};
use crate::http::body::JsonBody;
use crate::http::cursor::{self, Page};
use crate::http::params::Params;
use crate::http::problem::{Problem, ProblemBody};
use crate::keys::{LONGEST_NAME, issue};
use crate::routes::versions::PageParams;
use crate::state::App;

/// An API key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApiKeyBody {
    /// Public part of the key.
    id: String,
    name: String,
    #[schema(example = "viewer")]
    role: &'static str,
    version: i64,
    #[schema(format = DateTime)]
    created_at: String,
    created_by: String,
    #[schema(format = DateTime)]
    revoked_at: Option<String>,
    /// To the hour.
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
}

/// A new API key with its secret, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NewApiKeyBody {
    /// The key itself, for `Authorization: Bearer`.
    #[schema(example = "kerf_api_…")]
    secret: String,
    #[serde(flatten)]
    key: ApiKeyBody,
}

/// What a new API key is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApiKeyInput {
    #[schema(example = "ci", max_length = 100)]
    name: String,
    /// `viewer` or `admin`.
    role: String,
}

impl From<ApiKey> for ApiKeyBody {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id,
            name: key.name,
            role: key.role.as_str(),
            version: key.version.get(),
            created_at: key.created_at.to_string(),
            created_by: key.created_by,
            revoked_at: key.revoked_at.map(|time| time.to_string()),
            last_used_at: key.last_used_at.map(|time| time.to_string()),
        }
    }
}

/// Lists API keys.
#[utoipa::path(get, path = "/api/v1/keys", tag = "keys", params(PageParams),
    responses((status = 200, description = "One page", body = Page<ApiKeyBody>), (status = 400, response = ProblemBody)))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: Caller<ManageKeys>,
    Params(params): Params<PageParams>,
) -> Result<Json<Page<ApiKeyBody>>, Problem> {
    let limit = cursor::limit(params.limit.as_deref())?;
    let after = cursor::decode::<String>(params.cursor.as_deref())?;
    let rows = app.store.api_key_list(after.as_deref(), limit + 1).await?;
    Ok(Json(Page::of(rows, limit, |last| last.id.clone(), ApiKeyBody::from)))
}

/// Makes an API key. Its secret is in this answer and nowhere else, so a repeat makes another key.
#[utoipa::path(post, path = "/api/v1/keys", tag = "keys", request_body = ApiKeyInput,
    responses((status = 201, description = "The key with its secret", body = NewApiKeyBody), (status = 400, response = ProblemBody),
        (status = 413, response = ProblemBody), (status = 415, response = ProblemBody), (status = 422, response = ProblemBody)))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller<ManageKeys>,
    body: JsonBody,
) -> Result<(StatusCode, Json<NewApiKeyBody>), Problem> {
    let (name, role) = parse(&body.document)?;
    let (token, key) = issue(&app.store, &caller.author(None), role, &name).await?;
    Ok((StatusCode::CREATED, Json(NewApiKeyBody { secret: token.reveal().to_owned(), key: key.into() })))
}

/// Revokes an API key, at once. Revoking it again changes nothing; it never waits for `If-Match`.
#[utoipa::path(delete, path = "/api/v1/keys/{id}", tag = "keys", params(("id" = String, Path, description = "Public part of the key")),
    responses((status = 200, description = "The revoked key", body = ApiKeyBody), (status = 404, response = ProblemBody)))]
pub(crate) async fn revoke(
    State(app): State<Arc<App>>,
    caller: Caller<ManageKeys>,
    id: Result<Path<String>, axum::extract::rejection::PathRejection>,
) -> Result<Json<ApiKeyBody>, Problem> {
    let id = id.map(|Path(id)| id).unwrap_or_default();
    Ok(Json(app.store.api_key_revoke(&caller.author(None), &id).await?.into()))
}

fn parse(document: &Value) -> Result<(String, Role), Violations> {
    let mut fields = Fields::of(document, "")?;
    let name = fields.text("name", LONGEST_NAME).unwrap_or_default().to_owned();
    let role = fields.parsed("role", "unknown_role", |text| {
        Role::parse(text).ok_or_else(|| format!("`{text}` is not a role; there are viewer and admin"))
    });
    for required in ["name", "role"] {
        if document.get(required).is_none_or(|value| value.is_null() || value == "") {
            fields.refuse::<()>(required, "required", format!("a key has a {required}"));
        }
    }
    let violations = fields.finish();
    match role {
        Some(role) => violations.or_ok((name, role)),
        None => Err(violations),
    }
}
