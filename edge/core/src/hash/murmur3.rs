//! MurmurHash3 x86_32 (Austin Appleby, public domain; reference `MurmurHash3_x86_32` in SMHasher).
//!
//! Three forms of the same function: [`x86_32`] over a whole text, `Stream` over a text that comes in pieces, and
//! `Prefix`, the state after a fixed text such as `{salt}:`, from which a unit is hashed without hashing the salt again.

const C1: u32 = 0xcc9e_2d51;
const C2: u32 = 0x1b87_3593;

/// `:variant` as two little-endian words: what follows the unit in the text of the variant hash.
const VARIANT: u64 = u64::from_le_bytes(*b":variant");

/// Hash of `bytes` under `seed`.
pub fn x86_32(bytes: &[u8], seed: u32) -> u32 {
    let (words, rest) = bytes.as_chunks::<4>();
    let mut state = seed;
    for word in words {
        state = mix(state, u32::from_le_bytes(*word));
    }
    finish(state, little_endian(rest), truncated_len(bytes))
}

/// Hash of a text that comes in pieces, seed 0.
#[cfg(any(test, feature = "compile"))]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stream {
    state: u32,
    /// The 0 to 3 bytes after the last whole word.
    tail: u32,
    len: u32,
}

#[cfg(any(test, feature = "compile"))]
impl Stream {
    pub(crate) const fn new() -> Self {
        Self { state: 0, tail: 0, len: 0 }
    }

    /// Takes the next bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        let shift = 8 * (self.len & 3);
        let mut pending = u64::from(self.tail);
        let (words, rest) = bytes.as_chunks::<4>();
        for word in words {
            pending |= u64::from(u32::from_le_bytes(*word)) << shift;
            self.state = mix(self.state, low(pending));
            pending >>= 32;
        }
        pending |= u64::from(little_endian(rest)) << shift;
        let filled = (self.len & 3) + truncated_len(rest);
        if filled >= 4 {
            self.state = mix(self.state, low(pending));
            pending >>= 32;
        }
        self.tail = low(pending);
        self.len = self.len.wrapping_add(truncated_len(bytes));
    }

    #[cfg(test)]
    pub(crate) const fn finish(self) -> u32 {
        finish(self.state, self.tail, self.len)
    }

    /// The state as a prefix of other texts.
    pub(crate) const fn prefix(self) -> Prefix {
        Prefix { state: self.state, tail: self.tail, len: self.len }
    }
}

/// State after a fixed text; what the bundle stores for each salt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Prefix {
    /// State after the whole words.
    pub(crate) state: u32,
    /// The 0 to 3 bytes after the last whole word.
    pub(crate) tail: u32,
    /// Length in bytes.
    pub(crate) len: u32,
}

impl Prefix {
    /// State after `{prefix}{unit}`.
    #[inline]
    pub(crate) fn absorb(self, unit: &[u8]) -> Absorbed {
        let shift = 8 * (self.len & 3);
        let mut state = self.state;
        let mut pending = u64::from(self.tail);
        let (words, rest) = unit.as_chunks::<4>();
        for word in words {
            pending |= u64::from(u32::from_le_bytes(*word)) << shift;
            state = mix(state, low(pending));
            pending >>= 32;
        }
        pending |= u64::from(last_bytes(unit, rest)) << shift;
        let filled = (self.len & 3) + truncated_len(rest);
        if filled >= 4 {
            state = mix(state, low(pending));
            pending >>= 32;
        }
        Absorbed { state, tail: low(pending), len: self.len.wrapping_add(truncated_len(unit)) }
    }
}

/// State after `{salt}:{unit}`: the gate's hash, and the start of the variant's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Absorbed {
    pub(crate) state: u32,
    pub(crate) tail: u32,
    pub(crate) len: u32,
}

impl Absorbed {
    /// Hash of `{salt}:{unit}`.
    #[inline]
    pub(crate) const fn gate(self) -> u32 {
        finish(self.state, self.tail, self.len)
    }

    /// Hash of `{salt}:{unit}:variant`; the eight bytes leave the length of the tail as it is.
    #[inline]
    pub(crate) const fn variant(self) -> u32 {
        let shift = 8 * (self.len & 3);
        let first = self.tail | low(VARIANT << shift);
        let second = low((VARIANT << shift) >> 32);
        // In two shifts, since one by 64 bits is none.
        let tail = low(VARIANT >> 1 >> (63 - shift));
        let state = mix(mix(self.state, first), second);
        finish(state, tail, self.len.wrapping_add(8))
    }
}

