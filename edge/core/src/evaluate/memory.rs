//! What a set of decisions for one subject remembers, so that what entries share is worked out once.

use super::holdout::Held;
use crate::hash::bulk::{Scrambled, UnitHash, UnitWords};
use crate::hash::murmur3::{Absorbed, Prefix};
use crate::targeting::Truth;

/// Results that several decisions share.
pub(crate) trait Memory {
    /// Truth of a shared predicate, if it is known.
    fn truth(&self, predicate: u16) -> Option<Truth>;
    /// Keeps it.
    fn keep_truth(&mut self, predicate: u16, truth: Truth);
    /// Hash of a unit in a layer, if it is known.
    fn layer(&self, layer: u16, unit: u8) -> Option<u32>;
    /// Keeps it.
    fn keep_layer(&mut self, layer: u16, unit: u8, hash: u32);
    /// Whether a holdout set holds a unit, if it is known.
    fn held(&self, set: u16, unit: u8) -> Option<Held>;
    /// Keeps it.
    fn keep_held(&mut self, set: u16, unit: u8, held: Held);
    /// What [`Memory::absorb`] gives.
    type Hash: UnitHash + From<Absorbed>;
    /// State after `{prefix}{unit}`, for the unit of a view.
    fn absorb(&mut self, unit: u8, bytes: &[u8], prefix: Prefix) -> Self::Hash;
}

/// Remembers nothing: a single decision.
pub(crate) struct Forget;

impl Memory for Forget {
    #[inline]
    fn truth(&self, _: u16) -> Option<Truth> {
        None
    }

    #[inline]
    fn keep_truth(&mut self, _: u16, _: Truth) {}

    #[inline]
    fn layer(&self, _: u16, _: u8) -> Option<u32> {
        None
    }

    #[inline]
    fn keep_layer(&mut self, _: u16, _: u8, _: u32) {}

    #[inline]
    fn held(&self, _: u16, _: u8) -> Option<Held> {
        None
    }

    #[inline]
    fn keep_held(&mut self, _: u16, _: u8, _: Held) {}

    type Hash = Absorbed;

    #[inline]
    fn absorb(&mut self, _: u8, bytes: &[u8], prefix: Prefix) -> Absorbed {
        prefix.absorb(bytes)
    }
}

const TRUTHS: usize = 1024;
const LAYERS: usize = 256;
const SETS: usize = 64;

/// Remembers up to fixed numbers of things, on the stack; what is beyond is worked out again.
pub(crate) struct Remember {
    /// 0 where nothing is known, else the truth plus one.
    truths: [u8; TRUTHS],
    /// The view of the unit plus one in the upper half, the hash in the lower.
    layers: [u64; LAYERS],
    held: [Option<(u8, Held)>; SETS],
    /// Words of the first unit that was asked for; others are hashed as in a single decision.
    words: Option<(u8, UnitWords)>,
}

impl Remember {
    pub(crate) const fn new() -> Self {
        Self { truths: [0; TRUTHS], layers: [0; LAYERS], held: [None; SETS], words: None }
    }
}

impl Memory for Remember {
    #[inline]
    fn truth(&self, predicate: u16) -> Option<Truth> {
        match self.truths.get(usize::from(predicate))? {
            1 => Some(Truth::False),
            2 => Some(Truth::Unknown),
            3 => Some(Truth::True),
            _ => None,
        }
    }

    #[inline]
    fn keep_truth(&mut self, predicate: u16, truth: Truth) {
        if let Some(place) = self.truths.get_mut(usize::from(predicate)) {
            *place = match truth {
                Truth::False => 1,
                Truth::Unknown => 2,
                Truth::True => 3,
            };
        }
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is the hash")]
    fn layer(&self, layer: u16, unit: u8) -> Option<u32> {
        let known = self.layers.get(usize::from(layer))?;
        (known >> 32 == u64::from(unit) + 1).then_some(*known as u32)
    }

    #[inline]
    fn keep_layer(&mut self, layer: u16, unit: u8, hash: u32) {
        if let Some(place) = self.layers.get_mut(usize::from(layer)) {
            *place = (u64::from(unit) + 1) << 32 | u64::from(hash);
        }
    }

    #[inline]
    fn held(&self, set: u16, unit: u8) -> Option<Held> {
        let (by, held) = (*self.held.get(usize::from(set))?)?;
        (by == unit).then_some(held)
    }

    #[inline]
    fn keep_held(&mut self, set: u16, unit: u8, held: Held) {
        if let Some(place) = self.held.get_mut(usize::from(set)) {
            *place = Some((unit, held));
        }
    }

    type Hash = Scrambled;

    #[inline(always)]
    fn absorb(&mut self, unit: u8, bytes: &[u8], prefix: Prefix) -> Scrambled {
        match &self.words {
            Some((view, words)) if *view == unit => words.absorb(prefix),
            _ => self.absorb_other(unit, bytes, prefix),
        }
    }
}

impl Remember {
    /// The first unit of a length that fits is prepared; others are hashed as in a single decision.
    #[cold]
    fn absorb_other(&mut self, unit: u8, bytes: &[u8], prefix: Prefix) -> Scrambled {
        if self.words.is_none() {
            self.words = UnitWords::new(bytes).map(|words| (unit, words));
        }
        prefix.absorb(bytes).into()
    }
}
