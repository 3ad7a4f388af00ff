//! Tests of one attribute. A slot that does not hold what the test asks for makes it unknown.

use core::cmp::Ordering;

use super::{Truth, regex, text};
use crate::bundle::Bundle;
use crate::bundle::layout::{NONE, PredicateView, op};
use crate::context::{Bound, Slot, Version};

/// Up to so many values are compared one by one, which is faster than halving.
const SCANNED: u32 = 8;

/// Truth of a test; `None` for a damaged or unknown one.
#[inline(always)]
pub(crate) fn atom(bound: &Bound<'_>, record: PredicateView<'_>) -> Option<Truth> {
    match bound.bound_slot(record.slot()) {
        Some(slot) => of_slot(bound.bundle, slot, record),
        None => unbound(bound, record),
    }
}

/// A test of an attribute for which the subject had no room, or of none.
#[cold]
fn unbound(bound: &Bound<'_>, record: PredicateView<'_>) -> Option<Truth> {
    match record.op() & !op::SHARED {
        op::TRUE => Some(Truth::True),
        op::FALSE => Some(Truth::False),
        _ => of_slot(bound.bundle, &bound.slot(record.slot()), record),
    }
}

#[inline(always)]
fn of_slot(bundle: &Bundle<'_>, slot: &Slot<'_>, record: PredicateView<'_>) -> Option<Truth> {
    let operation = record.op() & !op::SHARED;
    match slot {
        Slot::Text(_, packed) if operation == op::EQ_SHORT => Some(Truth::from(*packed == record.b())),
        Slot::Text(text, packed) if operation == op::IN_TEXTS => in_texts(bundle, text, *packed, record),
        Slot::Version(version) if (op::EQ_VERSION..=op::LTE_VERSION).contains(&operation) => {
            versions(bundle, version, record)
        }
        Slot::Number(number) if (op::EQ_NUMBER..=op::LTE_NUMBER).contains(&operation) => {
            Some(numbers(*number, record))
        }
        _ => rarer(bundle, slot, record),
    }
}

/// The tests that are not worth inlining.
fn rarer(bundle: &Bundle<'_>, slot: &Slot<'_>, record: PredicateView<'_>) -> Option<Truth> {
    match (record.op() & !op::SHARED, slot) {
        (op::TRUE, _) => Some(Truth::True),
        (op::FALSE, _) => Some(Truth::False),
        (op::EXISTS, slot) if !matches!(slot, Slot::Foreign) => {
            Some(Truth::from(!matches!(slot, Slot::Missing)))
        }
        (op::EQ_LONG | op::STARTS_WITH..=op::EQ_ANY_CASE, Slot::Text(text, _)) => texts(bundle, text, record),
        (op::REGEX, Slot::Text(text, _)) => {
            regex::is_match(&bundle.words.slice(record.a(), u32::from(record.n()))?, text.as_bytes())
        }
        (op::EQ_BOOL, Slot::Boolean(value)) => Some(Truth::from(u64::from(*value) == record.b())),
        (op::IN_NUMBERS, Slot::Number(number)) => in_numbers(bundle, *number, record),
        (op::GT_DATE..=op::LTE_DATE, Slot::Date(micros)) => Some(dates(*micros, record)),
        (op::IN_ADDRESSES, Slot::Address(upper, lower)) => in_addresses(bundle, (*upper, *lower), record),
        (op::IN_IDS, slot) if !matches!(slot, Slot::Foreign) => in_ids(bundle, slot, record),
        (_, Slot::Foreign) => None,
        (op::EQ_SHORT..=op::EQ_ANY_CASE | op::EQ_BOOL..=op::IN_ADDRESSES | op::REGEX, _) => {
            Some(Truth::Unknown)
        }
        _ => None,
    }
}

/// Place after a predicate's first word.
fn word(bundle: &Bundle<'_>, record: PredicateView<'_>, place: u32) -> Option<u64> {
    Some(u64::from_le_bytes(bundle.words.record::<8>(record.a().checked_add(place)?)?))
}

/// A text that a word refers to: start in the upper, length in the lower half.
#[expect(clippy::cast_possible_truncation, reason = "the two halves are what is wanted")]
fn referred<'a>(bundle: &Bundle<'a>, reference: u64) -> Option<&'a [u8]> {
    bundle.string_bytes((reference >> 32) as u32, reference as u32)
}

fn low_word(value: u64) -> Option<u32> {
    u32::try_from(value).ok()
}

#[inline(always)]
fn in_texts(bundle: &Bundle<'_>, text: &str, packed: u64, record: PredicateView<'_>) -> Option<Truth> {
    let short = u32::from(record.n());
    if packed == 0 || short > SCANNED {
        return in_many_texts(bundle, text, packed, record);
    }
    let words = bundle.words.slice(record.a(), short)?.chunks::<8>()?;
    // All are compared: stopping at the right one would be a branch that nothing predicts.
    let found = words.iter().fold(false, |found, word| found | (u64::from_le_bytes(*word) == packed));
    Some(Truth::from(found))
}

/// Texts of which there are many, or that are long.
fn in_many_texts(bundle: &Bundle<'_>, text: &str, packed: u64, record: PredicateView<'_>) -> Option<Truth> {
    if packed == 0 {
        return in_long_texts(bundle, text.as_bytes(), record);
    }
    let words = bundle.words.slice(record.a(), u32::from(record.n()))?;
    Some(Truth::from(words.find_u64(packed).is_some()))
}

