//! The fuzz targets' bodies over the committed seeds, and over mutants of them that are the same in every run. The long form, in
//! this crate's folder: `cargo +nightly fuzz run bundle fuzz/corpus/bundle fuzz/seeds/bundle`, and so for `context` and `signed`.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests stop at what should not be"
)]

#[path = "support/hostile.rs"]
mod hostile;

use std::fs;
use std::path::Path;

use kerf_core::adopt::{self, SigningKey, cookie};
use kerf_core::sticky::StickyEntry;

fn files(folder: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Numbers that look random and are the same everywhere (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ mixed >> 31) >> 33).unwrap() % end
    }
}

/// A few bytes changed: to any value, to an extreme one, or to those of another place.
fn mutant(seed: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=numbers.below(6) {
        let place = numbers.below(bytes.len());
        match numbers.below(4) {
            0 => bytes[place] = u8::try_from(numbers.below(256)).unwrap(),
            1 => bytes[place] ^= 1 << numbers.below(8),
            2 => bytes[place..].iter_mut().take(4).for_each(|byte| *byte = 0xff),
            _ => {
                let (from, len) = (numbers.below(bytes.len()), 1 + numbers.below(16));
                let copied: Vec<u8> = bytes[from..].iter().take(len).copied().collect();
                bytes[place..].iter_mut().zip(copied).for_each(|(byte, copied)| *byte = copied);
            }
        }
    }
    bytes
}

#[test]
fn bundles_of_any_bytes() {
    let mut numbers = Numbers(4);
    let mut opened = 0;
    for seed in [files("fuzz/seeds/bundle"), files("vectors/format-1")].concat() {
        assert!(hostile::bundle(&seed), "a seed opens");
        opened += (0..1500).filter(|_| hostile::bundle(&mutant(&seed, &mut numbers))).count();
    }
    assert!(opened > 8000, "only {opened} of the mutants open, so that little of them is looked at");
}

#[test]
fn contexts_of_any_text() {
    let bundles = files("vectors/format-1");
    let bundles: Vec<&[u8]> = bundles.iter().map(Vec::as_slice).collect();
    let mut numbers = Numbers(5);
    for seed in files("fuzz/seeds/context") {
        hostile::context(&bundles, str::from_utf8(&seed).unwrap());
        for _ in 0..100 {
            let mutant = mutant(&seed, &mut numbers);
            hostile::context(&bundles, &String::from_utf8_lossy(&mutant));
        }
    }
}

#[test]
fn signed_texts_of_any_bytes() {
    let genuine = include_str!("../fuzz/seeds/signed/pointer");
    let keys = [SigningKey::from_bytes(&[7; 32]).public()];
    let verified = adopt::verify_pointer(genuine.as_bytes(), &keys, "production", None, i64::MAX);
    assert_eq!(verified.map(|pointer| pointer.version), Ok(7), "the seed itself is accepted");
    let mut entries = [StickyEntry::from_bits(0); 8];
    let kept = include_str!("../fuzz/seeds/signed/cookie");
    assert_eq!(cookie::read(kept, b"key", "user-1", &mut entries), Ok(2));
    let mut numbers = Numbers(6);
    for seed in files("fuzz/seeds/signed") {
        hostile::signed(&seed, genuine);
        (0..300).for_each(|_| hostile::signed(&mutant(&seed, &mut numbers), genuine));
    }
}
