//! Where an edge's events go: takes them as the collector does, or is away in one of three ways.
//!
//! What it takes has to be events by the collector's own parser.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use kerf_events::{Event, Implied, Millis};
use serde_json::Value;

use super::{SOON, listener};

/// What a receiver does with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Takes,
    Refuses,
    Hangs,
}

/// A running receiver.
#[derive(Clone, Debug)]
pub struct Receiver {
    /// Where it listens.
    pub url: String,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug)]
struct Shared {
    mood: Mood,
    batches: Vec<Vec<Value>>,
    tries: usize,
}

impl Receiver {
    /// Starts a receiver that takes everything.
    ///
    /// # Panics
    /// If there is no free port.
    pub async fn start() -> Self {
        let (listener, address) = listener().await;
        let shared = Arc::new(Mutex::new(Shared { mood: Mood::Takes, batches: Vec::new(), tries: 0 }));
        let router = Router::new().route("/v1/events", post(take)).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url: format!("http://{address}"), shared }
    }

    /// Takes events from now on.
    pub fn take(&self) {
        self.lock().mood = Mood::Takes;
    }

    /// Answers 503 from now on.
    pub fn refuse(&self) {
        self.lock().mood = Mood::Refuses;
    }

    /// Answers nothing from now on.
    pub fn hang(&self) {
        self.lock().mood = Mood::Hangs;
    }

    /// Batches that it took.
    #[must_use]
    pub fn batches(&self) -> Vec<Vec<Value>> {
        self.lock().batches.clone()
    }

    /// Requests that it got, taken or not.
    #[must_use]
    pub fn tries(&self) -> usize {
        self.lock().tries
    }

    /// The events that it took, by id: an event sent twice is one.
    ///
    /// # Panics
    /// If an event has no id.
    #[must_use]
    #[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
    pub fn events(&self) -> BTreeMap<String, Value> {
        let events = self.batches().into_iter().flatten();
        events.map(|event| (event["event_id"].as_str().unwrap().to_owned(), event)).collect()
    }

    /// Waits until it has this many events.
    ///
    /// # Panics
    /// If it has not within [`SOON`], or gets more.
    pub async fn until(&self, count: usize) -> BTreeMap<String, Value> {
        let started = Instant::now();
        loop {
            let events = self.events();
            assert!(events.len() <= count, "{} events came where {count} are due", events.len());
            if events.len() == count {
                return events;
            }
            assert!(started.elapsed() < SOON, "{} of {count} events came", events.len());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn take(State(shared): State<Arc<Mutex<Shared>>>, body: Bytes) -> StatusCode {
    let mood = {
        let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.tries += 1;
        shared.mood
    };
    match mood {
        Mood::Takes => {}
        Mood::Refuses => return StatusCode::SERVICE_UNAVAILABLE,
        Mood::Hangs => return std::future::pending().await,
    }
    match parse(&body) {
        Ok(events) => {
            shared.lock().unwrap_or_else(PoisonError::into_inner).batches.push(events);
            StatusCode::OK
        }
        Err(fault) => {
            eprintln!("not events: {fault}: {}", String::from_utf8_lossy(&body));
            StatusCode::UNPROCESSABLE_ENTITY
        }
    }
}

/// The events of a batch, each of which the collector would accept.
fn parse(body: &[u8]) -> Result<Vec<Value>, String> {
    let now = Millis(jiff::Timestamp::now().as_millisecond());
    let events = kerf_events::split(body).map_err(|fault| fault.to_string())?;
    events
        .into_iter()
        .map(|raw| {
            Event::parse(raw.get(), &Implied::default(), now).map_err(|rejection| rejection.to_string())?;
            serde_json::from_str(raw.get()).map_err(|error| error.to_string())
        })
        .collect()
}
