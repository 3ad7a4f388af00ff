//! Start, serve, stop.

use crate::config::Config;
use crate::consumer::{Loader, LoopError};
use crate::metrics::Metrics;
use crate::store::Store;
use crate::{operations, prepare};
use kerf_kafka::topics::dead_letters;
use kerf_kafka::{KafkaError, Producer};
use kerf_schema::SchemaError;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How long a dead letter may wait for its acknowledgement before it is sent again.
const DELIVERY: Duration = Duration::from_secs(30);

/// Why the loader could not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address, the database or its schema cannot be used.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// librdkafka does not take the settings, or ended the consumer.
    #[error("Kafka: {0}")]
    Kafka(#[from] KafkaError),
    /// Loading stopped; a new start goes on from the committed offsets.
    #[error("loading stopped: {0}")]
    Stopped(String),
    /// The listener failed.
    #[error("the listener failed: {0}")]
    Http(#[from] io::Error),
}

impl From<LoopError> for ServeError {
    fn from(error: LoopError) -> Self {
        match error {
            LoopError::Kafka(error) => Self::Kafka(error),
            LoopError::Task(error) => Self::Stopped(error.to_string()),
        }
    }
}

/// Loads, and serves `/metrics`, `/healthz` and `/readyz`, until `shutdown` completes; then stores and commits what was
/// read. Waits for ClickHouse and Kafka where they are not there yet.
///
/// # Errors
/// [`ServeError`].
pub async fn serve(
    config: Config,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let metrics = Arc::new(Metrics::default());
    let (stop, stopping) = watch::channel(false);
    let http = tokio::spawn(serve_http(listener, Arc::clone(&metrics), stopping.clone()));
    let told = tokio::spawn(async move {
        shutdown.await;
        stop.send_replace(true);
    });
    let loaded = load(config, metrics, stopping).await;
    told.abort();
    http.abort();
    loaded
}

async fn load(
    config: Config,
    metrics: Arc<Metrics>,
    stopping: watch::Receiver<bool>,
) -> Result<(), ServeError> {
    let stopped = stop(stopping.clone());
    let clickhouse = tokio::select! {
        clickhouse = prepare::clickhouse(&config) => clickhouse?,
        () = stopped => return Ok(()),
    };
    tokio::select! {
        () = prepare::topics(&config) => {}
        () = stop(stopping.clone()) => return Ok(()),
    }
    let store = Store {
        clickhouse,
        producer: Producer::new(&config.cluster, DELIVERY)?,
        dead_letter_topic: dead_letters(&config.topic),
        metrics: Arc::clone(&metrics),
    };
    let loader = Loader::new(config, store, Arc::clone(&metrics))?;
    metrics.ready.store(true, Ordering::Relaxed);
    Ok(loader.run(stop(stopping)).await?)
}

async fn serve_http(
    listener: TcpListener,
    metrics: Arc<Metrics>,
    stopping: watch::Receiver<bool>,
) -> io::Result<()> {
    axum::serve(listener, operations::router(metrics)).with_graceful_shutdown(stop(stopping)).await
}

/// Completes when the service is told to stop, or nobody can tell it any more.
async fn stop(mut stopping: watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await;
}
