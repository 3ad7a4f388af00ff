//! Experiments, and what they share with flags.

use alloc::string::ToString;
use alloc::vec::Vec;

use serde_json::Value;

use super::entries::{Compiler, EMPTY_ENTRY, EMPTY_EXTENSION, Source, prefix};
use super::{Refusal, ids, json, refuse};
use crate::bundle::layout::{
    EntryRecord, ExtensionRecord, LayerRecord, NONE, OverrideRecord, PrerequisiteRecord, RangeRecord,
    VariantRecord, flag, state, value, view,
};
use crate::context::parse_date;
use crate::sticky;
use crate::wire::{Experiment, Override, Prerequisite, Schedule, State};

/// Most variants of an entry.
const MOST_VARIANTS: usize = 254;

impl<'w> Compiler<'w> {
    /// The record of an experiment.
    pub(super) fn experiment(
        &mut self,
        experiment: &'w Experiment,
    ) -> Result<(EntryRecord, ExtensionRecord), Refusal> {
        let mut record = EMPTY_ENTRY;
        let mut extension = EMPTY_EXTENSION;
        self.salt(experiment, &mut record, &mut extension)?;
        self.shares(experiment, &mut record)?;
        record.unit = self.unit_view(&experiment.unit)?;
        if let Some(fallback) = &experiment.fallback_unit {
            record.fallback = self.unit_view(fallback).map_err(|refusal| refusal.within("fallback_unit"))?;
        }
        self.switchback(experiment, &mut record, &mut extension)?;
        record.predicate = self.predicate(experiment.when.as_ref())?;
        record.state = match experiment.state {
            State::Running => state::RUNNING,
            State::Paused => state::PAUSED,
            State::Shipped => state::SHIPPED,
            State::Killed => state::KILLED,
            State::Archived => state::ARCHIVED,
        };
        if record.state != state::RUNNING {
            record.flags |= flag::STATE;
        }
        if experiment.consent {
            record.flags |= flag::CONSENT;
        }
        self.set_schedule(experiment.schedule.as_ref(), &mut record, &mut extension)?;
        self.set_prerequisites(&experiment.prerequisites, &mut record, &mut extension)?;
        let keys: Vec<&str> = experiment.variants.iter().map(|variant| variant.key.as_str()).collect();
        self.set_overrides(&experiment.overrides, &keys, &mut record, &mut extension)?;
        let holdouts = self.holdouts_of(experiment)?;
        record.holdouts = self.holdout_set(&holdouts)?;
        if record.holdouts != NONE {
            record.flags |= flag::HOLDOUT;
        }
        self.set_payload(experiment.payload.as_ref(), &mut extension)?;
        // Last, since an experiment that is refused takes no ranges from others.
        self.traffic(experiment, &mut record, &mut extension)?;
        Ok((record, extension))
    }

    /// The salt is the key, or the key and the number of an iteration; anything else could be another text of assignment.
    fn salt(
        &mut self,
        experiment: &Experiment,
        record: &mut EntryRecord,
        extension: &mut ExtensionRecord,
    ) -> Result<(), Refusal> {
        let key = &experiment.key;
        let salt = experiment.salt.as_ref().unwrap_or(key);
        if salt != key {
            let number = salt.strip_prefix(key.as_str()).and_then(|rest| rest.strip_prefix(':'));
            let iteration = number.and_then(|digits| digits.parse().ok()).filter(|number: &u32| *number > 0);
            let iteration = iteration.filter(|number| Some(number.to_string().as_str()) == number_text(salt));
            record.iteration = iteration
                .ok_or_else(|| refuse!("salt: {salt:?} must be {key:?} or {key:?} and \":{{iteration}}\""))?;
        }
        let state = prefix(&alloc::format!("{salt}:"));
        record.salt_state = state.state;
        record.salt_tail = state.tail;
        record.salt_len = u16::try_from(state.len).map_err(|_| refuse!("salt: too long"))?;
        if experiment.sticky {
            record.flags |= flag::STICKY;
            extension.sticky = sticky::salt_tag(salt);
        }
        Ok(())
    }

