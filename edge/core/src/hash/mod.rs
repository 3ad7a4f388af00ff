//! The hashes: murmur3 for buckets (frozen as assignment version 1), a keyed hash for ids, a plain one for keys.

pub(crate) mod bulk;
pub(crate) mod key;
pub mod murmur3;
pub(crate) mod siphash;

pub use siphash::IdKey;

/// Number of buckets: shares are basis points.
pub const BUCKETS: u32 = 10_000;

/// Bucket of a text, 0 to 9999: assignment version 1.
///
/// ```
/// assert_eq!(kerf_core::hash::bucket("checkout_color:user-00001234"), 1274);
/// ```
pub fn bucket(text: &str) -> u16 {
    to_bucket(murmur3::x86_32(text.as_bytes(), 0))
}

/// Bucket of a hash, 0 to 9999.
#[inline]
pub(crate) const fn to_bucket(hash: u32) -> u16 {
    (hash % BUCKETS) as u16
}
