//! The gateway on axum: self-hosted edge, sidecar, local development.
//!
//! Converts types, moves bytes and waits; the rules are in [`kerf_gateway`]. The bundle is looked after by a task, events
//! are sent by another, so a request waits for the origin alone.

mod convert;
mod events;
mod origin;
mod proxy;
mod source;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use kerf_gateway::{Gateway, Now, Refresh, Settings};
use tokio::net::TcpListener;
use url::Url;

pub use origin::OriginError;
pub use source::{Source, SourceError};

use events::Sender;
use origin::Origin;

/// What one native edge is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Rules of this edge.
    pub settings: Settings,
    /// Where the pages come from.
    pub origin: Url,
    /// Where bundles come from.
    pub source: Source,
    /// API key that such a server asks for.
    pub source_key: Option<String>,
    /// Where events go; without it none are sent.
    pub collector: Option<Url>,
    /// Key that the collector asks for.
    pub collector_key: Option<String>,
}

/// Why the edge cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The HTTP client for bundles and events cannot be built.
    #[error("the HTTP client cannot be set up: {0}")]
    Client(#[from] reqwest::Error),
    /// There is no way to the origin.
    #[error(transparent)]
    Origin(#[from] OriginError),
    /// The listener failed.
    #[error("the listener failed: {0}")]
    Listen(#[from] std::io::Error),
}

/// What all requests share.
pub(crate) struct Edge {
    gateway: Gateway,
    origin: Origin,
    events: Sender,
}

/// Serves until `shutdown` is ready, then sends what waits and returns.
///
/// # Errors
/// When the origin's URL cannot be used, the HTTP client cannot be set up or the listener fails.
pub async fn serve(
    config: Config,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(5))
        .build()?;
    let (events, sending) = events::start(client.clone(), config.collector.as_ref(), config.collector_key);
    let edge = Arc::new(Edge {
        gateway: Gateway::new(config.settings),
        origin: Origin::new(&config.origin)?,
        events,
    });
    let watching = tokio::spawn(watch(Arc::clone(&edge), config.source.reader(client, config.source_key)));
    let router = Router::new().fallback(proxy::handle).with_state(Arc::clone(&edge));
    let router = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, router).with_graceful_shutdown(shutdown).await?;
    watching.abort();
    drop(edge);
    // The last sender is gone with the requests and the watcher; the task ends when it has sent what waits.
    let _ = watching.await;
    let _ = sending.await;
    Ok(())
}

/// Looks after the bundle for ever.
async fn watch(edge: Arc<Edge>, reader: source::Reader) {
    let gateway = &edge.gateway;
    let pause = Duration::from_millis(u64::try_from(gateway.settings.refresh_ms.max(100)).unwrap_or(5_000));
    let mut last = None;
    loop {
        let outcome = gateway.bundles.refresh(&reader, &gateway.settings, now()).await;
        if last.as_ref() != Some(&outcome) {
            match &outcome {
                Refresh::Adopted(version) => tracing::info!(version, "bundle adopted"),
                Refresh::Refused(refusal) => {
                    tracing::warn!(code = refusal.code(), "bundle refused: {refusal}");
                }
                Refresh::Unchanged => {}
            }
        }
        last = Some(outcome);
        tokio::time::sleep(pause).await;
    }
}

/// The time of day.
pub(crate) fn now() -> Now {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Now(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
