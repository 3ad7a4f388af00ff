//! `GET /kerf/health`: which bundle is served, and what was refused last.

use serde::Serialize;

use super::Answer;
use crate::Gateway;

#[derive(Serialize)]
struct Health<'a> {
    environment: &'a str,
    bundle_version: Option<u64>,
    bundle_bytes: Option<usize>,
    adopted_at_ms: Option<i64>,
    last_refusal: Option<Refused>,
}

#[derive(Serialize)]
struct Refused {
    code: &'static str,
    detail: String,
    at_ms: i64,
}

impl Gateway {
    pub(super) fn health(&self) -> Answer {
        let held = self.bundles.held();
        let held = held.as_deref();
        let refused = self.bundles.refused();
        Answer::ok(&Health {
            environment: &self.settings.environment,
            bundle_version: held.map(|held| held.version),
            bundle_bytes: held.map(|held| held.size()),
            adopted_at_ms: held.map(|held| held.adopted.0),
            last_refusal: refused.map(|refused| Refused {
                code: refused.refusal.code(),
                detail: refused.refusal.to_string(),
                at_ms: refused.at.0,
            }),
        })
    }
}
