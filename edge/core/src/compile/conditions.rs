//! Conditions: a tree becomes predicates, equal ones stored once, children before parents.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use std::collections::HashMap;

use super::entries::Compiler;
use super::{Refusal, refuse};
use crate::bundle::layout::{NONE, PredicateRecord, op};
use crate::targeting::{DEEPEST, cost_of};
use crate::wire::Condition;

/// Predicates that one condition may look at; the evaluator's fuel is for a whole decision.
const MOST_WORK: u32 = 16_384;
/// Levels of `and`, `or` and `not` in one condition as it is written, so that its JSON can be read: each takes up to two of the
/// 127 levels that a reader of JSON goes down.
const DEEPEST_WRITTEN: u8 = 48;

/// What is known about the predicates made so far.
#[derive(Debug, Default)]
pub(super) struct Predicates {
    known: HashMap<[u8; PredicateRecord::SIZE], u16>,
    /// Depth and work below each predicate.
    costs: Vec<(u8, u32)>,
    /// Users of each predicate: entries, rules, other predicates.
    uses: Vec<u32>,
    /// Segments that were compiled, or are refused.
    pub(super) segments: HashMap<String, Result<u16, Refusal>>,
}

impl Compiler<'_> {
    /// The predicate of a condition, for an entry or rule.
    pub(super) fn predicate(&mut self, condition: Option<&Condition>) -> Result<u16, Refusal> {
        let Some(condition) = condition else { return Ok(NONE) };
        let predicate = self.condition(condition).map_err(|refusal| refusal.within("when"))?;
        let (depth, work) = self.cost(predicate);
        if depth > DEEPEST {
            return Err(refuse!("when: nested {depth} deep; {DEEPEST} is the most"));
        }
        if work > MOST_WORK {
            return Err(refuse!(
                "when: the work of {work} tests, segments included; {MOST_WORK} is the most (contains is 17, a pattern some hundreds)"
            ));
        }
        self.use_predicate(predicate);
        self.work += work;
        Ok(predicate)
    }

    fn cost(&self, predicate: u16) -> (u8, u32) {
        self.predicates.costs.get(usize::from(predicate)).copied().unwrap_or((0, 0))
    }

    fn use_predicate(&mut self, predicate: u16) {
        if let Some(uses) = self.predicates.uses.get_mut(usize::from(predicate)) {
            *uses += 1;
        }
    }

    /// The predicate of a condition as it is written, in an entry or a segment.
    pub(super) fn condition(&mut self, condition: &Condition) -> Result<u16, Refusal> {
        if !fits(condition, DEEPEST_WRITTEN) {
            return Err(refuse!(
                "\"and\", \"or\" and \"not\" nested more than {DEEPEST_WRITTEN} deep: move a part to a segment"
            ));
        }
        self.tree(condition)
    }

    fn tree(&mut self, condition: &Condition) -> Result<u16, Refusal> {
        match condition {
            Condition::And(all) => {
                let all = self.conditions(all).map_err(|refusal| refusal.within("and"))?;
                self.junction(op::AND, all)
            }
            Condition::Or(any) => {
                let any = self.conditions(any).map_err(|refusal| refusal.within("or"))?;
                self.junction(op::OR, any)
            }
            Condition::Not(inner) => {
                let inner = self.tree(inner).map_err(|refusal| refusal.within("not"))?;
                self.negation(inner)
            }
            Condition::Segment(key) => self.segment(key),
            Condition::Test(test) => self
                .test(test)
                .map_err(|refusal| refusal.within(&alloc::format!("attribute {:?}", test.attr))),
        }
    }

    fn conditions(&mut self, conditions: &[Condition]) -> Result<Vec<u16>, Refusal> {
        conditions.iter().map(|condition| self.tree(condition)).collect()
    }

    /// `and` or `or` over predicates; over one it is that one, over none it is true or false.
    pub(super) fn junction(&mut self, op: u8, mut children: Vec<u16>) -> Result<u16, Refusal> {
        let mut seen = BTreeSet::new();
        children.retain(|child| seen.insert(*child));
        if let [only] = children.as_slice() {
            return Ok(*only);
        }
        let n = u16::try_from(children.len()).map_err(|_| refuse!("more than 65,535 parts"))?;
        let record = match n {
            0 if op == op::AND => PredicateRecord { op: op::TRUE, slot: 0, n: 0, a: 0, b: 0 },
            0 => PredicateRecord { op: op::FALSE, slot: 0, n: 0, a: 0, b: 0 },
            1..=4 => {
                let b = children.iter().rev().fold(0, |word, child| word << 16 | u64::from(*child));
                PredicateRecord { op, slot: 0, n, a: 0, b }
            }
            _ => {
                let run: Vec<_> = children.iter().map(|child| child.to_le_bytes()).collect();
                PredicateRecord { op, slot: 0, n, a: self.sections.children.run(&run)?, b: 0 }
            }
        };
        self.intern(record, &children)
    }

    pub(super) fn negation(&mut self, inner: u16) -> Result<u16, Refusal> {
        let record = PredicateRecord { op: op::NOT, slot: 0, n: 0, a: 0, b: u64::from(inner) };
        self.intern(record, &[inner])
    }

    /// The place of a predicate, new or known.
    pub(super) fn intern(&mut self, record: PredicateRecord, children: &[u16]) -> Result<u16, Refusal> {
        if let Some(known) = self.predicates.known.get(&record.bytes()) {
            return Ok(*known);
        }
        let place = u16::try_from(self.sections.predicates.len()).ok().filter(|place| *place != NONE);
        let place =
            place.ok_or_else(|| refuse!("more than 65,534 different conditions: split the environment"))?;
        let mut cost = (0u8, cost_of(&record));
        for child in children {
            let (depth, work) = self.cost(*child);
            cost = (cost.0.max(depth.saturating_add(1)), cost.1.saturating_add(work));
            self.use_predicate(*child);
        }
        self.sections.predicates.push(record);
        self.predicates.known.insert(record.bytes(), place);
        self.predicates.costs.push(cost);
        self.predicates.uses.push(0);
        Ok(place)
    }

    /// Marks what is worth remembering within a decision set: used more than once, and dearer than the remembering.
    pub(super) fn mark_shared(&mut self) {
        for (record, uses) in self.sections.predicates.iter_mut().zip(&self.predicates.uses) {
            let cheap = matches!(
                record.op,
                op::TRUE | op::FALSE | op::EXISTS | op::EQ_SHORT | op::EQ_BOOL..=op::LTE_NUMBER | op::GT_DATE..=op::LTE_DATE
            );
            if *uses > 1 && !cheap {
                record.op |= op::SHARED;
            }
        }
    }
}

/// Whether a condition has at most so many levels above its tests and segments.
fn fits(condition: &Condition, levels: u8) -> bool {
    match (condition, levels.checked_sub(1)) {
        (Condition::Segment(_) | Condition::Test(_), _) => true,
        (_, None) => false,
        (Condition::And(parts) | Condition::Or(parts), Some(below)) => {
            parts.iter().all(|part| fits(part, below))
        }
        (Condition::Not(inner), Some(below)) => fits(inner, below),
    }
}
