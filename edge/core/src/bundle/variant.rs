//! Variants, resolved when they are asked for.

use core::fmt;

use super::layout::{EntryRecord, VariantRecord, value};
use super::{Bundle, Handle};
use crate::evaluate::VariantIndex;

/// A variant of an entry.
#[derive(Clone, Copy, Debug)]
pub struct Variant<'a> {
    bundle: &'a Bundle<'a>,
    record: VariantRecord,
    index: VariantIndex,
}

/// Value of a variant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum VariantValue<'a> {
    /// The experiment gives its variants no values.
    None,
    /// JSON `null`.
    Null,
    /// A boolean.
    Boolean(bool),
    /// A number, as its JSON text.
    Number(&'a str),
    /// A string, unescaped.
    Text(&'a str),
    /// An array or object, as its JSON text.
    Json(&'a str),
}

impl<'a> Variant<'a> {
    #[inline]
    pub(super) fn of(bundle: &'a Bundle<'a>, handle: Handle, index: VariantIndex) -> Option<Self> {
        let entry = EntryRecord::at(&bundle.entries, u32::from(handle.0))?;
        Self::at(bundle, &entry, index)
    }

    #[inline]
    pub(super) fn at(bundle: &'a Bundle<'a>, entry: &EntryRecord, index: VariantIndex) -> Option<Self> {
        if index.0 >= entry.variants_n {
            return None;
        }
        let record = VariantRecord::at(&bundle.variants, entry.variants.checked_add(u32::from(index.0))?)?;
        Some(Self { bundle, record, index })
    }

    /// Its place among the entry's variants.
    pub const fn index(&self) -> VariantIndex {
        self.index
    }

    /// Its key; `None` only in a damaged bundle.
    #[inline]
    pub fn key(&self) -> Option<&'a str> {
        self.bundle.string(self.record.name, u32::from(self.record.name_len))
    }

    /// Its value; `None` only in a damaged bundle.
    pub fn value(&self) -> Option<VariantValue<'a>> {
        let text = || self.bundle.string(self.record.value, self.record.value_len);
        Some(match self.record.kind {
            value::NONE => VariantValue::None,
            value::NULL => VariantValue::Null,
            value::FALSE => VariantValue::Boolean(false),
            value::TRUE => VariantValue::Boolean(true),
            value::NUMBER => VariantValue::Number(text()?),
            value::STRING => VariantValue::Text(text()?),
            value::JSON => VariantValue::Json(text()?),
            _ => return None,
        })
    }

    /// Upper threshold of its share, basis points; the share of a flag's variant is the rule's and this is 0.
    pub const fn cumulative_bp(&self) -> u16 {
        self.record.cum_bp
    }

    pub(crate) const fn sticky_tag(&self) -> u16 {
        self.record.sticky
    }
}

/// Writes the value as JSON; nothing for [`VariantValue::None`].
impl fmt::Display for VariantValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Null => f.write_str("null"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Number(text) | Self::Json(text) => f.write_str(text),
            Self::Text(text) => write_json_string(f, text),
        }
    }
}

/// A JSON string with the escapes that RFC 8259 demands.
fn write_json_string(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for character in text.chars() {
        match character {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            control if control < ' ' => write!(f, "\\u{:04x}", u32::from(control))?,
            other => write!(f, "{other}")?,
        }
    }
    f.write_str("\"")
}

/// The variants of an entry, in order.
#[derive(Clone, Debug)]
pub struct Variants<'a> {
    bundle: &'a Bundle<'a>,
    entry: EntryRecord,
    next: u8,
}

impl<'a> Variants<'a> {
    pub(super) const fn new(bundle: &'a Bundle<'a>, entry: EntryRecord) -> Self {
        Self { bundle, entry, next: 0 }
    }
}

impl<'a> Iterator for Variants<'a> {
    type Item = Variant<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let variant = Variant::at(self.bundle, &self.entry, VariantIndex(self.next))?;
        self.next = self.next.checked_add(1)?;
        Some(variant)
    }
}
