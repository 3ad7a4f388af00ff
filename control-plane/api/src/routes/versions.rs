//! History of an experiment.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use kerf_control_store::VersionRow;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::auth::{Caller, Read};
use crate::http::cursor::{self, Page};
use crate::http::params::{ExperimentKey, Params};
use crate::http::problem::{Kind, Problem, ProblemBody};
use crate::routes::experiment_body::ExperimentBody;
use crate::routes::once::experiment_at;
use crate::state::App;

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageParams {
    /// 1 to 200, 50 when absent.
    pub(crate) limit: Option<String>,
    /// `next_cursor` of the page before.
    pub(crate) cursor: Option<String>,
}

/// One version of an experiment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VersionBody {
    version: i64,
    #[schema(example = "experiment.start")]
    action: String,
    actor: String,
    actor_name: String,
    reason: Option<String>,
    request_id: String,
    #[schema(format = DateTime)]
    at: String,
    /// The experiment as it was then.
    snapshot: ExperimentBody,
}

/// Lists the versions of an experiment, newest first.
#[utoipa::path(get, path = "/api/v1/experiments/{id}/versions", tag = "experiments",
    params(("id" = String, Path, description = "Its key"), PageParams),
    responses((status = 200, description = "One page", body = Page<VersionBody>),
        (status = 400, response = ProblemBody), (status = 404, response = ProblemBody)))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: Caller<Read>,
    ExperimentKey(key): ExperimentKey,
    Params(params): Params<PageParams>,
) -> Result<Json<Page<VersionBody>>, Problem> {
    let limit = cursor::limit(params.limit.as_deref())?;
    let before = cursor::decode::<i64>(params.cursor.as_deref())?;
    let rows = app.store.version_list("experiment", key.as_str(), before, limit + 1).await?;
    if rows.is_empty() && before.is_none() {
        return Err(Problem::new(Kind::NotFound, format!("there is no experiment `{key}`")));
    }
    let items = rows.into_iter().map(body).collect::<Result<Vec<_>, Problem>>()?;
    Ok(Json(Page::of(items, limit, |last| last.version, |item| item)))
}

fn body(row: VersionRow) -> Result<VersionBody, Problem> {
    let snapshot = ExperimentBody::from(&experiment_at(&row)?);
    Ok(VersionBody {
        version: row.version,
        action: row.action,
        actor: row.actor,
        actor_name: row.actor_name,
        reason: row.reason,
        request_id: row.request_id,
        at: row.at.to_string(),
        snapshot,
    })
}
