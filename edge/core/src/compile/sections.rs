//! The sections while they are filled, and their writing; equal texts and lists are stored once.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use std::collections::HashMap;

use super::CompileError;
use super::perfect_hash::PerfectHash;
use crate::bundle::layout::{
    ALIGNMENT, EntryRecord, ExtensionRecord, Header, HoldoutRecord, HoldoutSetRecord, LayerRecord, NONE_U8,
    OverrideRecord, PredicateRecord, PrerequisiteRecord, RangeRecord, RuleRecord, Section, SplitRecord,
    VariantRecord, ViewRecord, op, section,
};

/// Records of one kind, one after the other.
#[derive(Debug)]
pub(super) struct Records<const N: usize> {
    bytes: Vec<u8>,
}

impl<const N: usize> Records<N> {
    const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// Number of records so far, which is the place of the next.
    pub(super) fn len(&self) -> Result<u32, CompileError> {
        u32::try_from(self.bytes.len() / N).map_err(|_| CompileError::TooMany { what: "data" })
    }

    pub(super) fn push(&mut self, record: [u8; N]) -> Result<u32, CompileError> {
        let place = self.len()?;
        self.bytes.extend_from_slice(&record);
        Ok(place)
    }
}

/// Records of which equal runs are stored once.
#[derive(Debug)]
pub(super) struct Runs<const N: usize> {
    records: Records<N>,
    known: HashMap<Vec<[u8; N]>, u32>,
}

impl<const N: usize> Runs<N> {
    fn new() -> Self {
        Self { records: Records::new(), known: HashMap::new() }
    }

    /// Place of the first record of a run.
    pub(super) fn run(&mut self, run: &[[u8; N]]) -> Result<u32, CompileError> {
        if let Some(first) = self.known.get(run) {
            return Ok(*first);
        }
        let first = self.records.len()?;
        for record in run {
            self.records.push(*record)?;
        }
        self.known.insert(run.to_vec(), first);
        Ok(first)
    }
}

/// All sections of a bundle.
#[derive(Debug)]
pub(super) struct Sections {
    pub(super) entries: Vec<EntryRecord>,
    pub(super) extensions: Records<{ ExtensionRecord::SIZE }>,
    pub(super) predicates: Vec<PredicateRecord>,
    pub(super) words: Runs<8>,
    /// Words that stand before all others, since what refers to them has 16 bits for it.
    pub(super) pre_releases: Runs<8>,
    pub(super) children: Runs<2>,
    pub(super) variants: Runs<{ VariantRecord::SIZE }>,
    pub(super) layers: Records<{ LayerRecord::SIZE }>,
    pub(super) ranges: Runs<{ RangeRecord::SIZE }>,
    pub(super) holdouts: Records<{ HoldoutRecord::SIZE }>,
    pub(super) holdout_sets: Runs<{ HoldoutSetRecord::SIZE }>,
    pub(super) holdout_refs: Runs<2>,
    pub(super) rules: Records<{ RuleRecord::SIZE }>,
    pub(super) splits: Runs<{ SplitRecord::SIZE }>,
    pub(super) prerequisites: Runs<{ PrerequisiteRecord::SIZE }>,
    pub(super) overrides: Runs<{ OverrideRecord::SIZE }>,
    pub(super) ids: Runs<8>,
    pub(super) settings: Vec<u8>,
    strings: Vec<u8>,
    known_strings: HashMap<String, u32>,
    views: Records<{ ViewRecord::SIZE }>,
    known_views: HashMap<(String, u8), u8>,
}

impl Sections {
    pub(super) fn new() -> Self {
        Self {
            entries: Vec::new(),
            extensions: Records::new(),
            predicates: Vec::new(),
            words: Runs::new(),
            pre_releases: Runs::new(),
            children: Runs::new(),
            variants: Runs::new(),
            layers: Records::new(),
            ranges: Runs::new(),
            holdouts: Records::new(),
            holdout_sets: Runs::new(),
            holdout_refs: Runs::new(),
            rules: Records::new(),
            splits: Runs::new(),
            prerequisites: Runs::new(),
            overrides: Runs::new(),
            ids: Runs::new(),
            settings: Vec::new(),
            strings: Vec::new(),
            known_strings: HashMap::new(),
            views: Records::new(),
            known_views: HashMap::new(),
        }
    }

    /// Start and length of a text in the string section.
    pub(super) fn string(&mut self, text: &str) -> Result<(u32, u32), CompileError> {
        let too_many = || CompileError::TooMany { what: "text" };
        let len = u32::try_from(text.len()).map_err(|_| too_many())?;
        if let Some(start) = self.known_strings.get(text) {
            return Ok((*start, len));
        }
        let start = u32::try_from(self.strings.len()).map_err(|_| too_many())?;
        self.strings.extend_from_slice(text.as_bytes());
        self.known_strings.insert(text.to_string(), start);
        Ok((start, len))
    }

