//! Checks that few entries have: state, schedule, prerequisites, consent, overrides, kept assignments.

use super::unit::{Unit, UnitBuffer};
use super::{DEEPEST_CHAIN, Evaluator, Memory, Reason, VariantIndex};
use crate::Handle;
use crate::bundle::State;
use crate::bundle::layout::{
    EntryRecord, ExtensionRecord, OverrideRecord, PrerequisiteRecord, VariantRecord, flag as bit, state,
};
use crate::explain::{Step, Visitor};

impl<M: Memory, V: Visitor> Evaluator<'_, M, V> {
    /// Checks before the unit is known; the inner `Some` is the reason that ends the decision.
    #[cold]
    pub(super) fn before_unit(&mut self, handle: Handle, checks: u16, chain: u8) -> Option<Option<Reason>> {
        let record = &self.record(handle)?;
        if checks & bit::STATE != 0
            && let Some(reason) = self.stopped(record)?
        {
            return Some(Some(reason));
        }
        if checks & bit::SCHEDULE != 0
            && let Some(reason) = self.out_of_schedule(&self.extension(record)?)
        {
            return Some(Some(reason));
        }
        if checks & bit::PREREQUISITE != 0 && !self.prerequisites_hold(&self.extension(record)?, chain)? {
            return Some(Some(Reason::PrerequisiteFailed));
        }
        if checks & bit::CONSENT != 0 && record.state != state::SHIPPED {
            if V::ENABLED {
                self.visitor.visit(Step::NoConsent);
            }
            return Some(Some(Reason::NoConsent));
        }
        Some(None)
    }

    fn record(&self, handle: Handle) -> Option<EntryRecord> {
        EntryRecord::at(&self.bound.bundle.entries, u32::from(handle.0))
    }

    fn extension(&self, record: &EntryRecord) -> Option<ExtensionRecord> {
        ExtensionRecord::at(&self.bound.bundle.extensions, record.extension)
    }

    fn stopped(&mut self, record: &EntryRecord) -> Option<Option<Reason>> {
        let state = State::from_byte(record.state)?;
        if V::ENABLED {
            self.visitor.visit(Step::State { state });
        }
        Some(match state {
            State::Paused => Some(Reason::Paused),
            State::Killed => Some(Reason::Killed),
            State::Archived => Some(Reason::Archived),
            State::Off => Some(Reason::Off),
            State::Running | State::Shipped => None,
        })
    }

    fn out_of_schedule(&mut self, extension: &ExtensionRecord) -> Option<Reason> {
        let now = self.bound.context.now_ms;
        if V::ENABLED {
            self.visitor.visit(Step::Schedule { start: extension.start, end: extension.end, now });
        }
        if now < extension.start {
            Some(Reason::NotStarted)
        } else if now >= extension.end {
            Some(Reason::Ended)
        } else {
            None
        }
    }

    fn prerequisites_hold(&mut self, extension: &ExtensionRecord, chain: u8) -> Option<bool> {
        if chain >= DEEPEST_CHAIN {
            return None;
        }
        let bundle = self.bound.bundle;
        let prerequisites = bundle.prerequisites.slice(extension.prerequisites, extension.prerequisites_n)?;
        for place in 0..prerequisites.len() {
            self.spend(1)?;
            let wanted = PrerequisiteRecord::at(&prerequisites, place)?;
            let served = self.entry(Handle(wanted.flag), chain.wrapping_add(1));
            let holds = served.variant_index() == Some(VariantIndex(wanted.variant));
            if V::ENABLED {
                let wanted = VariantIndex(wanted.variant);
                self.visitor.visit(Step::Prerequisite { served, wanted, holds });
            }
            if !holds {
                return Some(false);
            }
        }
        Some(true)
    }

    /// A variant that is fixed for this visitor: asked for, listed, or kept.
    #[cold]
    pub(super) fn fixed(&mut self, handle: Handle, unit: Unit<'_>) -> Option<Option<(u8, Reason)>> {
        let record = &self.record(handle)?;
        if let Some(variant) = self.forced(handle, record.variants_n) {
            return Some(Some((variant, Reason::Override)));
        }
        if record.flags & bit::OVERRIDE != 0
            && let Some(variant) = self.listed(record, Some(unit))?
        {
            return Some(Some((variant, Reason::Override)));
        }
        if record.flags & bit::STICKY != 0
            && record.state != state::SHIPPED
            && let Some(variant) = self.kept(record)?
        {
            return Some(Some((variant, Reason::Sticky)));
        }
        Some(None)
    }

    /// What a tester asked for, if it is one of the entry's variants.
    pub(super) fn forced(&mut self, handle: Handle, variants_n: u8) -> Option<u8> {
        let forced = self.bound.context.forced.iter().find(|forced| forced.handle == handle)?;
        let variant = forced.variant;
        if variant.0 >= variants_n {
            return None;
        }
        if V::ENABLED {
            self.visitor.visit(Step::Forced { variant });
        }
        Some(variant.0)
    }

    /// The override of the unit's id. A switchback's lists are about the attribute named as its unit.
    pub(super) fn listed(&mut self, record: &EntryRecord, unit: Option<Unit<'_>>) -> Option<Option<u8>> {
        let mut buffer = UnitBuffer::new();
        let unit = match unit {
            Some(unit) if unit.view().is_none() => self.bound.unit(record.unit, &mut buffer)?,
            unit => unit,
        };
        let Some(Unit { bytes: id, .. }) = unit else { return Some(None) };
        let hash = self.bound.bundle.id_key().hash_bytes(id);
        let extension = self.extension(record)?;
        let overrides = self.bound.bundle.overrides.slice(extension.overrides, extension.overrides_n)?;
        let found = match overrides.find_u64(hash) {
            Some(place) => Some(OverrideRecord::at(&overrides, place)?.variant),
            None => None,
        };
        if V::ENABLED {
            self.visitor.visit(Step::Override { hash, variant: found.map(VariantIndex) });
        }
        match found {
            Some(variant) if variant >= record.variants_n => None,
            found => Some(found),
        }
    }

    /// The variant kept from before, if the experiment still has it.
    fn kept(&mut self, record: &EntryRecord) -> Option<Option<u8>> {
        let tag = self.extension(record)?.sticky;
        let kept = self.bound.context.sticky.iter().rfind(|entry| entry.salt_tag() == tag);
        let mut found = None;
        if let Some(kept) = kept {
            for place in 0..record.variants_n {
                let index = record.variants.checked_add(u32::from(place))?;
                if VariantRecord::at(&self.bound.bundle.variants, index)?.sticky == kept.variant_tag() {
                    found = Some(place);
                    break;
                }
            }
        }
        if V::ENABLED {
            self.visitor.visit(Step::Sticky { variant: found.map(VariantIndex) });
        }
        Some(found)
    }
}
