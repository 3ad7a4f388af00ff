//! A bundle: compiled once by the publisher, used in place at the edge.
//!
//! Opening checks the header and that every section lies inside the file, nothing else: that takes the same time for every
//! size. Everything read later is checked when it is read, and what does not fit makes the entry that needs it invalid.
//! Whether the bytes are the ones that were published is for [`adopt`](crate::adopt).

mod entry;
mod error;
pub(crate) mod layout;
pub(crate) mod table;
mod variant;

pub use entry::{Entries, Entry, Kind, State};
pub use error::OpenError;
pub use variant::{Variant, VariantValue, Variants};

use crate::evaluate::Decision;
use crate::hash::{IdKey, key};
use crate::sticky::StickyEntry;
use layout::{
    EntryRecord, EntryView, Header, HoldoutRecord, LayerRecord, RuleRecord, Section, ViewRecord,
    section as kind,
};
use table::Table;

/// An experiment or flag of one bundle; 0 to [`Bundle::len`] - 1.
///
/// Resolve a key once, when a bundle is adopted, and decide by handle: that saves the look-up. A handle means nothing in
/// another bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Handle(pub(crate) u16);

impl Handle {
    /// Its place in what [`Subject::decide_all`](crate::Subject::decide_all) fills.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Bytes of the header, and of a line of the directory behind it.
const HEADER_SIZE: u16 = 64;
const SECTION_SIZE: u16 = 16;

/// An opened bundle over the bytes that hold it.
#[derive(Clone, Copy, Debug)]
pub struct Bundle<'a> {
    header: Header,
    pub(crate) entries: Table<'a>,
    pub(crate) extensions: Table<'a>,
    displacements: Table<'a>,
    pub(crate) predicates: Table<'a>,
    pub(crate) words: Table<'a>,
    pub(crate) children: Table<'a>,
    pub(crate) variants: Table<'a>,
    pub(crate) views: Table<'a>,
    pub(crate) layers: Table<'a>,
    pub(crate) ranges: Table<'a>,
    pub(crate) holdouts: Table<'a>,
    pub(crate) holdout_sets: Table<'a>,
    pub(crate) holdout_refs: Table<'a>,
    pub(crate) rules: Table<'a>,
    pub(crate) splits: Table<'a>,
    pub(crate) prerequisites: Table<'a>,
    pub(crate) overrides: Table<'a>,
    pub(crate) ids: Table<'a>,
    strings: Table<'a>,
    settings: Table<'a>,
}

impl<'a> Bundle<'a> {
    /// Opens a bundle; safe on any bytes.
    ///
    /// # Errors
    /// When the bytes are no bundle, of a format that this version does not read, or not as long as they say.
    ///
    /// ```
    /// use kerf_core::{Bundle, OpenError};
    /// assert_eq!(Bundle::open(b"<html>").unwrap_err(), OpenError::NotABundle);
    /// ```
    pub fn open(bytes: &'a [u8]) -> Result<Self, OpenError> {
        let start = Table::within(bytes, 0, HEADER_SIZE, 1).ok_or(OpenError::NotABundle)?;
        let header = Header::at(&start, 0).filter(|header| header.magic == layout::MAGIC);
        let header = header.ok_or(OpenError::NotABundle)?;
        if header.format < layout::OLDEST || header.min_reader > layout::FORMAT {
            return Err(OpenError::UnknownFormat { format: header.format, min_reader: header.min_reader });
        }
        if u64::from(header.total_len) != bytes.len() as u64 {
            return Err(OpenError::WrongLength { stated: header.total_len, found: bytes.len() as u64 });
        }
        let mut bundle = Self::empty(header);
        let directory =
            Table::within(bytes, u32::from(HEADER_SIZE), SECTION_SIZE, u32::from(header.sections));
        let directory = directory.ok_or(OpenError::Section { index: 0 })?;
        for index in 0..header.sections {
            let section = Section::at(&directory, u32::from(index));
            let placed = section.and_then(|section| bundle.place_section(bytes, section));
            placed.ok_or(OpenError::Section { index })?;
        }
        if bundle.entries.len() >= u32::from(layout::NONE) {
            return Err(OpenError::TooManyEntries { entries: bundle.entries.len() });
        }
        Ok(bundle)
    }

