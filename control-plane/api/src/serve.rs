//! Starts the service and ends it.

use std::sync::Arc;
use std::time::Duration;

use kerf_control_domain::Key;
use kerf_control_store::{Store, StoreError};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::auth::RateLimits;
use crate::clock;
use crate::config::{Config, ConfigError};
use crate::http::failure::chain;
use crate::publish::{self, Folder, Signer, Target, WorkersKv};
use crate::routes;
use crate::state::App;

/// How long requests in flight may take after the end was asked for.
const GRACE: Duration = Duration::from_secs(10);
/// How long another server may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Why the service ended other than by being asked to.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The schema cannot be brought up to date, and waiting will not help.
    #[error("the database schema cannot be brought up to date")]
    Migrate(#[source] StoreError),
    /// The publisher died, so that changes would no longer reach the edges.
    #[error("the publisher died; the log has the cause")]
    Publisher,
    /// The listener failed.
    #[error("the listener failed")]
    Listen(#[from] std::io::Error),
}

/// Runs the control plane until `shutdown` completes.
///
/// # Errors
/// [`ServeError`] for a configuration that cannot be used, a schema that cannot be migrated, or a broken listener.
/// Postgres being away is no error: requests are answered with 503 until it is there.
pub async fn serve(
    config: Config,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let parts = Parts::new(&config)?;
    let (stop, stopped) = watch::channel(false);
    let mut background =
        tokio::spawn(background(parts.app.clone(), parts.signer, parts.targets, stopped.clone()));
    let server = axum::serve(listener, routes::router(parts.app.clone()))
        .with_graceful_shutdown(wait_for(stopped))
        .into_future();
    let server = tokio::spawn(server);
    let ended = tokio::select! {
        () = shutdown => Ok(()),
        early = &mut background => Err(early.map_or(ServeError::Publisher, |ended| match ended {
            Err(error) => ServeError::Migrate(error),
            Ok(()) => ServeError::Publisher,
        })),
    };
    // Nobody listening any more is fine: then everything has ended already.
    let _ = stop.send(true);
    match timeout(GRACE, server).await {
        Ok(Ok(served)) => served?,
        Ok(Err(error)) => tracing::error!(%error, "the server task died"),
        Err(_) => tracing::warn!("requests were still open after {} s", GRACE.as_secs()),
    }
    if ended.is_ok() && timeout(GRACE, background).await.is_err() {
        tracing::warn!(
            "a delivery was still under way after {} s; the next start takes it up",
            GRACE.as_secs()
        );
    }
    parts.app.store.close().await;
    ended
}

struct Parts {
    app: Arc<App>,
    signer: Signer,
    targets: Vec<Target>,
}

impl Parts {
    fn new(config: &Config) -> Result<Self, ConfigError> {
        let signer = Signer(config.signing_key.clone());
        Key::parse(&config.environment)
            .map_err(|error| ConfigError::Environment(config.environment.clone(), error))?;
        let store = Store::connect_lazy(&config.database_url, &config.environment)
            .map_err(ConfigError::DatabaseUrl)?;
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(3))
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(ConfigError::Client)?;
        let folder = config.publish_dir.clone().map(|root| Target::Folder(Folder::new(root)));
        let workers_kv = config
            .cloudflare
            .as_ref()
            .map(|cloudflare| Target::WorkersKv(WorkersKv::new(client.clone(), cloudflare)));
        let targets = folder.into_iter().chain(workers_kv).collect();
        let openapi = crate::openapi().to_json().unwrap_or_default();
        let limits = RateLimits::new(config.limits);
        let app = App::new(store, limits, client, config.analysis_url.as_deref(), openapi);
        Ok(Self { app: Arc::new(app), signer, targets })
    }
}

/// Brings the schema up to date, then publishes until the end.
async fn background(
    app: Arc<App>,
    signer: Signer,
    targets: Vec<Target>,
    stopped: watch::Receiver<bool>,
) -> Result<(), StoreError> {
    tokio::select! {
        migrated = migrate(&app.store) => migrated?,
        () = wait_for(stopped.clone()) => return Ok(()),
    }
    app.set_migrated();
    publish::run(app.store.clone(), signer, targets, stopped).await;
    Ok(())
}

/// Tries until Postgres is there.
async fn migrate(store: &Store) -> Result<(), StoreError> {
    let mut wait = Duration::from_millis(200);
    loop {
        match store.migrate(clock::now()).await {
            Ok(()) => return Ok(()),
            Err(error @ StoreError::Unavailable(_)) => {
                tracing::warn!(error = %chain(&error), ?wait, "waiting for Postgres");
                sleep(wait).await;
                wait = (wait * 2).min(LONGEST_WAIT);
            }
            Err(error) => return Err(error),
        }
    }
}

/// Waits until the end was asked for.
pub(crate) async fn wait_for(mut stopped: watch::Receiver<bool>) {
    // An error means that the sender is gone, which is an end as well.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}
