//! Conditions: predicates of the bundle over the slots of a subject.

mod atom;
pub(crate) mod regex;
mod text;
mod truth;

pub(crate) use atom::atom;
pub use truth::Truth;

#[cfg(feature = "compile")]
use crate::bundle::layout::PredicateRecord;
use crate::bundle::layout::{NONE, PredicateView, op};
use crate::evaluate::{Evaluator, Memory};
use crate::explain::{Step, Visitor};

/// Longest operand of `starts_with`, `ends_with` and `contains`, bytes: it bounds the work of `contains`.
#[cfg(feature = "compile")]
pub(crate) const LONGEST_PART: usize = text::LONGEST;

/// How deep a condition may be nested, where a segment takes up to four levels; the compiler refuses more, and so does this for
/// damaged bundles.
pub(crate) const DEEPEST: u8 = 80;

impl<M: Memory, V: Visitor> Evaluator<'_, M, V> {
    /// Truth of a predicate; `None` for a damaged one.
    #[inline(always)]
    pub(crate) fn condition(&mut self, index: u16) -> Option<Truth> {
        if index == NONE {
            return Some(Truth::True);
        }
        match self.memory.truth(index) {
            Some(truth) => Some(truth),
            None => {
                self.spend(1)?;
                self.node(index, 0)
            }
        }
    }

    /// Truth of a predicate that is not remembered. Who asks has paid the fuel for it.
    fn node(&mut self, index: u16, depth: u8) -> Option<Truth> {
        let record = PredicateView::at(&self.bound.bundle.predicates, u32::from(index))?;
        let operation = record.op() & !op::SHARED;
        let truth = if operation == op::AND || operation == op::OR {
            self.junction(index, record, depth, Truth::from(operation == op::OR))?
        } else {
            self.single(index, record, depth)?
        };
        if record.op() & op::SHARED != 0 {
            self.memory.keep_truth(index, truth);
        }
        if V::ENABLED {
            let value = self.bound.value_of(record);
            self.visitor.visit(Step::Condition { index, depth, value, truth });
        }
        Some(truth)
    }

    /// A predicate that is no junction and not remembered.
    fn single(&mut self, index: u16, record: PredicateView<'_>, depth: u8) -> Option<Truth> {
        match record.op() & !op::SHARED {
            op::NOT => Some(!self.only_child(index, record, depth)?),
            op::SEGMENT => self.only_child(index, record, depth),
            operation => {
                self.spend(cost_of_text(operation, record.n()))?;
                atom(&self.bound, record)
            }
        }
    }

    /// What a `not` or a segment is about.
    fn only_child(&mut self, parent: u16, record: PredicateView<'_>, depth: u8) -> Option<Truth> {
        self.spend(1)?;
        self.child(parent, low(record.b()), depth)
    }

    /// `and` stops at false, `or` at true; otherwise the lesser or greater of all. All its parts are paid
    /// for at once, which is what the compiler counts.
    #[inline(always)]
    fn junction(&mut self, parent: u16, record: PredicateView<'_>, depth: u8, stop: Truth) -> Option<Truth> {
        if depth >= DEEPEST {
            return None;
        }
        self.spend(u32::from(record.n()))?;
        let mut result = !stop;
        let mut inline = record.b();
        for place in 0..record.n() {
            let child = if record.n() <= 4 {
                let child = low(inline);
                inline >>= 16;
                child
            } else {
                let place = record.a().checked_add(u32::from(place))?;
                u16::from_le_bytes(self.bound.bundle.children.record::<2>(place)?)
            };
            // Asked before what is remembered, so that a damaged bundle is the same to a set of decisions and to one.
            if child >= parent {
                return None;
            }
            let truth = match self.memory.truth(child) {
                Some(truth) => truth,
                None => self.part(parent, child, depth)?,
            };
            if truth == stop {
                return Some(stop);
            }
            if truth == Truth::Unknown {
                result = Truth::Unknown;
            }
        }
        Some(result)
    }

    /// A part of a junction: a test of an attribute is done in place.
    #[inline(always)]
    fn part(&mut self, parent: u16, child: u16, depth: u8) -> Option<Truth> {
        let record = PredicateView::at(&self.bound.bundle.predicates, u32::from(child))?;
        let cheap =
            record.op() > op::SEGMENT && record.op() < op::REGEX_OR_SHARED && record.op() != op::CONTAINS;
        if V::ENABLED || !cheap {
            return self.child(parent, child, depth);
        }
        atom(&self.bound, record)
    }

    /// A child stands before its parent, so that there can be no cycle.
    fn child(&mut self, parent: u16, child: u16, depth: u8) -> Option<Truth> {
        if child >= parent || depth >= DEEPEST {
            return None;
        }
        match self.memory.truth(child) {
            Some(truth) => Some(truth),
            None => self.node(child, depth.wrapping_add(1)),
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a child is the low 16 bits")]
const fn low(word: u64) -> u16 {
    word as u16
}

/// Fuel that a predicate takes beside its own one because it goes through a text: a pattern's program may run for every byte.
const fn cost_of_text(operation: u8, instructions: u16) -> u32 {
    match operation {
        op::REGEX => 16 * instructions as u32,
        op::CONTAINS => 16,
        _ => 0,
    }
}

/// Fuel that a predicate takes by itself.
#[cfg(feature = "compile")]
pub(crate) const fn cost_of(record: &PredicateRecord) -> u32 {
    1 + cost_of_text(record.op, record.n)
}
