//! What every request can reach.

use std::sync::atomic::{AtomicBool, Ordering};

use kerf_control_store::Store;

use crate::auth::RateLimits;

/// The parts of the running service.
#[derive(Debug)]
pub(crate) struct App {
    /// Postgres.
    pub(crate) store: Store,
    /// How often each principal may call.
    pub(crate) limits: RateLimits,
    /// Client for what is forwarded.
    pub(crate) client: reqwest::Client,
    /// Base URL of the results API, without a slash at its end.
    pub(crate) analysis_url: Option<String>,
    /// OpenAPI document, as it is answered.
    pub(crate) openapi: String,
    migrated: AtomicBool,
}

impl App {
    /// Before Postgres was reached.
    pub(crate) fn new(
        store: Store,
        limits: RateLimits,
        client: reqwest::Client,
        analysis_url: Option<&str>,
        openapi: String,
    ) -> Self {
        let analysis_url = analysis_url.map(|url| url.trim_end_matches('/').to_owned());
        Self { store, limits, client, analysis_url, openapi, migrated: AtomicBool::new(false) }
    }

    /// Whether the schema is up to date.
    pub(crate) fn is_migrated(&self) -> bool {
        self.migrated.load(Ordering::Acquire)
    }

    /// The schema is up to date.
    pub(crate) fn set_migrated(&self) {
        self.migrated.store(true, Ordering::Release);
    }
}
