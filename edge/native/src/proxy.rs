//! A request: to the edge's own API, or to the origin and back.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, request};
use http::header::{CONNECTION, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, SET_COOKIE, TE, TRAILER};
use http::header::{TRANSFER_ENCODING, UPGRADE};
use kerf_gateway::{Answer, Api, LARGEST_BODY, Moment, Outgoing, REQUEST_HEADER_PREFIX, Route, Visit};
use rand::RngCore as _;

use crate::{Edge, convert, now};

/// Handles every request.
pub(crate) async fn handle(State(edge): State<Arc<Edge>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let visit = convert::visit(&parts, &edge.gateway.settings);
    match edge.gateway.route(&visit.method, &visit.path) {
        Route::Api(api) => answer(&edge, &api, &visit, body).await,
        Route::Proxy => proxy(&edge, &visit, parts, body).await,
    }
}

async fn answer(edge: &Edge, api: &Api, visit: &Visit, body: Body) -> Response<Body> {
    let body = match api {
        Api::Evaluate => axum::body::to_bytes(body, LARGEST_BODY).await,
        Api::Assignment(_) | Api::Health => Ok(axum::body::Bytes::new()),
    };
    let Ok(body) = body else { return convert::response(Answer::too_large()) };
    let mut answer = with_moment(|moment| edge.gateway.answer(api, visit, &body, moment));
    edge.events.send(std::mem::take(&mut answer.events));
    convert::response(answer)
}

async fn proxy(edge: &Edge, visit: &Visit, parts: request::Parts, body: Body) -> Response<Body> {
    let (outgoing, events) = with_moment(|moment| edge.gateway.visit(visit, moment));
    let forwarded = forward(edge, &outgoing, parts, body).send().await;
    edge.events.send(events);
    match forwarded {
        Ok(answer) => back(answer, &outgoing),
        Err(error) => {
            tracing::warn!("the origin cannot be reached: {error}");
            unreachable_origin()
        }
    }
}

fn with_moment<T>(act: impl FnOnce(&mut Moment<'_>) -> T) -> T {
    let mut random = |bytes: &mut [u8]| rand::rng().fill_bytes(bytes);
    act(&mut Moment { now: now(), random: &mut random })
}

/// The request to the origin: the client's, without `Kerf-*` and what concerns one hop only.
fn forward(edge: &Edge, outgoing: &Outgoing, parts: request::Parts, body: Body) -> reqwest::RequestBuilder {
    let mut url = edge.origin.clone();
    let base = edge.origin.path().trim_end_matches('/').to_owned();
    url.set_path(&format!("{base}{}", parts.uri.path()));
    url.set_query(parts.uri.query());
    let host = convert::host(&parts.uri, &parts.headers);
    let mut headers = parts.headers;
    remove_hop_by_hop(&mut headers);
    headers.remove(HOST);
    let own: Vec<_> =
        headers.keys().filter(|name| name.as_str().starts_with(REQUEST_HEADER_PREFIX)).cloned().collect();
    for name in own {
        headers.remove(name);
    }
    let added = outgoing.request_headers.iter().map(|(name, value)| (*name, value.as_str()));
    for (name, value) in added.chain([("x-forwarded-host", host.as_str())]) {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    edge.client
        .request(parts.method, url)
        .headers(headers)
        .body(reqwest::Body::wrap_stream(body.into_data_stream()))
}

/// The origin's answer, streamed.
fn back(answer: reqwest::Response, outgoing: &Outgoing) -> Response<Body> {
    let status = answer.status();
    let mut headers = answer.headers().clone();
    remove_hop_by_hop(&mut headers);
    if let Some(cookie) = outgoing.set_cookie.as_deref().and_then(|cookie| HeaderValue::from_str(cookie).ok())
    {
        headers.append(SET_COOKIE, cookie);
    }
    let mut response = Response::new(Body::from_stream(answer.bytes_stream()));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// Removes the headers of one hop (RFC 9110, section 7.6.1), those that `Connection` names included.
fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    let keep_alive = HeaderName::from_static("keep-alive");
    let fixed = [
        CONNECTION,
        keep_alive,
        PROXY_AUTHENTICATE,
        PROXY_AUTHORIZATION,
        TE,
        TRAILER,
        TRANSFER_ENCODING,
        UPGRADE,
    ];
    for name in named.into_iter().chain(fixed) {
        headers.remove(name);
    }
}

/// The one 502: there is no page to give.
fn unreachable_origin() -> Response<Body> {
    let mut response = Response::new(Body::from("The origin server cannot be reached.\n"));
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}
