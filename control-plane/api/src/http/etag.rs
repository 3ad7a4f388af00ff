//! ETag, If-Match and If-None-Match over versions.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use kerf_control_domain::Version;
use kerf_control_store::Precondition;

use crate::http::problem::{Kind, Problem};

/// The ETag of a version: `"v7"`.
pub(crate) fn of(version: Version) -> String {
    format!("\"v{version}\"")
}

/// Headers of an answer that carries a version.
pub(crate) fn headers(version: Version) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if let Ok(value) = HeaderValue::try_from(of(version)) {
        headers.insert(header::ETAG, value);
    }
    headers
}

/// Whether the caller has this version already (weak comparison, as RFC 9110 asks).
pub(crate) fn unchanged(request: &HeaderMap, version: Version) -> bool {
    let ours = of(version);
    request
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag == "*" || tag == ours)
}

/// `If-Match`, which every change of something existing needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IfMatch(pub(crate) Precondition);

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else {
            let detail = "send If-Match with the ETag that you read, for example If-Match: \"v3\"";
            return Err(Problem::new(Kind::PreconditionRequired, detail));
        };
        value.to_str().ok().and_then(parse).map(Self).ok_or_else(|| {
            let detail = "If-Match is one ETag of this API, such as \"v3\" (with the quotes), or *";
            Problem::new(Kind::BadParameter, detail)
        })
    }
}

fn parse(value: &str) -> Option<Precondition> {
    if value.trim() == "*" {
        return Some(Precondition::Any);
    }
    let number = value.trim().strip_prefix("\"v")?.strip_suffix('"')?;
    Version::new(number.parse().ok()?).map(Precondition::Version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_as_they_are_written() {
        let version = Version::new(7).unwrap();
        assert_eq!(parse(&of(version)), Some(Precondition::Version(version)));
        assert_eq!(parse(" * "), Some(Precondition::Any));
        for bad in ["v7", "\"7\"", "W/\"v7\"", "\"v0\"", "\"v1\", \"v2\"", ""] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_copy_that_is_current_is_not_sent_again() {
        let mut request = HeaderMap::new();
        request.insert(header::IF_NONE_MATCH, HeaderValue::from_static("\"v1\", W/\"v2\""));
        assert!(unchanged(&request, Version::new(2).unwrap()));
        assert!(!unchanged(&request, Version::new(3).unwrap()));
    }
}
