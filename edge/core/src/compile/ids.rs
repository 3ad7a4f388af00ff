//! Ids and their hashes in the wire form.

use alloc::string::String;

use super::{Refusal, refuse};
use crate::hash::IdKey;
use crate::wire::{Bundle, HashedId, Id, Lenient};

/// The key that 32 hex digits stand for.
pub(super) fn key_from_hex(hex: &str) -> Option<IdKey> {
    let plain = hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = if plain { u128::from_str_radix(hex, 16).ok()? } else { return None };
    Some(IdKey(number.to_be_bytes()))
}

/// The hash of an id, or the hash that stands in its place. Hashes are of use only where the bundle brings their key.
pub(super) fn hash(id: &Id, key: IdKey, brought: bool) -> Result<u64, Refusal> {
    match id {
        Id::Raw(id) if id.is_empty() => Err(refuse!("an id is empty; an empty unit is no unit")),
        Id::Raw(id) => Ok(key.hash(id)),
        Id::Hashed(_) if !brought => Err(refuse!("hashed ids need the bundle's \"id_key\"")),
        Id::Hashed(HashedId { hash }) => {
            let plain = hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
            let number = if plain { u64::from_str_radix(hash, 16).ok() } else { None };
            number.ok_or_else(|| refuse!("the id hash {hash:?} must be 16 hex digits"))
        }
    }
}

impl Bundle {
    /// Replaces every id by its hash, so that the JSON form can be given out; sets `id_key` where there is none.
    ///
    /// Decisions stay the same: an id that is refused is replaced by one that is refused. Invalid entries are dropped from view
    /// by keeping only their key, since what they hold is not known.
    pub fn hash_ids(&mut self) {
        let given = self.id_key.as_deref().and_then(key_from_hex);
        let key = given.unwrap_or_else(|| IdKey::derived(&self.environment, self.version));
        self.id_key = Some(alloc::format!("{:032x}", u128::from_be_bytes(key.0)));
        let hide = |id: &mut Id| {
            // What stands for a refused id is no hash either.
            let hash =
                hash(id, key, given.is_some()).map_or(String::new(), |hash| alloc::format!("{hash:016x}"));
            *id = Id::Hashed(HashedId { hash });
        };
        for experiment in self.experiments.iter_mut().filter_map(Lenient::valid_mut) {
            experiment.overrides.iter_mut().flat_map(|list| &mut list.ids).for_each(hide);
        }
        for flag in self.flags.iter_mut().filter_map(Lenient::valid_mut) {
            flag.overrides.iter_mut().flat_map(|list| &mut list.ids).for_each(hide);
        }
        for segment in self.segments.iter_mut().filter_map(Lenient::valid_mut) {
            segment.included.iter_mut().chain(&mut segment.excluded).for_each(hide);
        }
        self.experiments.iter_mut().for_each(Lenient::conceal);
        self.flags.iter_mut().for_each(Lenient::conceal);
        self.segments.iter_mut().for_each(Lenient::conceal);
    }
}

impl<T> Lenient<T> {
    fn valid_mut(&mut self) -> Option<&mut T> {
        match self {
            Self::Valid(value) => Some(value),
            Self::Invalid { .. } => None,
        }
    }

    /// Keeps nothing of an invalid value but its key, and a field that no entry has, so that it stays invalid.
    fn conceal(&mut self) {
        if let Self::Invalid { key, raw, .. } = self {
            *raw = serde_json::json!({ "key": key, "unreadable": true });
        }
    }
}
