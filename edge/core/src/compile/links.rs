//! Which entry needs which: the order of compiling, and cycles, which are refused.

use alloc::string::String;
use alloc::vec::Vec;
use std::collections::HashMap;

use super::{Refusal, refuse};
use crate::evaluate::DEEPEST_CHAIN;

/// What is known about an entry on the way through the graph.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    New,
    Open,
    Done,
}

/// For each entry the reason to refuse it, if it is part of a cycle or needs too long a chain.
pub(super) struct Links<'g> {
    needs: &'g [Vec<String>],
    keys: &'g [&'g str],
    places: HashMap<&'g str, usize>,
    marks: Vec<Mark>,
    /// Length of the longest chain below each entry.
    lengths: Vec<u8>,
    pub(super) refusals: Vec<Option<Refusal>>,
    /// Places of the entries, each after those it needs (cycles aside).
    pub(super) order: Vec<usize>,
}

impl<'g> Links<'g> {
    /// Examines entries by their keys and the keys that each needs.
    pub(super) fn examine(keys: &'g [&'g str], needs: &'g [Vec<String>]) -> Self {
        let places = keys.iter().enumerate().map(|(place, key)| (*key, place)).collect();
        let marks = alloc::vec![Mark::New; keys.len()];
        let (lengths, refusals) = (alloc::vec![0; keys.len()], alloc::vec![None; keys.len()]);
        let mut links = Self { needs, keys, places, marks, lengths, refusals, order: Vec::new() };
        for place in 0..keys.len() {
            links.visit(place);
        }
        links
    }

    /// Depth first with a stack of its own, since a chain may be as long as the bundle.
    fn visit(&mut self, from: usize) {
        let mut path: Vec<(usize, usize)> = alloc::vec![(from, 0)];
        if self.marks.get(from) != Some(&Mark::New) {
            return;
        }
        self.mark(from, Mark::Open);
        while let Some((place, next)) = path.last_mut() {
            let place = *place;
            let needed = self.needs.get(place).and_then(|needs| needs.get(*next));
            *next += 1;
            match needed.and_then(|key| self.places.get(key.as_str()).copied()) {
                Some(needed) => match self.marks.get(needed) {
                    Some(Mark::New) => {
                        self.mark(needed, Mark::Open);
                        path.push((needed, 0));
                    }
                    Some(Mark::Open) => self.refuse_cycle(&path, needed),
                    _ => {}
                },
                None if needed.is_some() => {}
                None => {
                    path.pop();
                    self.finish(place);
                }
            }
        }
    }

    fn mark(&mut self, place: usize, mark: Mark) {
        if let Some(slot) = self.marks.get_mut(place) {
            *slot = mark;
        }
    }

    /// Refuses every entry of the cycle that the path closes at `at`.
    fn refuse_cycle(&mut self, path: &[(usize, usize)], at: usize) {
        let start = path.iter().position(|(place, _)| *place == at).unwrap_or(0);
        let members: Vec<usize> = path.iter().skip(start).map(|(place, _)| *place).collect();
        let mut names: Vec<&str> =
            members.iter().filter_map(|place| self.keys.get(*place).copied()).collect();
        names.extend(self.keys.get(at));
        let refusal = refuse!("prerequisites and rules go in a circle: {}", names.join(" -> "));
        for member in members {
            if let Some(slot) = self.refusals.get_mut(member) {
                *slot = Some(refusal.clone());
            }
        }
    }

    fn finish(&mut self, place: usize) {
        self.mark(place, Mark::Done);
        self.order.push(place);
        let needed = self.needs.get(place).map(Vec::as_slice).unwrap_or_default();
        let longest = needed
            .iter()
            .filter_map(|key| self.lengths.get(*self.places.get(key.as_str())?))
            .map(|length| length.saturating_add(1))
            .max()
            .unwrap_or(0);
        if let Some(slot) = self.lengths.get_mut(place) {
            *slot = longest;
        }
        if longest > DEEPEST_CHAIN
            && let Some(slot) = self.refusals.get_mut(place)
            && slot.is_none()
        {
            *slot = Some(refuse!("a chain of more than {DEEPEST_CHAIN} prerequisites and rules"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(graph: &[(&str, &[&str])]) -> Vec<String> {
        let keys: Vec<&str> = graph.iter().map(|(key, _)| *key).collect();
        let needs: Vec<Vec<String>> =
            graph.iter().map(|(_, needs)| needs.iter().map(|need| (*need).into()).collect()).collect();
        let links = Links::examine(&keys, &needs);
        let refused = keys.iter().zip(&links.refusals).filter(|(_, refusal)| refusal.is_some());
        refused.map(|(key, _)| (*key).into()).collect()
    }

    #[test]
    fn cycles_are_refused_and_what_leads_to_them_is_not() {
        assert!(refused(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &["nowhere"])]).is_empty());
        assert_eq!(refused(&[("a", &["a"])]), ["a"]);
        assert_eq!(refused(&[("x", &["a"]), ("a", &["b"]), ("b", &["c"]), ("c", &["a"])]), ["a", "b", "c"]);
    }

    #[test]
    fn chains_have_a_longest_length() {
        let keys: Vec<String> = (0..40).map(|i| alloc::format!("k{i}")).collect();
        let keys: Vec<&str> = keys.iter().map(|key| &**key).collect();
        let needs: Vec<Vec<String>> =
            (0..40).map(|i| keys.get(i + 1).map(|key| (*key).into()).into_iter().collect()).collect();
        let links = Links::examine(&keys, &needs);
        let accepted = links.refusals.iter().filter(|refusal| refusal.is_none()).count();
        assert_eq!(accepted, usize::from(DEEPEST_CHAIN) + 1);
    }
}
