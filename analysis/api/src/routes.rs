//! The HTTP surface: results, health, metrics.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, header},
    response::IntoResponse,
    routing::get,
};
use jiff::Timestamp;
use kerf_warehouse::{Dimension, Reader};
use serde::Deserialize;

use crate::{
    control_plane::ControlPlane,
    metrics::Metrics,
    problem::Problem,
    results::{Policy, Results, results},
};

/// What the handlers work with.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) control_plane: ControlPlane,
    pub(crate) reader: Reader,
    pub(crate) policy: Policy,
    pub(crate) metrics: Arc<Metrics>,
}

pub(crate) fn router(service: Service) -> Router {
    Router::new()
        .route("/api/v1/experiments/{id}/results", get(experiment_results))
        .route("/healthz", get(async || "ok\n"))
        .route("/metrics", get(async |State(service): State<Service>| service.metrics.text()))
        .fallback(async || Problem::NoSuchPath)
        .with_state(service)
}

#[derive(Deserialize)]
struct Cut {
    segment: Option<String>,
}

async fn experiment_results(
    State(service): State<Service>,
    Path(id): Path<String>,
    Query(cut): Query<Cut>,
    headers: HeaderMap,
) -> impl IntoResponse {
    let answer = service.results(&id, cut.segment, &headers).await;
    service.metrics.answered(answer.is_ok());
    answer.map(Json)
}

impl Service {
    async fn results(
        &self,
        id: &str,
        segment: Option<String>,
        headers: &HeaderMap,
    ) -> Result<Results, Problem> {
        let experiment = self.control_plane.experiment(id, headers.get(header::AUTHORIZATION)).await?;
        let dimension = segment.map(dimension).transpose()?;
        let figures = match self.reader.figures(&experiment.key, dimension).await {
            // No builder has made its tables yet, so nothing is built.
            Err(error) if error.is_missing_table() => None,
            figures => figures?,
        };
        Ok(results(&experiment, figures.as_ref(), dimension.is_some(), &self.policy, Timestamp::now()))
    }
}

fn dimension(segment: String) -> Result<Dimension, Problem> {
    let known = || Dimension::ALL.map(Dimension::name).join(", ");
    Dimension::named(&segment).ok_or_else(|| Problem::UnknownSegment { segment, known: known() })
}
