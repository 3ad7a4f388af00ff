//! Experiments: list, create, read, change.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use kerf_control_domain::{Experiment, LayerKey, Phase};
use kerf_control_store::{Edit, ExperimentCursor, ExperimentFilter};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::auth::{Caller, Read, Write};
use crate::http::body::JsonBody;
use crate::http::cursor::{self, Page};
use crate::http::etag::{self, IfMatch};
use crate::http::params::{ExperimentKey, Params};
use crate::http::problem::{Kind, Problem, ProblemBody};
use crate::routes::experiment_body::{ExperimentBody, ExperimentInput, ExperimentPatch, answer};
use crate::routes::once::{Done, experiment_at, once, replayed};
use crate::state::App;

/// What a list is narrowed to.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListParams {
    /// 1 to 200, 50 when absent.
    limit: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Only these; everything but what is archived when absent.
    status: Option<String>,
    /// Only those that name this layer.
    layer: Option<String>,
}

/// Lists experiments, newest first.
#[utoipa::path(get, path = "/api/v1/experiments", tag = "experiments", params(ListParams),
    responses((status = 200, description = "One page", body = Page<ExperimentBody>), (status = 400, response = ProblemBody)))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: Caller<Read>,
    Params(params): Params<ListParams>,
) -> Result<Json<Page<ExperimentBody>>, Problem> {
    let limit = cursor::limit(params.limit.as_deref())?;
    let after = cursor::decode::<(jiff::Timestamp, String)>(params.cursor.as_deref())?
        .map(|(created_at, key)| ExperimentCursor { created_at, key });
    let rows = app.store.experiment_list(&filter(&params)?, after.as_ref(), limit + 1).await?;
    let cursor = |last: &Experiment| (last.created_at, last.key.to_string());
    Ok(Json(Page::of(rows, limit, cursor, |experiment| ExperimentBody::from(&experiment))))
}

fn filter(params: &ListParams) -> Result<ExperimentFilter, Problem> {
    let phase = params.status.as_deref().map(|text| {
        let detail = || format!("status is draft, running, paused, completed or archived, not `{text}`");
        Phase::parse(text).ok_or_else(|| Problem::new(Kind::BadParameter, detail()))
    });
    let layer = params.layer.as_deref().map(|text| {
        LayerKey::parse(text)
            .map_err(|error| Problem::new(Kind::BadParameter, format!("layer `{text}`: {error}")))
    });
    Ok(ExperimentFilter { phase: phase.transpose()?, layer: layer.transpose()? })
}

/// Creates a draft.
#[utoipa::path(post, path = "/api/v1/experiments", tag = "experiments",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat of this request answer the same")),
    request_body = ExperimentInput,
    responses(
        (status = 201, description = "The draft", body = ExperimentBody,
            headers(("ETag" = String, description = "`\"v1\"`"), ("Location" = String, description = "Its path"))),
        (status = 400, response = ProblemBody), (status = 409, response = ProblemBody), (status = 413, response = ProblemBody),
        (status = 415, response = ProblemBody), (status = 422, response = ProblemBody)))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller<Write>,
    body: JsonBody,
) -> Result<Response, Problem> {
    let author = caller.author_once(None, &body.request_sha256);
    let draft = Experiment::create(&body.document, author.at)?;
    match once(&app.store, &author, app.store.experiment_create(&author, &draft)).await? {
        Done::Now(()) => Ok(answer(StatusCode::CREATED, &draft)),
        Done::Before(row) => Ok(replayed(answer(StatusCode::CREATED, &experiment_at(&row)?))),
    }
}

/// Reads one experiment.
#[utoipa::path(get, path = "/api/v1/experiments/{id}", tag = "experiments",
    params(("id" = String, Path, description = "Its key"),
        ("If-None-Match" = Option<String>, Header, description = "ETag of the copy that the caller has")),
    responses(
        (status = 200, description = "The experiment", body = ExperimentBody, headers(("ETag" = String, description = "Its version"))),
        (status = 304, description = "The caller's copy is current"), (status = 404, response = ProblemBody)))]
pub(crate) async fn read(
    State(app): State<Arc<App>>,
    _: Caller<Read>,
    ExperimentKey(key): ExperimentKey,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let experiment = app.store.experiment_get(&key).await?;
    let experiment =
        experiment.ok_or_else(|| Problem::new(Kind::NotFound, format!("there is no experiment `{key}`")))?;
    if etag::unchanged(&headers, experiment.version) {
        return Ok((StatusCode::NOT_MODIFIED, etag::headers(experiment.version)).into_response());
    }
    Ok(answer(StatusCode::OK, &experiment))
}

/// Why a change is made.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReasonParams {
    /// Why, for the audit.
    reason: Option<String>,
}

/// Changes an experiment by JSON Merge Patch.
///
/// While it is live, traffic only goes up, and what decides who sees what is frozen.
#[utoipa::path(patch, path = "/api/v1/experiments/{id}", tag = "experiments",
    params(("id" = String, Path, description = "Its key"), ReasonParams,
        ("If-Match" = String, Header, description = "ETag of the version that is changed, or `*`")),
    request_body(content = ExperimentPatch, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, description = "The experiment after the change", body = ExperimentBody, headers(("ETag" = String, description = "Its version"))),
        (status = 400, response = ProblemBody), (status = 404, response = ProblemBody), (status = 409, response = ProblemBody),
        (status = 412, response = ProblemBody), (status = 413, response = ProblemBody), (status = 415, response = ProblemBody),
        (status = 422, response = ProblemBody), (status = 428, response = ProblemBody)))]
pub(crate) async fn patch(
    State(app): State<Arc<App>>,
    caller: Caller<Write>,
    (ExperimentKey(key), IfMatch(precondition)): (ExperimentKey, IfMatch),
    Params(ReasonParams { reason }): Params<ReasonParams>,
    body: JsonBody,
) -> Result<Response, Problem> {
    let author = caller.author(reason);
    let now = author.at;
    let decide = |current: &Experiment| current.patched(&body.document, now);
    let edit = Edit { key: &key, precondition, action: "experiment.update" };
    let changed = app.store.experiment_change(&author, edit, decide).await?;
    Ok(answer(StatusCode::OK, &changed))
}
