//! Flags: ordered rules, of which the first that takes the unit serves.

use super::holdout::Held;
use super::unit::UnitBuffer;
use super::{DEEPEST_CHAIN, Decision, Evaluator, Memory, Reason, VariantIndex};
use crate::Handle;
use crate::bundle::layout::{
    EntryRecord, EntryView, NONE, RuleRecord, SplitRecord, flag as bit, rule, state,
};
use crate::explain::{Step, UnitOf, Visitor};
use crate::hash::bulk::UnitHash;
use crate::hash::murmur3::Prefix;
use crate::hash::to_bucket;
use crate::targeting::Truth;

/// What may end a flag before its rules.
const BEFORE_RULES: u16 = bit::STATE | bit::SCHEDULE | bit::PREREQUISITE;

impl<M: Memory, V: Visitor> Evaluator<'_, M, V> {
    /// Decides a flag; `None` for a damaged one.
    pub(super) fn flag(&mut self, handle: Handle, chain: u8) -> Option<Decision> {
        if chain > DEEPEST_CHAIN {
            return None;
        }
        let record = &EntryRecord::at(&self.bound.bundle.entries, u32::from(handle.0))?;
        let checks = record.flags & BEFORE_RULES;
        if checks != 0
            && let Some(reason) = self.before_unit(handle, checks, chain)?
        {
            return (record.control < record.variants_n).then_some(Decision::flag_outcome(
                handle,
                record.control,
                reason,
            ));
        }
        if let Some(variant) = self.flag_override(handle, record)? {
            return Some(Decision::flag_outcome(handle, variant, Reason::Override));
        }
        for place in 0..record.rules_n {
            self.spend(1)?;
            let index = record.rules.checked_add(u32::from(place))?;
            let rule = RuleRecord::at(&self.bound.bundle.rules, index)?;
            let decision = self.rule(handle, &rule, chain)?;
            if V::ENABLED {
                self.visitor.visit(Step::Rule { rule: place, index, took: decision.is_some() });
            }
            if let Some(decision) = decision {
                let in_range = decision.variant_index()?.0 < record.variants_n;
                return in_range.then_some(decision.by_rule(place));
            }
        }
        (record.fixed < record.variants_n).then_some(Decision::flag_outcome(
            handle,
            record.fixed,
            Reason::Default,
        ))
    }

    fn flag_override(&mut self, handle: Handle, record: &EntryRecord) -> Option<Option<u8>> {
        if let Some(variant) = self.forced(handle, record.variants_n) {
            return Some(Some(variant));
        }
        if record.flags & bit::OVERRIDE == 0 {
            return Some(None);
        }
        let mut buffer = UnitBuffer::new();
        let unit = self.bound.unit(record.unit, &mut buffer)?;
        self.listed(record, unit)
    }

    /// The decision of a rule, or the inner `None` when it does not take the unit.
    fn rule(&mut self, handle: Handle, rule: &RuleRecord, chain: u8) -> Option<Option<Decision>> {
        if self.condition(rule.predicate)? != Truth::True || self.holdout_skips(rule)? {
            return Some(None);
        }
        match rule.kind {
            rule::SERVE if rule.predicate == NONE => {
                Some(Some(Decision::flag_outcome(handle, rule.variant, Reason::Static)))
            }
            rule::SERVE => Some(Some(Decision::flag_outcome(handle, rule.variant, Reason::Targeted))),
            rule::ROLLOUT => self.rollout(handle, rule),
            rule::EXPERIMENT => self.experiment_rule(handle, rule, chain),
            _ => None,
        }
    }

    /// Whether the unit is held out of what the rule ships. Without a unit nobody is.
    fn holdout_skips(&mut self, rule: &RuleRecord) -> Option<bool> {
        if rule.holdouts == NONE {
            return Some(false);
        }
        let mut buffer = UnitBuffer::new();
        let Some(unit) = self.bound.unit(rule.unit, &mut buffer)? else { return Some(false) };
        Some(self.held(rule.holdouts, unit)? == Held::Out)
    }

    fn rollout(&mut self, handle: Handle, rule: &RuleRecord) -> Option<Option<Decision>> {
        let mut buffer = UnitBuffer::new();
        let unit = self.bound.unit(rule.unit, &mut buffer)?;
        if V::ENABLED {
            self.visitor.visit(Step::Unit { unit: UnitOf(unit), view: rule.unit });
        }
        let Some(unit) = unit else { return Some(None) };
        let prefix = Prefix { state: rule.state, tail: rule.tail, len: u32::from(rule.len) };
        let hash = unit.absorb(&mut self.memory, prefix);
        let (gate, split) = (hash.gate(), hash.variant());
        let inside = to_bucket(gate) < rule.rollout_bp;
        if V::ENABLED {
            self.visitor.visit(Step::Gate { hash: gate, below: rule.rollout_bp, inside });
        }
        if !inside {
            return Some(None);
        }
        let splits = self.bound.bundle.splits.slice(rule.splits, u32::from(rule.splits_n))?;
        for place in 0..splits.len() {
            let share = SplitRecord::at(&splits, place)?;
            if to_bucket(split) < share.cum_bp {
                if V::ENABLED {
                    let variant = VariantIndex(share.variant);
                    self.visitor.visit(Step::Variant { hash: split, variant });
                }
                return Some(Some(Decision::flag_outcome(handle, share.variant, Reason::Rollout)));
            }
        }
        None
    }

    /// An experiment takes those it assigns. Those whom only its pause or a holdout keeps out are served its control, so
    /// that the rules below see nobody whom they did not see while it ran.
    fn experiment_rule(&mut self, handle: Handle, rule: &RuleRecord, chain: u8) -> Option<Option<Decision>> {
        if chain >= DEEPEST_CHAIN {
            return None;
        }
        let decision = self.entry(Handle(rule.experiment), chain.wrapping_add(1));
        let takes = match decision.reason() {
            Reason::Assigned | Reason::Sticky | Reason::Override | Reason::Shipped => true,
            Reason::Paused | Reason::Holdout | Reason::HoldoutPaired => {
                self.would_take(rule.experiment, chain.wrapping_add(1))?
            }
            _ => false,
        };
        if !takes {
            return Some(None);
        }
        let variants = self.bound.bundle.splits.slice(rule.splits, u32::from(rule.splits_n))?;
        let variant = SplitRecord::at(&variants, u32::from(decision.variant_index()?.0))?.variant;
        let outcome = Decision::flag_outcome(handle, variant, decision.reason());
        Some(Some(outcome.via(rule.experiment)))
    }

    /// Whether an experiment that is paused, or that holds the unit out, would otherwise take it.
    fn would_take(&mut self, experiment: u16, chain: u8) -> Option<bool> {
        let handle = Handle(experiment);
        if V::ENABLED {
            self.visitor.visit(Step::Otherwise { experiment: handle });
        }
        let record = EntryView::at(&self.bound.bundle.entries, u32::from(experiment))?;
        let checks = record.flags() & self.bound.enabled & !bit::STATE;
        if self.before_unit(handle, checks, chain)?.is_some() {
            return Some(false);
        }
        let mut buffer = UnitBuffer::new();
        let Some(unit) = self.unit(handle, &mut buffer)? else {
            return Some(self.forced(handle, record.variants_n()).is_some());
        };
        if self.fixed(handle, unit)?.is_some() {
            return Some(true);
        }
        if self.condition(record.predicate())? != Truth::True {
            return Some(false);
        }
        Some(record.state() == state::SHIPPED || self.assign(handle, record, unit)?.is_ok())
    }
}
