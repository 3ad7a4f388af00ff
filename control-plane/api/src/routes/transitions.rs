//! The moves of an experiment's life.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use kerf_control_domain::{Action, ActionRequest, Experiment, Refusal};
use kerf_control_store::{Edit, Precondition};
use serde_json::Value;

use crate::auth::{Caller, Write};
use crate::http::body::JsonBody;
use crate::http::etag::IfMatch;
use crate::http::params::ExperimentKey;
use crate::http::problem::{Problem, ProblemBody};
use crate::routes::experiment_body::{ActionInput, CompleteInput, ExperimentBody, answer};
use crate::routes::once::{Done, experiment_at, once, replayed};
use crate::state::App;

/// Starts a draft: checks it, takes its share of the layer, publishes it.
#[utoipa::path(post, path = "/api/v1/experiments/{id}/start", tag = "experiments",
    params(("id" = String, Path, description = "Its key"), ("If-Match" = String, Header, description = "ETag of its version, or `*`"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat of this request answer the same")),
    request_body(content = Option<ActionInput>),
    responses((status = 200, description = "It runs", body = ExperimentBody, headers(("ETag" = String, description = "Its version"))),
        (status = 404, response = ProblemBody), (status = 409, response = ProblemBody), (status = 412, response = ProblemBody),
        (status = 422, response = ProblemBody), (status = 428, response = ProblemBody)))]
pub(crate) async fn start(
    app: State<Arc<App>>,
    caller: Caller<Write>,
    key: ExperimentKey,
    precondition: IfMatch,
    body: JsonBody,
) -> Result<Response, Problem> {
    act(app, caller, key, (Action::Start, precondition.0), body).await
}

/// Pauses: control for everybody, no exposures, ranges are kept. Never waits for `If-Match`.
#[utoipa::path(post, path = "/api/v1/experiments/{id}/pause", tag = "experiments",
    params(("id" = String, Path, description = "Its key"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat of this request answer the same")),
    request_body(content = Option<ActionInput>),
    responses((status = 200, description = "It pauses", body = ExperimentBody, headers(("ETag" = String, description = "Its version"))),
        (status = 404, response = ProblemBody), (status = 409, response = ProblemBody), (status = 422, response = ProblemBody)))]
pub(crate) async fn pause(
    app: State<Arc<App>>,
    caller: Caller<Write>,
    key: ExperimentKey,
    body: JsonBody,
) -> Result<Response, Problem> {
    act(app, caller, key, (Action::Pause, Precondition::Any), body).await
}

/// Goes on: the same units, the same variants.
#[utoipa::path(post, path = "/api/v1/experiments/{id}/resume", tag = "experiments",
    params(("id" = String, Path, description = "Its key"), ("If-Match" = String, Header, description = "ETag of its version, or `*`"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat of this request answer the same")),
    request_body(content = Option<ActionInput>),
    responses((status = 200, description = "It runs", body = ExperimentBody, headers(("ETag" = String, description = "Its version"))),
        (status = 404, response = ProblemBody), (status = 409, response = ProblemBody), (status = 412, response = ProblemBody),
        (status = 422, response = ProblemBody), (status = 428, response = ProblemBody)))]
pub(crate) async fn resume(
    app: State<Arc<App>>,
    caller: Caller<Write>,
    key: ExperimentKey,
    precondition: IfMatch,
    body: JsonBody,
) -> Result<Response, Problem> {
    act(app, caller, key, (Action::Resume, precondition.0), body).await
}

/// Ends it: its ranges are released, its results stay.
#[utoipa::path(post, path = "/api/v1/experiments/{id}/complete", tag = "experiments",
    params(("id" = String, Path, description = "Its key"), ("If-Match" = String, Header, description = "ETag of its version, or `*`"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat of this request answer the same")),
    request_body(content = Option<CompleteInput>),
    responses((status = 200, description = "It is over", body = ExperimentBody, headers(("ETag" = String, description = "Its version"))),
        (status = 404, response = ProblemBody), (status = 409, response = ProblemBody), (status = 412, response = ProblemBody),
        (status = 422, response = ProblemBody), (status = 428, response = ProblemBody)))]
pub(crate) async fn complete(
    app: State<Arc<App>>,
    caller: Caller<Write>,
    key: ExperimentKey,
    precondition: IfMatch,
    body: JsonBody,
) -> Result<Response, Problem> {
    act(app, caller, key, (Action::Complete, precondition.0), body).await
}

/// Puts away a draft or what is over.
#[utoipa::path(post, path = "/api/v1/experiments/{id}/archive", tag = "experiments",
    params(("id" = String, Path, description = "Its key"), ("If-Match" = String, Header, description = "ETag of its version, or `*`"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat of this request answer the same")),
    request_body(content = Option<ActionInput>),
    responses((status = 200, description = "It is archived", body = ExperimentBody, headers(("ETag" = String, description = "Its version"))),
        (status = 404, response = ProblemBody), (status = 409, response = ProblemBody), (status = 412, response = ProblemBody),
        (status = 422, response = ProblemBody), (status = 428, response = ProblemBody)))]
pub(crate) async fn archive(
    app: State<Arc<App>>,
    caller: Caller<Write>,
    key: ExperimentKey,
    precondition: IfMatch,
    body: JsonBody,
) -> Result<Response, Problem> {
    act(app, caller, key, (Action::Archive, precondition.0), body).await
}

const fn audited(action: Action) -> &'static str {
    match action {
        Action::Start => "experiment.start",
        Action::Pause => "experiment.pause",
        Action::Resume => "experiment.resume",
        Action::Complete => "experiment.complete",
        Action::Archive => "experiment.archive",
    }
}

async fn act(
    State(app): State<Arc<App>>,
    caller: Caller<Write>,
    ExperimentKey(key): ExperimentKey,
    (action, precondition): (Action, Precondition),
    body: JsonBody,
) -> Result<Response, Problem> {
    // The domain checks the reason with the rest of the body; the audit takes it as it is.
    let reason = body.document.get("reason").and_then(Value::as_str).map(str::to_owned);
    let author = caller.author_once(reason, &body.request_sha256);
    let now = author.at;
    let decide = |current: &Experiment| {
        let request =
            ActionRequest::parse(&body.document, action, &current.spec).map_err(Refusal::Invalid)?;
        current.act(action, &request, now)
    };
    let edit = Edit { key: &key, precondition, action: audited(action) };
    let change = app.store.experiment_change(&author, edit, decide);
    match once(&app.store, &author, change).await? {
        Done::Now(changed) => Ok(answer(StatusCode::OK, &changed)),
        Done::Before(row) => Ok(replayed(answer(StatusCode::OK, &experiment_at(&row)?))),
    }
}
