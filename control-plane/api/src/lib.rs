//! The REST API over the store, and the publishers.
//!
//! # Running it
//! [`serve()`] takes a [`Config`] of plain values, a listener and a future that ends it. It starts while Postgres is away,
//! answers 503 until Postgres is there, applies the migrations, and then publishes and serves. `GET /healthz` says that
//! the process lives, `GET /readyz` that Postgres does.
//!
//! The binary reads the configuration: `DATABASE_URL`, `KERF_ENVIRONMENT`, `KERF_SIGNING_KEY`,
//! `KERF_PUBLISH_DIR`, `KERF_CLOUDFLARE_{API,ACCOUNT,NAMESPACE,TOKEN}`, `KERF_ANALYSIS_URL`.
//! [`create_key`] is what `kerf keys create` calls; it applies the migrations by itself, so it works on an empty database
//! before the service was ever started.

mod auth;
mod clock;
mod config;
mod http;
mod keys;
mod publish;
#[expect(unused_qualifications, reason = "the OpenAPI macro writes out the path of each parameter type")]
mod routes;
mod serve;
mod state;

pub use config::{Cloudflare, Config, ConfigError, Limits, Rate};
pub use keys::{CreateKeyError, create_key};
pub use serve::{ServeError, serve};

/// The OpenAPI document that `GET /openapi.json` answers.
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes::documented().into_openapi()
}
