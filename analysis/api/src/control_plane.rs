//! The control plane as this service asks it: one experiment for a caller, all experiments for the builder.

use std::time::Duration;

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderValue, StatusCode, header},
};
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use reqwest::{Client, Url};
use serde::Deserialize;

/// Longest wait for an answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// The state of an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Not started.
    Draft,
    /// Exposing people.
    Running,
    /// Exposing nobody for now.
    Paused,
    /// Over.
    Completed,
    /// Over and out of sight.
    Archived,
}

/// An arm as it was defined.
#[derive(Clone, Debug, Deserialize)]
pub struct Variant {
    /// Its name, as events carry it.
    pub name: String,
    /// Its share of the units, in percent.
    pub weight: f64,
}

/// What the results need to know of an experiment.
#[derive(Clone, Debug, Deserialize)]
pub struct Experiment {
    /// The key.
    pub key: String,
    /// The state.
    pub status: Status,
    /// The arms in their order.
    pub variants: Vec<Variant>,
    /// The metric that decides; a draft may have none.
    pub primary_metric: Option<String>,
    /// Metrics that must not get worse.
    #[serde(default)]
    pub guardrail_metrics: Vec<String>,
    /// When it first ran.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

impl Experiment {
    /// The control: the variant of that name, else the first.
    #[must_use]
    pub fn control(&self) -> Option<&Variant> {
        self.variants.iter().find(|variant| variant.name == "control").or_else(|| self.variants.first())
    }

    /// Whether no more people will be exposed.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        matches!(self.status, Status::Completed | Status::Archived)
    }

    /// The last day (UTC) that counts, if it has ended: the one that holds the moment before the end.
    #[must_use]
    pub fn last_day(&self) -> Option<Date> {
        let ended_at = self.ended_at.filter(|_| self.has_ended())?;
        let before = ended_at.checked_sub(1.millisecond()).unwrap_or(ended_at);
        Some(TimeZone::UTC.to_datetime(before).date())
    }

    /// What the warehouse has to know to keep its statistics; `None` for an experiment that is not built.
    #[must_use]
    pub fn to_build(&self) -> Option<kerf_warehouse::Experiment> {
        let built = matches!(self.status, Status::Running | Status::Paused | Status::Completed);
        let primary_metric = self.primary_metric.clone().filter(|_| built)?;
        Some(kerf_warehouse::Experiment {
            key: self.key.clone(),
            primary_metric,
            guardrail_metrics: self.guardrail_metrics.clone(),
            last_day: self.last_day(),
        })
    }
}

/// Why there is no experiment to answer about.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ControlPlaneError {
    /// It cannot be reached, or fails.
    #[error("the control plane does not answer; check that it runs and that KERF_CONTROL_PLANE_URL is right")]
    Away(#[source] reqwest::Error),
    /// It refuses the caller or does not know the experiment: its answer is the answer.
    #[error("the control plane answered {0}")]
    Refused(StatusCode, Option<HeaderValue>, Bytes),
    /// It answers with something else than an experiment.
    #[error("the control plane's answer is not an experiment: {0}")]
    Unreadable(serde_json::Error),
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Experiment>,
    next_cursor: Option<String>,
}

/// A client of the control plane.
#[derive(Clone)]
pub(crate) struct ControlPlane {
    http: Client,
    experiments: Url,
}

impl ControlPlane {
    /// Speaks to the control plane at `base`.
    pub(crate) fn new(mut base: Url) -> Self {
        let path = format!("{}/api/v1/experiments", base.path().trim_end_matches('/'));
        base.set_path(&path);
        Self { http: Client::new(), experiments: base }
    }

    /// Asks for one experiment with the caller's own authorization.
    pub(crate) async fn experiment(
        &self,
        id: &str,
        authorization: Option<&HeaderValue>,
    ) -> Result<Experiment, ControlPlaneError> {
        let mut url = self.experiments.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.push(id);
        }
        let headers = authorization.map(|value| (header::AUTHORIZATION, value.clone()));
        let body = self.get(url, headers.into_iter().collect()).await?;
        serde_json::from_slice(&body).map_err(ControlPlaneError::Unreadable)
    }

    /// Lists every experiment, with this service's own key.
    pub(crate) async fn experiments(&self, key: &str) -> Result<Vec<Experiment>, ControlPlaneError> {
        let mut all = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut url = self.experiments.clone();
            url.query_pairs_mut().append_pair("limit", "100");
            if let Some(cursor) = &cursor {
                url.query_pairs_mut().append_pair("cursor", cursor);
            }
            let bearer = HeaderValue::from_str(&format!("Bearer {key}")).ok();
            let headers = bearer.map(|value| (header::AUTHORIZATION, value));
            let body = self.get(url, headers.into_iter().collect()).await?;
            let page: Page = serde_json::from_slice(&body).map_err(ControlPlaneError::Unreadable)?;
            all.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(all);
            }
        }
    }

    async fn get(&self, url: Url, headers: HeaderMap) -> Result<Bytes, ControlPlaneError> {
        let request = self.http.get(url).headers(headers).timeout(ANSWER_LIMIT);
        let response = request.send().await.map_err(away)?;
        let status = response.status();
        if status.is_server_error() {
            return Err(response.error_for_status().map_or_else(away, |_| {
                ControlPlaneError::Refused(StatusCode::SERVICE_UNAVAILABLE, None, Bytes::new())
            }));
        }
        let content_type = response.headers().get(header::CONTENT_TYPE).cloned();
        let body = response.bytes().await.map_err(away)?;
        if status.is_success() {
            Ok(body)
        } else {
            Err(ControlPlaneError::Refused(status, content_type, body))
        }
    }
}

fn away(error: reqwest::Error) -> ControlPlaneError {
    ControlPlaneError::Away(error.without_url())
}
