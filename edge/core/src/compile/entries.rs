//! Entries: from experiments and flags to records at their slots.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use std::collections::HashMap;

use super::conditions::Predicates;
use super::error::InvalidEntry;
use super::groups::Groups;
use super::holdouts::Placed;
use super::links::{Links, Need};
use super::perfect_hash::PerfectHash;
use super::sections::Sections;
use super::{CompileError, Refusal, refuse};
use crate::bundle::layout::{EntryRecord, ExtensionRecord, NONE, NONE_U8, NONE_U32, Thresholds, flag, state};
use crate::evaluate::FUEL;
use crate::hash::IdKey;
use crate::hash::murmur3::{Prefix, Stream};
use crate::wire::{Bundle, Experiment, Flag, Lenient};

/// Fuel that compiled entries leave unused, for what is not counted exactly.
const RESERVE: u32 = 4096;
/// Work of an entry that cannot be decided.
const INVALID_WORK: u32 = 1;

/// A bundle while it is compiled.
pub(super) struct Compiler<'w> {
    pub(super) wire: &'w Bundle,
    pub(super) id_key: IdKey,
    /// Whether the wire form brought the key, so that hashed ids mean something.
    pub(super) key_brought: bool,
    pub(super) sections: Sections,
    pub(super) predicates: Predicates,
    pub(super) groups: Groups<'w>,
    pub(super) invalid: Vec<InvalidEntry>,
    pub(super) layers: HashMap<&'w str, u16>,
    /// Ranges taken in each layer, with their owners.
    pub(super) occupied: HashMap<&'w str, Vec<([u16; 2], &'w str)>>,
    pub(super) holdouts: HashMap<&'w str, Placed>,
    pub(super) holdout_sets: HashMap<Vec<u16>, u16>,
    /// Work of the entry being compiled.
    pub(super) work: u32,
    /// Slots by key.
    pub(super) slots: HashMap<&'w str, u16>,
    pub(super) sources: HashMap<&'w str, Source<'w>>,
}

/// An entry of the wire form.
#[derive(Clone, Copy)]
pub(super) enum Source<'w> {
    Experiment(&'w Experiment),
    Flag(&'w Flag),
    /// Could not be read, for this reason.
    Invalid(&'static str, &'w str),
}

impl Source<'_> {
    const fn kind(&self) -> &'static str {
        match self {
            Self::Experiment(_) => "experiment",
            Self::Flag(_) => "flag",
            Self::Invalid(kind, _) => kind,
        }
    }
}

impl<'w> Compiler<'w> {
    pub(super) fn new(wire: &'w Bundle, id_key: IdKey) -> Self {
        let mut invalid = Vec::new();
        let groups = Groups::new(wire, &mut invalid);
        let mut compiler = Self {
            wire,
            id_key,
            key_brought: wire.id_key.is_some(),
            sections: Sections::new(),
            predicates: Predicates::default(),
            groups,
            invalid,
            layers: HashMap::new(),
            occupied: HashMap::new(),
            holdouts: HashMap::new(),
            holdout_sets: HashMap::new(),
            work: 0,
            slots: HashMap::new(),
            sources: HashMap::new(),
        };
        // Whoever compiles a segment relies on it, so there is no compiler without it.
        compiler.examine_segments();
        compiler
    }

    /// Compiles all entries; the arrangement of their keys.
    pub(super) fn run(&mut self) -> Result<PerfectHash, CompileError> {
        self.make_holdouts();
        let (keys, mut refusals) = self.collect();
        let hash = PerfectHash::build(&keys)?;
        self.slots = keys.iter().copied().zip(hash.slots.iter().copied()).collect();
        let needs: Vec<Vec<Need>> = keys.iter().map(|key| self.needs(key)).collect();
        let links = Links::examine("prerequisites and rules", &keys, &needs);
        let mut records = Vec::new();
        let mut works = Vec::new();
        for (ordinal, key) in keys.iter().enumerate() {
            self.work = 1;
            let refused = refusals.remove(key).or_else(|| links.refusals.get(ordinal).cloned().flatten());
            let compiled = match refused {
                Some(refusal) => Err(refusal),
                None => self.compile_source(key),
            };
            works.push(if compiled.is_ok() { self.work } else { INVALID_WORK });
            records.push(self.finish(key, ordinal, compiled)?);
        }
        self.report_segments();
        self.refuse_overwork(&keys, &needs, &links.order, (&works, &mut records))?;
        let mut placed: Vec<(u16, EntryRecord)> = hash.slots.iter().copied().zip(records).collect();
        placed.sort_by_key(|(slot, _)| *slot);
        self.sections.entries = placed.into_iter().map(|(_, record)| record).collect();
        self.mark_shared();
        Ok(hash)
    }

