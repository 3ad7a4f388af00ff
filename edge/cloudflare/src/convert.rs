//! The runtime's types and the gateway's.

use kerf_gateway::{Answer, Settings, Visit};
use worker::{Result, Url, web_sys};

/// The parts of a request that the gateway looks at: each is one step from WebAssembly to JavaScript.
pub(crate) fn visit(request: &web_sys::Request, url: &Url, settings: &Settings) -> Visit {
    let headers = request.headers();
    let header = |name: &str| headers.get(name).ok().flatten();
    Visit {
        method: request.method(),
        path: url.path().to_owned(),
        query: url.query().unwrap_or_default().to_owned(),
        host: url.authority().to_owned(),
        cookie: header("cookie"),
        user_id_header: settings.user_id_header.as_deref().and_then(header),
        country: header(&settings.country_header),
        user_agent: header("user-agent"),
        accept_language: header("accept-language"),
        privacy_control: header("sec-gpc"),
    }
}

/// An answer of the edge's own API.
pub(crate) fn response(answer: &Answer) -> Result<web_sys::Response> {
    let headers = web_sys::Headers::new()?;
    headers.set("content-type", answer.content_type)?;
    headers.set("cache-control", "private, no-store")?;
    let init = web_sys::ResponseInit::new();
    init.set_status(answer.status);
    init.set_headers(&headers);
    Ok(web_sys::Response::new_with_opt_str_and_init(Some(&answer.body), &init)?)
}
