//! Hash of entry keys for the perfect hash; part of the format, not of assignment.

use super::murmur3::truncated_len;

/// 64-bit hash of a key under the bundle's seed: eight bytes at a time, the last eight overlapping those before.
///
/// It is not keyed against attackers: a perfect hash takes the same time for every key.
#[inline]
pub(crate) fn hash(seed: u32, key: &[u8]) -> u64 {
    let mut state = u64::from(seed) << 32 | u64::from(truncated_len(key));
    let Some(last) = key.last_chunk::<8>() else {
        return finish(state ^ short(key).wrapping_mul(FACTOR));
    };
    let (words, _) = key.as_chunks::<8>();
    for word in words {
        state = (state ^ u64::from_le_bytes(*word)).wrapping_mul(FACTOR);
        state ^= state >> 32;
    }
    finish(state ^ u64::from_le_bytes(*last))
}

const FACTOR: u64 = 0xd6e8_feb8_6659_fd93;

/// A key of fewer than eight bytes as a number.
fn short(key: &[u8]) -> u64 {
    key.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[inline]
const fn finish(state: u64) -> u64 {
    let state = state.wrapping_mul(FACTOR);
    state ^ state >> 29
}

/// Bucket of a hash among `buckets`, for the displacement.
#[inline]
pub(crate) const fn bucket(hash: u64, buckets: u32) -> u32 {
    scale((hash >> 32) as u32, buckets)
}

/// Slot of a hash among `slots` under a displacement.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the low 32 bits are what is hashed")]
pub(crate) const fn slot(hash: u64, displacement: u16, slots: u32) -> u32 {
    scale(((hash >> 16) as u32).wrapping_mul(2 * displacement as u32 + 1), slots)
}

/// Multiplies into a range without a division.
#[inline]
const fn scale(hash: u32, range: u32) -> u32 {
    ((hash as u64 * range as u64) >> 32) as u32
}
