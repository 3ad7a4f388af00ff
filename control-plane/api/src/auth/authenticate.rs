//! From a bearer token to a principal.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use kerf_control_domain::Role;
use kerf_control_store::ApiKey;

use crate::auth::token::Token;
use crate::clock;
use crate::http::problem::{Kind, Problem};
use crate::state::App;

/// Who calls.
#[derive(Clone, Debug)]
pub(crate) struct Principal {
    /// Stable identity, as it stands in the audit: `key:{id}`.
    pub(crate) actor: String,
    /// Name for people.
    pub(crate) name: String,
    /// What it may do.
    pub(crate) role: Role,
}

/// Finds out who calls, counts the call, and goes on.
pub(crate) async fn authenticate(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    if !app.is_migrated() {
        return Problem::unavailable("Postgres is not available, or the schema is being brought up to date")
            .into_response();
    }
    let key = match find(&app, request.headers()).await {
        Ok(key) => key,
        Err(problem) => return challenged(problem),
    };
    let (left, counted) = app.limits.count(&key.id, request.method());
    let mut response = match counted {
        Err(problem) => problem.into_response(),
        Ok(()) => {
            note_use(&app, &key, clock::now()).await;
            let principal = Principal { actor: format!("key:{}", key.id), name: key.name, role: key.role };
            request.extensions_mut().insert(principal);
            next.run(request).await
        }
    };
    left.write(response.headers_mut());
    response
}

async fn find(app: &App, headers: &HeaderMap) -> Result<ApiKey, Problem> {
    let written = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(written) = written else {
        return Err(refuse("send Authorization: Bearer with an API key"));
    };
    let bearer = written.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let token = bearer.and_then(|(_, text)| Token::parse(text.trim()));
    let Some(token) = token else {
        return Err(refuse("the Authorization header has no well-formed API key; was it cut or mistyped?"));
    };
    match app.store.api_key_find(token.id()).await? {
        Some(key) if !token.matches(&key.sha256) => Err(refuse("there is no such API key")),
        None => Err(refuse("there is no such API key")),
        Some(key) if key.revoked_at.is_some() => Err(refuse("the API key was revoked")),
        Some(key) => Ok(key),
    }
}

fn refuse(detail: &str) -> Problem {
    Problem::new(Kind::Unauthenticated, detail)
}

fn challenged(problem: Problem) -> Response {
    let mut response = problem.into_response();
    if response.status() == Kind::Unauthenticated.status() {
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"kerf\""));
    }
    response
}

/// To the hour; a failure costs nothing but the note.
async fn note_use(app: &App, key: &ApiKey, now: Timestamp) {
    let recent =
        key.last_used_at.is_some_and(|last| now.duration_since(last) < SignedDuration::from_hours(1));
    if !recent && let Err(error) = app.store.api_key_used(&key.id, now).await {
        tracing::warn!(%error, key = key.id, "could not note when the key was used");
    }
}
