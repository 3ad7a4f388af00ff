//! Segments: named conditions with lists of ids, compiled once each.

use alloc::string::String;
use alloc::vec::Vec;

use super::entries::Compiler;
use super::error::InvalidEntry;
use super::links::{Links, Need};
use super::{Refusal, ids, refuse};
use crate::bundle::layout::{PredicateRecord, op, view};
use crate::wire::{Condition, Id, Lenient};

impl Compiler<'_> {
    /// Refuses segments that contain each other or are nested too deep, so that compiling any comes to an end.
    pub(super) fn examine_segments(&mut self) {
        let segments: Vec<_> = self.wire.segments.iter().filter_map(Lenient::valid).collect();
        let keys: Vec<&str> = segments.iter().map(|segment| segment.key.as_str()).collect();
        let mut needs = Vec::new();
        for segment in &segments {
            let mut needed = Vec::new();
            segment.when.iter().for_each(|when| add_segments_of(when, &mut needed));
            needs.push(needed);
        }
        let links = Links::examine("segments", &keys, &needs);
        for (key, refusal) in keys.iter().zip(links.refusals) {
            if let Some(refusal) = refusal {
                self.predicates.segments.insert((*key).into(), Err(refusal));
            }
        }
    }

    /// Reports the segments that cannot be compiled, also those that nothing uses and that are not in the bundle.
    pub(super) fn report_segments(&mut self) {
        let mut unused = None;
        for segment in self.wire.segments.iter().filter_map(Lenient::valid) {
            let key = segment.key.as_str();
            if self.groups.segment(key).is_err() {
                continue;
            }
            let compiled = match self.predicates.segments.get(key) {
                Some(known) => known.clone(),
                None => unused.get_or_insert_with(|| Compiler::new(self.wire, self.id_key)).segment(key),
            };
            if let Err(Refusal(reason)) = compiled {
                self.invalid.push(InvalidEntry { kind: "segment", key: key.into(), reason });
            }
        }
    }

    /// The predicate of a segment.
    pub(super) fn segment(&mut self, key: &str) -> Result<u16, Refusal> {
        if let Some(known) = self.predicates.segments.get(key) {
            return known.clone();
        }
        let compiled =
            self.segment_body(key).map_err(|refusal| refusal.within(&alloc::format!("segment {key:?}")));
        self.predicates.segments.insert(key.into(), compiled.clone());
        compiled
    }

    /// `included or (not excluded and when)`.
    fn segment_body(&mut self, key: &str) -> Result<u16, Refusal> {
        let segment = self.groups.segment(key)?;
        let mut body = match &segment.when {
            Some(when) => self.condition(when)?,
            None => self.junction(op::OR, Vec::new())?,
        };
        if !segment.excluded.is_empty() && segment.when.is_some() {
            let excluded = self.id_list(&segment.unit, &segment.excluded)?;
            let others = self.negation(excluded)?;
            body = self.junction(op::AND, alloc::vec![others, body])?;
        }
        if !segment.included.is_empty() {
            let included = self.id_list(&segment.unit, &segment.included)?;
            body = if segment.when.is_some() {
                self.junction(op::OR, alloc::vec![included, body])?
            } else {
                included
            };
        }
        let (name, len) = self.sections.string(key)?;
        let n = u16::try_from(len).map_err(|_| refuse!("the key is too long"))?;
        self.intern(PredicateRecord { op: op::SEGMENT, slot: 0, n, a: name, b: u64::from(body) }, &[body])
    }

    fn id_list(&mut self, unit: &str, list: &[Id]) -> Result<u16, Refusal> {
        let mut hashes = list
            .iter()
            .map(|id| ids::hash(id, self.id_key, self.key_brought))
            .collect::<Result<Vec<_>, _>>()?;
        hashes.sort_unstable();
        hashes.dedup();
        let run: Vec<_> = hashes.iter().map(|hash| hash.to_le_bytes()).collect();
        let record = PredicateRecord {
            op: op::IN_IDS,
            slot: self.sections.view(unit, view::UNIT)?,
            n: 0,
            a: self.sections.ids.run(&run)?,
            b: run.len() as u64,
        };
        self.intern(record, &[])
    }
}

/// Adds the segments that a condition names itself.
fn add_segments_of(condition: &Condition, needed: &mut Vec<Need>) {
    match condition {
        Condition::And(parts) | Condition::Or(parts) => {
            parts.iter().for_each(|part| add_segments_of(part, needed));
        }
        Condition::Not(inner) => add_segments_of(inner, needed),
        Condition::Segment(key) => needed.push(Need { key: String::clone(key), times: 1 }),
        Condition::Test(_) => {}
    }
}
