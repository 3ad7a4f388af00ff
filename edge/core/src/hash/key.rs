//! Hash of entry keys for the perfect hash; part of the format, not of assignment.

use super::murmur3::truncated_len;

/// 64-bit hash of a key under the bundle's seed: the words of up to 32 bytes are multiplied side by side, the last ones
/// overlapping those before.
///
/// It is not keyed against attackers: a perfect hash takes the same time for every key.
#[inline]
pub(crate) fn hash(seed: u32, key: &[u8]) -> u64 {
    let start = u64::from(seed) << 32 | u64::from(truncated_len(key));
    let sum = match (key.first_chunk::<16>(), key.last_chunk::<16>()) {
        (Some(first), Some(last)) if key.len() <= 32 => {
            pair(start, first).wrapping_add(pair(start.rotate_left(23), last).rotate_left(32))
        }
        (Some(_), _) => return hash_of_format_1(seed, key),
        _ => match (key.first_chunk::<8>(), key.last_chunk::<8>()) {
            (Some(first), Some(last)) => {
                word(start, first, FACTORS.0).wrapping_add(word(start.rotate_left(17), last, FACTORS.1))
            }
            _ => (start ^ short(key)).wrapping_mul(FACTORS.0),
        },
    };
    finish(sum ^ sum >> 32)
}

#[inline]
fn pair(start: u64, bytes: &[u8; 16]) -> u64 {
    let (words, _) = bytes.as_chunks::<8>();
    let [first, second] = words else { return start };
    word(start, first, FACTORS.0).wrapping_add(word(start.rotate_left(17), second, FACTORS.1))
}

#[inline]
const fn word(start: u64, bytes: &[u8; 8], factor: u64) -> u64 {
    (start ^ u64::from_le_bytes(*bytes)).wrapping_mul(factor)
}

/// Factors of the words of a pair.
const FACTORS: (u64, u64) = (0x9e37_79b9_7f4a_7c15, 0xc2b2_ae3d_27d4_eb4f);

/// The hash of bundles of format 1: eight bytes at a time, each after the one before.
#[inline]
pub(crate) fn hash_of_format_1(seed: u32, key: &[u8]) -> u64 {
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

/// Whether two keys are the same; most are too short for a call to be worth while.
#[inline]
pub(crate) fn equal(left: &[u8], right: &[u8]) -> bool {
    let (Some(left_end), Some(right_end)) = (left.last_chunk::<8>(), right.last_chunk::<8>()) else {
        return left == right;
    };
    let (left_words, right_words) = (left.as_chunks::<8>().0, right.as_chunks::<8>().0);
    let differs =
        |(left, right): (&[u8; 8], &[u8; 8])| u64::from_le_bytes(*left) ^ u64::from_le_bytes(*right);
    let difference = left_words
        .iter()
        .zip(right_words)
        .map(differs)
        .fold(differs((left_end, right_end)), |all, one| all | one);
    left.len() == right.len() && difference == 0
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

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn equal_is_equality() {
        let letters: Vec<u8> = (0..80).collect();
        for len in 0..80 {
            let key = letters.get(..len).unwrap();
            let copy = key.to_vec();
            assert!(equal(key, &copy));
            assert!(!equal(key, letters.get(..=len).unwrap()) && !equal(letters.get(..=len).unwrap(), key));
            for place in 0..len {
                let mut other = key.to_vec();
                *other.get_mut(place).unwrap() ^= 0x40;
                assert!(!equal(key, &other), "{len} bytes, {place}");
            }
        }
    }

    /// Every byte of a key, its length and the seed change the hash.
    #[test]
    fn everything_counts() {
        let letters: Vec<u8> = (0..80).collect();
        for len in 0..80 {
            let key = letters.get(..len).unwrap();
            assert_ne!(hash(0, key), hash(1, key));
            assert_ne!(hash(0, key), hash(0, letters.get(..=len).unwrap()));
            for place in 0..len {
                let mut other = key.to_vec();
                *other.get_mut(place).unwrap() ^= 1;
                assert_ne!(hash(0, key), hash(0, &other), "{len} bytes, {place}");
            }
        }
    }
}