/// The words of `:variant` behind a tail of `len & 3` bytes: first word without the tail, second word, new tail.
#[inline]
pub(crate) const fn variant_words(len: u32) -> (u32, u32, u32) {
    let shift = 8 * (len & 3);
    let tail = if shift == 0 { 0 } else { low(VARIANT >> (64 - shift)) };
    (low(VARIANT << shift), low((VARIANT << shift) >> 32), tail)
}

/// One word before it meets the state.
#[inline]
pub(crate) const fn scramble(word: u32) -> u32 {
    word.wrapping_mul(C1).rotate_left(15).wrapping_mul(C2)
}

/// The state after one scrambled word.
#[inline]
pub(crate) const fn step(state: u32, scrambled: u32) -> u32 {
    (state ^ scrambled).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64)
}

#[inline]
const fn mix(state: u32, word: u32) -> u32 {
    step(state, scramble(word))
}

/// The hash from the state after all whole words; a tail of no bytes is 0 and changes nothing.
#[inline]
pub(crate) const fn finish(state: u32, tail: u32, len: u32) -> u32 {
    finish_scrambled(state, scramble(tail), len)
}

/// [`finish`] with the tail scrambled before.
#[inline]
pub(crate) const fn finish_scrambled(state: u32, tail: u32, len: u32) -> u32 {
    let mut hash = state ^ tail ^ len;
    hash ^= hash >> 16;
    hash = hash.wrapping_mul(0x85eb_ca6b);
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

/// [`little_endian`] of the `rest` of a text, without a branch for each length: it is the end of the last four bytes.
#[inline]
fn last_bytes(text: &[u8], rest: &[u8]) -> u32 {
    match text.last_chunk::<4>() {
        Some(last) => low(u64::from(u32::from_le_bytes(*last)) >> (32 - 8 * rest.len())),
        None => little_endian(rest),
    }
}

/// The 0 to 3 bytes after the last whole word, unsigned.
#[inline]
pub(crate) const fn little_endian(rest: &[u8]) -> u32 {
    match *rest {
        [a] => a as u32,
        [a, b] => a as u32 | (b as u32) << 8,
        [a, b, c] => a as u32 | (b as u32) << 8 | (c as u32) << 16,
        _ => 0,
    }
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the low word is what is wanted")]
const fn low(pending: u64) -> u32 {
    pending as u32
}

/// The length as the hash takes it, modulo 2^32.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the reference takes the length as 32 bits")]
pub(crate) const fn truncated_len(bytes: &[u8]) -> u32 {
    bytes.len() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of the reference implementation (SMHasher, `MurmurHash3_x86_32`).
    #[test]
    fn reference_vectors() {
        for (text, seed, value) in [
            ("", 0, 0x0000_0000),
            ("", 1, 0x514e_28b7),
            ("test", 0, 0xba6b_d213),
            ("test", 0x9747_b28c, 0x704b_81dc),
            ("Hello, world!", 0, 0xc036_3e43),
            ("The quick brown fox jumps over the lazy dog", 0, 0x2e4f_f723),
        ] {
            assert_eq!(x86_32(text.as_bytes(), seed), value, "{text:?} under {seed:#x}");
        }
    }

    /// SMHasher's `VerificationTest`: hashes of the keys {}, {0}, {0, 1}, … under 256 - n, hashed under 0.
    #[test]
    fn smhasher_verification_value() {
        let mut key = [0u8; 256];
        let mut hashes = [0u8; 1024];
        for n in 0..256usize {
            key[n] = u8::try_from(n).unwrap();
            let hash = x86_32(&key[..n], u32::try_from(256 - n).unwrap());
            hashes[4 * n..4 * n + 4].copy_from_slice(&hash.to_le_bytes());
        }
        assert_eq!(x86_32(&hashes, 0), 0xb0f5_7ee3);
    }

    #[test]
    fn prefix_and_pieces_equal_the_whole() {
        let letters = "abcdefghijklmnöpqrstuvwxyzäéß0123456789-_.:ABCDEFGHIJKLMNOPQRSTUVWXYZ日本語0123456789";
        let bytes = letters.as_bytes();
        for prefix_len in 0..=81 {
            for unit_len in 0..=(bytes.len() - prefix_len).min(59) {
                let prefix = &bytes[..prefix_len];
                let unit = &bytes[prefix_len..prefix_len + unit_len];
                let mut stream = Stream::new();
                stream.update(prefix);
                let absorbed = stream.prefix().absorb(unit);
                assert_eq!(absorbed.gate(), x86_32(&[prefix, unit].concat(), 0));
                assert_eq!(absorbed.variant(), x86_32(&[prefix, unit, b":variant"].concat(), 0));
                stream.update(unit);
                stream.update(b":variant");
                assert_eq!(stream.finish(), absorbed.variant());
            }
        }
    }
}