    const fn empty(header: Header) -> Self {
        let none = Table::EMPTY;
        Self {
            header,
            entries: none,
            extensions: none,
            displacements: none,
            predicates: none,
            words: none,
            children: none,
            variants: none,
            views: none,
            layers: none,
            ranges: none,
            holdouts: none,
            holdout_sets: none,
            holdout_refs: none,
            rules: none,
            splits: none,
            prerequisites: none,
            overrides: none,
            ids: none,
            strings: none,
            settings: none,
        }
    }

    /// Places one section of the directory, if it lies inside and its records can be read; an unknown kind is a newer writer's
    /// and left alone.
    fn place_section(&mut self, bytes: &'a [u8], section: Section) -> Option<()> {
        let table = Table::within(bytes, section.offset, section.stride, section.count)?;
        let shortest = match section.kind {
            kind::ENTRY => layout::SHORTEST_ENTRY,
            kind::PREDICATE => layout::SHORTEST_PREDICATE,
            kind::DISPLACEMENT => layout::SHORTEST_DISPLACEMENT,
            _ => 1,
        };
        if section.stride < shortest {
            return None;
        }
        let place = match section.kind {
            kind::ENTRY => &mut self.entries,
            kind::EXTENSION => &mut self.extensions,
            kind::DISPLACEMENT => &mut self.displacements,
            kind::PREDICATE => &mut self.predicates,
            kind::WORD => &mut self.words,
            kind::CHILD => &mut self.children,
            kind::VARIANT => &mut self.variants,
            kind::VIEW => &mut self.views,
            kind::LAYER => &mut self.layers,
            kind::RANGE => &mut self.ranges,
            kind::HOLDOUT => &mut self.holdouts,
            kind::HOLDOUT_SET => &mut self.holdout_sets,
            kind::HOLDOUT_REF => &mut self.holdout_refs,
            kind::RULE => &mut self.rules,
            kind::SPLIT => &mut self.splits,
            kind::PREREQUISITE => &mut self.prerequisites,
            kind::OVERRIDE => &mut self.overrides,
            kind::ID => &mut self.ids,
            kind::STRING => &mut self.strings,
            kind::SETTINGS => &mut self.settings,
            _ => return Some(()),
        };
        *place = table;
        Some(())
    }

    /// Number of the bundle, counted up by the publisher.
    pub const fn version(&self) -> u64 {
        self.header.version
    }

    /// Format of the bytes.
    pub const fn format(&self) -> u16 {
        self.header.format
    }

    /// When the bundle was made, milliseconds since 1970.
    pub const fn created_ms(&self) -> i64 {
        self.header.created
    }

