//! Results, forwarded to the analysis plane with the caller's own key.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::auth::{Caller, Read};
use crate::http::failure::chain;
use crate::http::params::ExperimentKey;
use crate::http::problem::{Problem, ProblemBody};
use crate::state::App;

/// Reads the results of an experiment; the analysis plane answers.
#[utoipa::path(get, path = "/api/v1/experiments/{id}/results", tag = "results",
    params(("id" = String, Path, description = "Its key"),
        ("segment" = Option<String>, Query, description = "Also by this attribute, for example `country`")),
    responses((status = 200, description = "What the analysis plane answers", body = Object), (status = 404, response = ProblemBody)))]
pub(crate) async fn read(
    State(app): State<Arc<App>>,
    _: Caller<Read>,
    ExperimentKey(key): ExperimentKey,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Some(base) = &app.analysis_url else {
        let detail = "no analysis plane is configured; set KERF_ANALYSIS_URL to its base URL and restart";
        return Err(Problem::unavailable(detail));
    };
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let url = format!("{base}/api/v1/experiments/{key}/results{query}");
    let mut request = app.client.get(url);
    for name in [header::AUTHORIZATION, header::ACCEPT, header::IF_NONE_MATCH] {
        if let Some(value) = headers.get(&name) {
            request = request.header(name, value);
        }
    }
    match request.send().await {
        Ok(answer) => Ok(relay(answer)),
        Err(error) => {
            tracing::warn!(error = %chain(&error), "the analysis plane did not answer");
            Err(Problem::unavailable("the analysis plane does not answer; its address is KERF_ANALYSIS_URL"))
        }
    }
}

fn relay(answer: reqwest::Response) -> Response {
    let status = answer.status();
    let mut headers = HeaderMap::new();
    for name in [header::CONTENT_TYPE, header::ETAG, header::RETRY_AFTER] {
        if let Some(value) = answer.headers().get(&name) {
            headers.insert(name, value.clone());
        }
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    (status, headers, Body::from_stream(answer.bytes_stream())).into_response()
}
