//! The way to the origin and back: bytes as they are, headers of one hop removed.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::http::uri::{Authority, PathAndQuery, Scheme};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri, request};
use http::header::{CONNECTION, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER};
use http::header::{TRANSFER_ENCODING, UPGRADE};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use kerf_gateway::{Outgoing, REQUEST_HEADER_PREFIX};
use url::Url;

use crate::convert;

/// Longest wait for a connection to the origin.
const CONNECT: Duration = Duration::from_secs(5);

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// Headers that concern one hop only (RFC 9110, section 7.6.1).
const ONE_HOP: [HeaderName; 8] = [
    CONNECTION,
    KEEP_ALIVE,
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// An origin and the connections to it.
pub(crate) struct Origin {
    scheme: Scheme,
    authority: Authority,
    /// Path before every path, without a slash at its end.
    base: String,
    client: Client<HttpsConnector<HttpConnector>, Body>,
}

/// Why there is no way to an origin.
#[derive(Debug, thiserror::Error)]
pub enum OriginError {
    /// The URL is of no use.
    #[error("the origin `{0}` is no http(s) URL of a server")]
    Url(Url),
    /// TLS cannot be set up.
    #[error("TLS to the origin cannot be set up: {0}")]
    Tls(Box<dyn std::error::Error + Send + Sync>),
}

/// Why there is no answer of the origin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ForwardError {
    #[error("the URL at the origin cannot be written: {0}")]
    Uri(#[from] http::Error),
    #[error(transparent)]
    Origin(#[from] hyper_util::client::legacy::Error),
}

impl Origin {
    /// Prepares the way; connects to nothing yet.
    ///
    /// # Errors
    /// When the URL is no http(s) URL, or TLS cannot be set up.
    pub(crate) fn new(url: &Url) -> Result<Self, OriginError> {
        let uri: Uri = url.as_str().parse().map_err(|_| OriginError::Url(url.clone()))?;
        let parts = uri.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(OriginError::Url(url.clone()));
        };
        if scheme != Scheme::HTTP && scheme != Scheme::HTTPS {
            return Err(OriginError::Url(url.clone()));
        }
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT));
        connector.set_nodelay(true);
        connector.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .try_with_platform_verifier()
            .map_err(|error| OriginError::Tls(error.into()))?
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let base = url.path().trim_end_matches('/').to_owned();
        Ok(Self { scheme, authority, base, client: Client::builder(TokioExecutor::new()).build(connector) })
    }

    /// Sends a visitor's request on; the answer's body is still to come.
    pub(crate) async fn forward(
        &self,
        outgoing: &Outgoing,
        mut parts: request::Parts,
        body: Body,
        peer: SocketAddr,
    ) -> Result<Response<Body>, ForwardError> {
        let host = convert::host(&parts.uri, &parts.headers);
        parts.uri = self.uri(&parts.uri)?;
        parts.version = http::Version::HTTP_11;
        let upgrade = upgrade_of(&parts.headers);
        remove_one_hop(&mut parts.headers);
        tell(&mut parts.headers, outgoing, &host, peer);
        let mut request = Request::from_parts(parts, body);
        let Some(protocol) = upgrade else {
            return Ok(back(self.client.request(request).await?));
        };
        request.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
        request.headers_mut().insert(UPGRADE, protocol);
        let visitor = hyper::upgrade::on(&mut request);
        let answer = self.client.request(request).await?;
        Ok(if answer.status() == http::StatusCode::SWITCHING_PROTOCOLS {
            switched(answer, visitor)
        } else {
            back(answer)
        })
    }

    /// The same path and query, byte by byte, at the origin.
    fn uri(&self, asked: &Uri) -> Result<Uri, http::Error> {
        let target = asked.path_and_query().map_or("/", PathAndQuery::as_str);
        let target = format!("{}{target}", self.base);
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(target)
            .build()
    }
}

/// Replaces what a client may not say by what the edge has to say.
fn tell(headers: &mut HeaderMap, outgoing: &Outgoing, host: &str, peer: SocketAddr) {
    headers.remove(HOST);
    let own: Vec<_> =
        headers.keys().filter(|name| name.as_str().starts_with(REQUEST_HEADER_PREFIX)).cloned().collect();
    for name in own {
        headers.remove(name);
    }
    for (name, value) in &outgoing.request_headers {
        set(headers, HeaderName::from_static(name), value);
    }
    set(headers, FORWARDED_HOST, host);
    let hops =
        headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok().map(str::to_owned));
    let hops: Vec<String> = hops.chain([peer.ip().to_string()]).collect();
    set(headers, FORWARDED_FOR, &hops.join(", "));
    // What ends TLS in front of the edge has said so already.
    headers.entry(FORWARDED_PROTO).or_insert(HeaderValue::from_static("http"));
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// The protocol that a client asks to switch to.
fn upgrade_of(headers: &HeaderMap) -> Option<HeaderValue> {
    let asks = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|name| name.trim().eq_ignore_ascii_case("upgrade"));
    headers.get(UPGRADE).filter(|_| asks).cloned()
}

/// The origin's answer, streamed.
fn back(answer: Response<Incoming>) -> Response<Body> {
    let (mut parts, body) = answer.into_parts();
    remove_one_hop(&mut parts.headers);
    parts.version = http::Version::HTTP_11;
    Response::from_parts(parts, Body::new(body))
}

/// The origin's 101: from here on, bytes go both ways until one side ends.
fn switched(mut answer: Response<Incoming>, visitor: hyper::upgrade::OnUpgrade) -> Response<Body> {
    let origin = hyper::upgrade::on(&mut answer);
    tokio::spawn(async move {
        let (Ok(visitor), Ok(origin)) = tokio::join!(visitor, origin) else { return };
        let (mut visitor, mut origin) = (TokioIo::new(visitor), TokioIo::new(origin));
        if let Err(error) = tokio::io::copy_bidirectional(&mut visitor, &mut origin).await {
            tracing::debug!("an upgraded connection ended: {error}");
        }
    });
    let (parts, _) = answer.into_parts();
    Response::from_parts(parts, Body::empty())
}

/// Removes the headers of one hop, those that `Connection` names included.
fn remove_one_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.into_iter().chain(ONE_HOP) {
        headers.remove(name);
    }
}
