//! SipHash-2-4 (Aumasson and Bernstein, 2012) with a 128-bit key: how ids are stored in a bundle.

/// Key of a bundle's id hash.
///
/// Override and segment lists hold 64-bit hashes of ids, not ids. The key stands in the bundle, since the edge must hash
/// what visitors bring; so the hash keeps ids out of plain sight and apart between bundles, it does not hide a guessable
/// id from who holds the bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdKey(pub [u8; 16]);

impl IdKey {
    /// Hash of an id: SipHash-2-4 of its UTF-8 bytes.
    pub fn hash(&self, id: &str) -> u64 {
        self.hash_bytes(id.as_bytes())
    }

    pub(crate) fn hash_bytes(&self, id: &[u8]) -> u64 {
        siphash24(&self.0, id)
    }

    /// Key for a bundle that brings none: made from environment and version, so that compiling is repeatable.
    #[cfg(feature = "compile")]
    pub(crate) fn derived(environment: &str, version: u64) -> Self {
        let low = siphash24(b"kerf id key low.", &[environment.as_bytes(), &version.to_le_bytes()].concat());
        let high = siphash24(b"kerf id key high", &[environment.as_bytes(), &version.to_le_bytes()].concat());
        let mut key = [0; 16];
        let (first, second) = key.split_at_mut(8);
        first.copy_from_slice(&low.to_le_bytes());
        second.copy_from_slice(&high.to_le_bytes());
        Self(key)
    }
}

pub(crate) fn siphash24(key: &[u8; 16], bytes: &[u8]) -> u64 {
    let key = u128::from_le_bytes(*key);
    let mut state = State::new(low(key), low(key >> 64));
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        state.absorb(u64::from_le_bytes(*word));
    }
    let mut last = (bytes.len() as u64) << 56;
    for (index, byte) in rest.iter().enumerate() {
        last |= u64::from(*byte) << (8 * index);
    }
    state.absorb(last);
    state.finish()
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
const fn low(value: u128) -> u64 {
    value as u64
}

struct State {
    v0: u64,
    v1: u64,
    v2: u64,
    v3: u64,
}

impl State {
    const fn new(k0: u64, k1: u64) -> Self {
        Self {
            v0: k0 ^ 0x736f_6d65_7073_6575,
            v1: k1 ^ 0x646f_7261_6e64_6f6d,
            v2: k0 ^ 0x6c79_6765_6e65_7261,
            v3: k1 ^ 0x7465_6462_7974_6573,
        }
    }

    fn absorb(&mut self, word: u64) {
        self.v3 ^= word;
        self.round();
        self.round();
        self.v0 ^= word;
    }

    fn finish(mut self) -> u64 {
        self.v2 ^= 0xff;
        for _ in 0..4 {
            self.round();
        }
        self.v0 ^ self.v1 ^ self.v2 ^ self.v3
    }

    fn round(&mut self) {
        self.v0 = self.v0.wrapping_add(self.v1);
        self.v2 = self.v2.wrapping_add(self.v3);
        self.v1 = self.v1.rotate_left(13) ^ self.v0;
        self.v3 = self.v3.rotate_left(16) ^ self.v2;
        self.v0 = self.v0.rotate_left(32);
        self.v2 = self.v2.wrapping_add(self.v1);
        self.v0 = self.v0.wrapping_add(self.v3);
        self.v1 = self.v1.rotate_left(17) ^ self.v2;
        self.v3 = self.v3.rotate_left(21) ^ self.v0;
        self.v2 = self.v2.rotate_left(32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// First, second, ninth and sixteenth value of the paper's reference code (`vectors_sip64`).
    #[test]
    fn reference_vectors() {
        let key: [u8; 16] = core::array::from_fn(|i| u8::try_from(i).unwrap());
        let message: [u8; 15] = core::array::from_fn(|i| u8::try_from(i).unwrap());
        for (len, value) in [
            (0, 0x726f_db47_dd0e_0e31_u64),
            (1, 0x74f8_39c5_93dc_67fd),
            (8, 0x93f5_f579_9a93_2462),
            (15, 0xa129_ca61_49be_45e5),
        ] {
            assert_eq!(siphash24(&key, &message[..len]), value, "{len} bytes");
        }
    }
}