    /// Variants and their cumulative weights; rounding falls to the last.
    fn shares(&mut self, experiment: &Experiment, record: &mut EntryRecord) -> Result<(), Refusal> {
        let weights: Vec<u16> = experiment.variants.iter().map(|variant| variant.weight_bp).collect();
        let cumulative = cumulative(&weights)?;
        let variants = experiment.variants.iter().zip(&cumulative);
        let variants: Vec<_> = variants
            .map(|(variant, cum_bp)| (variant.key.as_str(), variant.value.as_ref(), *cum_bp))
            .collect();
        self.set_variants(&variants, experiment.sticky, record)?;
        let place = |key: &str| {
            let place = experiment.variants.iter().position(|variant| variant.key == key);
            place.and_then(|place| u8::try_from(place).ok())
        };
        record.control = match &experiment.control {
            None => 0,
            Some(key) => place(key).ok_or_else(|| refuse!("control: there is no variant {key:?}"))?,
        };
        match (&experiment.shipped, experiment.state) {
            (Some(key), State::Shipped) => {
                record.fixed = place(key).ok_or_else(|| refuse!("shipped: there is no variant {key:?}"))?;
            }
            (None, State::Shipped) => {
                return Err(refuse!("state \"shipped\" needs \"shipped\": which variant"));
            }
            (Some(_), _) => return Err(refuse!("\"shipped\" needs the state \"shipped\"")),
            (None, _) => {}
        }
        Ok(())
    }

    /// Stores variants as `(key, value, cumulative weight)`.
    pub(super) fn set_variants(
        &mut self,
        variants: &[(&str, Option<&Value>, u16)],
        is_sticky: bool,
        record: &mut EntryRecord,
    ) -> Result<(), Refusal> {
        if variants.is_empty() || variants.len() > MOST_VARIANTS {
            return Err(refuse!("variants: 1 to {MOST_VARIANTS} are needed, {} are given", variants.len()));
        }
        let mut run: Vec<VariantRecord> = Vec::new();
        for (place, (key, value, cum_bp)) in variants.iter().enumerate() {
            if key.is_empty() || key.len() > 64 || key.contains(char::is_control) {
                return Err(refuse!(
                    "variants: the key {key:?} must have 1 to 64 bytes and no control characters"
                ));
            }
            if variants.iter().take(place).any(|(other, ..)| other == key) {
                return Err(refuse!("variants: the key {key:?} is used twice"));
            }
            let tag = sticky::variant_tag(key);
            if is_sticky && run.iter().any(|other| other.sticky == tag) {
                return Err(refuse!(
                    "variants: {key:?} cannot be told from another in a sticky cookie; rename one"
                ));
            }
            run.push(self.variant(key, *value, *cum_bp)?);
        }
        let bytes: Vec<_> = run.iter().map(VariantRecord::bytes).collect();
        record.variants = self.sections.variants.run(&bytes)?;
        record.variants_n = u8::try_from(run.len()).unwrap_or(u8::MAX);
        for (threshold, variant) in record.cum_bp.0.iter_mut().zip(&run) {
            *threshold = variant.cum_bp;
        }
        Ok(())
    }

    fn variant(&mut self, key: &str, given: Option<&Value>, cum_bp: u16) -> Result<VariantRecord, Refusal> {
        let (kind, text) = match given {
            None => (value::NONE, None),
            Some(Value::Null) => (value::NULL, None),
            Some(Value::Bool(false)) => (value::FALSE, None),
            Some(Value::Bool(true)) => (value::TRUE, None),
            Some(Value::Number(number)) => (value::NUMBER, Some(number.to_string())),
            Some(Value::String(text)) => (value::STRING, Some(text.clone())),
            Some(other) => (value::JSON, Some(json::canonical(other))),
        };
        let (start, value_len) = match text {
            Some(text) => self.sections.string(&text)?,
            None => (0, 0),
        };
        let (name, name_len) = self.sections.string(key)?;
        let name_len = u16::try_from(name_len).unwrap_or(u16::MAX);
        Ok(VariantRecord {
            name,
            name_len,
            cum_bp,
            value: start,
            value_len,
            kind,
            sticky: sticky::variant_tag(key),
        })
    }

    pub(super) fn unit_view(&mut self, unit: &str) -> Result<u8, Refusal> {
        if unit.is_empty() || unit.len() > 255 {
            return Err(refuse!("unit: the name of an attribute has 1 to 255 bytes"));
        }
        Ok(self.sections.view(unit, view::UNIT)?)
    }

    /// The gate: a share of all units, or ranges of a layer.
    fn traffic(
        &mut self,
        experiment: &'w Experiment,
        record: &mut EntryRecord,
        extension: &mut ExtensionRecord,
    ) -> Result<(), Refusal> {
        let Some(layer) = &experiment.layer else {
            if !experiment.ranges.is_empty() {
                return Err(refuse!("ranges: only an experiment in a layer has ranges"));
            }
            record.gate_bp = experiment.traffic_bp.unwrap_or(10_000);
            if record.gate_bp > 10_000 {
                return Err(refuse!("traffic_bp: {} is more than 10000 basis points", record.gate_bp));
            }
            return Ok(());
        };
        if experiment.traffic_bp.is_some() {
            return Err(refuse!("traffic_bp: in a layer the ranges are the traffic"));
        }
        if self.groups.layer(layer)?.unit != experiment.unit {
            return Err(refuse!("layer: the layer {layer:?} has another unit"));
        }
        record.layer = self.layer(layer)?;
        record.flags |= flag::LAYER;
        let ranges = self.occupy(experiment, layer)?;
        if let Some(([from, to], further)) = ranges.split_first() {
            (record.range_from, record.range_to) = (*from, *to);
            let run: Vec<_> =
                further.iter().map(|[from, to]| RangeRecord { from: *from, to: *to }.bytes()).collect();
            if !run.is_empty() {
                extension.ranges = self.sections.ranges.run(&run)?;
                extension.ranges_n = u32::try_from(run.len()).unwrap_or(u32::MAX);
            }
        }
        Ok(())
    }

