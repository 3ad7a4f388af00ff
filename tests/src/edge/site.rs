//! A site behind the edge: remembers what it was asked, and answers in the ways that tests need.
//!
//! | path | answer |
//! |---|---|
//! | `/slow/{text}` | `first`, then, when [`Site::release`] was called, `last` |
//! | `/held` | waits for [`Site::release`] before it answers |
//! | `/status/{code}` | that status |
//! | `/gzip` | [`PAGE`], compressed |
//! | any, asked for as a WebSocket | says texts back |
//! | any other | 200, `the site's page`, with two cookies and a header of its own |

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::stream;
use tokio::sync::watch;

use super::{listener, socket};

/// What every ordinary path answers.
pub const PAGE: &str = "the site's page";
/// [`PAGE`] by `gzip -n`.
const PAGE_GZIP: [u8; 35] = [
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x2b, 0xc9, 0x48, 0x55, 0x28, 0xce, 0x2c,
    0x49, 0x55, 0x2f, 0x56, 0x28, 0x48, 0x4c, 0x4f, 0x05, 0x00, 0x89, 0x86, 0xcf, 0xe3, 0x0f, 0x00, 0x00,
    0x00,
];
/// Longest body that is remembered, bytes.
const LONGEST: usize = 64 * 1024 * 1024;

/// A request as the site got it.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Method.
    pub method: Method,
    /// Path and query.
    pub target: String,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

impl Stored {
    /// Value of a header, if it was there once and only once.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let first = values.next()?.to_str().ok();
        first.filter(|_| values.next().is_none())
    }
}

/// A running site.
#[derive(Clone, Debug)]
pub struct Site {
    /// Where it listens.
    pub url: String,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    requests: Mutex<Vec<Stored>>,
    released: watch::Sender<bool>,
}

impl Site {
    /// Starts a site.
    ///
    /// # Panics
    /// If there is no free port.
    pub async fn start() -> Self {
        let (listener, address) = listener().await;
        let shared = Arc::new(Shared { requests: Mutex::default(), released: watch::Sender::new(false) });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url: format!("http://{address}"), shared }
    }

    /// What it was asked so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Stored> {
        self.shared.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The last request that it got.
    ///
    /// # Panics
    /// If it got none.
    #[must_use]
    #[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    pub fn last(&self) -> Stored {
        self.requests().pop().unwrap()
    }

    /// Lets held and slow answers go on, now and later.
    pub fn release(&self) {
        self.shared.released.send_replace(true);
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    if socket::is_asked_for(request.headers()) {
        return socket::accept(request);
    }
    let (parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map(|target| target.as_str().to_owned()).unwrap_or_default();
    let body = axum::body::to_bytes(body, LONGEST).await.unwrap_or_default();
    let stored = Stored { method: parts.method, target: target.clone(), headers: parts.headers, body };
    shared.requests.lock().unwrap_or_else(PoisonError::into_inner).push(stored);
    let released = shared.released.subscribe();
    if target.starts_with("/slow/") {
        return slow(released);
    }
    if target.starts_with("/held") {
        wait(released).await;
    }
    if target.starts_with("/gzip") {
        return ([("content-encoding", "gzip")], PAGE_GZIP.as_slice()).into_response();
    }
    let status = target.strip_prefix("/status/").and_then(|code| code.parse().ok()).unwrap_or(StatusCode::OK);
    let headers = [("set-cookie", "a=1"), ("set-cookie", "b=2"), ("x-site", "own")];
    let mut response = (status, PAGE).into_response();
    for (name, value) in headers {
        response.headers_mut().append(name, axum::http::HeaderValue::from_static(value));
    }
    response
}

/// Two chunks with the release between them.
fn slow(released: watch::Receiver<bool>) -> Response {
    let chunks = stream::unfold((0, released), |(sent, released)| async move {
        match sent {
            0 => Some((Ok::<_, Infallible>(Bytes::from_static(b"first")), (1, released))),
            1 => {
                wait(released.clone()).await;
                Some((Ok(Bytes::from_static(b"last")), (2, released)))
            }
            _ => None,
        }
    });
    Body::from_stream(chunks).into_response()
}

async fn wait(mut released: watch::Receiver<bool>) {
    // The sender lives as long as the site does.
    let _ = released.wait_for(|released| *released).await;
}
