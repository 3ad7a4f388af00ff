//! Which entry, or which segment, needs which: the order of compiling, and cycles, which are refused.

use alloc::string::String;
use alloc::vec::Vec;
use std::collections::HashMap;

use super::{Refusal, refuse};
use crate::evaluate::DEEPEST_CHAIN;

/// An entry that another one needs.
#[derive(Clone, Debug)]
pub(super) struct Need {
    pub(super) key: String,
    /// How often a decision may ask for it.
    pub(super) times: u32,
}

/// What is known about an entry on the way through the graph.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    New,
    /// Reached as the so manieth, and the first that can be reached from it among those whose component is open (Tarjan, 1972).
    Open {
        order: usize,
        low: usize,
    },
    Done,
}

/// For each entry the reason to refuse it, if it is part of a cycle or needs too long a chain.
pub(super) struct Links<'g> {
    /// What makes the links, for those who read a refusal.
    what: &'static str,
    needs: &'g [Vec<Need>],
    keys: &'g [&'g str],
    places: HashMap<&'g str, usize>,
    marks: Vec<Mark>,
    /// Entries whose component is open, in the order in which they were reached.
    open: Vec<usize>,
    reached: usize,
    /// Length of the longest chain below each entry.
    lengths: Vec<u8>,
    pub(super) refusals: Vec<Option<Refusal>>,
    /// Places of the entries, each after those it needs (cycles aside).
    pub(super) order: Vec<usize>,
}

