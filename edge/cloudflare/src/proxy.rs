//! A request: to the edge's own API, or to the origin and back.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use kerf_gateway::{Answer, Api, LARGEST_BODY, Moment, Outgoing, REQUEST_HEADER_PREFIX, Route, Visit};
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::js_sys::{self, Uint8Array};
use worker::wasm_bindgen_futures::JsFuture;
use worker::{Context, Result, Url, console_error, web_sys};

use crate::edge::{Edge, now};
use crate::{convert, events};

/// Handles a request. Whatever fails on the way ends in the origin's own answer.
pub(crate) async fn handle(
    edge: &Rc<Edge>,
    request: &web_sys::Request,
    context: &Context,
) -> Result<web_sys::Response> {
    match respond(edge, request, context).await {
        Ok(response) => Ok(response),
        Err(error) => {
            console_error!("kerf: the request goes to the origin as it came: {error}");
            untouched(edge, request).await
        }
    }
}

async fn respond(
    edge: &Rc<Edge>,
    request: &web_sys::Request,
    context: &Context,
) -> Result<web_sys::Response> {
    let url = Url::parse(&request.url())?;
    let visit = convert::visit(request, &url, &edge.gateway.settings);
    match edge.gateway.route(&visit.method, &visit.path) {
        Route::Api(api) => {
            let mut answer = answer(edge, &api, &visit, request).await?;
            events::add(edge, std::mem::take(&mut answer.events), context);
            convert::response(&answer)
        }
        Route::Proxy => proxy(edge, &visit, request, (&url, context)).await,
    }
}

async fn answer(edge: &Edge, api: &Api, visit: &Visit, request: &web_sys::Request) -> Result<Answer> {
    let body = match api {
        Api::Evaluate => {
            let stated = request.headers().get("content-length")?.and_then(|text| text.parse().ok());
            if stated.is_some_and(|length: usize| length > LARGEST_BODY) {
                return Ok(Answer::too_large());
            }
            Uint8Array::new(&JsFuture::from(request.array_buffer()?).await?).to_vec()
        }
        Api::Assignment(_) | Api::Health => Vec::new(),
    };
    if body.len() > LARGEST_BODY {
        return Ok(Answer::too_large());
    }
    Ok(with_moment(|moment| edge.gateway.answer(api, visit, &body, moment)))
}

async fn proxy(
    edge: &Rc<Edge>,
    visit: &Visit,
    request: &web_sys::Request,
    (url, context): (&Url, &Context),
) -> Result<web_sys::Response> {
    // Where panics unwind, one in the decision costs this visitor the experiment and nobody anything else.
    let decided = catch_unwind(AssertUnwindSafe(|| {
        #[cfg(feature = "planted-panic")]
        crate::plant_panic(request, "while-deciding");
        with_moment(|moment| edge.gateway.visit(visit, moment))
    }));
    let (outgoing, events) = decided.unwrap_or_default();
    events::add(edge, events, context);
    back(send(&forward(edge, &outgoing, request, url)?).await?, &outgoing)
}

fn with_moment<T>(act: impl FnOnce(&mut Moment<'_>) -> T) -> T {
    let mut random = |bytes: &mut [u8]| random_values(bytes);
    act(&mut Moment { now: now(), random: &mut random })
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
    fn random_values(bytes: &mut [u8]);
}

/// The request to the origin: the client's own, body and all, with the edge's headers.
fn forward(
    edge: &Edge,
    outgoing: &Outgoing,
    request: &web_sys::Request,
    url: &Url,
) -> Result<web_sys::Request> {
    let forwarded = to_origin(edge, request, url)?;
    let headers = forwarded.headers();
    for name in own_headers(&headers) {
        headers.delete(&name)?;
    }
    for (name, value) in &outgoing.request_headers {
        headers.set(name, value)?;
    }
    Ok(forwarded)
}

/// A copy of the request, for the same URL or for that of the configured origin.
fn to_origin(edge: &Edge, request: &web_sys::Request, url: &Url) -> Result<web_sys::Request> {
    let Some(origin) = &edge.origin else { return Ok(web_sys::Request::new_with_request(request)?) };
    let mut target = origin.clone();
    target.set_path(&format!("{}{}", origin.path().trim_end_matches('/'), url.path()));
    target.set_query(url.query());
    let copy = web_sys::Request::new_with_str_and_init(target.as_str(), request.unchecked_ref())?;
    copy.headers().set("x-forwarded-host", url.authority())?;
    Ok(copy)
}

/// The `kerf-*` headers that a client sent. All names come over to WebAssembly in one step.
fn own_headers(headers: &web_sys::Headers) -> Vec<String> {
    let names = String::from(js_sys::Array::from(&headers.keys()).join("\n"));
    names.lines().filter(|name| name.starts_with(REQUEST_HEADER_PREFIX)).map(str::to_owned).collect()
}

/// The origin's answer, streamed; copied only when a cookie has to be added, since its headers cannot be changed.
fn back(answer: web_sys::Response, outgoing: &Outgoing) -> Result<web_sys::Response> {
    let Some(cookie) = outgoing.set_cookie.as_deref().filter(|_| answer.status() != 101) else {
        return Ok(answer);
    };
    let copy = web_sys::Response::new_with_opt_readable_stream_and_init(
        answer.body().as_ref(),
        answer.unchecked_ref(),
    )?;
    copy.headers().append("set-cookie", cookie)?;
    Ok(copy)
}

/// The origin's answer to the request as it came.
async fn untouched(edge: &Edge, request: &web_sys::Request) -> Result<web_sys::Response> {
    let Ok(url) = Url::parse(&request.url()) else { return send_or_say(request).await };
    match to_origin(edge, request, &url) {
        Ok(copy) => send_or_say(&copy).await,
        Err(_) => send_or_say(request).await,
    }
}

/// The origin's answer, or, when there is none, the one 502: there is no page to give.
async fn send_or_say(request: &web_sys::Request) -> Result<web_sys::Response> {
    if let Ok(response) = send(request).await {
        return Ok(response);
    }
    let init = web_sys::ResponseInit::new();
    init.set_status(502);
    Ok(web_sys::Response::new_with_opt_str_and_init(Some("The origin server cannot be reached.\n"), &init)?)
}

async fn send(request: &web_sys::Request) -> Result<web_sys::Response> {
    let worker: web_sys::WorkerGlobalScope = js_sys::global().unchecked_into();
    Ok(JsFuture::from(worker.fetch_with_request(request)).await?.dyn_into()?)
}
