//! Assignments that are kept: passed in and out by value.
//!
//! An entry is 8 bytes: 48 bits for the salt (experiment and iteration), 16 for the variant's key. So a kept assignment
//! outlives bundles and the order of variants, and dies with its iteration. Entries are written for a cookie as text by
//! [`write`] and read by [`read`]; a cookie is signed by [`adopt::cookie`](crate::adopt).

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
#[cfg_attr(not(feature = "compile"), expect(dead_code, reason = "the compiler stores it in the bundle"))]
pub(crate) fn salt_tag(salt: &str) -> u64 {
    (siphash::siphash24(TAG_KEY, salt.as_bytes()) & SALT_MASK).max(SALT_MASK & SALT_MASK.wrapping_neg())
}

/// Tag of a variant's key: 16 bits.
#[cfg_attr(not(feature = "compile"), expect(dead_code, reason = "the compiler stores it in the bundle"))]
#[expect(clippy::cast_possible_truncation, reason = "16 bits are what an entry has room for")]
pub(crate) fn variant_tag(key: &str) -> u16 {
    siphash::siphash24(TAG_KEY, key.as_bytes()) as u16
}
