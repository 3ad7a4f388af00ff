//! The results API, and the schedule of the builder behind it.
//!
//! `GET /api/v1/experiments/{id}/results[?segment=country]` asks the control plane for the experiment with the caller's
//! own key, reads the newest statistics, and hands both to `kerf-stats`. A task beside it runs the builder.

mod config;
mod control_plane;
mod metrics;
mod problem;
pub mod results;
mod routes;
mod schedule;

use std::{future::Future, io, sync::Arc, time::Duration};

use kerf_warehouse::{ClickHouse, Reader};
use tokio::{net::TcpListener, sync::watch};

pub use config::{Config, ConfigError};
pub use control_plane::{Experiment, Status, Variant};

/// Why the service ended or did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A setting cannot be right.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The policy of the results is not valid.
    #[error("the policy of the results is not valid: {0}")]
    Policy(#[from] kerf_stats::Inconclusive),
    /// The listener failed.
    #[error("the listener failed")]
    Listen(#[from] io::Error),
}

/// Serves results on `listener` and runs the builder, until `shutdown`.
///
/// ClickHouse and the control plane may come later or go away: results answer 503 meanwhile, and the builder goes on
/// when they are back.
///
/// # Errors
/// See [`ServeError`].
pub async fn serve(
    config: Config,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let clickhouse_url = config::url("CLICKHOUSE_URL", &config.clickhouse_url)?;
    let control_plane_url = config::url("KERF_CONTROL_PLANE_URL", &config.control_plane_url)?;
    let clickhouse = ClickHouse::new(clickhouse_url, config.clickhouse_database);
    let control_plane = control_plane::ControlPlane::new(control_plane_url);
    let metrics = Arc::new(metrics::Metrics::default());
    let (stop, stopped) = watch::channel(());
    let schedule = schedule::Schedule {
        clickhouse: clickhouse.clone(),
        control_plane: control_plane.clone(),
        key: config.control_plane_key,
        pause: Duration::from_secs(config.build_seconds.max(1)),
        metrics: Arc::clone(&metrics),
    };
    let builder = tokio::spawn(schedule.run(closed(stopped.clone())));
    let policy = results::Policy::standard()?;
    let service = routes::Service { control_plane, reader: Reader::new(clickhouse), policy, metrics };
    tokio::spawn(async move {
        shutdown.await;
        drop(stop);
    });
    axum::serve(listener, routes::router(service)).with_graceful_shutdown(closed(stopped)).await?;
    // The builder was told to stop; what it leaves half done the next pass completes.
    if let Err(error) = builder.await {
        tracing::error!(%error, "the builder's task ended badly");
    }
    Ok(())
}

/// Resolves when the sender is gone.
async fn closed(mut receiver: watch::Receiver<()>) {
    while receiver.changed().await.is_ok() {}
}
