//! A request: to the edge's own API, or to the origin and back.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, Response, StatusCode, request};
use http::header::SET_COOKIE;
use kerf_gateway::{Answer, Api, LARGEST_BODY, Moment, Route, Visit};
use rand::RngCore as _;

use crate::{Edge, convert, now};

/// Handles every request.
pub(crate) async fn handle(
    State(edge): State<Arc<Edge>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let visit = convert::visit(&parts, &edge.gateway.settings);
    match edge.gateway.route(&visit.method, &visit.path) {
        Route::Api(api) => answer(&edge, &api, &visit, body).await,
        Route::Proxy => proxy(&edge, &visit, (parts, body), peer).await,
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

async fn proxy(
    edge: &Edge,
    visit: &Visit,
    (parts, body): (request::Parts, Body),
    peer: SocketAddr,
) -> Response<Body> {
    let (outgoing, events) = with_moment(|moment| edge.gateway.visit(visit, moment));
    let forwarded = edge.origin.forward(&outgoing, parts, body, peer).await;
    edge.events.send(events);
    match forwarded {
        Ok(mut response) => {
            let cookie = outgoing.set_cookie.as_deref().and_then(|cookie| HeaderValue::from_str(cookie).ok());
            if let Some(cookie) = cookie {
                response.headers_mut().append(SET_COOKIE, cookie);
            }
            response
        }
        Err(error) => {
            tracing::warn!("no answer of the origin: {error}");
            unreachable_origin()
        }
    }
}

fn with_moment<T>(act: impl FnOnce(&mut Moment<'_>) -> T) -> T {
    let mut random = |bytes: &mut [u8]| rand::rng().fill_bytes(bytes);
    act(&mut Moment { now: now(), random: &mut random })
}

/// The one 502: there is no page to give.
fn unreachable_origin() -> Response<Body> {
    let mut response = Response::new(Body::from("The origin server cannot be reached.\n"));
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}