    /// Takes the experiment's ranges, which nobody else may have; sorted, touching ones joined.
    fn occupy(&mut self, experiment: &'w Experiment, layer: &'w str) -> Result<Vec<[u16; 2]>, Refusal> {
        let mut ranges = experiment.ranges.clone();
        ranges.sort_unstable();
        let mut joined: Vec<[u16; 2]> = Vec::new();
        for [from, to] in ranges {
            if from >= to || to > 10_000 {
                return Err(refuse!("ranges: [{from}, {to}) is no range of the buckets 0 to 9999"));
            }
            match joined.last_mut() {
                Some([_, end]) if *end > from => {
                    return Err(refuse!("ranges: [{from}, {to}) overlaps another of the same experiment"));
                }
                Some([_, end]) if *end == from => *end = to,
                _ => joined.push([from, to]),
            }
        }
        // What is over leaves its ranges to others.
        if experiment.state == State::Archived {
            return Ok(joined);
        }
        let taken = self.occupied.entry(layer).or_default();
        for [from, to] in &joined {
            if let Some((_, owner)) = taken.iter().find(|([start, end], _)| start < to && from < end) {
                return Err(refuse!(
                    "ranges: [{from}, {to}) overlaps a range of {owner:?} in the layer {layer:?}"
                ));
            }
        }
        taken.extend(joined.iter().map(|range| (*range, experiment.key.as_str())));
        Ok(joined)
    }

    /// The record of a layer, made when it is first used.
    fn layer(&mut self, key: &'w str) -> Result<u16, Refusal> {
        if let Some(known) = self.layers.get(key) {
            return Ok(*known);
        }
        let state = prefix(&alloc::format!("layer:{key}:"));
        let (start, len) = self.sections.string(key)?;
        let record = LayerRecord {
            state: state.state,
            tail: state.tail,
            len: u16::try_from(state.len).unwrap_or(u16::MAX),
            key_len: u8::try_from(len).unwrap_or(u8::MAX),
            key: start,
        };
        let place =
            u16::try_from(self.sections.layers.push(record.bytes())?).ok().filter(|place| *place != NONE);
        let place = place.ok_or_else(|| refuse!("layer: more than 65,534 layers"))?;
        self.layers.insert(key, place);
        Ok(place)
    }

    fn switchback(
        &mut self,
        experiment: &Experiment,
        record: &mut EntryRecord,
        extension: &mut ExtensionRecord,
    ) -> Result<(), Refusal> {
        let Some(switchback) = &experiment.switchback else { return Ok(()) };
        let forbidden = [
            ("layer", experiment.layer.is_some()),
            ("holdouts", !experiment.holdouts.is_empty()),
            ("sticky", experiment.sticky),
            ("fallback_unit", experiment.fallback_unit.is_some()),
        ];
        if let Some((name, _)) = forbidden.iter().find(|(_, given)| *given) {
            return Err(refuse!("switchback: a period is no visitor, so {name:?} has no meaning"));
        }
        if switchback.period_ms == 0 || i64::try_from(switchback.period_ms).is_err() {
            return Err(refuse!("switchback: period_ms must be 1 to 2^63 - 1 milliseconds"));
        }
        extension.period = switchback.period_ms;
        if let Some(by) = &switchback.by {
            extension.switch_by = self.unit_view(by).map_err(|refusal| refusal.within("switchback"))?;
        }
        record.flags |= flag::SWITCHBACK;
        Ok(())
    }

    /// Sets the schedule of an entry.
    pub(super) fn set_schedule(
        &mut self,
        schedule: Option<&Schedule>,
        record: &mut EntryRecord,
        extension: &mut ExtensionRecord,
    ) -> Result<(), Refusal> {
        let Some(schedule) = schedule else { return Ok(()) };
        let moment = |text: &Option<alloc::string::String>, name: &str| match text {
            None => Ok(None),
            Some(text) => parse_date(text)
                .map(|micros| Some(micros.div_euclid(1000)))
                .ok_or_else(|| refuse!("schedule: {name} {text:?} is no RFC 3339 date-time with a zone")),
        };
        let start = moment(&schedule.start, "start")?;
        let end = moment(&schedule.end, "end")?;
        if start.zip(end).is_some_and(|(start, end)| start >= end) {
            return Err(refuse!("schedule: the end must be after the start"));
        }
        if start.is_some() || end.is_some() {
            record.flags |= flag::SCHEDULE;
            extension.start = start.unwrap_or(i64::MIN);
            extension.end = end.unwrap_or(i64::MAX);
        }
        Ok(())
    }

