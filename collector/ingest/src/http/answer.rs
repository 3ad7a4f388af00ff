//! What a sender is told about each event.

use crate::pipeline::Verdict;
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use kerf_events::EventId;
use serde::Serialize;

#[derive(Serialize)]
struct Answer<'a> {
    accepted: usize,
    rejected: usize,
    results: Vec<Outcome<'a>>,
}

#[derive(Serialize)]
#[serde(tag = "status", rename_all = "lowercase")]
enum Outcome<'a> {
    Accepted { event_id: EventId },
    Rejected { code: &'static str, pointer: &'a str, detail: &'a str },
}

/// The answer to a batch whose accepted events are durable: 200, or 422 when none was accepted.
pub(super) fn answer(verdicts: &[Verdict]) -> Response {
    let accepted = verdicts.iter().filter(|verdict| verdict.is_ok()).count();
    let status = if accepted == 0 { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let results = verdicts.iter().map(outcome).collect();
    (status, Json(Answer { accepted, rejected: verdicts.len() - accepted, results })).into_response()
}

fn outcome(verdict: &Verdict) -> Outcome<'_> {
    match verdict {
        Ok(event_id) => Outcome::Accepted { event_id: *event_id },
        Err(rejection) => Outcome::Rejected {
            code: rejection.code.as_str(),
            pointer: &rejection.pointer,
            detail: &rejection.detail,
        },
    }
}
