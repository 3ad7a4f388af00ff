//! Events to the collector, behind the requests.

use std::time::Duration;

use http::StatusCode;
use kerf_gateway::{Batch, Exposures, Reply};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use url::Url;

use crate::now;

/// Requests whose events wait for the task; beyond, events are dropped and counted, since a request never waits for them.
const QUEUE: usize = 4_096;
/// Longest wait for the collector's answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Tries at shutdown to send what waits.
const LAST_TRIES: u32 = 3;

/// Hands events to the task that sends them.
#[derive(Clone)]
pub(crate) struct Sender {
    queue: Option<mpsc::Sender<Vec<String>>>,
}

impl Sender {
    /// Never waits.
    pub(crate) fn send(&self, events: Vec<String>) {
        if let Some(queue) = self.queue.as_ref().filter(|_| !events.is_empty())
            && let Err(refused) = queue.try_send(events)
        {
            tracing::warn!(
                events = refused.into_inner().len(),
                "events dropped: the queue to the collector is full"
            );
        }
    }
}

struct Collector {
    client: reqwest::Client,
    url: Url,
    key: Option<String>,
}

/// Starts the task; it ends when the last [`Sender`] is gone and what waits is sent.
pub(crate) fn start(
    client: reqwest::Client,
    collector: Option<&Url>,
    key: Option<String>,
) -> (Sender, JoinHandle<()>) {
    let Some(url) = collector.and_then(|url| url.join("/v1/events").ok()) else {
        return (Sender { queue: None }, tokio::spawn(async {}));
    };
    let (queue, events) = mpsc::channel(QUEUE);
    let collector = Collector { client, url, key };
    (Sender { queue: Some(queue) }, tokio::spawn(collector.send_all(events)))
}

impl Collector {
    async fn send_all(self, mut queue: mpsc::Receiver<Vec<String>>) {
        let mut buffer = Exposures::new();
        let pause = Duration::from_millis(u64::try_from(Exposures::longest_wait_ms()).unwrap_or(1_000));
        loop {
            let batch = match tokio::time::timeout(pause, queue.recv()).await {
                Ok(Some(events)) => buffer.push(events, now()),
                Ok(None) => break,
                Err(_elapsed) => buffer.take_due(now()),
            };
            if let Some(batch) = batch {
                self.send_or_keep(batch, &mut buffer).await;
            }
        }
        for _ in 0..LAST_TRIES {
            let Some(batch) = buffer.take_all() else { break };
            self.send_or_keep(batch, &mut buffer).await;
        }
        if !buffer.is_empty() {
            tracing::error!(
                events = buffer.len(),
                "events lost: the collector did not take them before the end"
            );
        }
    }

    /// Sends a batch; what the collector did not take goes back to the front of the buffer.
    async fn send_or_keep(&self, batch: Batch, buffer: &mut Exposures) {
        let events = batch.len();
        match self.post(&batch).await {
            Ok((_, Reply::Taken)) => return,
            Ok((_, Reply::Rejected(rejected))) => {
                tracing::error!(rejected, events, "the collector rejected events of a batch");
                return;
            }
            Ok((status, Reply::Refused)) => {
                tracing::error!(%status, events, "the collector refused a batch");
                return;
            }
            Ok((status, Reply::Later)) => {
                tracing::warn!(%status, events, "the collector did not take a batch, which is kept");
            }
            Err(error) => {
                tracing::warn!(events, "the collector did not take a batch, which is kept: {error}");
            }
        }
        let before = buffer.dropped();
        buffer.give_back(batch, now());
        let lost = buffer.dropped().saturating_sub(before);
        if lost > 0 {
            tracing::error!(events = lost, "events lost: more wait for the collector than are kept");
        }
    }

    async fn post(&self, batch: &Batch) -> Result<(StatusCode, Reply), reqwest::Error> {
        let request = self.client.post(self.url.clone()).timeout(TIMEOUT);
        let request = request.header(http::header::CONTENT_TYPE, "application/json").body(batch.body());
        let request = match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        };
        let answer = request.send().await?;
        let status = answer.status();
        Ok((status, Reply::of(status.as_u16(), &answer.bytes().await?)))
    }
}
