//! From what the store and the domain say to a problem: the one place.

use std::error::Error;

use kerf_control_domain::{Refusal, Violations};
use kerf_control_store::{StoreError, WriteError};

use crate::http::problem::{Kind, Problem};

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Unavailable(cause) => {
                tracing::warn!(%cause, "Postgres is not available");
                Self::unavailable("Postgres is not available; send the request again")
            }
            StoreError::Unstorable => Self::new(
                Kind::BadParameter,
                "a text in the request has a NUL character (U+0000), which cannot be stored",
            ),
            StoreError::Corrupt { .. } | StoreError::Database(_) => {
                tracing::error!(error = %chain(&error), "the store failed");
                Self::new(Kind::Internal, "the store failed; the log has the cause")
            }
        }
    }
}

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Self {
        let detail = error.to_string();
        match error {
            WriteError::NotFound => Self::new(Kind::NotFound, detail),
            WriteError::KeyTaken => Self::new(Kind::KeyTaken, "the key is taken; choose another one"),
            WriteError::KeyRetired => {
                Self::new(Kind::KeyRetired, "something was served under this key before; choose another one")
            }
            WriteError::Stale(current) => {
                let detail = format!(
                    "the version is {}, made by {} at {}; yours is older",
                    current.version, current.changed_by, current.changed_at
                );
                Self::new(Kind::StaleVersion, detail).current(&current)
            }
            WriteError::LayerFull { .. } => Self::new(Kind::LayerFull, detail),
            WriteError::Refused(refusal) => refusal.into(),
            WriteError::SeenBefore => Self::unavailable(
                "a request with the same idempotency key was committed just now; send it again",
            ),
            WriteError::Store(error) => error.into(),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match &refusal {
            Refusal::Invalid(violations) => Self::violations(Kind::Invalid, violations),
            Refusal::StartChecks(violations) => Self::violations(Kind::StartChecksFailed, violations),
            Refusal::Transition { why, .. } => {
                Self::new(Kind::IllegalTransition, refusal.to_string()).code(why.code())
            }
        }
    }
}

impl From<Violations> for Problem {
    fn from(violations: Violations) -> Self {
        Self::violations(Kind::Invalid, &violations)
    }
}

/// An error with everything that caused it, on one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
