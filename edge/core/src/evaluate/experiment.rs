//! Experiments: from the unit to the variant.

use super::holdout::Held;
use super::unit::Unit;
use super::{Decision, Evaluator, Memory, Reason, VariantIndex};
use crate::bundle::layout::{
    EntryRecord, ExtensionRecord, LayerRecord, NONE_U8, NONE_U32, RangeRecord, VariantRecord, flag as bit,
    state,
};
use crate::explain::{Step, UnitOf, Visitor};
use crate::hash::murmur3::Prefix;
use crate::hash::to_bucket;
use crate::targeting::Truth;
use crate::{Bundle, Handle};

/// Checks before the unit is known.
const BEFORE_UNIT: u16 = bit::STATE | bit::SCHEDULE | bit::PREREQUISITE | bit::CONSENT;
/// Checks that may fix the variant.
const FIXED: u16 = bit::OVERRIDE | bit::STICKY;

impl<'s, M: Memory, V: Visitor> Evaluator<'s, M, V> {
    /// Decides an experiment; `None` for a damaged one.
    #[inline]
    pub(super) fn experiment(&mut self, handle: Handle, record: &EntryRecord, chain: u8) -> Option<Decision> {
        let outcome = |reason| Some(Decision::experiment_outcome(handle, record.control, reason));
        let checks = record.flags & self.bound.enabled;
        if checks & BEFORE_UNIT != 0
            && let Some(reason) = self.before_unit(record, checks, chain)?
        {
            return outcome(reason);
        }
        let Some(unit) = self.unit(record)? else { return outcome(Reason::NoUnit) };
        if (checks & FIXED != 0 || !self.bound.context.forced.is_empty())
            && let Some((variant, reason)) = self.fixed(handle, record, &unit)?
        {
            return Some(Decision::experiment_outcome(handle, variant, reason));
        }
        let shipped = record.state == state::SHIPPED;
        if checks & bit::HOLDOUT != 0 {
            match self.held(record.holdouts, &unit)? {
                Held::Out => return outcome(Reason::Holdout),
                Held::Paired if !shipped => return outcome(Reason::HoldoutPaired),
                Held::Paired | Held::No => {}
            }
        }
        if self.condition(record.predicate)? != Truth::True {
            return outcome(Reason::NotTargeted);
        }
        if shipped {
            return Some(Decision::experiment_outcome(handle, record.fixed, Reason::Shipped));
        }
        match self.assign(record, &unit)? {
            Ok(variant) => Some(Decision::experiment_outcome(handle, variant, Reason::Assigned)),
            Err(reason) => outcome(reason),
        }
    }

    /// Gate and variant: the frozen part.
    #[inline]
    pub(super) fn assign(&mut self, record: &EntryRecord, unit: &Unit<'_>) -> Option<Result<u8, Reason>> {
        if record.flags & bit::LAYER != 0 && !self.in_range(record, unit)? {
            return Some(Err(Reason::NotInRange));
        }
        let salt =
            Prefix { state: record.salt_state, tail: record.salt_tail, len: u32::from(record.salt_len) };
        let hash = unit.absorb(&mut self.memory, salt);
        if record.flags & bit::LAYER == 0 {
            let gate = hash.gate();
            let inside = to_bucket(gate) < record.gate_bp;
            if V::ENABLED {
                self.visitor.visit(Step::Gate { hash: gate, below: record.gate_bp, inside });
            }
            if !inside {
                return Some(Err(Reason::NotInTraffic));
            }
        }
        let hash = hash.variant();
        let variant = pick(self.bound.bundle, record, to_bucket(hash))?;
        if V::ENABLED {
            self.visitor.visit(Step::Variant { hash, variant: VariantIndex(variant) });
        }
        Some(Ok(variant))
    }

    /// The unit of an experiment; the inner `None` when the context has none.
    #[inline]
    pub(super) fn unit(&mut self, record: &EntryRecord) -> Option<Option<Unit<'s>>> {
        if record.flags & bit::SWITCHBACK != 0 {
            return self.period(record);
        }
        let mut unit = Unit::Attribute { view: record.unit, slot: self.bound.slot(record.unit)? };
        if unit.is_missing() && record.fallback != NONE_U8 {
            unit = Unit::Attribute { view: record.fallback, slot: self.bound.slot(record.fallback)? };
        }
        if V::ENABLED {
            self.visitor.visit(Step::Unit { unit: UnitOf(unit) });
        }
        Some((!unit.is_missing()).then_some(unit))
    }

    /// Whether the unit's bucket in the layer lies in a range of the experiment.
    #[inline]
    fn in_range(&mut self, record: &EntryRecord, unit: &Unit<'_>) -> Option<bool> {
        let known = unit.view().and_then(|view| self.memory.layer(record.layer, view));
        let hash = match known {
            Some(hash) => hash,
            None => self.layer_hash(record.layer, unit)?,
        };
        let bucket = to_bucket(hash);
        let inside = (record.range_from..record.range_to).contains(&bucket)
            || (record.extension != NONE_U32 && self.in_further_range(record, bucket)?);
        if V::ENABLED {
            self.visitor.visit(Step::Layer { layer: record.layer, hash, inside });
        }
        Some(inside)
    }

    fn layer_hash(&mut self, layer: u16, unit: &Unit<'_>) -> Option<u32> {
        let record = LayerRecord::at(&self.bound.bundle.layers, u32::from(layer))?;
        let prefix = Prefix { state: record.state, tail: record.tail, len: u32::from(record.len) };
        let hash = unit.absorb(&mut self.memory, prefix).gate();
        if let Some(view) = unit.view() {
            self.memory.keep_layer(layer, view, hash);
        }
        Some(hash)
    }

    fn in_further_range(&self, record: &EntryRecord, bucket: u16) -> Option<bool> {
        let extension = ExtensionRecord::at(&self.bound.bundle.extensions, record.extension)?;
        let ranges = self.bound.bundle.ranges.slice(extension.ranges, extension.ranges_n)?;
        for place in 0..ranges.len() {
            let range = RangeRecord::at(&ranges, place)?;
            if (range.from..range.to).contains(&bucket) {
                return Some(true);
            }
        }
        Some(false)
    }
}

/// The variant of a bucket: the number of cumulative weights that do not exceed it.
#[inline]
fn pick(bundle: &Bundle<'_>, record: &EntryRecord, bucket: u16) -> Option<u8> {
    let [first, second, third, fourth] = record.cum_bp.0;
    let place = u8::from(bucket >= first)
        + u8::from(bucket >= second)
        + u8::from(bucket >= third)
        + u8::from(bucket >= fourth);
    if place < 4 {
        return (place < record.variants_n).then_some(place);
    }
    pick_further(bundle, record, bucket)
}

/// [`pick`] among the variants after the fourth.
#[cold]
fn pick_further(bundle: &Bundle<'_>, record: &EntryRecord, bucket: u16) -> Option<u8> {
    for place in 4..record.variants_n {
        let index = record.variants.checked_add(u32::from(place))?;
        if bucket < VariantRecord::at(&bundle.variants, index)?.cum_bp {
            return Some(place);
        }
    }
    None
}
