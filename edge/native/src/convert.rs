//! axum's types and the gateway's.

use axum::body::Body;
use axum::http::{HeaderMap, Uri, request};
use http::header::{ACCEPT_LANGUAGE, COOKIE, HOST, USER_AGENT};
use kerf_gateway::{Answer, Settings, Visit};

/// The parts of a request that the gateway looks at.
pub(crate) fn visit(parts: &request::Parts, settings: &Settings) -> Visit {
    let header = |name: &str| text(&parts.headers, name);
    Visit {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        host: host(&parts.uri, &parts.headers),
        cookie: cookies(&parts.headers),
        user_id_header: settings.user_id_header.as_deref().and_then(header),
        country: header(&settings.country_header),
        user_agent: header(USER_AGENT.as_str()),
        accept_language: header(ACCEPT_LANGUAGE.as_str()),
        privacy_control: header("sec-gpc"),
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// HTTP/2 may split cookies over several headers.
fn cookies(headers: &HeaderMap) -> Option<String> {
    let all: Vec<_> = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// The host that was asked.
pub(crate) fn host(uri: &Uri, headers: &HeaderMap) -> String {
    uri.authority()
        .map(|authority| authority.as_str().to_owned())
        .or_else(|| text(headers, HOST.as_str()))
        .unwrap_or_default()
}

/// An answer of the edge's own API.
pub(crate) fn response(answer: Answer) -> http::Response<Body> {
    let mut response = http::Response::new(Body::from(answer.body));
    *response.status_mut() = http::StatusCode::from_u16(answer.status).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(answer.content_type));
    headers.insert(http::header::CACHE_CONTROL, http::HeaderValue::from_static("private, no-store"));
    response
}
