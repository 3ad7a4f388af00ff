//! Events to the collector: buffered in the isolate, sent after the response.

use std::rc::Rc;
use std::time::Duration;

use kerf_gateway::{Batch, Exposures};
use wasm_bindgen::JsValue;
use worker::{AbortController, Context, Delay, Fetch, Headers, Method, Request, RequestInit, console_warn};

use crate::edge::{Edge, now};

/// Longest wait for the collector's answer: the runtime allows 30 s after the response in all.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Adds the events of a request to the buffer and sees to it that they leave: at once when it is full, else after a second,
/// which the request that filled an empty buffer stays for.
pub(crate) fn add(edge: &Rc<Edge>, events: Vec<String>, context: &Context) {
    if edge.collector.is_none() || events.is_empty() {
        return;
    }
    let mut exposures = edge.exposures.borrow_mut();
    let was_empty = exposures.is_empty();
    if let Some(batch) = exposures.push(events, now()) {
        context.wait_until(send(Rc::clone(edge), batch));
    } else if was_empty {
        context.wait_until(send_later(Rc::clone(edge)));
    }
}

async fn send_later(edge: Rc<Edge>) {
    Delay::from(Duration::from_millis(u64::try_from(Exposures::longest_wait_ms()).unwrap_or(1_000))).await;
    let batch = edge.exposures.borrow_mut().take_all();
    if let Some(batch) = batch {
        send(edge, batch).await;
    }
}

/// Sends a batch; what the collector did not take waits for the next request that sends.
async fn send(edge: Rc<Edge>, batch: Batch) {
    match post(&edge, &batch).await {
        Ok(status) if status < 400 => {}
        Ok(status) if status < 500 => {
            console_warn!("kerf: the collector refused {} events with status {status}", batch.len());
        }
        Ok(status) => keep(&edge, batch, &format!("status {status}")),
        Err(error) => keep(&edge, batch, &error.to_string()),
    }
}

fn keep(edge: &Edge, batch: Batch, why: &str) {
    console_warn!("kerf: the collector did not take {} events, which are kept: {why}", batch.len());
    edge.exposures.borrow_mut().give_back(batch, now());
}

async fn post(edge: &Edge, batch: &Batch) -> worker::Result<u16> {
    let Some(url) = &edge.collector else { return Ok(200) };
    let headers = Headers::new();
    headers.set("content-type", "application/json")?;
    if let Some(key) = &edge.collector_key {
        headers.set("authorization", &format!("Bearer {key}"))?;
    }
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_headers(headers).with_body(Some(JsValue::from_str(&batch.body())));
    let request = Request::new_with_init(url.as_str(), &init)?;
    let controller = AbortController::default();
    let signal = controller.signal();
    let fetch = Fetch::Request(request);
    let answer = std::pin::pin!(fetch.send_with_signal(&signal));
    match futures::future::select(answer, Delay::from(TIMEOUT)).await {
        futures::future::Either::Left((answer, _)) => Ok(answer?.status_code()),
        futures::future::Either::Right(((), answer)) => {
            controller.abort();
            drop(answer);
            Err(worker::Error::RustError(format!("no answer within {} s", TIMEOUT.as_secs())))
        }
    }
}
