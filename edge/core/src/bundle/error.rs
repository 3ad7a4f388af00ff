//! Why bytes could not be opened as a bundle.

use core::error::Error;
use core::fmt;

use super::layout;

/// Why bytes could not be opened as a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// No header, or not of a bundle.
    NotABundle,
    /// Written in a format that this version does not read.
    UnknownFormat {
        /// Format of the bytes.
        format: u16,
        /// Oldest format whose readers understand them.
        min_reader: u16,
    },
    /// Truncated, or something was added.
    WrongLength {
        /// Length that the header states, bytes.
        stated: u32,
        /// Length found, bytes.
        found: u64,
    },
    /// A section of the directory does not lie inside the bytes, or has records that are shorter than in any format.
    Section {
        /// Its place in the directory.
        index: u16,
    },
    /// More entries than handles can name.
    TooManyEntries {
        /// Number of entries.
        entries: u32,
    },
}

impl OpenError {
    /// A stable tag for metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotABundle => "not_a_bundle",
            Self::UnknownFormat { .. } => "unknown_format",
            Self::WrongLength { .. } => "wrong_length",
            Self::Section { .. } => "section_out_of_bounds",
            Self::TooManyEntries { .. } => "too_many_entries",
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotABundle => f.write_str("the bytes are no Kerf bundle (no KRFB header)"),
            Self::UnknownFormat { format, min_reader } => write!(
                f,
                "the bundle has format {format} and needs a reader of {min_reader}; this version reads {} to {}",
                layout::OLDEST,
                layout::FORMAT
            ),
            Self::WrongLength { stated, found } => {
                write!(f, "the bundle should have {stated} bytes and has {found}: truncated or extended")
            }
            Self::Section { index } => {
                write!(f, "section {index} does not lie inside the bundle or has records that are too short")
            }
            Self::TooManyEntries { entries } => {
                write!(f, "{entries} entries are more than a bundle can hold")
            }
        }
    }
}

impl Error for OpenError {}
