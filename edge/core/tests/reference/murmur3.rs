//! MurmurHash3 x86_32 as the reference source has it, over a whole text.

/// Bucket of a text: assignment version 1.
pub(crate) fn bucket(text: &str) -> u64 {
    u64::from(murmur3(text.as_bytes()) % 10_000)
}

fn murmur3(key: &[u8]) -> u32 {
    let (c1, c2) = (0xcc9e2d51_u32, 0x1b873593_u32);
    let mut h1 = 0_u32;
    for block in key.chunks(4) {
        let mut k1 = 0_u32;
        for (place, byte) in block.iter().enumerate() {
            k1 ^= u32::from(*byte) << (8 * place);
        }
        k1 = k1.wrapping_mul(c1).rotate_left(15).wrapping_mul(c2);
        h1 ^= k1;
        if block.len() == 4 {
            h1 = h1.rotate_left(13).wrapping_mul(5).wrapping_add(0xe6546b64);
        }
    }
    h1 ^= u32::try_from(key.len()).unwrap();
    h1 ^= h1 >> 16;
    h1 = h1.wrapping_mul(0x85ebca6b);
    h1 ^= h1 >> 13;
    h1 = h1.wrapping_mul(0xc2b2ae35);
    h1 ^ (h1 >> 16)
}
