//! Start, serve, stop.

use crate::config::Config;
use crate::drain;
use crate::http::{Service, router};
use crate::metrics::Metrics;
use crate::policy::Durable;
use crate::sink::{KafkaSink, Sink};
use crate::spool::Spool;
use kerf_kafka::{KafkaError, Producer, topics};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How long open requests and messages on their way may take at the end.
const FAREWELL: Duration = Duration::from_secs(10);

/// The pause between two attempts to create the topics.
const TOPIC_RETRY: Duration = Duration::from_secs(2);

/// Why the collector could not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// librdkafka does not take the settings.
    #[error("the Kafka settings are not accepted: {0}")]
    Kafka(#[from] KafkaError),
    /// The spool cannot be used.
    #[error("the spool {} cannot be opened: {source}", dir.display())]
    Spool {
        /// Its folder.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The listener failed.
    #[error("the listener failed: {0}")]
    Http(io::Error),
}

/// Serves until `shutdown` completes, then finishes open requests, flushes and closes the spool.
///
/// Kafka need not be there: events wait in the spool until it is.
///
/// # Errors
/// [`ServeError`].
pub async fn serve(
    config: Config,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let producer = Producer::new(&config.cluster, config.delivery)?;
    let sink = Sink::Kafka(KafkaSink::new(producer, &config.topic));
    let topics = tokio::spawn(create_topics(config.clone()));
    let served = run(config, sink, listener, shutdown).await;
    topics.abort();
    served
}

/// The same server over a sink that forgets every event: the yardstick of the benchmark.
///
/// # Errors
/// [`ServeError`].
#[doc(hidden)]
pub async fn serve_without_storing(
    config: Config,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    run(config, Sink::Nowhere, listener, shutdown).await
}

async fn run(
    config: Config,
    sink: Sink,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let spool = Spool::open(&config.spool_dir, config.spool_max_bytes)
        .map_err(|source| ServeError::Spool { dir: config.spool_dir.clone(), source })?;
    let durable = Arc::new(Durable::new(sink, spool, Arc::new(Metrics::default())));
    let service = Arc::new(Service::new(Arc::clone(&durable), &config));

    let drain = tokio::spawn(drain::run(Arc::clone(&durable)));
    let served = serve_http(service, listener, shutdown).await;

    drain.abort();
    close(durable).await;
    served.map_err(ServeError::Http)
}

/// Serves; once told to stop, open requests have [`FAREWELL`] left.
async fn serve_http(
    service: Arc<Service>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (told, mut stopping) = watch::channel(false);
    let graceful = async move {
        shutdown.await;
        told.send_replace(true);
    };
    let server = axum::serve(listener, router(service)).with_graceful_shutdown(graceful);
    let deadline = async {
        // An error means that the server ended by itself, which the other branch reports.
        let _ = stopping.wait_for(|stop| *stop).await;
        tokio::time::sleep(FAREWELL).await;
    };
    tokio::select! {
        served = server.into_future() => served,
        () = deadline => {
            tracing::warn!("requests that were still open are dropped");
            Ok(())
        }
    }
}

async fn close(durable: Arc<Durable>) {
    let flushing = Arc::clone(&durable);
    match tokio::task::spawn_blocking(move || flushing.sink.flush(FAREWELL)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "messages were still on their way to Kafka"),
        Err(error) => tracing::error!(%error, "flushing failed"),
    }
    durable.spool.close().await;
}

/// Creates the topics as soon as Kafka is there.
async fn create_topics(config: Config) {
    while let Err(error) = topics::ensure(&config.cluster, &config.topic, config.layout).await {
        tracing::warn!(%error, "the topics are not there yet");
        tokio::time::sleep(TOPIC_RETRY).await;
    }
}
