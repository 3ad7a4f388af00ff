//! A minimal perfect hash over the keys (hash and displace; Belazzougui, Botelho and Dietzfelbinger, 2009).

use alloc::vec;
use alloc::vec::Vec;

use super::CompileError;
use crate::hash::key;

/// Where each key is.
#[derive(Clone, Debug, Default)]
pub(super) struct PerfectHash {
    pub(super) seed: u32,
    /// For each bucket the number that sends its keys to free slots.
    pub(super) displacements: Vec<u16>,
    /// For each key, in the order given, its slot.
    pub(super) slots: Vec<u16>,
}

/// Seeds tried before giving up; the first is enough in practice.
const SEEDS: u32 = 256;

impl PerfectHash {
    /// Arranges different keys.
    pub(super) fn build(keys: &[&str]) -> Result<Self, CompileError> {
        let count = u16::try_from(keys.len()).ok().filter(|count| *count < u16::MAX);
        let count = count.ok_or(CompileError::TooMany { what: "experiments and flags" })?;
        if count == 0 {
            return Ok(Self::default());
        }
        (0..SEEDS).find_map(|seed| Self::with_seed(keys, u32::from(count), seed)).ok_or(CompileError::Keys)
    }

    fn with_seed(keys: &[&str], count: u32, seed: u32) -> Option<Self> {
        let bucket_count = count.div_ceil(4);
        let hashes: Vec<u64> = keys.iter().map(|key| key::hash(seed, key.as_bytes())).collect();
        let mut buckets = vec![Vec::new(); usize::try_from(bucket_count).ok()?];
        for (place, hash) in hashes.iter().enumerate() {
            buckets.get_mut(usize::try_from(key::bucket(*hash, bucket_count)).ok()?)?.push(place);
        }
        let mut largest_first: Vec<usize> = (0..buckets.len()).collect();
        largest_first.sort_by_key(|bucket| core::cmp::Reverse(buckets.get(*bucket).map_or(0, Vec::len)));
        let mut taken = vec![false; keys.len()];
        let mut displacements = vec![0; buckets.len()];
        let mut slots = vec![0; keys.len()];
        for bucket in largest_first {
            let members = buckets.get(bucket)?;
            let (displacement, places) = displace(members, &hashes, &taken, count)?;
            *displacements.get_mut(bucket)? = displacement;
            for (member, slot) in members.iter().zip(places) {
                *taken.get_mut(usize::from(slot))? = true;
                *slots.get_mut(*member)? = slot;
            }
        }
        Some(Self { seed, displacements, slots })
    }
}

/// The first displacement that sends all members of a bucket to different free slots.
fn displace(members: &[usize], hashes: &[u64], taken: &[bool], count: u32) -> Option<(u16, Vec<u16>)> {
    let mut slots = Vec::with_capacity(members.len());
    (0..=u16::MAX).find_map(|displacement| {
        slots.clear();
        for member in members {
            let slot = u16::try_from(key::slot(*hashes.get(*member)?, displacement, count)).ok()?;
            if *taken.get(usize::from(slot))? || slots.contains(&slot) {
                return None;
            }
            slots.push(slot);
        }
        Some((displacement, slots.clone()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_slot_of_its_own() {
        for count in [1, 2, 3, 10, 1000, 20_000] {
            let keys: Vec<_> = (0..count).map(|i| alloc::format!("experiment_{i}")).collect();
            let keys: Vec<&str> = keys.iter().map(|key| &**key).collect();
            let hash = PerfectHash::build(&keys).unwrap();
            let mut slots = hash.slots.clone();
            slots.sort_unstable();
            assert!(slots.iter().enumerate().all(|(place, slot)| usize::from(*slot) == place));
        }
    }
}
