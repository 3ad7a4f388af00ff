//! The audit.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use kerf_control_store::AuditRow;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::auth::{Caller, ReadAudit};
use crate::http::cursor::{self, Page};
use crate::http::params::Params;
use crate::http::problem::{Problem, ProblemBody};
use crate::publish::hex;
use crate::state::App;

/// What the list is narrowed to.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditParams {
    /// 1 to 200, 50 when absent.
    limit: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Only changes of this kind of resource: `experiment`, `layer` or `api_key`.
    kind: Option<String>,
    /// Only changes of the resource with this key.
    key: Option<String>,
}

/// One row of the audit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditBody {
    id: i64,
    #[schema(format = DateTime)]
    at: String,
    /// `key:{id}` or `system:{part}`.
    actor: String,
    actor_name: String,
    #[schema(example = "experiment.start")]
    action: String,
    kind: String,
    key: String,
    from_version: Option<i64>,
    to_version: i64,
    reason: Option<String>,
    request_id: String,
    /// Hash of the row before.
    previous_hash: String,
    /// Hash over the one before and this row.
    hash: String,
}

/// What a walk along the chain of hashes found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditCheckBody {
    /// Whether every row follows from the one before.
    intact: bool,
    /// Rows that follow, from the first on.
    rows: i64,
    /// First row that does not.
    first_broken: Option<i64>,
}

impl From<AuditRow> for AuditBody {
    fn from(row: AuditRow) -> Self {
        Self {
            id: row.id,
            at: row.at.to_string(),
            actor: row.actor,
            actor_name: row.actor_name,
            action: row.action,
            kind: row.kind,
            key: row.key,
            from_version: row.from_version,
            to_version: row.to_version,
            reason: row.reason,
            request_id: row.request_id,
            previous_hash: hex(&row.previous_hash),
            hash: hex(&row.hash),
        }
    }
}

/// Lists the audit, newest first.
#[utoipa::path(get, path = "/api/v1/audit", tag = "audit", params(AuditParams),
    responses((status = 200, description = "One page", body = Page<AuditBody>), (status = 400, response = ProblemBody)))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: Caller<ReadAudit>,
    Params(params): Params<AuditParams>,
) -> Result<Json<Page<AuditBody>>, Problem> {
    let limit = cursor::limit(params.limit.as_deref())?;
    let before = cursor::decode::<i64>(params.cursor.as_deref())?;
    let rows = app.store.audit_list(params.kind.as_deref(), params.key.as_deref(), before, limit + 1).await?;
    Ok(Json(Page::of(rows, limit, |last| last.id, AuditBody::from)))
}

/// Walks the whole chain of hashes and says whether it is intact.
#[utoipa::path(get, path = "/api/v1/audit/check", tag = "audit",
    responses((status = 200, description = "What was found", body = AuditCheckBody)))]
pub(crate) async fn check(
    State(app): State<Arc<App>>,
    _: Caller<ReadAudit>,
) -> Result<Json<AuditCheckBody>, Problem> {
    let found = app.store.audit_check().await?;
    let intact = found.first_broken.is_none();
    Ok(Json(AuditCheckBody { intact, rows: found.rows, first_broken: found.first_broken }))
}
