//! Events into the collector's public API, again and again until each is acknowledged.

use anyhow::{Context, Result, anyhow, bail};
use futures::{StreamExt, TryStreamExt, stream};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::time;

/// Events in one request; the collector takes 1,000.
const BATCH: usize = 1_000;
/// Requests in flight at a time.
const IN_FLIGHT: usize = 4;
/// Longest wait for one answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// How long one batch is tried before the collector counts as gone for good.
const PATIENCE: Duration = Duration::from_secs(300);

/// A client of the collector.
#[derive(Clone)]
pub(crate) struct EventSender {
    http: Client,
    url: String,
    key: Option<String>,
    per_second: Option<u32>,
}

impl EventSender {
    /// Sends to the collector at this URL, with its ingest key where it asks for one.
    pub(crate) fn new(collector: &str, key: Option<String>) -> Self {
        let url = format!("{}/v1/events", collector.trim_end_matches('/'));
        Self { http: Client::new(), url, key, per_second: None }
    }

    /// The same at a limited pace.
    pub(crate) fn at_most(self, per_second: Option<u32>) -> Self {
        Self { per_second, ..self }
    }

    /// Sends all events in batches; `progress` hears how many are acknowledged.
    ///
    /// A batch that gets no answer is sent again: events with ids of their own count once however often they come.
    ///
    /// # Errors
    /// When an event is rejected, or the collector stays away for five minutes.
    pub(crate) async fn send_all(&self, events: &[Value], mut progress: impl FnMut(usize)) -> Result<()> {
        let mut batches =
            stream::iter(events.chunks(BATCH).map(|batch| self.send(batch))).buffer_unordered(IN_FLIGHT);
        let started = Instant::now();
        let mut acknowledged = 0;
        while let Some(count) = batches.try_next().await? {
            acknowledged += count;
            progress(acknowledged);
            if let Some(per_second) = self.per_second {
                let due = Duration::from_secs_f64(acknowledged as f64 / f64::from(per_second));
                time::sleep(due.saturating_sub(started.elapsed())).await;
            }
        }
        Ok(())
    }

    /// Sends one batch until it is acknowledged.
    ///
    /// # Errors
    /// As [`EventSender::send_all`].
    pub(crate) async fn send(&self, batch: &[Value]) -> Result<usize> {
        let body = json!({ "events": batch });
        let started = Instant::now();
        let mut pause = Duration::from_millis(100);
        loop {
            let why = match self.attempt(&body).await? {
                Ok(()) => return Ok(batch.len()),
                Err(why) => why,
            };
            if started.elapsed() > PATIENCE {
                bail!("the collector has not taken a batch for {} s: {why}", PATIENCE.as_secs());
            }
            time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }

    /// One request; `Ok(Err(…))` says why it has to be sent again.
    async fn attempt(&self, body: &Value) -> Result<Result<(), String>> {
        let mut request = self.http.post(&self.url).json(body).timeout(ANSWER_LIMIT);
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let status = response.status();
        let Ok(text) = response.text().await else { return Ok(Err("the answer breaks off".to_owned())) };
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Ok(Err(format!("{status}: {text}")));
        }
        let answer: Value =
            serde_json::from_str(&text).with_context(|| format!("the collector answers {status}: {text}"))?;
        match answer.get("rejected").and_then(Value::as_u64) {
            Some(0) if status.is_success() => Ok(Ok(())),
            _ => Err(anyhow!(
                "the collector rejects events ({status}); the first: {}",
                first_rejection(&answer)
            )),
        }
    }
}

fn first_rejection(answer: &Value) -> String {
    let results = answer.get("results").and_then(Value::as_array);
    let rejected = results
        .and_then(|all| all.iter().find(|one| one.get("status").and_then(Value::as_str) == Some("rejected")));
    rejected.unwrap_or(answer).to_string()
}