    /// A text as one word: start in the upper half, length in the lower.
    pub(super) fn reference(&mut self, text: &str) -> Result<u64, CompileError> {
        let (start, len) = self.string(text)?;
        Ok(u64::from(start) << 32 | u64::from(len))
    }

    /// The slot of an attribute read in one way.
    pub(super) fn view(&mut self, name: &str, kind: u8) -> Result<u8, CompileError> {
        if let Some(slot) = self.known_views.get(&(name.to_string(), kind)) {
            return Ok(*slot);
        }
        let too_many = CompileError::TooMany { what: "attributes" };
        let slot = u8::try_from(self.views.len()?).ok().filter(|slot| *slot != NONE_U8).ok_or(too_many)?;
        let (start, len) = self.string(name)?;
        let name_len =
            u8::try_from(len).map_err(|_| CompileError::TooMany { what: "bytes in an attribute's name" })?;
        self.views.push(ViewRecord { name: start, name_len, kind }.bytes())?;
        self.known_views.insert((name.to_string(), kind), slot);
        Ok(slot)
    }

    /// A predicate as it is in the file, where its words stand behind the pre-releases.
    fn behind_pre_releases(&self, predicate: PredicateRecord) -> Result<PredicateRecord, CompileError> {
        if !op::HAS_WORDS.contains(&(predicate.op & !op::SHARED)) {
            return Ok(predicate);
        }
        let a = predicate.a.checked_add(self.pre_releases.records.len()?);
        let a = a.ok_or(CompileError::TooMany { what: "data" })?;
        Ok(PredicateRecord { a, ..predicate })
    }

    /// The whole file.
    pub(super) fn write(&self, mut header: Header, hash: &PerfectHash) -> Result<Vec<u8>, CompileError> {
        let entries: Vec<u8> = self.entries.iter().flat_map(EntryRecord::bytes).collect();
        let displacements: Vec<u8> =
            hash.displacements.iter().flat_map(|number| number.to_le_bytes()).collect();
        let mut predicates = Vec::new();
        for predicate in &self.predicates {
            predicates.extend_from_slice(&self.behind_pre_releases(*predicate)?.bytes());
        }
        let words = [self.pre_releases.records.bytes.as_slice(), &self.words.records.bytes].concat();
        let sections: [(u16, usize, &[u8]); 20] = [
            (section::ENTRY, EntryRecord::SIZE, &entries),
            (section::DISPLACEMENT, 2, &displacements),
            (section::PREDICATE, PredicateRecord::SIZE, &predicates),
            (section::WORD, 8, &words),
            (section::CHILD, 2, &self.children.records.bytes),
            (section::VIEW, ViewRecord::SIZE, &self.views.bytes),
            (section::LAYER, LayerRecord::SIZE, &self.layers.bytes),
            (section::RANGE, RangeRecord::SIZE, &self.ranges.records.bytes),
            (section::HOLDOUT, HoldoutRecord::SIZE, &self.holdouts.bytes),
            (section::HOLDOUT_SET, HoldoutSetRecord::SIZE, &self.holdout_sets.records.bytes),
            (section::HOLDOUT_REF, 2, &self.holdout_refs.records.bytes),
            (section::RULE, RuleRecord::SIZE, &self.rules.bytes),
            (section::SPLIT, SplitRecord::SIZE, &self.splits.records.bytes),
            (section::EXTENSION, ExtensionRecord::SIZE, &self.extensions.bytes),
            (section::PREREQUISITE, PrerequisiteRecord::SIZE, &self.prerequisites.records.bytes),
            (section::OVERRIDE, OverrideRecord::SIZE, &self.overrides.records.bytes),
            (section::ID, 8, &self.ids.records.bytes),
            (section::VARIANT, VariantRecord::SIZE, &self.variants.records.bytes),
            (section::STRING, 1, &self.strings),
            (section::SETTINGS, 1, &self.settings),
        ];
        let too_many = || CompileError::TooMany { what: "data" };
        let used: Vec<_> = sections.into_iter().filter(|(_, _, bytes)| !bytes.is_empty()).collect();
        let mut directory = Vec::new();
        let mut body = Vec::new();
        let start = (Header::SIZE + Section::SIZE * used.len()).next_multiple_of(ALIGNMENT);
        for (kind, stride, bytes) in &used {
            body.resize(body.len().next_multiple_of(ALIGNMENT), 0);
            let entry = Section {
                kind: *kind,
                stride: u16::try_from(*stride).map_err(|_| too_many())?,
                offset: u32::try_from(start + body.len()).map_err(|_| too_many())?,
                count: u32::try_from(bytes.len() / stride).map_err(|_| too_many())?,
            };
            directory.extend_from_slice(&entry.bytes());
            body.extend_from_slice(bytes);
        }
        header.sections = u16::try_from(used.len()).map_err(|_| too_many())?;
        header.total_len = u32::try_from(start + body.len()).map_err(|_| too_many())?;
        let mut file = header.bytes().to_vec();
        file.extend_from_slice(&directory);
        file.resize(start, 0);
        file.extend_from_slice(&body);
        Ok(file)
    }
}
