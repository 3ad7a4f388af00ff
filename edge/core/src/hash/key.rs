//! Hash of entry keys for the perfect hash; part of the format, not of assignment.

/// 64-bit hash of a key under the bundle's seed: eight bytes at a time, multiply and fold.
///
/// It is not keyed against attackers: a perfect hash takes the same time for every key.
#[inline]
pub(crate) fn hash(seed: u32, key: &[u8]) -> u64 {
    let mut state = u64::from(seed) ^ (key.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let (words, rest) = key.as_chunks::<8>();
    for word in words {
        state = fold(state ^ u64::from_le_bytes(*word));
    }
    let mut last = 0;
    for (index, byte) in rest.iter().enumerate() {
        last |= u64::from(*byte) << (8 * index);
    }
    fold(state ^ last)
}

#[inline]
const fn fold(value: u64) -> u64 {
    let product = value.wrapping_mul(0xd6e8_feb8_6659_fd93);
    (product ^ (product >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93)
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