/// Halves the references behind the short texts, which are sorted by the texts they refer to.
fn in_long_texts(bundle: &Bundle<'_>, text: &[u8], record: PredicateView<'_>) -> Option<Truth> {
    let (mut low, mut high) = (0, low_word(record.b())?);
    while low < high {
        let middle = low.midpoint(high);
        let place = u32::from(record.n()).checked_add(middle)?;
        match referred(bundle, word(bundle, record, place)?)?.cmp(text) {
            Ordering::Less => low = middle.checked_add(1)?,
            Ordering::Greater => high = middle,
            Ordering::Equal => return Some(Truth::True),
        }
    }
    Some(Truth::False)
}

fn texts(bundle: &Bundle<'_>, text: &str, record: PredicateView<'_>) -> Option<Truth> {
    let wanted = bundle.string_bytes(record.a(), low_word(record.b())?)?;
    let text = text.as_bytes();
    let any_case = record.n() == 1;
    if record.op() & !op::SHARED == op::CONTAINS {
        if wanted.len() > text::LONGEST {
            return None;
        }
        if text.len() > text::LONGEST_TEXT {
            return Some(Truth::Unknown);
        }
    }
    Some(Truth::from(match record.op() & !op::SHARED {
        op::EQ_LONG => text == wanted,
        op::EQ_ANY_CASE => text.eq_ignore_ascii_case(wanted),
        op::STARTS_WITH => text::starts_with(text, wanted, any_case),
        op::ENDS_WITH => text::ends_with(text, wanted, any_case),
        op::CONTAINS => text::contains(text, wanted, any_case),
        _ => return None,
    }))
}

/// The orders that a comparison accepts, a bit for each of less, equal, greater; three bits for each operation in the order
/// of [`op`]: equal, greater, at least, less, at most.
const ACCEPTED: u32 = 0b011_001_110_100_010;

/// Whether the comparison that stands at a place among its kind accepts an order.
#[inline(always)]
fn accepts(place: u8, less: bool, equal: bool, greater: bool) -> Truth {
    let order = u32::from(less) | u32::from(equal) << 1 | u32::from(greater) << 2;
    Truth::from(ACCEPTED >> (3 * (place & 7)) & order != 0)
}

#[inline(always)]
#[expect(clippy::float_cmp, reason = "equality of numbers is what the operator means")]
fn numbers(number: f64, record: PredicateView<'_>) -> Truth {
    let wanted = f64::from_bits(record.b());
    let place = (record.op() & !op::SHARED).wrapping_sub(op::EQ_NUMBER);
    accepts(place, number < wanted, number == wanted, number > wanted)
}

fn in_numbers(bundle: &Bundle<'_>, number: f64, record: PredicateView<'_>) -> Option<Truth> {
    let (mut low, mut high) = (0, low_word(record.b())?);
    while low < high {
        let middle = low.midpoint(high);
        match f64::from_bits(word(bundle, record, middle)?).partial_cmp(&number)? {
            Ordering::Less => low = middle.checked_add(1)?,
            Ordering::Greater => high = middle,
            Ordering::Equal => return Some(Truth::True),
        }
    }
    Some(Truth::False)
}

#[inline(always)]
fn versions(bundle: &Bundle<'_>, version: &Version<'_>, record: PredicateView<'_>) -> Option<Truth> {
    let place = (record.op() & !op::SHARED).wrapping_sub(op::EQ_VERSION);
    let (ours, wanted) = (version.numbers(), u128::from(record.b()) << 32 | u128::from(record.a()));
    if ours == wanted && (record.n() != NONE || !version.pre.is_empty()) {
        return versions_with_pre(bundle, version, record, place);
    }
    Some(accepts(place, ours < wanted, ours == wanted, ours > wanted))
}

/// Versions whose numbers are the same, where at least one is a pre-release.
#[cold]
fn versions_with_pre(
    bundle: &Bundle<'_>,
    version: &Version<'_>,
    record: PredicateView<'_>,
    place: u8,
) -> Option<Truth> {
    let pre = if record.n() == NONE {
        ""
    } else {
        let reference = u64::from_le_bytes(bundle.words.record::<8>(u32::from(record.n()))?);
        str::from_utf8(referred(bundle, reference)?).ok()?
    };
    let order = version.precedence(&Version { major_minor: record.b(), patch: record.a(), pre });
    Some(accepts(place, order.is_lt(), order.is_eq(), order.is_gt()))
}

fn dates(micros: i64, record: PredicateView<'_>) -> Truth {
    let wanted = record.b().cast_signed();
    // There is no operation for the same moment, so the first place is that of `greater`.
    let place = (record.op() & !op::SHARED).wrapping_sub(op::GT_DATE).wrapping_add(1);
    accepts(place, micros < wanted, micros == wanted, micros > wanted)
}

/// Halves the ranges by where they begin; the last one that begins before the address is the only one that can hold it.
fn in_addresses(bundle: &Bundle<'_>, address: (u64, u64), record: PredicateView<'_>) -> Option<Truth> {
    let bound = |range: u32, end: u32| {
        let place = range.checked_mul(4)?.checked_add(end)?;
        Some((word(bundle, record, place)?, word(bundle, record, place.checked_add(1)?)?))
    };
    let (mut low, mut high) = (0, low_word(record.b())?);
    while low < high {
        let middle = low.midpoint(high);
        if bound(middle, 0)? <= address {
            low = middle.checked_add(1)?;
        } else {
            high = middle;
        }
    }
    match low.checked_sub(1) {
        Some(last) => Some(Truth::from(address <= bound(last, 2)?)),
        None => Some(Truth::False),
    }
}

fn in_ids(bundle: &Bundle<'_>, slot: &Slot<'_>, record: PredicateView<'_>) -> Option<Truth> {
    let Some(unit) = slot.unit() else { return Some(Truth::Unknown) };
    let ids = bundle.ids.slice(record.a(), low_word(record.b())?)?;
    Some(Truth::from(ids.find_u64(bundle.id_key().hash_bytes(unit)).is_some()))
}
