//! What an isolate holds between requests.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use futures::channel::oneshot;
use futures::future::{Either, select};
use kerf_gateway::{Exposures, Gateway, Now, Settings};
use worker::{Context, Date, Delay, Env, Url, console_error};

use crate::kv::Kv;

/// Longest wait of a request that finds an isolate without a bundle; the look at the store goes on behind it.
const COLD_WAIT: Duration = Duration::from_millis(50);

/// The state of an isolate. Requests share it, so it holds plain data only: no stream, promise or request.
pub(crate) struct Edge {
    pub(crate) gateway: Gateway,
    /// Where pages come from; without it, from the zone that the Worker is routed on.
    pub(crate) origin: Option<Url>,
    pub(crate) collector: Option<Url>,
    pub(crate) collector_key: Option<String>,
    pub(crate) exposures: RefCell<Exposures>,
}

thread_local! {
    static EDGE: OnceCell<Rc<Edge>> = const { OnceCell::new() };
}

/// The isolate's edge.
pub(crate) fn of(env: &Env) -> Rc<Edge> {
    EDGE.with(|edge| Rc::clone(edge.get_or_init(|| Rc::new(configure(env)))))
}

/// Reads the variables. What is wrong with one is said in the log, and the pages are served without it.
fn configure(env: &Env) -> Edge {
    let var =
        |name: &str| env.var(name).ok().map(|value| value.to_string()).filter(|value| !value.is_empty());
    Edge {
        gateway: Gateway::new(settings(&var)),
        origin: url(var("KERF_ORIGIN")),
        collector: url(var("KERF_COLLECTOR_URL")).and_then(|url| url.join("/v1/events").ok()),
        collector_key: var("KERF_INGEST_KEY"),
        exposures: RefCell::new(Exposures::new()),
    }
}

fn settings(var: &impl Fn(&str) -> Option<String>) -> Settings {
    let environment = var("KERF_ENVIRONMENT").unwrap_or_else(|| "production".to_owned());
    let trusting = Settings::new(&environment, &var("KERF_PUBLIC_KEY").unwrap_or_default());
    let mut settings = trusting.unwrap_or_else(|error| {
        console_error!("kerf: no bundle is adopted, every visitor gets the origin's page: {error}");
        Settings::without_keys(&environment)
    });
    settings.user_id_header = var("KERF_USER_ID_HEADER");
    settings.user_id_cookie = var("KERF_USER_ID_COOKIE");
    settings.country_header = var("KERF_COUNTRY_HEADER").unwrap_or(settings.country_header);
    settings.consent_cookie = var("KERF_CONSENT_COOKIE");
    settings.api_prefix = var("KERF_API_PREFIX").unwrap_or_default();
    settings.cookie_http_only = var("KERF_COOKIE_HTTP_ONLY").as_deref() == Some("true");
    if let Some(text) = var("KERF_REFRESH_SECONDS") {
        match text.parse::<i64>() {
            Ok(seconds) => settings.refresh_ms = seconds.saturating_mul(1_000),
            Err(_) => console_error!("kerf: KERF_REFRESH_SECONDS: `{text}` is no whole number of seconds"),
        }
    }
    settings
}

fn url(text: Option<String>) -> Option<Url> {
    let text = text?;
    Url::parse(&text).inspect_err(|error| console_error!("kerf: `{text}` is no URL: {error}")).ok()
}

/// The time of day; it stands still while a Worker computes.
pub(crate) fn now() -> Now {
    Now(i64::try_from(Date::now().as_millis()).unwrap_or(i64::MAX))
}

/// Looks at the store when it is time: behind the request when there is a bundle, before it for at most 50 ms when there
/// is none.
pub(crate) async fn look_after_bundle(edge: &Rc<Edge>, env: &Env, context: &Context) {
    let bundles = &edge.gateway.bundles;
    let empty = bundles.held().is_none();
    if !bundles.claim_look(&edge.gateway.settings, now()) && !bundles.is_cold() {
        return;
    }
    let (done, waiting) = oneshot::channel();
    let (edge, kv) = (Rc::clone(edge), Kv::of(env));
    context.wait_until(async move {
        let settings = &edge.gateway.settings;
        edge.gateway.bundles.refresh(&kv, settings, now()).await;
        // Nobody listens when the request did not wait.
        let _ = done.send(());
    });
    if empty && let Either::Left((_, delay)) = select(waiting, Delay::from(COLD_WAIT)).await {
        drop(delay);
    }
}
