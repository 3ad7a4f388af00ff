//! The HTTP surface: routes, and what is the same for every request.

mod admission;
mod answer;
mod events;
mod operations;
mod problem;

use crate::config::Config;
use crate::policy::Durable;
use admission::Admission;
use axum::Router;
use axum::http::{Method, header};
use axum::routing::{get, post};
use kerf_events::PseudonymKey;
use problem::Problem;
use std::sync::Arc;
use std::time::Duration;
use tower_http::cors::{AllowOrigin, CorsLayer};

/// What handlers share.
pub(crate) struct Service {
    pub(crate) durable: Arc<Durable>,
    key: PseudonymKey,
    admission: Admission,
}

impl Service {
    pub(crate) fn new(durable: Arc<Durable>, config: &Config) -> Self {
        let admission = Admission::new(config.ingest_key.clone(), config.in_flight_bytes);
        Self { durable, key: config.pseudonym_key.clone(), admission }
    }
}

/// Every route.
pub(crate) fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/v1/events", post(events::any))
        .route("/exposures", post(events::exposures))
        .route("/metrics", post(events::metrics).get(operations::metrics))
        .route("/api/v1/experiments/{id}/events", post(events::of_experiment))
        .route("/healthz", get(operations::healthy))
        .route("/readyz", get(operations::ready))
        .fallback(async || Problem::NotFound)
        .method_not_allowed_fallback(async || Problem::MethodNotAllowed)
        .layer(cors())
        .with_state(service)
}

/// Browsers of any site may send events: an event carries no authority, and its answer holds no secret. What
/// operators read with `GET` is not for other sites.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(|_, request| request.method != Method::GET))
        .allow_methods([Method::POST])
        .allow_headers([header::CONTENT_TYPE, header::AUTHORIZATION])
        .expose_headers([header::RETRY_AFTER])
        .max_age(Duration::from_hours(24))
}