    /// The keys in order, experiments first, and what is refused before it is compiled. What has no usable key cannot be an
    /// entry and is only reported.
    fn collect(&mut self) -> (Vec<&'w str>, HashMap<&'w str, Refusal>) {
        let wire = self.wire;
        let experiments = wire.experiments.iter().map(|entry| match entry {
            Lenient::Valid(experiment) => (experiment.key.as_str(), Source::Experiment(experiment)),
            Lenient::Invalid { key, reason, .. } => {
                (key.as_deref().unwrap_or(""), Source::Invalid("experiment", reason))
            }
        });
        let flags = wire.flags.iter().map(|entry| match entry {
            Lenient::Valid(flag) => (flag.key.as_str(), Source::Flag(flag)),
            Lenient::Invalid { key, reason, .. } => {
                (key.as_deref().unwrap_or(""), Source::Invalid("flag", reason))
            }
        });
        let mut keys = Vec::new();
        let mut refusals = HashMap::new();
        for (key, source) in experiments.chain(flags) {
            if let Err(refusal) = check_key(key) {
                let reason = match source {
                    Source::Invalid(_, reason) => reason.to_string(),
                    _ => refusal.0,
                };
                self.invalid.push(InvalidEntry { kind: source.kind(), key: key.to_string(), reason });
                continue;
            }
            if self.sources.contains_key(key) {
                refusals
                    .insert(key, refuse!("the key is used twice; flags and experiments share their keys"));
                continue;
            }
            self.sources.insert(key, source);
            keys.push(key);
        }
        (keys, refusals)
    }

    /// The entries that an entry needs.
    fn needs(&self, key: &str) -> Vec<Need> {
        let prerequisites = match self.sources.get(key) {
            Some(Source::Experiment(experiment)) => &experiment.prerequisites,
            Some(Source::Flag(flag)) => &flag.prerequisites,
            _ => return Vec::new(),
        };
        let need = |times| move |key: &String| Need { key: key.clone(), times };
        let mut needs: Vec<Need> =
            prerequisites.iter().map(|prerequisite| &prerequisite.flag).map(need(1)).collect();
        if let Some(Source::Flag(flag)) = self.sources.get(key) {
            // A rule asks its experiment to decide, and again about those whom only a pause or a holdout keeps out.
            needs.extend(flag.rules.iter().filter_map(|rule| rule.experiment.as_ref()).map(need(2)));
        }
        needs
    }

    fn compile_source(&mut self, key: &str) -> Result<(EntryRecord, ExtensionRecord), Refusal> {
        match self.sources.get(key).copied() {
            Some(Source::Experiment(experiment)) => self.experiment(experiment),
            Some(Source::Flag(flag)) => self.flag(flag),
            Some(Source::Invalid(_, reason)) => Err(Refusal(reason.to_string())),
            None => Err(refuse!("there is no such entry")),
        }
    }

    /// The record of an entry, or of why it is invalid, with key and extension.
    fn finish(
        &mut self,
        key: &str,
        ordinal: usize,
        compiled: Result<(EntryRecord, ExtensionRecord), Refusal>,
    ) -> Result<EntryRecord, CompileError> {
        let (mut record, extension) = match compiled {
            Ok(compiled) => compiled,
            Err(refusal) => self.invalid_record(key, &refusal)?,
        };
        let (start, len) = self.sections.string(key)?;
        record.key = start;
        record.key_len = u8::try_from(len).unwrap_or(u8::MAX);
        record.ordinal = u16::try_from(ordinal).unwrap_or(u16::MAX);
        if extension != EMPTY_EXTENSION {
            record.extension = self.sections.extensions.push(extension.bytes())?;
        }
        Ok(record)
    }

