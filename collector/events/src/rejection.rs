//! Why an event was refused.

use std::fmt;

/// A stable code for each reason; senders may rely on the text, metrics use it as a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// The event is not a JSON object, or its JSON is broken.
    Malformed,
    /// A field that this type of event needs is absent or null.
    Missing,
    /// A field has another JSON type than it must have.
    WrongType,
    /// A field is longer than its limit.
    TooLong,
    /// `context` or `properties` has more entries than the limit.
    TooMany,
    /// A text does not have the form that it must have.
    Invalid,
    /// Two parts of the request contradict each other.
    Conflict,
    /// The event is older than what is stored.
    TooOld,
    /// The event lies further in the future than a clock may be wrong.
    InFuture,
}

impl Code {
    /// Every code, in the order of the enum.
    pub const ALL: [Self; 9] = [
        Self::Malformed,
        Self::Missing,
        Self::WrongType,
        Self::TooLong,
        Self::TooMany,
        Self::Invalid,
        Self::Conflict,
        Self::TooOld,
        Self::InFuture,
    ];

    /// The code as it stands in answers and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Missing => "missing",
            Self::WrongType => "wrong_type",
            Self::TooLong => "too_long",
            Self::TooMany => "too_many",
            Self::Invalid => "invalid",
            Self::Conflict => "conflict",
            Self::TooOld => "timestamp_too_old",
            Self::InFuture => "timestamp_in_future",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One event's refusal: what, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code} at {pointer:?}: {detail}")]
pub struct Rejection {
    /// The reason.
    pub code: Code,
    /// A JSON pointer (RFC 6901) into the event; empty for the event as a whole.
    pub pointer: String,
    /// What is wrong and what to do, for a person.
    pub detail: String,
}

impl Rejection {
    /// A refusal of the field `name` at the top level of the event.
    pub(crate) fn field(code: Code, name: &str, detail: impl Into<String>) -> Self {
        Self { code, pointer: pointer(&[name]), detail: detail.into() }
    }

    /// A refusal of the event as a whole.
    pub(crate) fn event(code: Code, detail: impl Into<String>) -> Self {
        Self { code, pointer: String::new(), detail: detail.into() }
    }
}

/// A JSON pointer of these reference tokens.
pub(crate) fn pointer(tokens: &[&str]) -> String {
    tokens.iter().map(|token| format!("/{}", token.replace('~', "~0").replace('/', "~1"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_escape_as_rfc_6901_says() {
        // The examples of RFC 6901, section 5.
        assert_eq!(pointer(&["a/b"]), "/a~1b");
        assert_eq!(pointer(&["m~n"]), "/m~0n");
        assert_eq!(pointer(&["foo", "0"]), "/foo/0");
        assert_eq!(pointer(&[""]), "/");
        assert_eq!(pointer(&[]), "");
    }

    #[test]
    fn every_code_has_a_text_of_its_own() {
        let mut texts: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), Code::ALL.len());
    }
}
