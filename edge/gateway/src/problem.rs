//! Errors of the edge's own API, as RFC 9457 problem details.

use serde::Serialize;

use crate::Answer;

/// What was wrong with an API request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    /// The body is not what the operation takes.
    #[error("{0}")]
    Malformed(String),
    /// A parameter is missing.
    #[error("the query parameter `{0}` is missing, and the request carries no visitor id either")]
    Missing(&'static str),
    /// The body is larger than the edge reads.
    #[error("the body is larger than {} bytes", crate::LARGEST_BODY)]
    TooLarge,
    /// No experiment or flag of that key is in the bundle.
    #[error("no experiment or flag with the key `{key}` is live in `{environment}`")]
    NotFound { key: String, environment: String },
}

#[derive(Serialize)]
struct Document<'a> {
    r#type: &'a str,
    title: &'a str,
    status: u16,
    detail: String,
}

impl Problem {
    /// Status, slug and title.
    const fn kind(&self) -> (u16, &'static str, &'static str) {
        match self {
            Self::Malformed(_) => (400, "/problems/malformed_json", "The body cannot be read"),
            Self::Missing(_) => (400, "/problems/bad_parameter", "A parameter is missing"),
            Self::TooLarge => (413, "/problems/too_large", "The body is too large"),
            Self::NotFound { .. } => (404, "/problems/not_found", "Not found"),
        }
    }

    pub(crate) fn answer(&self) -> Answer {
        let (status, slug, title) = self.kind();
        let document = Document { r#type: slug, title, status, detail: self.to_string() };
        Answer::json(status, "application/problem+json", &document)
    }
}
