//! Every endpoint, one file for each group.

mod audit;
mod config;
mod experiment_body;
mod experiments;
mod health;
mod keys;
mod layers;
mod once;
mod problems;
mod publish_status;
mod results;
mod transitions;
mod versions;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use utoipa::OpenApi;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Ref, RefOr};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::authenticate;
use crate::http::finish;
use crate::http::problem::ProblemBody;
use crate::state::App;

const KEY_SCHEME: &str = "api_key";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Kerf control plane",
        description = "Experiments and layers: create, start, ramp, stop. Every answer that is no success is `application/problem+json`."
    ),
    components(responses(ProblemBody), schemas(ProblemBody))
)]
struct Document;

/// The service.
pub(crate) fn router(app: Arc<App>) -> Router {
    let (router, _) =
        api().layer(from_fn_with_state(app.clone(), authenticate)).merge(open()).split_for_parts();
    router
        .fallback(finish::not_found)
        .method_not_allowed_fallback(finish::method_not_allowed)
        .layer(from_fn(finish::finish))
        .with_state(app)
}

/// Every endpoint with its documentation.
pub(crate) fn documented() -> OpenApiRouter<Arc<App>> {
    let mut router = OpenApiRouter::with_openapi(Document::openapi()).merge(api()).merge(open());
    let document = router.get_openapi_mut();
    if let Some(components) = &mut document.components {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        components.add_security_scheme(KEY_SCHEME, scheme);
    }
    for (path, item) in &mut document.paths.paths {
        if path.starts_with("/api/") || path.starts_with("/config/") {
            let operations = [&mut item.get, &mut item.post, &mut item.patch, &mut item.delete];
            operations.into_iter().flatten().for_each(add_what_every_operation_has);
        }
    }
    router
}

fn add_what_every_operation_has(operation: &mut Operation) {
    let scopes: [&str; 0] = [];
    operation.security = Some(vec![SecurityRequirement::new(KEY_SCHEME, scopes)]);
    let of_bodies: &[&str] = if operation.request_body.is_some() { &["413", "415"] } else { &[] };
    for status in ["400", "401", "403", "429", "500", "503"].iter().chain(of_bodies) {
        let problem = RefOr::Ref(Ref::from_response_name("ProblemBody"));
        operation.responses.responses.entry((*status).to_owned()).or_insert(problem);
    }
}

/// What needs a key.
fn api() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(experiments::list, experiments::create))
        .routes(routes!(experiments::read, experiments::patch))
        .routes(routes!(transitions::start))
        .routes(routes!(transitions::pause))
        .routes(routes!(transitions::resume))
        .routes(routes!(transitions::complete))
        .routes(routes!(transitions::archive))
        .routes(routes!(versions::list))
        .routes(routes!(results::read))
        .routes(routes!(layers::list, layers::create))
        .routes(routes!(layers::read))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::revoke))
        .routes(routes!(audit::list))
        .routes(routes!(audit::check))
        .routes(routes!(publish_status::read))
        .routes(routes!(config::pointer))
        .routes(routes!(config::bundle))
}

/// What needs none.
fn open() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
        .routes(routes!(problems::read))
        .routes(routes!(health::document))
}
