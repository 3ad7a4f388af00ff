//! Why a pointer or bundle is not adopted.

use core::error::Error;
use core::fmt;

use crate::OpenError;

/// Why a pointer or bundle is not adopted. Whatever it is, the last good bundle stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdoptError {
    /// The pointer is no text of the known form.
    Malformed {
        /// Line at fault, from 1.
        line: u8,
    },
    /// The pointer is of a version that this reader does not know.
    UnknownPointerVersion,
    /// The pointer has no signature.
    Unsigned,
    /// The signature is of none of the keys: forged, altered, or the key is not known here.
    BadSignature,
    /// A key is no Ed25519 public key.
    BadKey,
    /// The pointer is for another environment.
    WrongEnvironment,
    /// The pointer is for later.
    NotYet {
        /// From when it holds, milliseconds since 1970.
        not_before_ms: i64,
        /// The moment of the verification.
        now_ms: i64,
    },
    /// The pointer was made before the one held: a replay.
    Older {
        /// `not_before` of the one offered, milliseconds since 1970.
        offered_ms: i64,
        /// `not_before` of the one held.
        held_ms: i64,
    },
    /// The bundle is shorter than published.
    Truncated {
        /// Bytes published.
        expected: u64,
        /// Bytes found.
        found: u64,
    },
    /// The bundle's bytes are not the ones published.
    Altered,
    /// The bytes are right and cannot be opened: published by a newer kerf, or a fault of the publisher.
    Open(OpenError),
    /// The bytes are right and say that they are another bundle: a fault of the publisher.
    OtherBundle {
        /// Version that the pointer names.
        pointer: u64,
        /// Version that the bundle has.
        bundle: u64,
    },
}

impl AdoptError {
    /// A stable tag for metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "pointer_malformed",
            Self::UnknownPointerVersion => "pointer_version_unknown",
            Self::Unsigned => "pointer_unsigned",
            Self::BadSignature => "pointer_bad_signature",
            Self::BadKey => "bad_public_key",
            Self::WrongEnvironment => "wrong_environment",
            Self::NotYet { .. } => "not_yet",
            Self::Older { .. } => "older_than_held",
            Self::Truncated { .. } => "bundle_truncated",
            Self::Altered => "bundle_altered",
            Self::Open(error) => error.code(),
            Self::OtherBundle { .. } => "other_bundle",
        }
    }
}

impl fmt::Display for AdoptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { line } => write!(f, "line {line} of the pointer is not of the known form"),
            Self::UnknownPointerVersion => {
                f.write_str("the pointer is of an unknown version: update the edge")
            }
            Self::Unsigned => f.write_str("the pointer has no signature"),
            Self::BadSignature => {
                f.write_str("no known key signed the pointer: check the edge's public keys")
            }
            Self::BadKey => f.write_str("a configured key is no Ed25519 public key (64 hex digits)"),
            Self::WrongEnvironment => f.write_str("the pointer is for another environment"),
            Self::NotYet { not_before_ms, now_ms } => {
                write!(f, "the pointer holds from {not_before_ms} ms on, and it is {now_ms}: check the clock")
            }
            Self::Older { offered_ms, held_ms } => {
                write!(f, "the pointer was made at {offered_ms} ms, before the one held ({held_ms} ms)")
            }
            Self::Truncated { expected, found } => {
                write!(f, "the bundle has {found} of {expected} bytes")
            }
            Self::Altered => f.write_str("the bundle is not the one published (SHA-256 differs)"),
            Self::Open(error) => write!(f, "the published bundle cannot be opened: {error}"),
            Self::OtherBundle { pointer, bundle } => {
                write!(f, "the pointer names bundle {pointer} and the bytes are bundle {bundle}")
            }
        }
    }
}

impl Error for AdoptError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Open(error) => Some(error),
            _ => None,
        }
    }
}

impl From<OpenError> for AdoptError {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}
