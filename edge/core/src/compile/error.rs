//! What can be wrong with a bundle as a whole, and with parts of it.

use alloc::string::String;
use core::error::Error;
use core::fmt;

/// Why a bundle could not be compiled at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompileError {
    /// A version of the JSON form that this compiler does not know.
    Format {
        /// The version found.
        found: u16,
    },
    /// The environment is empty, longer than 255 bytes or has control characters.
    Environment,
    /// `created` is no RFC 3339 date-time.
    Created,
    /// `id_key` is not 32 hex digits.
    IdKey,
    /// More than a bundle can hold; it has to be split.
    TooMany {
        /// Of what.
        what: &'static str,
    },
    /// No arrangement of the keys was found; does not happen with fewer than 60,000 entries.
    Keys,
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format { found } => {
                write!(f, "\"format\" is {found}; this compiler takes 1: use the kerf that wrote the bundle")
            }
            Self::Environment => {
                f.write_str("\"environment\" must have 1 to 255 bytes and no control characters")
            }
            Self::Created => {
                f.write_str("\"created\" must be an RFC 3339 date-time such as 2026-11-25T04:00:00Z")
            }
            Self::IdKey => f.write_str("\"id_key\" must be 32 hex digits"),
            Self::TooMany { what } => write!(f, "more {what} than a bundle can hold: split the environment"),
            Self::Keys => f.write_str("no perfect hash was found for the keys: split the environment"),
        }
    }
}

impl Error for CompileError {}

/// A part of the wire form that could not be compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidEntry {
    /// What it is: `experiment`, `flag`, `segment`, `layer` or `holdout`.
    pub kind: &'static str,
    /// Its key; empty if it has none that could be read, and then the reason names its place: `experiments[3]: …`.
    pub key: String,
    /// What is wrong, and where in it: `variants[1].weight_bp: …`.
    pub reason: String,
}

impl fmt::Display for InvalidEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}: {}", self.kind, self.key, self.reason)
    }
}
