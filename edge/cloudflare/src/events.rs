//! Events to the collector: buffered in the isolate, sent after the response.

use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures::future::{Either, select};
use kerf_gateway::{Batch, Exposures, Reply};
use wasm_bindgen::JsValue;
use worker::{AbortController, Context, Delay, Fetch, Headers, Method, Request, RequestInit};
use worker::{console_error, console_warn};

use crate::edge::{Edge, now};

/// Longest wait for the collector's answer: the runtime allows 30 s after the response in all.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Adds the events of a request to the buffer and sees to it that they leave: at once when it is full, else after a second,
/// which the request that filled an empty buffer stays for.
pub(crate) fn add(edge: &Rc<Edge>, events: Vec<String>, context: &Context) {
    if edge.collector.is_none() || events.is_empty() {
        return;
    }
    let (was_empty, due) = {
        let mut exposures = edge.exposures.borrow_mut();
        (exposures.is_empty(), exposures.push(events, now()))
    };
    if let Some(batch) = due {
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
        Ok((_, Reply::Taken)) => {}
        Ok((_, Reply::Rejected(rejected))) => {
            console_error!("kerf: the collector rejected {rejected} of {} events", batch.len());
        }
        Ok((status, Reply::Refused)) => {
            console_error!("kerf: the collector refused {} events with status {status}", batch.len());
        }
        Ok((status, Reply::Later)) => keep(&edge, batch, &format!("status {status}")),
        Err(error) => keep(&edge, batch, &error.to_string()),
    }
}

fn keep(edge: &Edge, batch: Batch, why: &str) {
    console_warn!("kerf: the collector did not take {} events, which are kept: {why}", batch.len());
    let mut exposures = edge.exposures.borrow_mut();
    let before = exposures.dropped();
    exposures.give_back(batch, now());
    let lost = exposures.dropped().saturating_sub(before);
    if lost > 0 {
        console_error!("kerf: {lost} events lost: more wait for the collector than are kept");
    }
}

/// Status of the collector's answer, and what it means.
async fn post(edge: &Edge, batch: &Batch) -> worker::Result<(u16, Reply)> {
    let Some(url) = &edge.collector else { return Ok((200, Reply::Taken)) };
    let headers = Headers::new();
    headers.set("content-type", "application/json")?;
    if let Some(key) = &edge.collector_key {
        headers.set("authorization", &format!("Bearer {key}"))?;
    }
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_headers(headers).with_body(Some(JsValue::from_str(&batch.body())));
    let fetch = Fetch::Request(Request::new_with_init(url.as_str(), &init)?);
    let controller = AbortController::default();
    let signal = controller.signal();
    // The body is read to its end: an answer that is not keeps one of the isolate's few connections.
    let answer = pin!(async {
        let mut answer = fetch.send_with_signal(&signal).await?;
        let status = answer.status_code();
        Ok((status, Reply::of(status, &answer.bytes().await?)))
    });
    match select(answer, Delay::from(TIMEOUT)).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => {
            controller.abort();
            Err(worker::Error::RustError(format!("no answer within {} s", TIMEOUT.as_secs())))
        }
    }
}