impl<'g> Links<'g> {
    /// Examines entries by their keys and what each needs.
    pub(super) fn examine(what: &'static str, keys: &'g [&'g str], needs: &'g [Vec<Need>]) -> Self {
        let places = keys.iter().enumerate().map(|(place, key)| (*key, place)).collect();
        let marks = alloc::vec![Mark::New; keys.len()];
        let (lengths, refusals) = (alloc::vec![0; keys.len()], alloc::vec![None; keys.len()]);
        let (open, order) = (Vec::new(), Vec::new());
        let mut links = Self { what, needs, keys, places, marks, open, reached: 0, lengths, refusals, order };
        for place in 0..keys.len() {
            links.visit(place);
        }
        links
    }

    /// Depth first with a stack of its own, since a chain may be as long as the bundle.
    fn visit(&mut self, from: usize) {
        if self.marks.get(from) != Some(&Mark::New) {
            return;
        }
        let mut path: Vec<(usize, usize)> = alloc::vec![(from, 0)];
        self.reach(from);
        while let Some((place, next)) = path.last_mut() {
            let place = *place;
            let needed = self.needs.get(place).and_then(|needs| needs.get(*next));
            *next += 1;
            match needed.and_then(|need| self.place_of(need)) {
                Some(needed) => match self.marks.get(needed) {
                    Some(Mark::New) => {
                        self.reach(needed);
                        path.push((needed, 0));
                    }
                    Some(Mark::Open { order, .. }) => self.lower(place, *order),
                    _ => {}
                },
                None if needed.is_some() => {}
                None => {
                    path.pop();
                    if let (Some(Mark::Open { low, .. }), Some((above, _))) =
                        (self.marks.get(place), path.last())
                    {
                        self.lower(*above, *low);
                    }
                    self.finish(place);
                    self.close_component(place);
                }
            }
        }
    }

    /// Where an entry that is needed stands; none where there is no such entry.
    fn place_of(&self, need: &Need) -> Option<usize> {
        self.places.get(need.key.as_str()).copied()
    }

    fn reach(&mut self, place: usize) {
        if let Some(mark) = self.marks.get_mut(place) {
            *mark = Mark::Open { order: self.reached, low: self.reached };
        }
        self.reached += 1;
        self.open.push(place);
    }

    fn lower(&mut self, place: usize, reachable: usize) {
        if let Some(Mark::Open { low, .. }) = self.marks.get_mut(place) {
            *low = reachable.min(*low);
        }
    }

    /// Once everything below an entry is known: if nothing before it can be reached, it and what is still open behind it need
    /// each other, and all of them are refused. An entry alone is no circle unless it needs itself.
    fn close_component(&mut self, place: usize) {
        if !matches!(self.marks.get(place), Some(Mark::Open { order, low }) if order == low) {
            return;
        }
        let start = self.open.iter().position(|open| *open == place).unwrap_or(self.open.len());
        let members = self.open.split_off(start);
        for member in &members {
            if let Some(mark) = self.marks.get_mut(*member) {
                *mark = Mark::Done;
            }
        }
        if members.len() > 1 || self.needed_among(place, &members) == Some(place) {
            let refusal = refuse!("{} go in a circle: {}", self.what, self.circle(place, &members));
            for member in members {
                if let Some(slot) = self.refusals.get_mut(member) {
                    *slot = Some(refusal.clone());
                }
            }
        }
    }

    /// The first of some entries that an entry needs.
    fn needed_among(&self, place: usize, members: &[usize]) -> Option<usize> {
        let mut needed = self.needs.get(place)?.iter().filter_map(|need| self.place_of(need));
        needed.find(|needed| members.contains(needed))
    }

    /// A circle among entries that need each other, by their keys.
    fn circle(&self, from: usize, members: &[usize]) -> String {
        let mut way = alloc::vec![from];
        while let Some(next) = way.last().and_then(|last| self.needed_among(*last, members)) {
            let known = way.iter().position(|place| *place == next);
            way.push(next);
            if let Some(known) = known {
                way.drain(..known);
                break;
            }
        }
        way.iter().filter_map(|place| self.keys.get(*place).copied()).collect::<Vec<_>>().join(" -> ")
    }

    fn finish(&mut self, place: usize) {
        self.order.push(place);
        let needed = self.needs.get(place).map(Vec::as_slice).unwrap_or_default();
        let longest = needed
            .iter()
            .filter_map(|need| self.lengths.get(self.place_of(need)?))
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
            *slot = Some(refuse!("a chain of more than {DEEPEST_CHAIN} {}", self.what));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(key: &str) -> Need {
        Need { key: key.into(), times: 1 }
    }

    fn refused(graph: &[(&str, &[&str])]) -> Vec<String> {
        let keys: Vec<&str> = graph.iter().map(|(key, _)| *key).collect();
        let needs: Vec<Vec<Need>> =
            graph.iter().map(|(_, needs)| needs.iter().map(|key| need(key)).collect()).collect();
        let links = Links::examine("prerequisites", &keys, &needs);
        let refused = keys.iter().zip(&links.refusals).filter(|(_, refusal)| refusal.is_some());
        refused.map(|(key, _)| (*key).into()).collect()
    }

    #[test]
    fn cycles_are_refused_and_what_leads_to_them_is_not() {
        assert!(refused(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &["nowhere"])]).is_empty());
        assert_eq!(refused(&[("a", &["a"])]), ["a"]);
        assert_eq!(refused(&[("x", &["a"]), ("a", &["b"]), ("b", &["c"]), ("c", &["a"])]), ["a", "b", "c"]);
        // `c` comes into the circle only after that of `a` and `b` was seen.
        assert_eq!(refused(&[("a", &["b", "c"]), ("b", &["a"]), ("c", &["b"])]), ["a", "b", "c"]);
        assert_eq!(
            refused(&[("a", &["b"]), ("b", &["a", "c"]), ("c", &["d"]), ("d", &["c"])]),
            ["a", "b", "c", "d"]
        );
        assert_eq!(refused(&[("x", &["y", "y"]), ("y", &[]), ("a", &["x", "b"]), ("b", &["a"])]), ["a", "b"]);
    }

    #[test]
    fn chains_have_a_longest_length() {
        let keys: Vec<String> = (0..40).map(|i| alloc::format!("k{i}")).collect();
        let keys: Vec<&str> = keys.iter().map(|key| &**key).collect();
        let needs: Vec<Vec<Need>> =
            (0..40).map(|i| keys.get(i + 1).map(|key| need(key)).into_iter().collect()).collect();
        let links = Links::examine("prerequisites", &keys, &needs);
        let accepted = links.refusals.iter().filter(|refusal| refusal.is_none()).count();
        assert_eq!(accepted, usize::from(DEEPEST_CHAIN) + 1);
    }
}
