//! What operators and their machines ask.

use super::Service;
use crate::metrics::Gauges;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use std::sync::Arc;

/// `GET /healthz`: the process serves requests.
pub(super) async fn healthy() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: events can be made durable, in Kafka or in the spool.
pub(super) async fn ready(State(service): State<Arc<Service>>) -> impl IntoResponse {
    let durable = &service.durable;
    match (durable.is_away(), durable.spool.bytes() < durable.spool.limit()) {
        (false, _) => (StatusCode::OK, "ok\n"),
        (true, true) => (StatusCode::OK, "Kafka is away; events go to the spool\n"),
        (true, false) => (StatusCode::SERVICE_UNAVAILABLE, "Kafka is away and the spool is full\n"),
    }
}

/// `GET /metrics`: counters for Prometheus.
pub(super) async fn metrics(State(service): State<Arc<Service>>) -> impl IntoResponse {
    let durable = &service.durable;
    let gauges = Gauges {
        spool_bytes: durable.spool.bytes(),
        spool_limit_bytes: durable.spool.limit(),
        kafka_away: durable.is_away(),
    };
    (
        [(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")],
        durable.metrics.render(&gauges),
    )
}