    /// Sets the prerequisites of an entry.
    pub(super) fn set_prerequisites(
        &mut self,
        prerequisites: &[Prerequisite],
        record: &mut EntryRecord,
        extension: &mut ExtensionRecord,
    ) -> Result<(), Refusal> {
        let mut run = Vec::new();
        for Prerequisite { flag: key, variant } in prerequisites {
            let slot = self.slots.get(key.as_str()).copied();
            let place = match self.sources.get(key.as_str()) {
                Some(Source::Flag(needed)) => needed.variants.iter().position(|other| other.key == *variant),
                // What could not be read serves no variant, so the prerequisite fails as long as it is so.
                Some(Source::Invalid("flag", _)) => Some(usize::from(u8::MAX)),
                Some(_) => return Err(refuse!("prerequisites: {key:?} is no flag")),
                None => return Err(refuse!("prerequisites: there is no flag {key:?}")),
            };
            let place = place.and_then(|place| u8::try_from(place).ok());
            let variant =
                place.ok_or_else(|| refuse!("prerequisites: the flag {key:?} has no variant {variant:?}"))?;
            let flag = slot.ok_or_else(|| refuse!("prerequisites: there is no flag {key:?}"))?;
            run.push(PrerequisiteRecord { flag, variant }.bytes());
        }
        if !run.is_empty() {
            record.flags |= flag::PREREQUISITE;
            extension.prerequisites = self.sections.prerequisites.run(&run)?;
            extension.prerequisites_n = u32::try_from(run.len()).unwrap_or(u32::MAX);
            self.work = self.work.saturating_add(extension.prerequisites_n);
        }
        Ok(())
    }

    /// Sets the overrides of an entry with variants of the given keys.
    pub(super) fn set_overrides(
        &mut self,
        overrides: &[Override],
        keys: &[&str],
        record: &mut EntryRecord,
        extension: &mut ExtensionRecord,
    ) -> Result<(), Refusal> {
        let mut listed: Vec<OverrideRecord> = Vec::new();
        for Override { ids: list, variant } in overrides {
            let place = keys.iter().position(|key| key == variant).and_then(|place| u8::try_from(place).ok());
            let variant = place.ok_or_else(|| refuse!("overrides: there is no variant {variant:?}"))?;
            for id in list {
                let hash = ids::hash(id, self.id_key, self.key_brought)
                    .map_err(|refusal| refusal.within("overrides"))?;
                listed.push(OverrideRecord { hash, variant });
            }
        }
        // Of an id that is listed twice the first place counts; the sort keeps the order of equal hashes.
        listed.sort_by_key(|record| record.hash);
        listed.dedup_by_key(|record| record.hash);
        let run: Vec<_> = listed.iter().map(OverrideRecord::bytes).collect();
        if !run.is_empty() {
            record.flags |= flag::OVERRIDE;
            extension.overrides = self.sections.overrides.run(&run)?;
            extension.overrides_n =
                u32::try_from(run.len()).map_err(|_| refuse!("overrides: too many ids"))?;
        }
        Ok(())
    }

    /// Sets what the core only carries.
    pub(super) fn set_payload(
        &mut self,
        payload: Option<&Value>,
        extension: &mut ExtensionRecord,
    ) -> Result<(), Refusal> {
        if let Some(payload) = payload {
            (extension.payload, extension.payload_len) = self.sections.string(&json::canonical(payload))?;
        }
        Ok(())
    }
}

/// Digits behind the last colon of a salt.
fn number_text(salt: &str) -> Option<&str> {
    salt.rsplit_once(':').map(|(_, digits)| digits)
}

/// Cumulative weights. They may miss 10000 by less than one basis point a variant, which is rounding and the last one's.
pub(super) fn cumulative(weights: &[u16]) -> Result<Vec<u16>, Refusal> {
    if weights.is_empty() {
        return Err(refuse!("variants: at least one is needed"));
    }
    let sum: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
    if sum > 10_000 || sum + weights.len() as u64 <= 10_000 {
        return Err(refuse!("variants: the weights add up to {sum} basis points instead of 10000"));
    }
    let mut total = 0;
    let mut cumulative: Vec<u16> = weights
        .iter()
        .map(|weight| {
            total += weight;
            total
        })
        .collect();
    if let Some(last) = cumulative.last_mut() {
        *last = 10_000;
    }
    Ok(cumulative)
}
