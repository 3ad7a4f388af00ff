//! RFC 9457 problem details: one table, one document, one conversion.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use kerf_control_domain::Violations;
use kerf_control_store::Current;
use serde::Serialize;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};
use utoipa::{ToResponse, ToSchema};

use crate::http::etag;

macro_rules! kinds {
    ($($variant:ident $slug:literal $status:ident $title:literal $page:literal)*) => {
        /// Every kind of problem that the API answers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Kind { $($variant),* }

        impl Kind {
            /// The table in its order.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),*];

            /// Last part of `type`, stable.
            pub(crate) const fn slug(self) -> &'static str {
                match self { $(Self::$variant => $slug),* }
            }

            /// Status of the answer.
            pub(crate) const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status),* }
            }

            /// The same for every problem of the kind.
            pub(crate) const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),* }
            }

            /// What the documentation page says: when it happens and what to do.
            pub(crate) const fn page(self) -> &'static str {
                match self { $(Self::$variant => $page),* }
            }
        }
    };
}

kinds! {
    MalformedJson "malformed_json" BAD_REQUEST "The body is not JSON"
        "The body could not be read as JSON. `detail` has the line and column."
    BadParameter "bad_parameter" BAD_REQUEST "A parameter cannot be read"
        "A query parameter or a header has a value that the operation does not know. `detail` names it."
    BadCursor "bad_cursor" BAD_REQUEST "The cursor cannot be read"
        "A cursor is taken as it is from `next_cursor` of the page before; it cannot be made by hand."
    Unauthenticated "unauthenticated" UNAUTHORIZED "Who are you?"
        "The request needs `Authorization: Bearer kerf_api_…` with a key that exists and is not revoked. `kerf keys create` makes the first one."
    Forbidden "forbidden" FORBIDDEN "The key may not do this"
        "The key is good, but its role lacks the permission that `detail` names. A key with the role admin has every permission."
    NotFound "not_found" NOT_FOUND "There is no such thing"
        "Nothing is at this path. Experiments, layers and environments are named by their key."
    MethodNotAllowed "method_not_allowed" METHOD_NOT_ALLOWED "The path does not take this method"
        "The path exists, but not with this method. `/openapi.json` lists what there is."
    KeyTaken "key_taken" CONFLICT "The key is taken"
        "Another resource has this key. Keys are unique over all experiments, also archived ones."
    KeyRetired "key_retired" CONFLICT "The key was used before"
        "An experiment with this key was served once. The key is the salt of the assignment, so using it again would bring the old split back. Take another key."
    IllegalTransition "illegal_transition" CONFLICT "The experiment cannot go there from where it is"
        "The lifecycle is draft, running, paused (and back), completed, archived. `code` says what stands in the way; `actions` of the experiment lists what is possible now."
    LayerFull "layer_full" CONFLICT "The layer has not enough room"
        "Experiments of a layer share no unit, so their traffic adds up to at most 100 percent. `detail` says what is free. Ask for less, complete another experiment, or take another layer."
    StaleVersion "stale_version" PRECONDITION_FAILED "The resource has changed since you read it"
        "The version in `If-Match` is not the current one. `current` says who changed what. Read it again, look at the change, and send yours with the new ETag."
    TooLarge "too_large" PAYLOAD_TOO_LARGE "The body is too large"
        "A body has at most 1 MB."
    UnsupportedMediaType "unsupported_media_type" UNSUPPORTED_MEDIA_TYPE "The body is not said to be JSON"
        "Send `Content-Type: application/json`, or `application/merge-patch+json` with PATCH."
    Invalid "invalid" UNPROCESSABLE_ENTITY "The document has faults"
        "`violations` lists every fault: `pointer` is the place in the document, `code` its stable name, `detail` a sentence for people."
    StartChecksFailed "start_checks_failed" UNPROCESSABLE_ENTITY "The draft is not ready to start"
        "`violations` lists what is missing. Change the draft and start again."
    IdempotencyMismatch "idempotency_mismatch" UNPROCESSABLE_ENTITY "The idempotency key belongs to another request"
        "The same `Idempotency-Key` came with another method, path or body within a day. Use a new key for a new request."
    PreconditionRequired "precondition_required" PRECONDITION_REQUIRED "Say which version you mean"
        "Changes of something that exists need `If-Match` with its ETag, so that nobody overwrites a change that they have not seen. `If-Match: *` means whatever is there."
    RateLimited "rate_limited" TOO_MANY_REQUESTS "Too many requests"
        "Each key may call so often: `RateLimit-Policy` has the limits, `RateLimit` what is left, `Retry-After` the seconds to wait."
    Internal "internal" INTERNAL_SERVER_ERROR "This is a defect"
        "Something happened that never should. The log has it under the request id in `instance`."
    Unavailable "unavailable" SERVICE_UNAVAILABLE "Not now"
        "Something that this needs is away; `detail` names it. The request can be repeated after `Retry-After` seconds. A POST is safe to repeat with the same `Idempotency-Key`."
}

