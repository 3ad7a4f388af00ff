//! One unit under many salts: its words are scrambled once for each of the four alignments a salt can leave.
//!
//! Only the first word of a text mixes salt and unit; every later word, and the words of `:variant`, depend on the unit and
//! on the length of the salt modulo 4 alone.

use super::murmur3::{self, Absorbed, Prefix};

/// Units of these lengths fit the table (a UUID has 36 bytes); others are hashed as always.
const SHORTEST: usize = 4;
const LONGEST: usize = 40;
/// Whole words after the first, at most: 39 bytes.
const WORDS: usize = 9;

/// The scrambled words of one unit.
#[derive(Clone, Debug)]
pub(crate) struct UnitWords {
    /// The first four bytes.
    head: u32,
    len: u32,
    aligned: [Aligned; 4],
}

/// The words behind a salt whose tail has a given length.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Aligned {
    words: [u32; WORDS],
    whole: usize,
    gate_tail: u32,
    variant_words: [u32; 2],
    variant_tail: u32,
}

impl UnitWords {
    /// Prepares a unit, if its length fits.
    pub(crate) fn new(unit: &[u8]) -> Option<Self> {
        if !(SHORTEST..=LONGEST).contains(&unit.len()) {
            return None;
        }
        let head = u32::from_le_bytes(*unit.first_chunk()?);
        let mut aligned = [Aligned::EMPTY; 4];
        for (tail_len, slot) in aligned.iter_mut().enumerate() {
            *slot = Aligned::new(unit.get(SHORTEST.wrapping_sub(tail_len)..)?);
        }
        Some(Self { head, len: murmur3::truncated_len(unit), aligned })
    }

    /// State after `{prefix}{unit}`.
    #[inline]
    pub(crate) fn absorb(&self, prefix: Prefix) -> Scrambled {
        let [unshifted, ..] = &self.aligned;
        let aligned = self.aligned.get((prefix.len & 3) as usize).unwrap_or(unshifted);
        let first = prefix.tail | self.head.wrapping_shl(8 * (prefix.len & 3));
        let mut state = murmur3::step(prefix.state, murmur3::scramble(first));
        for word in aligned.words.iter().take(aligned.whole) {
            state = murmur3::step(state, *word);
        }
        Scrambled {
            state,
            len: prefix.len.wrapping_add(self.len),
            gate_tail: aligned.gate_tail,
            variant_words: aligned.variant_words,
            variant_tail: aligned.variant_tail,
        }
    }
}

impl Aligned {
    const EMPTY: Self =
        Self { words: [0; WORDS], whole: 0, gate_tail: 0, variant_words: [0; 2], variant_tail: 0 };

    /// Scrambles what follows the first word.
    fn new(after_first: &[u8]) -> Self {
        let (whole, rest) = after_first.as_chunks::<4>();
        let mut words = [0; WORDS];
        for (slot, word) in words.iter_mut().zip(whole) {
            *slot = murmur3::scramble(u32::from_le_bytes(*word));
        }
        let tail = murmur3::little_endian(rest);
        let (first, second, variant_tail) = murmur3::variant_words(murmur3::truncated_len(rest));
        Self {
            words,
            whole: whole.len(),
            gate_tail: murmur3::scramble(tail),
            variant_words: [murmur3::scramble(tail | first), murmur3::scramble(second)],
            variant_tail: murmur3::scramble(variant_tail),
        }
    }
}

/// What is left to do for gate and variant once a unit has been absorbed.
pub(crate) trait UnitHash: Copy {
    /// Hash of `{salt}:{unit}`.
    fn gate(self) -> u32;
    /// Hash of `{salt}:{unit}:variant`.
    fn variant(self) -> u32;
}

impl UnitHash for Absorbed {
    #[inline]
    fn gate(self) -> u32 {
        Self::gate(self)
    }

    #[inline]
    fn variant(self) -> u32 {
        Self::variant(self)
    }
}

/// [`Absorbed`] with what follows scrambled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scrambled {
    state: u32,
    len: u32,
    gate_tail: u32,
    variant_words: [u32; 2],
    variant_tail: u32,
}

impl From<Absorbed> for Scrambled {
    fn from(absorbed: Absorbed) -> Self {
        let (first, second, variant_tail) = murmur3::variant_words(absorbed.len);
        Self {
            state: absorbed.state,
            len: absorbed.len,
            gate_tail: murmur3::scramble(absorbed.tail),
            variant_words: [murmur3::scramble(absorbed.tail | first), murmur3::scramble(second)],
            variant_tail: murmur3::scramble(variant_tail),
        }
    }
}

impl UnitHash for Scrambled {
    #[inline]
    fn gate(self) -> u32 {
        murmur3::finish_scrambled(self.state, self.gate_tail, self.len)
    }

    #[inline]
    fn variant(self) -> u32 {
        let [first, second] = self.variant_words;
        let state = murmur3::step(murmur3::step(self.state, first), second);
        murmur3::finish_scrambled(state, self.variant_tail, self.len.wrapping_add(8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::murmur3::Stream;

    #[test]
    fn equals_the_plain_hash() {
        let letters = b"abcdefghijklmnopqrstuvwxyz\xc3\xa9\xe6\x97\xa5ABCDEFGHIJKLMNOPQRSTUVWXYZ-0123456789";
        for unit_len in 0..=60 {
            let unit = &letters[..unit_len];
            let Some(words) = UnitWords::new(unit) else {
                assert!(!(4..=40).contains(&unit_len));
                continue;
            };
            for prefix_len in 0..=20 {
                let prefix = &letters[20..20 + prefix_len];
                let mut stream = Stream::new();
                stream.update(prefix);
                let hash = words.absorb(stream.prefix());
                let gate = murmur3::x86_32(&[prefix, unit].concat(), 0);
                let variant = murmur3::x86_32(&[prefix, unit, b":variant"].concat(), 0);
                assert_eq!((hash.gate(), hash.variant()), (gate, variant), "{prefix_len} + {unit_len}");
            }
        }
    }
}
