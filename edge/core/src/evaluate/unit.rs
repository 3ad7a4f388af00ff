//! The unit: what is hashed, and what ids in lists are compared with.

use super::experiment::extension;
use super::{Evaluator, Memory};
use crate::Handle;
use crate::bundle::layout::{EntryRecord, NONE_U8, flag as bit};
use crate::context::{Bound, Slot};
use crate::explain::{Step, UnitOf, Visitor};
use crate::hash::murmur3::Prefix;

/// The unit of an experiment or rule for this visitor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unit<'u> {
    /// Its view; none for the period of a switchback.
    view: u8,
    pub(crate) bytes: &'u [u8],
}

impl<'u> Unit<'u> {
    #[inline]
    pub(crate) const fn new(view: u8, bytes: &'u [u8]) -> Self {
        Self { view, bytes }
    }

    /// The view under which results for this unit can be remembered.
    #[inline]
    pub(crate) const fn view(&self) -> Option<u8> {
        if self.view == NONE_U8 { None } else { Some(self.view) }
    }

    /// State after `{prefix}{unit}`.
    #[inline(always)]
    pub(super) fn absorb<M: Memory>(&self, memory: &mut M, prefix: Prefix) -> M::Hash {
        if self.view == NONE_U8 {
            return prefix.absorb(self.bytes).into();
        }
        memory.absorb(self.view, self.bytes, prefix)
    }
}

/// Room for a unit that no attribute holds as bytes: a period, or a number that the subject had no room for.
pub(super) struct UnitBuffer {
    bytes: [u8; Self::SIZE],
    len: usize,
}

impl UnitBuffer {
    /// An attribute of 255 bytes, a colon, and a number.
    const SIZE: usize = 255 + 1 + 20;

    pub(super) const fn new() -> Self {
        Self { bytes: [0; Self::SIZE], len: 0 }
    }

    /// Appends bytes; `None` when there is no room.
    fn push(&mut self, bytes: &[u8]) -> Option<()> {
        let end = self.len.checked_add(bytes.len())?;
        self.bytes.get_mut(self.len..end)?.copy_from_slice(bytes);
        self.len = end;
        Some(())
    }

    fn unit(&self, view: u8) -> Unit<'_> {
        Unit::new(view, self.bytes.get(..self.len).unwrap_or_default())
    }
}

impl<'s> Bound<'s> {
    /// The unit that a view holds; `None` for a damaged view, the inner `None` when the context has none.
    pub(super) fn unit<'u>(&self, view: u8, buffer: &'u mut UnitBuffer) -> Option<Option<Unit<'u>>>
    where
        's: 'u,
    {
        if let Some(bytes) = self.bound_slot(view).and_then(Slot::unit) {
            return Some(Some(Unit::new(view, bytes)));
        }
        Some(match self.slot(view) {
            Slot::Text(text, _) => Some(Unit::new(view, text.as_bytes())),
            Slot::NumberText(text) => {
                buffer.push(text.as_bytes())?;
                Some(buffer.unit(view))
            }
            Slot::Foreign => return None,
            _ => None,
        })
    }
}

/// Decimal text of an integer.
struct Decimal {
    bytes: [u8; 20],
    number: i64,
}

impl Decimal {
    const fn new(number: i64) -> Self {
        Self { bytes: [0; 20], number }
    }

    /// Writes the digits from the end.
    fn text(&mut self) -> &[u8] {
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

impl<M: Memory, V: Visitor> Evaluator<'_, M, V> {
    /// The unit of an experiment, wherever it comes from; the inner `None` when the context has none.
    pub(super) fn unit<'u>(&mut self, handle: Handle, buffer: &'u mut UnitBuffer) -> Option<Option<Unit<'u>>>
    where
        Self: 'u,
    {
        let record = EntryRecord::at(&self.bound.bundle.entries, u32::from(handle.0))?;
        let bound = self.bound;
        let unit = if record.flags & bit::SWITCHBACK != 0 {
            self.period(handle, buffer)?
        } else if record.fallback != NONE_U8 && bound.slot(record.unit).is_no_unit() {
            bound.unit(record.fallback, buffer)?
        } else {
            bound.unit(record.unit, buffer)?
        };
        if V::ENABLED {
            self.visitor.visit(Step::Unit { unit: UnitOf(unit), view: record.unit });
        }
        Some(unit)
    }

    /// `{by, or "all"}:{floor(now / period)}`; none when the context lacks the attribute, or has more than 255 bytes there.
    fn period<'u>(&self, handle: Handle, buffer: &'u mut UnitBuffer) -> Option<Option<Unit<'u>>> {
        let extension = extension(self.bound.bundle, handle)?;
        let period = i64::try_from(extension.period).ok()?;
        let number = self.bound.context.now_ms.checked_div_euclid(period)?;
        let by;
        let by = match extension.switch_by {
            NONE_U8 => Some(&b"all"[..]),
            view => {
                by = self.bound.slot(view);
                if matches!(by, Slot::Foreign) {
                    return None;
                }
                by.unit().filter(|bytes| bytes.len() <= 255)
            }
        };
        let Some(by) = by else { return Some(None) };
        buffer.push(by)?;
        buffer.push(b":")?;
        buffer.push(Decimal::new(number).text())?;
        Some(Some(buffer.unit(NONE_U8)))
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
