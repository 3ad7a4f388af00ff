//! Workers KV by its REST API.

use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};

use crate::config::Cloudflare;
use crate::http::failure::chain;
use crate::publish::target::TargetError;

/// How much of a refusal is kept.
const SHOWN: usize = 500;

/// One namespace.
#[derive(Debug)]
pub(crate) struct WorkersKv {
    client: Client,
    base: String,
    token: String,
}

impl WorkersKv {
    /// The namespace that the configuration names.
    pub(crate) fn new(client: Client, config: &Cloudflare) -> Self {
        let api = config.api.trim_end_matches('/');
        let base =
            format!("{api}/accounts/{}/storage/kv/namespaces/{}/values", config.account, config.namespace);
        Self { client, base, token: config.token.clone() }
    }

    /// Writes a value.
    pub(crate) async fn put(&self, key: &str, value: Vec<u8>) -> Result<(), TargetError> {
        let (url, request) = self.request(Method::PUT, key);
        let answer = send(&url, request.body(value)).await?;
        if answer.status().is_success() { Ok(()) } else { Err(refused(url, answer).await) }
    }

    /// Reads a value back.
    pub(crate) async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, TargetError> {
        let (url, request) = self.request(Method::GET, key);
        let answer = send(&url, request).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if !answer.status().is_success() {
            return Err(refused(url, answer).await);
        }
        let bytes =
            answer.bytes().await.map_err(|error| TargetError::Network { url, reason: chain(&error) })?;
        Ok(Some(bytes.to_vec()))
    }

    fn request(&self, method: Method, key: &str) -> (String, RequestBuilder) {
        // A key is one segment of the path; ours have no other character than `/` that needs an escape.
        let url = format!("{}/{}", self.base, key.replace('/', "%2F"));
        let request = self.client.request(method, &url).bearer_auth(&self.token);
        (url, request)
    }
}

async fn send(url: &str, request: RequestBuilder) -> Result<Response, TargetError> {
    request.send().await.map_err(|error| TargetError::Network { url: url.to_owned(), reason: chain(&error) })
}

async fn refused(url: String, answer: Response) -> TargetError {
    let status = answer.status().as_u16();
    let body = answer.text().await.unwrap_or_default().chars().take(SHOWN).collect();
    TargetError::Refused { url, status, body }
}
