//! Experiments: from the unit to the variant.
//!
//! What most experiments need is inlined into one function, so that an entry's fields go from the bundle into registers; the
//! rest is called, and reads the entry again.

use super::holdout::Held;
use super::unit::{Unit, UnitBuffer};
use super::{Evaluator, Memory, Reason, VariantIndex};
use crate::bundle::layout::{
    EntryRecord, EntryView, ExtensionRecord, LayerRecord, NONE, NONE_U32, RangeRecord, VariantRecord,
    flag as bit, state,
};
use crate::context::Slot;
use crate::explain::{Step, UnitOf, Visitor};
use crate::hash::bulk::UnitHash;
use crate::hash::murmur3::Prefix;
use crate::hash::to_bucket;
use crate::targeting::Truth;
use crate::{Bundle, Handle};

/// Checks before the unit is known.
const BEFORE_UNIT: u16 = bit::STATE | bit::SCHEDULE | bit::PREREQUISITE | bit::CONSENT;
/// Checks that may fix the variant.
const FIXED: u16 = bit::OVERRIDE | bit::STICKY;

/// The variant of an experiment, and why.
type Outcome = (u8, Reason);

impl<M: Memory, V: Visitor> Evaluator<'_, M, V> {
    /// Decides an experiment; `None` for a damaged one.
    #[inline(always)]
    pub(super) fn experiment(&mut self, handle: Handle, record: EntryView<'_>, chain: u8) -> Option<Outcome> {
        let outcome = |reason| outcome(record, record.control(), reason);
        let checks = record.flags() & self.bound.enabled | self.bound.always;
        if checks & BEFORE_UNIT != 0
            && let Some(reason) = self.before_unit(handle, checks, chain)?
        {
            return outcome(reason);
        }
        let bytes = self.bound.bound_slot(record.unit()).and_then(Slot::unit);
        match bytes.filter(|_| record.flags() & bit::SWITCHBACK == 0) {
            Some(bytes) => {
                let unit = Unit::new(record.unit(), bytes);
                if V::ENABLED {
                    self.visitor.visit(Step::Unit { unit: UnitOf(Some(unit)), view: record.unit() });
                }
                self.experiment_of_unit(handle, record, unit)
            }
            None => self.experiment_of_rare_unit(handle),
        }
    }

    /// An experiment whose unit is not simply there.
    #[cold]
    fn experiment_of_rare_unit(&mut self, handle: Handle) -> Option<Outcome> {
        let record = EntryView::at(&self.bound.bundle.entries, u32::from(handle.0))?;
        let mut buffer = UnitBuffer::new();
        match self.unit(handle, &mut buffer)? {
            Some(unit) => self.experiment_of_unit(handle, record, unit),
            // What a tester asks for needs no unit.
            None => match self.forced(handle, record.variants_n()) {
                Some(variant) => outcome(record, variant, Reason::Override),
                None => outcome(record, record.control(), Reason::NoUnit),
            },
        }
    }

    /// From the unit on.
    #[inline(always)]
    fn experiment_of_unit(
        &mut self,
        handle: Handle,
        record: EntryView<'_>,
        unit: Unit<'_>,
    ) -> Option<Outcome> {
        let control = |reason| outcome(record, record.control(), reason);
        let checks = record.flags() & self.bound.enabled | self.bound.always;
        if checks & FIXED != 0
            && let Some(fixed) = self.fixed(handle, unit)?
        {
            return Some(fixed);
        }
        let shipped = record.state() == state::SHIPPED;
        if checks & bit::HOLDOUT != 0 {
            match self.held(record.holdouts(), unit)? {
                Held::Out => return control(Reason::Holdout),
                Held::Paired if !shipped => return control(Reason::HoldoutPaired),
                Held::Paired | Held::No => {}
            }
        }
        if record.predicate() != NONE && self.condition(record.predicate())? != Truth::True {
            return control(Reason::NotTargeted);
        }
        if shipped {
            return outcome(record, record.fixed(), Reason::Shipped);
        }
        match self.assign(handle, record, unit)? {
            Ok(variant) => Some((variant, Reason::Assigned)),
            Err(reason) => control(reason),
        }
    }

    /// Gate and variant: the frozen part.
    #[inline(always)]
    pub(super) fn assign(
        &mut self,
        handle: Handle,
        record: EntryView<'_>,
        unit: Unit<'_>,
    ) -> Option<Result<u8, Reason>> {
        let in_layer = record.flags() & bit::LAYER != 0;
        if in_layer && !self.in_range(handle, record, unit)? {
            return Some(Err(Reason::NotInRange));
        }
        let salt = Prefix {
            state: record.salt_state(),
            tail: record.salt_tail(),
            len: u32::from(record.salt_len()),
        };
        let hash = unit.absorb(&mut self.memory, salt);
        if !in_layer {
            let gate = hash.gate();
            let inside = to_bucket(gate) < record.gate_bp();
            if V::ENABLED {
                self.visitor.visit(Step::Gate { hash: gate, below: record.gate_bp(), inside });
            }
            if !inside {
                return Some(Err(Reason::NotInTraffic));
            }
        }
        let hash = hash.variant();
        let bucket = to_bucket(hash);
        // The number of cumulative weights that do not exceed the bucket.
        let [first, second, third, fourth] = record.cum_bp().0;
        let mut variant = u8::from(bucket >= first)
            + u8::from(bucket >= second)
            + u8::from(bucket >= third)
            + u8::from(bucket >= fourth);
        if variant == 4 {
            variant = variant_after_fourth(self.bound.bundle, handle, bucket)?;
        }
        if variant >= record.variants_n() {
            return None;
        }
        if V::ENABLED {
            self.visitor.visit(Step::Variant { hash, variant: VariantIndex(variant) });
        }
        Some(Ok(variant))
    }

    /// Whether the unit's bucket in the layer lies in a range of the experiment.
    #[inline(always)]
    fn in_range(&mut self, handle: Handle, record: EntryView<'_>, unit: Unit<'_>) -> Option<bool> {
        let known = unit.view().and_then(|view| self.memory.layer(record.layer(), view));
        let hash = match known {
            Some(hash) => hash,
            None => self.layer_hash(record.layer(), unit)?,
        };
        let bucket = to_bucket(hash);
        let inside = (record.range_from()..record.range_to()).contains(&bucket)
            || (record.extension() != NONE_U32 && in_further_range(self.bound.bundle, handle, bucket)?);
        if V::ENABLED {
            self.visitor.visit(Step::Layer { layer: record.layer(), hash, inside });
        }
        Some(inside)
    }

    fn layer_hash(&mut self, layer: u16, unit: Unit<'_>) -> Option<u32> {
        let record = LayerRecord::at(&self.bound.bundle.layers, u32::from(layer))?;
        let prefix = Prefix { state: record.state, tail: record.tail, len: u32::from(record.len) };
        let hash = unit.absorb(&mut self.memory, prefix).gate();
        if let Some(view) = unit.view() {
            self.memory.keep_layer(layer, view, hash);
        }
        Some(hash)
    }
}

