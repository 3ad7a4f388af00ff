//! The gateway as a Cloudflare Worker: converts types and waits; the rules are in [`kerf_gateway`].
//!
//! Fails open in this order: the runtime passes the request through when the Worker throws or panics; an error anywhere
//! fetches the origin with the request as it came; without a bundle nothing is added. `fetch` never returns an error, and a
//! proxied request's body is never read.

mod convert;
mod edge;
mod events;
mod kv;
mod proxy;

use worker::{Context, Env, event, web_sys};

/// Handles a request.
#[event(fetch)]
async fn fetch(request: web_sys::Request, env: Env, context: Context) -> worker::Result<web_sys::Response> {
    context.pass_through_on_exception();
    #[cfg(feature = "planted-panic")]
    plant_panic(&request, "before");
    let edge = edge::of(&env);
    edge::look_after_bundle(&edge, &env, &context).await;
    proxy::handle(&edge, &request, &context).await
}

/// Panics when the request asks for a panic at this place.
#[cfg(feature = "planted-panic")]
#[expect(clippy::panic, reason = "what the tests of failing open ask for")]
fn plant_panic(request: &web_sys::Request, place: &str) {
    if request.headers().get("x-plant-panic").ok().flatten().as_deref() == Some(place) {
        panic!("planted {place}");
    }
}