    fn invalid_record(
        &mut self,
        key: &str,
        refusal: &Refusal,
    ) -> Result<(EntryRecord, ExtensionRecord), CompileError> {
        let source = self.sources.get(key);
        let kind = source.map_or("experiment", Source::kind);
        self.invalid.push(InvalidEntry { kind, key: key.to_string(), reason: refusal.0.clone() });
        let (payload, payload_len) = self.sections.string(&refusal.0)?;
        let record = EntryRecord { flags: flag::INVALID, kind: u8::from(kind == "flag"), ..EMPTY_ENTRY };
        Ok((record, ExtensionRecord { payload, payload_len, ..EMPTY_EXTENSION }))
    }

    /// Refuses entries whose decision could run out of fuel, what they need included.
    fn refuse_overwork(
        &mut self,
        keys: &[&str],
        needs: &[Vec<Need>],
        order: &[usize],
        (works, records): (&[u32], &mut [EntryRecord]),
    ) -> Result<(), CompileError> {
        let places: HashMap<&str, usize> =
            keys.iter().enumerate().map(|(place, key)| (*key, place)).collect();
        let mut totals: Vec<u32> = works.to_vec();
        for place in order {
            if records.get(*place).is_none_or(|record| record.flags & flag::INVALID != 0) {
                continue;
            }
            let needed = needs.get(*place).map(Vec::as_slice).unwrap_or_default();
            let below = needed
                .iter()
                .filter_map(|need| {
                    Some(totals.get(*places.get(need.key.as_str())?)?.saturating_mul(need.times))
                })
                .fold(0, u32::saturating_add);
            let Some(total) = totals.get_mut(*place) else { continue };
            *total = total.saturating_add(below);
            if *total > FUEL - RESERVE
                && let (Some(record), Some(key)) = (records.get_mut(*place), keys.get(*place))
            {
                let refusal = refuse!(
                    "a decision would take the work of {total} tests, prerequisites included; {} is the most (contains is 17, a pattern some hundreds)",
                    FUEL - RESERVE
                );
                *total = INVALID_WORK;
                let compiled = Err(refusal);
                *record = self.finish(key, usize::from(record.ordinal), compiled)?;
            }
        }
        Ok(())
    }
}

/// An entry with nothing special.
pub(super) const EMPTY_ENTRY: EntryRecord = EntryRecord {
    salt_state: 0,
    salt_tail: 0,
    salt_len: 0,
    flags: 0,
    predicate: NONE,
    unit: NONE_U8,
    fallback: NONE_U8,
    gate_bp: 0,
    cum_bp: Thresholds([10_000; 4]),
    variants_n: 0,
    control: NONE_U8,
    layer: NONE,
    holdouts: NONE,
    range_from: 0,
    range_to: 0,
    key: 0,
    key_len: 0,
    kind: 0,
    ordinal: 0,
    variants: 0,
    extension: NONE_U32,
    iteration: 0,
    state: state::RUNNING,
    fixed: NONE_U8,
    rules_n: 0,
    rules: 0,
};

/// An extension that need not be stored.
pub(super) const EMPTY_EXTENSION: ExtensionRecord = ExtensionRecord {
    start: i64::MIN,
    end: i64::MAX,
    prerequisites: 0,
    prerequisites_n: 0,
    overrides: 0,
    overrides_n: 0,
    ranges: 0,
    ranges_n: 0,
    period: 0,
    sticky: 0,
    payload: 0,
    payload_len: 0,
    switch_by: NONE_U8,
};

/// The hash state after a text, for a record whose length field has 16 bits.
pub(super) fn prefix(text: &str) -> Prefix {
    let mut stream = Stream::new();
    stream.update(text.as_bytes());
    stream.prefix()
}

/// A key of an entry, which no hashed text can confuse: as [`check_form`] has it, not `layer` or `holdout`.
pub(super) fn check_key(key: &str) -> Result<(), Refusal> {
    check_form(key)?;
    if key == "layer" || key == "holdout" {
        return Err(refuse!("the key {key:?} is reserved"));
    }
    Ok(())
}

/// A key as RFC 8941 has it: `^[a-z][a-z0-9_.-]{0,63}$`. Without a colon two hashed texts cannot be the same.
pub(super) fn check_form(key: &str) -> Result<(), Refusal> {
    let mut bytes = key.bytes();
    let starts = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase());
    let goes_on =
        bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte));
    if !starts || !goes_on || key.len() > 64 {
        return Err(refuse!("the key {key:?} must be a small letter and up to 63 of a-z 0-9 _ . -"));
    }
    Ok(())
}
