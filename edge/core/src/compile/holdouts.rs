//! Holdouts, and the sets of them that experiments and rules are in.

use alloc::string::String;
use alloc::vec::Vec;

use super::entries::{Compiler, prefix};
use super::{Refusal, refuse};
use crate::bundle::layout::{HoldoutRecord, HoldoutSetRecord, NONE};
use crate::wire::{Experiment, HoldoutMode, Scope};

impl<'w> Compiler<'w> {
    /// Keys of the holdouts of an experiment: those whose scope holds it, then those it names.
    pub(super) fn holdouts_of(&self, experiment: &'w Experiment) -> Result<Vec<&'w str>, Refusal> {
        let mut keys = Vec::new();
        for holdout in &self.groups.ordered_holdouts {
            let applies = match &holdout.scope {
                Scope::Global => holdout.unit == experiment.unit && experiment.switchback.is_none(),
                Scope::Layers(layers) => {
                    experiment.layer.as_ref().is_some_and(|layer| layers.contains(layer))
                }
                Scope::Named => false,
            };
            if applies {
                keys.push(holdout.key.as_str());
            }
        }
        keys.extend(experiment.holdouts.iter().map(String::as_str));
        for key in &keys {
            if self.groups.holdout(key)?.unit != experiment.unit {
                return Err(refuse!("holdouts: {key:?} has another unit"));
            }
        }
        Ok(keys)
    }

    /// The place of a set of holdouts; none for an empty one.
    pub(super) fn holdout_set(&mut self, keys: &[&'w str]) -> Result<u16, Refusal> {
        let mut set = keys.iter().map(|key| self.holdout(key)).collect::<Result<Vec<_>, _>>()?;
        set.sort_unstable();
        set.dedup();
        if set.is_empty() {
            return Ok(NONE);
        }
        self.work = self.work.saturating_add(u32::try_from(set.len()).unwrap_or(u32::MAX));
        if let Some(known) = self.holdout_sets.get(&set) {
            return Ok(*known);
        }
        let run: Vec<_> = set.iter().map(|holdout| holdout.to_le_bytes()).collect();
        let first = self.sections.holdout_refs.run(&run)?;
        let n = u32::try_from(run.len()).unwrap_or(u32::MAX);
        let place = self.sections.holdout_sets.run(&[HoldoutSetRecord { first, n }.bytes()])?;
        let place = u16::try_from(place).ok().filter(|place| *place != NONE);
        let place = place.ok_or_else(|| refuse!("holdouts: more than 65,534 combinations"))?;
        self.holdout_sets.insert(set, place);
        Ok(place)
    }

    /// The record of a holdout, made when it is first used.
    fn holdout(&mut self, key: &'w str) -> Result<u16, Refusal> {
        if let Some(known) = self.holdouts.get(key) {
            return Ok(*known);
        }
        let holdout = self.groups.holdout(key)?;
        let most = if holdout.mode == HoldoutMode::Paired { 5000 } else { 10_000 };
        if holdout.bp > most {
            return Err(refuse!("the holdout {key:?} takes {} basis points; {most} is the most", holdout.bp));
        }
        let exclude = self.predicate(holdout.exclude.as_ref());
        let exclude =
            exclude.map_err(|refusal| refusal.within(&alloc::format!("holdout {key:?}: exclude")))?;
        let state = prefix(&alloc::format!("holdout:{key}:"));
        let (start, len) = self.sections.string(key)?;
        let record = HoldoutRecord {
            state: state.state,
            tail: state.tail,
            len: u16::try_from(state.len).unwrap_or(u16::MAX),
            bp: holdout.bp,
            key: start,
            key_len: u8::try_from(len).unwrap_or(u8::MAX),
            mode: u8::from(holdout.mode == HoldoutMode::Paired),
            exclude,
        };
        let place =
            u16::try_from(self.sections.holdouts.push(record.bytes())?).ok().filter(|place| *place != NONE);
        let place = place.ok_or_else(|| refuse!("holdouts: more than 65,534"))?;
        self.holdouts.insert(key, place);
        Ok(place)
    }
}
