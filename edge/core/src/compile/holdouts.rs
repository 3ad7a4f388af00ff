//! Holdouts, and the sets of them that experiments and rules are in.
//!
//! A holdout that is wrong is reported and holds nobody; what it would have applied to by its scope goes on without it, and what
//! names it is refused.

use alloc::string::String;
use alloc::vec::Vec;

use super::entries::{Compiler, prefix};
use super::error::InvalidEntry;
use super::{Refusal, refuse};
use crate::bundle::layout::{HoldoutRecord, HoldoutSetRecord, NONE, mode};
use crate::wire::{Experiment, Holdout, HoldoutMode, Scope};

/// A holdout that is in the bundle.
#[derive(Clone, Copy)]
pub(super) struct Placed {
    place: u16,
    /// Fuel that asking it takes.
    work: u32,
}

impl<'w> Compiler<'w> {
    /// Makes the records of all holdouts.
    pub(super) fn make_holdouts(&mut self) {
        for holdout in core::mem::take(&mut self.groups.ordered_holdouts) {
            match self.holdout_record(holdout) {
                Ok(placed) => {
                    self.holdouts.insert(&holdout.key, placed);
                    self.groups.ordered_holdouts.push(holdout);
                }
                Err(Refusal(reason)) => {
                    let key = holdout.key.clone();
                    self.invalid.push(InvalidEntry { kind: "holdout", key, reason: reason.clone() });
                    self.groups.refuse_holdout(&holdout.key, reason);
                }
            }
        }
    }

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
        let mut set = Vec::new();
        for key in keys {
            let Placed { place, work } = self.holdout(key)?;
            if !set.contains(&place) {
                set.push(place);
                self.work = self.work.saturating_add(work);
            }
        }
        set.sort_unstable();
        if set.is_empty() {
            return Ok(NONE);
        }
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

    fn holdout(&self, key: &str) -> Result<Placed, Refusal> {
        self.groups.holdout(key)?;
        self.holdouts.get(key).copied().ok_or_else(|| refuse!("there is no holdout {key:?}"))
    }

    fn holdout_record(&mut self, holdout: &'w Holdout) -> Result<Placed, Refusal> {
        let key = holdout.key.as_str();
        let (mode, most) = match holdout.mode {
            HoldoutMode::Simple => (mode::SIMPLE, 10_000),
            HoldoutMode::Paired => (mode::PAIRED, 5000),
        };
        if holdout.bp > most {
            return Err(refuse!("bp: {} basis points; {most} is the most", holdout.bp));
        }
        if let Scope::Layers(layers) = &holdout.scope {
            // Layers that no experiment uses need not be in the bundle.
            let other = layers
                .iter()
                .find(|layer| self.groups.layer(layer).is_ok_and(|layer| layer.unit != holdout.unit));
            if let Some(layer) = other {
                return Err(refuse!("scope: the layer {layer:?} has another unit"));
            }
        }
        self.work = 1;
        let exclude =
            self.predicate(holdout.exclude.as_ref()).map_err(|refusal| refusal.within("exclude"))?;
        let state = prefix(&alloc::format!("holdout:{key}:"));
        let (start, len) = self.sections.string(key)?;
        let record = HoldoutRecord {
            state: state.state,
            tail: state.tail,
            len: u16::try_from(state.len).unwrap_or(u16::MAX),
            bp: holdout.bp,
            key: start,
            key_len: u8::try_from(len).unwrap_or(u8::MAX),
            mode,
            exclude,
        };
        let place =
            u16::try_from(self.sections.holdouts.push(record.bytes())?).ok().filter(|place| *place != NONE);
        let place = place.ok_or_else(|| refuse!("holdouts: more than 65,534"))?;
        Ok(Placed { place, work: self.work })
    }
}