    /// Key of the environment; empty when the bytes hold none.
    pub fn environment(&self) -> &'a str {
        self.string(self.header.environment, u32::from(self.header.environment_len)).unwrap_or("")
    }

    /// Key of the hash under which the bundle keeps ids.
    pub const fn id_key(&self) -> IdKey {
        IdKey(self.header.id_key.to_le_bytes())
    }

    /// JSON text of what the publisher added for the gateway.
    pub fn settings(&self) -> Option<&'a str> {
        let text = self.settings.bytes(0, self.settings.len())?;
        str::from_utf8(text).ok().filter(|text| !text.is_empty())
    }

    /// Number of experiments and flags, invalid ones included.
    pub const fn len(&self) -> usize {
        self.entries.len() as usize
    }

    /// Whether there is no experiment and no flag.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of parsed attributes that a [`Subject`](crate::Subject) should have room for.
    pub const fn views(&self) -> usize {
        self.views.len() as usize
    }

    /// The experiment or flag of a key.
    #[inline]
    pub fn find(&self, key: &str) -> Option<Handle> {
        // The only entry needs no hash: the key is compared in any case.
        let slot = if self.entries.len() == 1 { 0 } else { self.slot(key)? };
        let record = EntryView::at(&self.entries, slot)?;
        let stored = self.strings.bytes(record.key(), u32::from(record.key_len()))?;
        if stored == key.as_bytes() { u16::try_from(slot).ok().map(Handle) } else { None }
    }

    /// Where the perfect hash says that a key is, if it is anywhere.
    #[inline]
    fn slot(&self, key: &str) -> Option<u32> {
        let hash = key::hash(self.header.key_seed, key.as_bytes());
        let bucket = key::bucket(hash, self.displacements.len());
        let displacement = u16::from_le_bytes(*self.displacements.in_place::<2>(bucket)?);
        Some(key::slot(hash, displacement, self.entries.len()))
    }

    /// The entry of a handle; `None` only for a handle of another bundle.
    pub fn entry(&self, handle: Handle) -> Option<Entry<'_>> {
        Entry::new(self, handle)
    }

    /// All entries, by handle.
    pub const fn entries(&self) -> Entries<'_> {
        Entries::new(self)
    }

    /// The variant of a decision, with name and value resolved when they are asked for.
    #[inline]
    pub fn variant(&self, decision: &Decision) -> Option<Variant<'_>> {
        Variant::of(self, decision.handle(), decision.variant_index()?)
    }

    /// What to keep of a decision, if its experiment keeps assignments and it is one.
    pub fn sticky_entry(&self, decision: &Decision) -> Option<StickyEntry> {
        let experiment = self.entry(decision.exposure()?)?;
        if !experiment.is_sticky() {
            return None;
        }
        // A flag's variant has the same key as the experiment's, so either gives the tag.
        let variant = self.variant(decision)?;
        Some(StickyEntry::new(experiment.extension()?.sticky, variant.sticky_tag()))
    }

    /// Key of an entry.
    pub fn key(&self, handle: Handle) -> Option<&'a str> {
        let record = EntryRecord::at(&self.entries, u32::from(handle.0))?;
        self.string(record.key, u32::from(record.key_len))
    }

    /// Name of the attribute of a view that a [`Step`](crate::explain::Step) named by its place.
    pub fn view_name(&self, view: u8) -> Option<&'a str> {
        let record = ViewRecord::at(&self.views, u32::from(view))?;
        self.string(record.name, u32::from(record.name_len))
    }

    /// Key of a layer that a [`Step`](crate::explain::Step) named by its place.
    pub fn layer_key(&self, layer: u16) -> Option<&'a str> {
        let record = LayerRecord::at(&self.layers, u32::from(layer))?;
        self.string(record.key, u32::from(record.key_len))
    }

    /// Key of a holdout that a [`Step`](crate::explain::Step) named by its place.
    pub fn holdout_key(&self, holdout: u16) -> Option<&'a str> {
        let record = HoldoutRecord::at(&self.holdouts, u32::from(holdout))?;
        self.string(record.key, u32::from(record.key_len))
    }

    /// Id of a rule that a [`Step`](crate::explain::Step) named by its place.
    pub fn rule_id(&self, rule: u32) -> Option<&'a str> {
        let record = RuleRecord::at(&self.rules, rule)?;
        self.string(record.id, u32::from(record.id_len))
    }

    /// A text of the string section; UTF-8 is checked here, not when the bundle is opened.
    #[inline]
    pub(crate) fn string(&self, start: u32, len: u32) -> Option<&'a str> {
        str::from_utf8(self.strings.bytes(start, len)?).ok()
    }

    /// Bytes of the string section, where equality is all that is asked.
    #[inline]
    pub(crate) fn string_bytes(&self, start: u32, len: u32) -> Option<&'a [u8]> {
        self.strings.bytes(start, len)
    }
}