/// An outcome with a variant that the entry states, which must be one of its own.
#[inline(always)]
fn outcome(record: EntryView<'_>, variant: u8, reason: Reason) -> Option<Outcome> {
    (variant < record.variants_n()).then_some((variant, reason))
}

/// The extension of an entry that must have one.
pub(super) fn extension(bundle: &Bundle<'_>, handle: Handle) -> Option<ExtensionRecord> {
    let record = EntryRecord::at(&bundle.entries, u32::from(handle.0))?;
    ExtensionRecord::at(&bundle.extensions, record.extension)
}

/// Whether a bucket lies in a range after the first.
#[cold]
fn in_further_range(bundle: &Bundle<'_>, handle: Handle, bucket: u16) -> Option<bool> {
    let extension = extension(bundle, handle)?;
    let ranges = bundle.ranges.slice(extension.ranges, extension.ranges_n)?;
    // They are sorted, and the first that ends after the bucket is the only one that can hold it.
    let (mut low, mut high) = (0, ranges.len());
    while low < high {
        let middle = low.midpoint(high);
        if RangeRecord::at(&ranges, middle)?.to <= bucket {
            low = middle.checked_add(1)?;
        } else {
            high = middle;
        }
    }
    Some(RangeRecord::at(&ranges, low).is_some_and(|range| range.from <= bucket))
}

/// The variant of a bucket that belongs to none of the first four.
#[cold]
fn variant_after_fourth(bundle: &Bundle<'_>, handle: Handle, bucket: u16) -> Option<u8> {
    let record = EntryRecord::at(&bundle.entries, u32::from(handle.0))?;
    for place in 4..record.variants_n {
        let index = record.variants.checked_add(u32::from(place))?;
        if bucket < VariantRecord::at(&bundle.variants, index)?.cum_bp {
            return Some(place);
        }
    }
    None
}
