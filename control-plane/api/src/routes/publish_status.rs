//! How publishing stands.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use kerf_control_store::{PublishStatus, TargetStatus};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::{Caller, Read};
use crate::http::problem::{Kind, Problem, ProblemBody};
use crate::publish::hex;
use crate::state::App;

/// How publishing stands in one environment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PublishStatusBody {
    environment: String,
    /// Committed changes that no bundle has seen yet.
    waiting_changes: i64,
    /// Why the last attempt to make a bundle failed, if it still does.
    error: Option<String>,
    /// The newest bundle.
    bundle: Option<BundleBody>,
    targets: Vec<TargetBody>,
}

/// A bundle.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BundleBody {
    version: i64,
    sha256: String,
    /// Bytes.
    size: i32,
    #[schema(format = DateTime)]
    created_at: Option<String>,
}

/// How far one target has got.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TargetBody {
    #[schema(example = "folder")]
    target: String,
    /// `pending`, `written`, `verified`, `live` (the pointer names the newest bundle) or `failed` (is tried again).
    #[schema(example = "live")]
    state: &'static str,
    /// Newest bundle that was written there; 0 for none.
    written_version: i64,
    /// Newest bundle that was read back and was the same; 0 for none.
    verified_version: i64,
    /// Bundle that the pointer names; 0 for none.
    live_version: i64,
    #[schema(format = DateTime)]
    live_at: Option<String>,
    /// Attempts that failed since one succeeded.
    failed_attempts: i32,
    /// With `failed`: when it is tried next.
    #[schema(format = DateTime)]
    next_attempt_at: Option<String>,
    error: Option<String>,
    #[schema(format = DateTime)]
    updated_at: String,
}

/// Reads how publishing stands.
#[utoipa::path(get, path = "/api/v1/environments/{env}/publish-status", tag = "publishing",
    params(("env" = String, Path, description = "Key of the environment")),
    responses((status = 200, description = "Bundle and targets", body = PublishStatusBody), (status = 404, response = ProblemBody)))]
pub(crate) async fn read(
    State(app): State<Arc<App>>,
    _: Caller<Read>,
    environment: Result<Path<String>, axum::extract::rejection::PathRejection>,
) -> Result<Json<PublishStatusBody>, Problem> {
    let environment = environment.map(|Path(text)| text).unwrap_or_default();
    let status = app.store.publish_status(&environment).await?;
    let status =
        status.ok_or_else(|| Problem::new(Kind::NotFound, "there is no environment with this key"))?;
    Ok(Json(body(environment, status)))
}

fn body(environment: String, status: PublishStatus) -> PublishStatusBody {
    let newest = status.bundle.as_ref().map_or(0, |bundle| bundle.version);
    PublishStatusBody {
        environment,
        waiting_changes: status.waiting_changes,
        error: status.last_error,
        bundle: status.bundle.map(|bundle| BundleBody {
            version: bundle.version,
            sha256: hex(&bundle.sha256),
            size: bundle.size,
            created_at: Some(bundle.created_at.to_string()),
        }),
        targets: status.targets.into_iter().map(|target| target_body(target, newest)).collect(),
    }
}

fn target_body(target: TargetStatus, newest: i64) -> TargetBody {
    let failed = target.last_error.is_some();
    TargetBody {
        state: state(&target, newest),
        target: target.target,
        written_version: target.written_version,
        verified_version: target.verified_version,
        live_version: target.live_version,
        live_at: target.live_at.map(|time| time.to_string()),
        failed_attempts: target.failed_attempts,
        next_attempt_at: failed.then(|| target.next_attempt_at.to_string()),
        error: target.last_error,
        updated_at: target.updated_at.to_string(),
    }
}

fn state(target: &TargetStatus, newest: i64) -> &'static str {
    match target {
        _ if newest > 0 && target.live_version == newest => "live",
        _ if target.last_error.is_some() => "failed",
        _ if newest > 0 && target.verified_version == newest => "verified",
        _ if newest > 0 && target.written_version == newest => "written",
        _ => "pending",
    }
}
