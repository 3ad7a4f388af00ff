//! Flags and their rules.

use alloc::vec::Vec;

use serde_json::Value;

use super::entries::{Compiler, EMPTY_ENTRY, EMPTY_EXTENSION, Source, check_key, prefix};
use super::experiment::cumulative;
use super::{Refusal, refuse};
use crate::bundle::layout::{
    EntryRecord, ExtensionRecord, NONE, NONE_U8, RuleRecord, SplitRecord, flag as bit, rule, state,
};
use crate::wire::{Flag, FlagType, Rollout, Rule, Scope};

impl<'w> Compiler<'w> {
    /// The record of a flag.
    pub(super) fn flag(&mut self, flag: &'w Flag) -> Result<(EntryRecord, ExtensionRecord), Refusal> {
        let mut record = EntryRecord { flags: bit::RULES, ..EMPTY_ENTRY };
        let mut extension = EMPTY_EXTENSION;
        record.kind = match flag.kind {
            FlagType::Boolean => 1,
            FlagType::String => 2,
            FlagType::Number => 3,
            FlagType::Json => 4,
        };
        check_values(flag)?;
        let variants: Vec<_> =
            flag.variants.iter().map(|variant| (variant.key.as_str(), Some(&variant.value), 0)).collect();
        self.set_variants(&variants, false, &mut record)?;
        record.unit = self.unit_view(&flag.unit)?;
        record.control = variant_place(flag, "off_variant", &flag.off_variant)?;
        record.fixed = variant_place(flag, "default", &flag.default)?;
        if !flag.enabled {
            record.flags |= bit::STATE;
            record.state = state::OFF;
        }
        self.set_schedule(flag.schedule.as_ref(), &mut record, &mut extension)?;
        self.set_prerequisites(&flag.prerequisites, &mut record, &mut extension)?;
        let keys: Vec<&str> = flag.variants.iter().map(|variant| variant.key.as_str()).collect();
        self.set_overrides(&flag.overrides, &keys, &mut record, &mut extension)?;
        self.set_payload(flag.payload.as_ref(), &mut extension)?;
        self.set_rules(flag, &mut record)?;
        Ok((record, extension))
    }

    fn set_rules(&mut self, flag: &'w Flag, record: &mut EntryRecord) -> Result<(), Refusal> {
        let mut rules = Vec::new();
        for (place, rule) in flag.rules.iter().enumerate() {
            let within = |refusal: Refusal| refusal.within(&alloc::format!("rule {:?}", rule.id));
            if flag.rules.iter().take(place).any(|other| other.id == rule.id) {
                return Err(refuse!("rule {:?}: the id is used twice", rule.id));
            }
            rules.push(self.rule(flag, rule).map_err(within)?);
        }
        record.rules_n = u16::try_from(rules.len()).map_err(|_| refuse!("rules: more than 65,535"))?;
        self.work = self.work.saturating_add(u32::from(record.rules_n));
        for (place, rule) in rules.iter().enumerate() {
            let index = self.sections.rules.push(rule.bytes())?;
            if place == 0 {
                record.rules = index;
            }
        }
        Ok(())
    }

    fn rule(&mut self, flag: &'w Flag, rule: &'w Rule) -> Result<RuleRecord, Refusal> {
        check_key(&rule.id)?;
        let state = prefix(&alloc::format!("{}:{}:", flag.key, rule.id));
        let (id, id_len) = self.sections.string(&rule.id)?;
        let mut record = RuleRecord {
            state: state.state,
            tail: state.tail,
            len: u16::try_from(state.len).unwrap_or(u16::MAX),
            predicate: self.predicate(rule.when.as_ref())?,
            kind: rule::SERVE,
            unit: self.unit_view(&flag.unit)?,
            variant: NONE_U8,
            id_len: u8::try_from(id_len).unwrap_or(u8::MAX),
            rollout_bp: 0,
            holdouts: NONE,
            experiment: NONE,
            splits_n: 0,
            splits: 0,
            id,
        };
        let mut unit = flag.unit.as_str();
        match (&rule.serve, &rule.rollout, &rule.experiment) {
            (Some(variant), None, None) => record.variant = variant_place(flag, "serve", variant)?,
            (None, Some(rollout), None) => {
                unit = rollout.unit.as_deref().unwrap_or(unit);
                self.rollout(flag, rollout, &mut record)?;
            }
            (None, None, Some(experiment)) => self.experiment_rule(flag, experiment, &mut record)?,
            _ => return Err(refuse!("exactly one of \"serve\", \"rollout\" and \"experiment\" is needed")),
        }
        let holdouts = self.holdouts_of_rule(rule, unit)?;
        record.holdouts = self.holdout_set(&holdouts)?;
        Ok(record)
    }

