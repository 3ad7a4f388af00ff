//! The floor: an engine that does nothing clever. Conditions are compiled, a hash map leads from the key's hash to the
//! struct, the texts of assignment version 1 are written to a stack buffer and hashed whole, and compared.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use kerf_core::hash::murmur3::x86_32;

use super::workload::{self, Set, Visitor};

/// What the floor knows about a visitor; the version is parsed outside the timer, as ours is.
pub(crate) struct FloorContext<'a> {
    pub(crate) user_id: &'a str,
    pub(crate) country: &'a str,
    pub(crate) app_version: (u32, u32, u32),
    pub(crate) age: f64,
}

impl<'a> FloorContext<'a> {
    pub(crate) fn new(visitor: &'a Visitor) -> Self {
        let mut parts = visitor.app_version.split('.').map(|part| part.parse().expect("a number"));
        let mut part = || parts.next().expect("three parts");
        Self {
            user_id: &visitor.user_id,
            country: visitor.country,
            app_version: (part(), part(), part()),
            age: visitor.age,
        }
    }
}

enum Condition {
    CountryIn(Vec<Box<str>>),
    VersionFrom((u32, u32, u32)),
    OlderThan(f64),
}

impl Condition {
    #[inline]
    fn holds(&self, context: &FloorContext<'_>) -> bool {
        match self {
            Self::CountryIn(countries) => countries.iter().any(|country| &**country == context.country),
            Self::VersionFrom(version) => context.app_version >= *version,
            Self::OlderThan(age) => context.age > *age,
        }
    }
}

pub(crate) struct FloorExperiment {
    salt: Box<str>,
    conditions: Vec<Condition>,
    traffic_bp: u32,
    cumulative: Vec<u32>,
}

impl FloorExperiment {
    /// The variant, if the visitor is in.
    #[inline]
    pub(crate) fn decide(&self, context: &FloorContext<'_>) -> Option<u8> {
        if !self.conditions.iter().all(|condition| condition.holds(context)) {
            return None;
        }
        let mut text = [0u8; 128];
        let (salt, unit) = (self.salt.as_bytes(), context.user_id.as_bytes());
        let len = salt.len() + 1 + unit.len();
        text.get_mut(..salt.len())?.copy_from_slice(salt);
        *text.get_mut(salt.len())? = b':';
        text.get_mut(salt.len() + 1..len)?.copy_from_slice(unit);
        if x86_32(text.get(..len)?, 0) % 10_000 >= self.traffic_bp {
            return None;
        }
        text.get_mut(len..len + 8)?.copy_from_slice(b":variant");
        let bucket = x86_32(text.get(..len + 8)?, 0) % 10_000;
        self.cumulative.iter().position(|threshold| bucket < *threshold).map(|place| place as u8)
    }
}

/// The key's hash is the hash.
#[derive(Default)]
pub(crate) struct Identity(u64);

impl Hasher for Identity {
    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A fast hash of a key: eight bytes at a time, the last eight overlapping. Keys have at least eight bytes here.
#[inline]
fn key_hash(key: &str) -> u64 {
    let bytes = key.as_bytes();
    let (words, _) = bytes.as_chunks::<8>();
    let last = bytes.last_chunk::<8>().copied().unwrap_or_default();
    let mut state = key.len() as u64;
    for word in words.iter().chain([&last]) {
        state = (state.rotate_left(5) ^ u64::from_le_bytes(*word)).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
    // The map looks at the low and the topmost bits.
    state ^ state >> 32
}

pub(crate) struct Floor {
    pub(crate) experiments: Vec<FloorExperiment>,
    places: HashMap<u64, usize, BuildHasherDefault<Identity>>,
}

impl Floor {
    pub(crate) fn new(set: Set) -> Self {
        let count = if matches!(set, Set::W1 | Set::W2) { 1 } else { workload::EXPERIMENTS };
        let experiments = (0..count).map(|index| experiment(set, index)).collect();
        let places = (0..count).map(|index| (key_hash(&workload::key(index)), index)).collect();
        Self { experiments, places }
    }

    #[inline]
    pub(crate) fn find(&self, key: &str) -> Option<&FloorExperiment> {
        self.experiments.get(*self.places.get(&key_hash(key))?)
    }
}

fn experiment(set: Set, index: usize) -> FloorExperiment {
    let salt = workload::key(index).into();
    if !workload::is_w2(set, index) {
        return FloorExperiment {
            salt,
            conditions: Vec::new(),
            traffic_bp: 10_000,
            cumulative: vec![5000, 10_000],
        };
    }
    let countries = Condition::CountryIn(workload::TARGETED.map(Into::into).into());
    let second = if set == Set::W2 || index % 4 == 1 {
        Condition::VersionFrom((2, 3, 0))
    } else {
        Condition::OlderThan(21.0)
    };
    FloorExperiment {
        salt,
        conditions: vec![countries, second],
        traffic_bp: 2000,
        cumulative: vec![3334, 6667, 10_000],
    }
}
