//! A condition as text.

use core::fmt;

use crate::Bundle;
use crate::bundle::layout::{NONE, PredicateRecord, op};

/// Values of a list that are shown.
const SHOWN: u32 = 8;

/// A condition of a bundle, for showing: displays as one line such as `country in [AT, DE]` or `app_version >= 2.3.0`.
#[derive(Clone, Copy, Debug)]
pub struct Condition<'a> {
    bundle: &'a Bundle<'a>,
    record: PredicateRecord,
}

impl<'a> Condition<'a> {
    /// The condition at a place that a [`Step`](super::Step) named.
    pub fn at(bundle: &'a Bundle<'a>, index: u16) -> Option<Self> {
        if index == NONE {
            return None;
        }
        Some(Self { bundle, record: PredicateRecord::at(&bundle.predicates, u32::from(index))? })
    }

    const fn operation(&self) -> u8 {
        self.record.op & !op::SHARED
    }

    /// Name of the attribute it tests; `None` for `and`, `or`, `not` and segments.
    pub fn attribute(&self) -> Option<&'a str> {
        if self.operation() < op::EXISTS {
            return None;
        }
        self.bundle.view_name(self.record.slot)
    }

    /// Its operator.
    pub const fn operator(&self) -> &'static str {
        match self.operation() {
            op::AND => "and",
            op::OR => "or",
            op::NOT => "not",
            op::SEGMENT => "segment",
            op::TRUE => "true",
            op::FALSE => "false",
            op::EXISTS => "exists",
            op::EQ_SHORT | op::EQ_LONG | op::EQ_BOOL | op::EQ_NUMBER | op::EQ_VERSION => "=",
            op::EQ_ANY_CASE => "= (any case)",
            op::IN_TEXTS | op::IN_NUMBERS | op::IN_ADDRESSES | op::IN_IDS => "in",
            op::STARTS_WITH => "starts with",
            op::ENDS_WITH => "ends with",
            op::CONTAINS => "contains",
            op::REGEX => "matches",
            op::GT_NUMBER | op::GT_VERSION | op::GT_DATE => ">",
            op::GTE_NUMBER | op::GTE_VERSION | op::GTE_DATE => ">=",
            op::LT_NUMBER | op::LT_VERSION | op::LT_DATE => "<",
            op::LTE_NUMBER | op::LTE_VERSION | op::LTE_DATE => "<=",
            _ => "?",
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "a reference is two halves of a word")]
    fn referred(&self, reference: u64) -> &'a str {
        self.bundle.string((reference >> 32) as u32, reference as u32).unwrap_or("?")
    }

    fn text(&self) -> &'a str {
        let len = u32::try_from(self.record.b).unwrap_or(u32::MAX);
        self.bundle.string(self.record.a, len).unwrap_or("?")
    }

    fn operand(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (record, count) = (&self.record, self.record.b);
        match self.operation() {
            op::AND | op::OR => write!(f, "[{} conditions]", record.n),
            op::SEGMENT => f.write_str(self.bundle.string(record.a, u32::from(record.n)).unwrap_or("?")),
            op::EQ_SHORT => short_text(f, record.b),
            op::EQ_LONG | op::STARTS_WITH..=op::EQ_ANY_CASE => f.write_str(self.text()),
            op::REGEX => f.write_str(self.referred(record.b)),
            op::IN_TEXTS => self.list(f, count.saturating_add(u64::from(record.n)), |f, place, word| {
                if place < u32::from(record.n) {
                    short_text(f, word)
                } else {
                    f.write_str(self.referred(word))
                }
            }),
            op::IN_NUMBERS => self.list(f, count, |f, _, word| write!(f, "{}", f64::from_bits(word))),
            op::IN_ADDRESSES => write!(f, "[{count} ranges]"),
            op::IN_IDS => write!(f, "[{count} ids]"),
            op::EQ_BOOL => write!(f, "{}", record.b != 0),
            op::EQ_NUMBER..=op::LTE_NUMBER => write!(f, "{}", f64::from_bits(record.b)),
            op::EQ_VERSION..=op::LTE_VERSION => self.version(f),
            op::GT_DATE..=op::LTE_DATE => write!(f, "{} us since 1970", record.b.cast_signed()),
            _ => Ok(()),
        }
    }

    /// The first values of a list, and how many there are if not all are shown.
    fn list(
        &self,
        f: &mut fmt::Formatter<'_>,
        count: u64,
        show: impl Fn(&mut fmt::Formatter<'_>, u32, u64) -> fmt::Result,
    ) -> fmt::Result {
        f.write_str("[")?;
        for place in (0..SHOWN).take_while(|place| u64::from(*place) < count) {
            let word = self.bundle.words.record::<8>(self.record.a.wrapping_add(place));
            f.write_str(if place == 0 { "" } else { ", " })?;
            show(f, place, u64::from_le_bytes(word.unwrap_or_default()))?;
        }
        match count.saturating_sub(u64::from(SHOWN)) {
            0 => f.write_str("]"),
            more => write!(f, ", and {more} more]"),
        }
    }

    fn version(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let record = &self.record;
        write!(f, "{}.{}.{}", record.b >> 32, record.b & u64::from(u32::MAX), record.a)?;
        if record.n == NONE {
            return Ok(());
        }
        let word = self.bundle.words.record::<8>(u32::from(record.n)).map(u64::from_le_bytes);
        write!(f, "-{}", word.map_or("?", |reference| self.referred(reference)))
    }
}

/// A text that was packed into a word.
fn short_text(f: &mut fmt::Formatter<'_>, word: u64) -> fmt::Result {
    let bytes = word.to_le_bytes();
    let text = bytes.split_last().and_then(|(len, text)| text.get(..usize::from(len.wrapping_sub(1))));
    f.write_str(text.and_then(|text| str::from_utf8(text).ok()).unwrap_or("?"))
}

impl fmt::Display for Condition<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(attribute) = self.attribute() {
            write!(f, "{attribute} ")?;
        }
        f.write_str(self.operator())?;
        if !matches!(self.operation(), op::NOT | op::EXISTS | op::TRUE | op::FALSE) {
            f.write_str(" ")?;
        }
        self.operand(f)
    }
}
