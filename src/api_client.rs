//! The platform as a client sees it: experiments and results over the control plane's API.

mod results;

pub(crate) use results::{Answer, Variant};

use anyhow::{Context, Result, anyhow, bail};
use reqwest::{Client, Method, StatusCode, header};
use serde_json::Value;
use std::time::{Duration, Instant};
use tokio::time;

/// Longest wait for one answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// Longest wait for an edge to serve a new experiment.
const ADOPTION_LIMIT: Duration = Duration::from_secs(60);

/// A client of the control plane, with its key.
#[derive(Clone)]
pub(crate) struct ApiClient {
    http: Client,
    control_plane: String,
    key: String,
}

/// An experiment as the control plane answers it, and the tag of its version.
pub(crate) struct Versioned {
    pub(crate) experiment: Value,
    etag: String,
}

impl Versioned {
    /// A text field of the experiment.
    pub(crate) fn text(&self, field: &str) -> &str {
        self.experiment.get(field).and_then(Value::as_str).unwrap_or_default()
    }
}

impl ApiClient {
    /// Speaks to the control plane at this URL.
    pub(crate) fn new(control_plane: &str, key: &str) -> Self {
        Self {
            http: Client::new(),
            control_plane: control_plane.trim_end_matches('/').to_owned(),
            key: key.to_owned(),
        }
    }

    /// The experiment of this body, created now, or found as an earlier run left it.
    ///
    /// # Errors
    /// When the control plane refuses the body, or does not answer.
    pub(crate) async fn create_or_find(&self, key: &str, body: &Value) -> Result<Versioned> {
        let (status, etag, answer) = self.call(Method::POST, "/api/v1/experiments", None, Some(body)).await?;
        match status {
            StatusCode::CREATED => Ok(Versioned { experiment: answer, etag }),
            StatusCode::CONFLICT => self.find(key).await,
            _ => bail!("the control plane refuses the experiment {key} ({status}): {}", problem(&answer)),
        }
    }

    /// An experiment.
    ///
    /// # Errors
    /// When there is none of this key, or the control plane does not answer.
    pub(crate) async fn find(&self, key: &str) -> Result<Versioned> {
        let (status, etag, answer) =
            self.call(Method::GET, &format!("/api/v1/experiments/{key}"), None, None).await?;
        if status.is_success() {
            return Ok(Versioned { experiment: answer, etag });
        }
        bail!("the control plane does not give the experiment {key} ({status}): {}", problem(&answer))
    }

    /// Moves an experiment on (`start`, `complete`).
    ///
    /// # Errors
    /// When the control plane refuses.
    pub(crate) async fn act(&self, versioned: &Versioned, action: &str) -> Result<Versioned> {
        let key = versioned.text("key");
        let path = format!("/api/v1/experiments/{key}/{action}");
        let (status, etag, answer) = self.call(Method::POST, &path, Some(&versioned.etag), None).await?;
        if status.is_success() {
            return Ok(Versioned { experiment: answer, etag });
        }
        bail!("the control plane refuses to {action} {key} ({status}): {}", problem(&answer))
    }

    /// Results, cut by country when asked; `Ok(Err(…))` says why there are none at the moment.
    ///
    /// # Errors
    /// When the control plane refuses for good.
    pub(crate) async fn results(&self, key: &str, by_country: bool) -> Result<Result<Answer, String>> {
        let cut = if by_country { "?segment=country" } else { "" };
        let path = format!("/api/v1/experiments/{key}/results{cut}");
        match self.call(Method::GET, &path, None, None).await {
            Err(error) => Ok(Err(format!("{error:#}"))),
            Ok((status, _, answer)) if status.is_success() => {
                Ok(Ok(serde_json::from_value(answer).context("the results are not of the documented shape")?))
            }
            Ok((status, _, answer)) if status.is_server_error() => Ok(Err(problem(&answer))),
            Ok((status, _, answer)) => {
                bail!("the results of {key} are refused ({status}): {}", problem(&answer))
            }
        }
    }

    /// The address of the results of an experiment.
    pub(crate) fn results_url(&self, key: &str) -> String {
        format!("{}/api/v1/experiments/{key}/results", self.control_plane)
    }

    /// A file that edges read: `kerf/{environment}/current`, or a bundle.
    ///
    /// # Errors
    /// When the control plane has nothing under the key, or does not answer.
    pub(crate) async fn config(&self, key: &str) -> Result<Vec<u8>> {
        let url = format!("{}/config/{key}", self.control_plane);
        let response = self
            .http
            .get(&url)
            .bearer_auth(&self.key)
            .timeout(ANSWER_LIMIT)
            .send()
            .await?
            .error_for_status()?;
        Ok(response.bytes().await?.into())
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        if_match: Option<&str>,
        body: Option<&Value>,
    ) -> Result<(StatusCode, String, Value)> {
        let url = format!("{}{path}", self.control_plane);
        let mut request = self.http.request(method, &url).bearer_auth(&self.key).timeout(ANSWER_LIMIT);
        if let Some(tag) = if_match {
            request = request.header(header::IF_MATCH, tag);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response =
            request.send().await.map_err(|error| anyhow!("the control plane does not answer: {error}"))?;
        let status = response.status();
        let etag = response
            .headers()
            .get(header::ETAG)
            .and_then(|tag| tag.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        let text = response.text().await.context("the control plane's answer breaks off")?;
        Ok((status, etag, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }
}

/// Waits until the edge decides an experiment; nobody is counted by the question.
///
/// # Errors
/// When it does not within a minute.
pub(crate) async fn wait_until_served(edge: &str, key: &str) -> Result<()> {
    let url = format!("{edge}/api/v1/experiments/{key}/assignment?user_id=nobody&exposure=false");
    let started = Instant::now();
    while !is_decided(&url).await {
        if started.elapsed() > ADOPTION_LIMIT {
            bail!(
                "the edge does not serve {key} after {} s; {edge}/kerf/health says why",
                ADOPTION_LIMIT.as_secs()
            );
        }
        time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}

/// An edge that has no bundle yet answers with control too; a decision names the bundle that it comes from.
async fn is_decided(url: &str) -> bool {
    let Ok(answer) = reqwest::get(url).await else { return false };
    let succeeded = answer.status().is_success();
    let decision: Value = answer.json().await.unwrap_or_default();
    succeeded && decision.get("bundle_version").is_some_and(Value::is_u64)
}

/// What a problem document says, with its violations.
fn problem(answer: &Value) -> String {
    let detail = answer.get("detail").and_then(Value::as_str);
    let violations = answer
        .get("violations")
        .filter(|violations| violations.as_array().is_some_and(|all| !all.is_empty()));
    match (detail, violations) {
        (Some(detail), Some(violations)) => format!("{detail} {violations}"),
        (Some(detail), None) => detail.to_owned(),
        (None, _) => answer.to_string(),
    }
}
