//! The unit: what is hashed, and what ids in lists are compared with.

use super::experiment::extension;
use super::{Evaluator, Memory};
use crate::Handle;
use crate::bundle::layout::NONE_U8;
use crate::context::{NumberText, Slot};
use crate::explain::{Step, UnitOf, Visitor};
use crate::hash::bulk::UnitHash;
use crate::hash::murmur3::{Absorbed, Prefix};

/// The unit of an experiment or rule for this visitor.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit<'s> {
    /// The value of an attribute.
    Bytes {
        /// Its view.
        view: u8,
        /// Its bytes.
        bytes: &'s [u8],
    },
    /// A number for which the subject had no room.
    Number {
        /// Its view.
        view: u8,
        /// Its text.
        text: NumberText,
    },
    /// `{by, or "all"}:{number}`.
    Period {
        /// Value of the attribute that is switched on its own.
        by: PeriodOf<'s>,
        /// `floor(now / period)`.
        number: i64,
    },
}

/// What a switchback switches.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PeriodOf<'s> {
    /// Everything together.
    All,
    /// One value of an attribute on its own.
    Value(Slot<'s>),
}

impl PeriodOf<'_> {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::All => b"all",
            Self::Value(slot) => slot.unit().unwrap_or_default(),
        }
    }
}

impl<'s> Unit<'s> {
    /// The unit that a slot holds by value.
    pub(crate) fn from_slot(view: u8, slot: Slot<'s>) -> Option<Self> {
        match slot {
            Slot::Text(text, _) => Some(Self::Bytes { view, bytes: text.as_bytes() }),
            Slot::NumberText(text) => Some(Self::Number { view, text }),
            _ => None,
        }
    }

    /// The view under which results for this unit can be remembered.
    #[inline]
    pub(crate) const fn view(&self) -> Option<u8> {
        match self {
            Self::Bytes { view, .. } | Self::Number { view, .. } => Some(*view),
            Self::Period { .. } => None,
        }
    }

    /// The bytes with which ids in lists are compared.
    pub(crate) fn id(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes { bytes, .. } => Some(bytes),
            Self::Number { text, .. } => Some(text.as_bytes()),
            Self::Period { .. } => None,
        }
    }

    /// State after `{prefix}{unit}`.
    #[inline]
    pub(super) fn absorb<'m, M: Memory>(&self, memory: &'m mut M, prefix: Prefix) -> UnitHash<'m> {
        match self {
            Self::Bytes { view, bytes } => memory.absorb(*view, bytes, prefix),
            other => UnitHash::Direct(other.absorb_rare(prefix)),
        }
    }

    #[cold]
    fn absorb_rare(&self, prefix: Prefix) -> Absorbed {
        match self {
            Self::Bytes { bytes, .. } => prefix.absorb(bytes),
            Self::Number { text, .. } => prefix.absorb(text.as_bytes()),
            Self::Period { by, number } => absorb_period(prefix, by, *number),
        }
    }
}

/// State after `{prefix}{by, or "all"}:{number}`.
fn absorb_period(prefix: Prefix, by: &PeriodOf<'_>, number: i64) -> Absorbed {
    let mut stream = prefix.stream();
    stream.update(by.bytes());
    stream.update(b":");
    let mut digits = Decimal::new(number);
    stream.update(digits.text());
    stream.absorbed()
}

/// Decimal text of an integer.
pub(crate) struct Decimal {
    bytes: [u8; 20],
    number: i64,
}

impl Decimal {
    pub(crate) const fn new(number: i64) -> Self {
        Self { bytes: [0; 20], number }
    }

    /// Writes the digits from the end.
    pub(crate) fn text(&mut self) -> &[u8] {
        let mut rest = self.number.unsigned_abs();
        let mut start = self.bytes.len();
        for (place, byte) in self.bytes.iter_mut().enumerate().rev() {
            *byte = b'0'.wrapping_add(u8::try_from(rest % 10).unwrap_or_default());
            start = place;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if self.number < 0 {
            start = start.saturating_sub(1);
            if let Some(sign) = self.bytes.get_mut(start) {
                *sign = b'-';
            }
        }
        self.bytes.get(start..).unwrap_or_default()
    }
}

impl<'s, M: Memory, V: Visitor> Evaluator<'s, M, V> {
    /// The period of a switchback; the inner `None` when the context lacks the attribute it goes by.
    #[cold]
    pub(super) fn period(&mut self, handle: Handle) -> Option<Option<Unit<'s>>> {
        let extension = extension(self.bound.bundle, handle)?;
        let by = match extension.switch_by {
            NONE_U8 => Some(PeriodOf::All),
            view => Some(self.bound.slot(view)?).filter(|slot| slot.unit().is_some()).map(PeriodOf::Value),
        };
        let period = i64::try_from(extension.period).ok()?;
        let number = self.bound.context.now_ms.checked_div_euclid(period)?;
        let unit = by.map(|by| Unit::Period { by, number });
        if V::ENABLED {
            self.visitor.visit(Step::Unit { unit: UnitOf(unit), view: extension.switch_by });
        }
        Some(unit)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::Decimal;

    #[test]
    fn decimal_text() {
        for number in [0, 7, 10, -1, 490_000, i64::MAX, i64::MIN] {
            assert_eq!(Decimal::new(number).text(), number.to_string().as_bytes());
        }
    }
}
