//! Assignments that are kept: passed in and out by value.
//!
//! An entry is 8 bytes: 48 bits for the salt (experiment and iteration), 16 for the variant's key. So a kept assignment
//! outlives bundles and the order of variants, and dies with its iteration. [`write()`] and [`read`] are the text form for a
//! cookie or header, which `adopt::cookie` signs; [`Kept`] is a set of bounded size.
//!
//! ```
//! use kerf_core::sticky::{self, Kept, StickyEntry};
//! # use kerf_core::{Bundle, Context, Handle};
//! # fn request(bundle: &Bundle<'_>, handle: Handle, cookie: &str) -> Option<String> {
//! let mut kept = Kept::<32>::read(cookie);
//! let context = Context::new(&[], 1_764_043_200_000).sticky(kept.entries());
//! let decision = bundle.bind(&context).decide(handle);
//! # let mut kept = kept.clone();
//! if let Some(entry) = bundle.sticky_entry(&decision) {
//!     kept.keep(entry);
//! }
//! let mut cookie = String::new();
//! sticky::write(&mut cookie, kept.entries()).ok()?;
//! # Some(cookie)
//! # }
//! ```

pub(crate) mod base64;
mod kept;

use core::fmt;

pub use kept::Kept;

use crate::hash::siphash;

/// A kept assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StickyEntry(pub(crate) u64);

impl StickyEntry {
    /// What a caller's buffer holds before it is filled; matches no experiment.
    pub const EMPTY: Self = Self(0);

    /// The entry as a number, for a profile store.
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// An entry from a profile store.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The entry of a variant of an experiment's iteration: salt and key of the variant as in the wire form.
    pub fn of(salt: &str, variant: &str) -> Self {
        Self::new(salt_tag(salt), variant_tag(variant))
    }

    pub(crate) const fn new(salt_tag: u64, variant_tag: u16) -> Self {
        Self(salt_tag | variant_tag as u64)
    }

    /// The part that stands for experiment and iteration.
    pub(crate) const fn salt_tag(self) -> u64 {
        self.0 & SALT_MASK
    }

    #[expect(clippy::cast_possible_truncation, reason = "the low 16 bits are the variant's")]
    pub(crate) const fn variant_tag(self) -> u16 {
        self.0 as u16
    }
}

const SALT_MASK: u64 = !0xffff;
/// Fixed, since an entry must mean the same under every bundle.
const TAG_KEY: &[u8; 16] = b"kerf sticky tag1";

/// Tag of a salt: the upper 48 bits of its hash, never 0.
pub(crate) fn salt_tag(salt: &str) -> u64 {
    (siphash::siphash24(TAG_KEY, salt.as_bytes()) & SALT_MASK).max(SALT_MASK & SALT_MASK.wrapping_neg())
}

/// Tag of a variant's key: 16 bits.
#[expect(clippy::cast_possible_truncation, reason = "16 bits are what an entry has room for")]
pub(crate) fn variant_tag(key: &str) -> u16 {
    siphash::siphash24(TAG_KEY, key.as_bytes()) as u16
}

/// Version of the text form.
const VERSION: &str = "1";

/// Writes entries as text: `1`, then 8 bytes each (little-endian) as base64url; 11 characters for the first, 10.67 for each
/// further.
///
/// # Errors
/// When `out` fails.
pub fn write(out: &mut impl fmt::Write, entries: &[StickyEntry]) -> fmt::Result {
    out.write_str(VERSION)?;
    let mut encoder = base64::Encoder::new(out);
    for entry in entries {
        encoder.push(&entry.0.to_le_bytes())?;
    }
    encoder.finish()
}

/// Reads entries from text; how many were put into `entries`. Of more than fit the last, which are the newest, are taken.
///
/// `None` when the text is not of the known version and form.
pub fn read(text: &str, entries: &mut [StickyEntry]) -> Option<usize> {
    let text = text.strip_prefix(VERSION)?;
    let bytes = base64::decoded_len(text)?;
    if !bytes.is_multiple_of(8) {
        return None;
    }
    let skipped = (bytes / 8).saturating_sub(entries.len());
    let mut decoder = base64::Decoder::new(text);
    let mut count: usize = 0;
    for place in 0..bytes / 8 {
        let mut entry = [0; 8];
        decoder.fill(&mut entry)?;
        if place >= skipped {
            *entries.get_mut(count)? = StickyEntry(u64::from_le_bytes(entry));
            count = count.checked_add(1)?;
        }
    }
    Some(count)
}