/// One fault of a document.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ViolationBody {
    /// RFC 6901 pointer into the document that was sent.
    #[schema(example = "/variants")]
    pointer: String,
    /// Stable name of the fault.
    #[schema(example = "weights_do_not_add_up")]
    code: &'static str,
    /// One sentence for people.
    #[schema(example = "the weights add up to 90 and not to 100")]
    detail: String,
}

/// The current version, in the answer to a stale request.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct CurrentBody {
    version: i64,
    #[schema(example = "\"v7\"")]
    etag: String,
    changed_by: String,
    #[schema(format = DateTime)]
    changed_at: String,
    /// Pointers to what differs from the version that was named.
    changed: Vec<String>,
}

/// RFC 9457 problem details.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ProblemBody {
    /// Documentation of this kind of problem.
    #[serde(rename = "type")]
    #[schema(example = "/problems/invalid")]
    kind: String,
    title: &'static str,
    status: u16,
    detail: String,
    /// Id of the request.
    instance: String,
    /// What stands in the way; with `illegal_transition`.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    violations: Vec<ViolationBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<CurrentBody>,
    /// Seconds to wait before trying again.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

/// A problem on its way to the answer; [`finish`](crate::http::finish) gives it the request id.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    kind: Kind,
    detail: String,
    code: Option<&'static str>,
    violations: Vec<ViolationBody>,
    current: Option<Box<CurrentBody>>,
    retry_after: Option<u64>,
}

impl Problem {
    /// A problem with one sentence about this case.
    pub(crate) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            code: None,
            violations: Vec::new(),
            current: None,
            retry_after: None,
        }
    }

    /// Something is away for a while.
    pub(crate) fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(Kind::Unavailable, detail).retry_after(2)
    }

    /// With the name of what stands in the way.
    pub(crate) const fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// With the faults of a document; they are the detail too.
    pub(crate) fn violations(kind: Kind, violations: &Violations) -> Self {
        let one = |v: &kerf_control_domain::Violation| ViolationBody {
            pointer: v.pointer.clone(),
            code: v.code,
            detail: v.detail.clone(),
        };
        let mut problem = Self::new(kind, violations.to_string());
        problem.violations = violations.as_slice().iter().map(one).collect();
        problem
    }

    /// With the current version.
    pub(crate) fn current(mut self, current: &Current) -> Self {
        self.current = Some(Box::new(CurrentBody {
            version: current.version.get(),
            etag: etag::of(current.version),
            changed_by: current.changed_by.clone(),
            changed_at: current.changed_at.to_string(),
            changed: current.changed.clone(),
        }));
        self
    }

    /// With the seconds to wait.
    pub(crate) const fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Seconds to wait, for the header.
    pub(crate) const fn wait(&self) -> Option<u64> {
        self.retry_after
    }

    /// The document.
    pub(crate) fn into_body(self, request_id: &str) -> ProblemBody {
        ProblemBody {
            kind: format!("/problems/{}", self.kind.slug()),
            title: self.kind.title(),
            status: self.kind.status().as_u16(),
            detail: self.detail,
            instance: request_id.to_owned(),
            code: self.code,
            violations: self.violations,
            current: self.current.map(|current| *current),
            retry_after: self.retry_after,
        }
    }
}

impl<'r> ToResponse<'r> for ProblemBody {
    fn response() -> (&'r str, RefOr<utoipa::openapi::Response>) {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("ProblemBody"))).build();
        let response = ResponseBuilder::new().description("Problem details, RFC 9457");
        ("ProblemBody", response.content("application/problem+json", content).build().into())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.kind.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_unique_and_every_page_says_something() {
        for (index, kind) in Kind::ALL.iter().enumerate() {
            assert!(Kind::ALL.iter().take(index).all(|other| other.slug() != kind.slug()), "{}", kind.slug());
            assert!(kind.status().is_client_error() || kind.status().is_server_error());
            assert!(kind.page().len() > 20 && kind.page().ends_with('.'), "{}", kind.slug());
        }
    }
}
