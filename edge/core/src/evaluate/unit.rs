//! The unit: what is hashed, and what ids in lists are compared with.

use super::{Evaluator, Memory};
use crate::bundle::layout::{EntryRecord, ExtensionRecord, NONE_U8};
use crate::context::Slot;
use crate::explain::{Step, UnitOf, Visitor};
use crate::hash::bulk::UnitHash;
use crate::hash::murmur3::{Absorbed, Prefix};

/// The unit of an experiment or rule for this visitor.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit<'s> {
    /// The value of an attribute.
    Attribute {
        /// Its view.
        view: u8,
        /// Its slot, which holds the bytes.
        slot: Slot<'s>,
    },
    /// `{by, or "all"}:{period}`.
    Period {
        /// Value of the attribute that is switched on its own.
        by: Option<Slot<'s>>,
        /// `floor(now / period)`.
        number: i64,
    },
}

impl Unit<'_> {
    /// Whether the context has no unit.
    #[inline]
    pub(super) fn is_missing(&self) -> bool {
        match self {
            Self::Attribute { slot, .. } => slot.unit().is_none(),
            Self::Period { by, .. } => by.is_some_and(|slot| slot.unit().is_none()),
        }
    }

    /// The view under which results for this unit can be remembered.
    #[inline]
    pub(super) const fn view(&self) -> Option<u8> {
        match self {
            Self::Attribute { view, .. } => Some(*view),
            Self::Period { .. } => None,
        }
    }

    /// State after `{prefix}{unit}`.
    #[inline]
    pub(super) fn absorb<'m, M: Memory>(&self, memory: &'m mut M, prefix: Prefix) -> UnitHash<'m> {
        match self {
            Self::Attribute { view, slot } => memory.absorb(*view, slot.unit().unwrap_or_default(), prefix),
            Self::Period { by, number } => UnitHash::Direct(absorb_period(prefix, by.as_ref(), *number)),
        }
    }
}

/// State after `{prefix}{by, or "all"}:{number}`.
fn absorb_period(prefix: Prefix, by: Option<&Slot<'_>>, number: i64) -> Absorbed {
    let mut stream = prefix.stream();
    stream.update(by.map_or(Some(&b"all"[..]), Slot::unit).unwrap_or_default());
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
    pub(super) fn period(&mut self, record: &EntryRecord) -> Option<Option<Unit<'s>>> {
        let extension = ExtensionRecord::at(&self.bound.bundle.extensions, record.extension)?;
        let by = match extension.switch_by {
            NONE_U8 => None,
            view => Some(self.bound.slot(view)?),
        };
        let period = i64::try_from(extension.period).ok()?;
        let number = self.bound.context.now_ms.checked_div_euclid(period)?;
        let unit = Unit::Period { by, number };
        if V::ENABLED {
            self.visitor.visit(Step::Unit { unit: UnitOf(unit) });
        }
        Some((!unit.is_missing()).then_some(unit))
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
