//! JSON bodies.

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, Method, header};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::http::problem::{Kind, Problem};

/// Largest body, in bytes.
const LARGEST: usize = 1_048_576;

/// A body that is JSON, or `null` when there is none, with a hash of the whole request.
#[derive(Clone, Debug)]
pub(crate) struct JsonBody {
    /// The document.
    pub(crate) document: Value,
    /// SHA-256 over method, path and body, for idempotency.
    pub(crate) request_sha256: Vec<u8>,
}

impl<S: Sync> FromRequest<S> for JsonBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = to_bytes(body, LARGEST)
            .await
            .map_err(|_| Problem::new(Kind::TooLarge, format!("a body has at most {LARGEST} bytes")))?;
        let mut hash = Sha256::new();
        hash.update(format!("{} {}\n", parts.method, parts.uri.path()));
        hash.update(&bytes);
        let request_sha256 = hash.finalize().to_vec();
        if bytes.is_empty() {
            return Ok(Self { document: Value::Null, request_sha256 });
        }
        check_media_type(&parts.method, &parts.headers)?;
        let document = serde_json::from_slice(&bytes)
            .map_err(|error| Problem::new(Kind::MalformedJson, format!("the body is not JSON: {error}")))?;
        Ok(Self { document, request_sha256 })
    }
}

fn check_media_type(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    let written = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = written.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let merge_patch = method == Method::PATCH && media_type == "application/merge-patch+json";
    if media_type == "application/json" || merge_patch {
        return Ok(());
    }
    let detail = format!("the body is said to be `{written}`; send Content-Type: application/json");
    Err(Problem::new(Kind::UnsupportedMediaType, detail))
}
