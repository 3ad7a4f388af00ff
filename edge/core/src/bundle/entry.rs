//! What a bundle says about one experiment or flag, for those who show or route it.

use super::layout::{EntryRecord, ExtensionRecord, NONE_U32, flag, state};
use super::{Bundle, Handle, Variants};
use crate::evaluate::VariantIndex;

/// An experiment or flag.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    bundle: &'a Bundle<'a>,
    record: EntryRecord,
    handle: Handle,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An experiment.
    Experiment,
    /// A flag whose values are booleans.
    BooleanFlag,
    /// A flag whose values are strings.
    TextFlag,
    /// A flag whose values are numbers.
    NumberFlag,
    /// A flag whose values are any JSON.
    JsonFlag,
}

/// Where an entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// An experiment that runs, or a flag that is on.
    Running,
    /// Control for everybody, counts nobody.
    Paused,
    /// One variant for everybody.
    Shipped,
    /// Stopped in a hurry.
    Killed,
    /// Over.
    Archived,
    /// A flag that is off.
    Off,
}

impl State {
    pub(crate) const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            state::RUNNING => Self::Running,
            state::PAUSED => Self::Paused,
            state::SHIPPED => Self::Shipped,
            state::KILLED => Self::Killed,
            state::ARCHIVED => Self::Archived,
            state::OFF => Self::Off,
            _ => return None,
        })
    }
}

impl<'a> Entry<'a> {
    pub(super) fn new(bundle: &'a Bundle<'a>, handle: Handle) -> Option<Self> {
        let record = EntryRecord::at(&bundle.entries, u32::from(handle.0))?;
        Some(Self { bundle, record, handle })
    }

    /// Its handle.
    pub const fn handle(&self) -> Handle {
        self.handle
    }

    /// Its key; empty only in a damaged bundle.
    pub fn key(&self) -> &'a str {
        self.bundle.string(self.record.key, u32::from(self.record.key_len)).unwrap_or("")
    }

    /// What it is.
    pub const fn kind(&self) -> Kind {
        match self.record.kind {
            1 => Kind::BooleanFlag,
            2 => Kind::TextFlag,
            3 => Kind::NumberFlag,
            4 => Kind::JsonFlag,
            _ => Kind::Experiment,
        }
    }

    /// Where it stands; a state that this version does not know is `Killed`.
    pub fn state(&self) -> State {
        State::from_byte(self.record.state).unwrap_or(State::Killed)
    }

    /// Place in the wire form, experiments before flags.
    pub const fn ordinal(&self) -> u16 {
        self.record.ordinal
    }

    /// The salt is `{key}:{iteration}` where there is a number here, else the key.
    pub const fn iteration(&self) -> Option<u32> {
        match self.record.iteration {
            0 => None,
            iteration => Some(iteration),
        }
    }

    /// Attribute that holds the unit.
    pub fn unit(&self) -> Option<&'a str> {
        self.bundle.view_name(self.record.unit)
    }

    /// Key of the layer.
    pub fn layer(&self) -> Option<&'a str> {
        if self.record.flags & flag::LAYER == 0 {
            return None;
        }
        self.bundle.layer_key(self.record.layer)
    }

    /// Its variants, in order.
    pub const fn variants(&self) -> Variants<'a> {
        Variants::new(self.bundle, self.record)
    }

    /// Place of the variant of a key.
    pub fn variant_index(&self, key: &str) -> Option<VariantIndex> {
        self.variants().find(|variant| variant.key() == Some(key)).map(|variant| variant.index())
    }

    /// JSON text of what the publisher added for the gateway.
    pub fn payload(&self) -> Option<&'a str> {
        if self.is_invalid() { None } else { self.extension_text() }
    }

    /// Whether assignments of this experiment are to be kept.
    pub const fn is_sticky(&self) -> bool {
        self.record.flags & flag::STICKY != 0
    }

    /// Whether the publisher could not compile it.
    pub const fn is_invalid(&self) -> bool {
        self.record.flags & flag::INVALID != 0
    }

    /// Why the publisher could not compile it.
    pub fn invalid_reason(&self) -> Option<&'a str> {
        if self.is_invalid() { self.extension_text() } else { None }
    }

    fn extension_text(&self) -> Option<&'a str> {
        let extension = self.extension()?;
        self.bundle.string(extension.payload, extension.payload_len).filter(|text| !text.is_empty())
    }

    /// What few entries have.
    pub(crate) fn extension(&self) -> Option<ExtensionRecord> {
        if self.record.extension == NONE_U32 {
            return None;
        }
        ExtensionRecord::at(&self.bundle.extensions, self.record.extension)
    }
}

/// All entries of a bundle, by handle.
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    bundle: &'a Bundle<'a>,
    next: u16,
}

impl<'a> Entries<'a> {
    pub(super) const fn new(bundle: &'a Bundle<'a>) -> Self {
        Self { bundle, next: 0 }
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = Entry::new(self.bundle, Handle(self.next))?;
        self.next = self.next.checked_add(1)?;
        Some(entry)
    }
}
