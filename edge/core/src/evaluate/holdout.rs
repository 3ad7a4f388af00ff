//! Holdouts: units kept from experiments, and in simple mode from what was shipped.

use super::unit::Unit;
use super::{Evaluator, Memory};
use crate::bundle::layout::{HoldoutRecord, HoldoutSetRecord, NONE, mode};
use crate::explain::{Step, Visitor};
use crate::hash::bulk::UnitHash;
use crate::hash::murmur3::Prefix;
use crate::hash::to_bucket;
use crate::targeting::Truth;

/// What a holdout, or a set of them, does with a unit; the greater wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Held {
    /// Nothing.
    No,
    /// Keeps it from running experiments, but not from what was shipped.
    Paired,
    /// Keeps it from both.
    Out,
}

impl<M: Memory, V: Visitor> Evaluator<'_, M, V> {
    /// What the holdouts of a set do with a unit.
    #[inline]
    pub(super) fn held(&mut self, set: u16, unit: Unit<'_>) -> Option<Held> {
        if let Some(held) = unit.view().and_then(|view| self.memory.held(set, view)) {
            return Some(held);
        }
        let held = self.held_by_set(set, unit)?;
        if let Some(view) = unit.view() {
            self.memory.keep_held(set, view, held);
        }
        Some(held)
    }

    fn held_by_set(&mut self, set: u16, unit: Unit<'_>) -> Option<Held> {
        let set = HoldoutSetRecord::at(&self.bound.bundle.holdout_sets, u32::from(set))?;
        let holdouts = self.bound.bundle.holdout_refs.slice(set.first, set.n)?;
        let mut strongest = Held::No;
        for place in 0..holdouts.len() {
            let holdout = u16::from_le_bytes(holdouts.record::<2>(place)?);
            strongest = strongest.max(self.held_by(holdout, unit)?);
        }
        Some(strongest)
    }

    fn held_by(&mut self, holdout: u16, unit: Unit<'_>) -> Option<Held> {
        self.spend(1)?;
        let record = HoldoutRecord::at(&self.bound.bundle.holdouts, u32::from(holdout))?;
        let prefix = Prefix { state: record.state, tail: record.tail, len: u32::from(record.len) };
        let hash = unit.absorb(&mut self.memory, prefix).gate();
        let bucket = u32::from(to_bucket(hash));
        let bp = u32::from(record.bp);
        let mut held = match record.mode {
            mode::SIMPLE | mode::PAIRED if bucket < bp => Held::Out,
            mode::PAIRED if bucket < 2 * bp => Held::Paired,
            mode::SIMPLE | mode::PAIRED => Held::No,
            _ => return None,
        };
        if held != Held::No && record.exclude != NONE && self.condition(record.exclude)? == Truth::True {
            held = Held::No;
        }
        if V::ENABLED {
            self.visitor.visit(Step::Holdout { holdout, hash, held });
        }
        Some(held)
    }
}
