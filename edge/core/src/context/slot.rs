//! An attribute in the form that conditions ask for.

use super::number::NumberText;
use super::{Value, Version, address, date};
use crate::bundle::layout::view;

/// Value of one view of an attribute. `Missing` stands for absent, of another type, and not parseable alike: unknown.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Slot<'a> {
    #[default]
    Missing,
    /// With its packed form, see [`pack`].
    Text(&'a str, u64),
    /// A number as a unit.
    NumberText(NumberText),
    Number(f64),
    Boolean(bool),
    Version(Version<'a>),
    /// Microseconds since 1970.
    Date(i64),
    /// IPv6, IPv4 mapped into it; upper and lower half.
    Address(u64, u64),
    /// Present, whatever it is.
    Present,
    /// Wanted in a way that only a newer reader knows, or by a damaged view.
    Foreign,
}

impl<'a> Slot<'a> {
    /// Reads a value as a kind of [`view`] wants it.
    pub(crate) fn read(kind: u8, value: Value<'a>) -> Self {
        let slot = match (kind, value) {
            (view::UNIT, Value::Text(text)) if !text.is_empty() => Some(Self::Text(text, 0)),
            (view::UNIT, Value::Number(number)) => NumberText::new(number).map(Self::NumberText),
            (view::TEXT, Value::Text(text)) => Some(Self::Text(text, pack(text.as_bytes()))),
            (view::NUMBER, Value::Number(number)) if number.is_finite() => Some(Self::Number(number)),
            (view::BOOLEAN, Value::Boolean(value)) => Some(Self::Boolean(value)),
            (view::VERSION, Value::Text(text)) => Version::parse(text).map(Self::Version),
            (view::DATE, Value::Text(text)) => date::parse(text).map(Self::Date),
            (view::DATE, Value::Number(milliseconds)) => {
                date::from_milliseconds(milliseconds).map(Self::Date)
            }
            (view::ADDRESS, Value::Text(text)) => {
                address::parse(text).map(|(upper, lower)| Self::Address(upper, lower))
            }
            (view::ANY, Value::Number(number)) if !number.is_finite() => None,
            (view::ANY, _) => Some(Self::Present),
            _ => None,
        };
        slot.unwrap_or_default()
    }

    /// Whether it is sure to hold no unit.
    pub(crate) fn is_no_unit(&self) -> bool {
        self.unit().is_none() && !matches!(self, Self::Foreign)
    }

    /// The bytes of a unit.
    #[inline]
    pub(crate) fn unit(&self) -> Option<&[u8]> {
        match self {
            Self::Text(text, _) => Some(text.as_bytes()),
            Self::NumberText(text) => Some(text.as_bytes()),
            _ => None,
        }
    }
}

/// A text of up to seven bytes as one word, its length plus one in the top byte; 0 for a longer one.
pub(crate) fn pack(text: &[u8]) -> u64 {
    if text.len() > 7 {
        return 0;
    }
    let mut word = (text.len() as u64).wrapping_add(1) << 56;
    for (index, byte) in text.iter().enumerate() {
        word |= u64::from(*byte) << (8 * index);
    }
    word
}