    fn rollout(&mut self, flag: &Flag, rollout: &Rollout, record: &mut RuleRecord) -> Result<(), Refusal> {
        record.kind = rule::ROLLOUT;
        if rollout.bp > 10_000 {
            return Err(refuse!("rollout: {} is more than 10000 basis points", rollout.bp));
        }
        record.rollout_bp = rollout.bp;
        if let Some(unit) = &rollout.unit {
            record.unit = self.unit_view(unit)?;
        }
        let weights: Vec<u16> = rollout.variants.iter().map(|share| share.weight_bp).collect();
        let mut run = Vec::new();
        for (share, cum_bp) in rollout.variants.iter().zip(cumulative(&weights)?) {
            run.push(SplitRecord { cum_bp, variant: variant_place(flag, "rollout", &share.key)? }.bytes());
        }
        record.splits_n = u16::try_from(run.len()).map_err(|_| refuse!("rollout: too many variants"))?;
        record.splits = self.sections.splits.run(&run)?;
        Ok(())
    }

    /// For each variant of the experiment the flag's variant of the same key.
    fn experiment_rule(&mut self, flag: &Flag, key: &str, record: &mut RuleRecord) -> Result<(), Refusal> {
        record.kind = rule::EXPERIMENT;
        let variants = match self.sources.get(key) {
            Some(Source::Experiment(experiment)) => experiment.variants.as_slice(),
            // What could not be read takes nobody.
            Some(Source::Invalid("experiment", _)) => &[],
            Some(_) => return Err(refuse!("experiment: {key:?} is a flag")),
            None => return Err(refuse!("experiment: there is no experiment {key:?}")),
        };
        let mut run = Vec::new();
        for variant in variants {
            run.push(
                SplitRecord { cum_bp: 0, variant: variant_place(flag, "experiment", &variant.key)? }.bytes(),
            );
        }
        record.experiment = self.slots.get(key).copied().unwrap_or(NONE);
        record.splits_n = u16::try_from(run.len()).map_err(|_| refuse!("experiment: too many variants"))?;
        record.splits = self.sections.splits.run(&run)?;
        Ok(())
    }

    /// Keys of the holdouts whose units skip a rule: the global ones for what was shipped, and those it names.
    fn holdouts_of_rule(&self, rule: &'w Rule, unit: &str) -> Result<Vec<&'w str>, Refusal> {
        let shipped =
            self.groups.ordered_holdouts.iter().filter(|holdout| {
                rule.shipped && matches!(holdout.scope, Scope::Global) && holdout.unit == unit
            });
        let mut keys: Vec<&str> = shipped.map(|holdout| holdout.key.as_str()).collect();
        keys.extend(rule.holdouts.iter().map(alloc::string::String::as_str));
        for key in &keys {
            if self.groups.holdout(key)?.unit != unit {
                return Err(refuse!("holdouts: {key:?} has another unit"));
            }
        }
        Ok(keys)
    }
}

fn variant_place(flag: &Flag, name: &str, key: &str) -> Result<u8, Refusal> {
    let place = flag.variants.iter().position(|variant| variant.key == key);
    place
        .and_then(|place| u8::try_from(place).ok())
        .ok_or_else(|| refuse!("{name}: there is no variant {key:?}"))
}

/// Every variant's value has the flag's type.
fn check_values(flag: &Flag) -> Result<(), Refusal> {
    for variant in &flag.variants {
        let fits = match flag.kind {
            FlagType::Boolean => variant.value.is_boolean(),
            FlagType::String => variant.value.is_string(),
            FlagType::Number => variant.value.is_number(),
            FlagType::Json => true,
        };
        if !fits {
            let Value::String(kind) = serde_json::to_value(flag.kind).unwrap_or_default() else { continue };
            return Err(refuse!("variants: the value of {:?} is no {kind}", variant.key));
        }
    }
    Ok(())
}
