//! `POST` of events, by the four paths.

use super::Service;
use super::answer::answer;
use super::problem::Problem;
use crate::pipeline::{self, Arrival};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::Request;
use axum::response::Response;
use kerf_events::{Implied, Key, Millis};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

type Reply = Result<Response, Problem>;

/// `POST /v1/events`: events of any type.
pub(super) async fn any(State(service): State<Arc<Service>>, request: Request<Body>) -> Reply {
    take(&service, Implied::default(), request).await
}

/// `POST /exposures`: the type is implied.
pub(super) async fn exposures(State(service): State<Arc<Service>>, request: Request<Body>) -> Reply {
    take(&service, Implied { event_type: Some("exposure"), experiment: None }, request).await
}

/// `POST /metrics`: the type is implied.
pub(super) async fn metrics(State(service): State<Arc<Service>>, request: Request<Body>) -> Reply {
    take(&service, Implied { event_type: Some("metric"), experiment: None }, request).await
}

/// `POST /api/v1/experiments/{id}/events`: the experiment is implied.
pub(super) async fn of_experiment(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Reply {
    let experiment = Key::parse(id.as_str()).map_err(|id| Problem::ExperimentId(id.into_owned()))?;
    take(&service, Implied { event_type: None, experiment: Some(experiment) }, request).await
}

/// Admits, runs the pipeline, makes durable, answers.
async fn take(service: &Service, implied: Implied<'_>, request: Request<Body>) -> Reply {
    let metrics = &service.durable.metrics;
    let admitted = service.admission.admit(request).await.inspect_err(|problem| {
        if matches!(problem, Problem::Busy) {
            metrics.refused_requests.inc();
        }
    })?;
    let arrival = Arrival { implied, received: now(), key: &service.key };
    let intake = pipeline::run(&admitted.body, &arrival, rand::random).map_err(Problem::Batch)?;
    let accepted = intake.outgoing.len();
    service.durable.store(intake.outgoing).await.map_err(|refusal| {
        metrics.refused_requests.inc();
        Problem::Unavailable(refusal.to_string())
    })?;
    metrics.accepted.inc_by(accepted as u64);
    intake
        .verdicts
        .iter()
        .filter_map(|verdict| verdict.as_ref().err())
        .for_each(|why| metrics.reject(why.code));
    Ok(answer(&intake.verdicts))
}

/// The time of receipt. A clock before 1970 counts as 1970.
fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
