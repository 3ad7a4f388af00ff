//! The edge's own API: which calls there are, and what an answer is.

mod assignment;
mod evaluate;
mod health;

use kerf_core::{Bundle, Decision, Reason};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::problem::Problem;
use crate::{Gateway, Moment, Visit};

/// Largest body that an API call may have, bytes.
pub const LARGEST_BODY: usize = 256 * 1024;

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// To the origin.
    Proxy,
    /// To the edge's own API.
    Api(Api),
}

/// An API call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Api {
    /// `GET /api/v1/experiments/{key}/assignment`.
    Assignment(String),
    /// `POST /evaluate`; the adapter reads the body, at most [`LARGEST_BODY`] bytes.
    Evaluate,
    /// `GET /kerf/health`.
    Health,
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// Body.
    pub body: String,
    /// Events to send.
    pub events: Vec<String>,
}

impl Answer {
    fn ok(body: &impl Serialize) -> Self {
        Self::json(200, "application/json", body)
    }

    pub(crate) fn json(status: u16, content_type: &'static str, body: &impl Serialize) -> Self {
        // The bodies of this crate have only text keys and finite numbers: they can be written.
        let body = serde_json::to_string(body).unwrap_or_default();
        Self { status, content_type, body, events: Vec::new() }
    }

    /// The answer to a body of more than [`LARGEST_BODY`] bytes.
    pub fn too_large() -> Self {
        Problem::TooLarge.answer()
    }
}

impl Gateway {
    /// Where a request goes.
    pub fn route(&self, method: &str, path: &str) -> Route {
        let Some(path) = path.strip_prefix(self.settings.api_prefix.as_str()) else { return Route::Proxy };
        match (method, path) {
            ("POST", "/evaluate") => Route::Api(Api::Evaluate),
            ("GET", "/kerf/health") => Route::Api(Api::Health),
            ("GET", _) => path
                .strip_prefix("/api/v1/experiments/")
                .and_then(|rest| rest.strip_suffix("/assignment"))
                .filter(|key| !key.is_empty() && !key.contains('/'))
                .map_or(Route::Proxy, |key| Route::Api(Api::Assignment(key.to_owned()))),
            _ => Route::Proxy,
        }
    }

    /// Answers an API call. `body` is empty for calls that take none.
    pub fn answer(&self, api: &Api, visit: &Visit, body: &[u8], moment: &mut Moment<'_>) -> Answer {
        let answer = match api {
            Api::Assignment(key) => self.assignment(key, visit, moment),
            Api::Evaluate => self.evaluate(visit, body, moment),
            Api::Health => Ok(self.health()),
        };
        answer.unwrap_or_else(|problem| problem.answer())
    }

    fn unknown(&self, key: &str) -> Problem {
        Problem::NotFound { key: key.to_owned(), environment: self.settings.environment.clone() }
    }
}

/// Whether the unit takes part in an experiment.
const fn is_in(decision: &Decision) -> bool {
    matches!(decision.reason(), Reason::Assigned | Reason::Sticky | Reason::Override)
}

/// The variant's value, in the author's own form.
fn value(bundle: &Bundle<'_>, decision: &Decision) -> Option<Box<RawValue>> {
    let text = bundle.variant(decision)?.value()?.to_string();
    RawValue::from_string(text).ok()
}
