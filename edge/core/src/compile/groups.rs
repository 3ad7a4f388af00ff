//! Segments, layers and holdouts of the wire form by their keys.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use std::collections::HashMap;

use super::entries::check_form;
use super::error::InvalidEntry;
use super::{Refusal, refuse};
use crate::wire::{Bundle, Holdout, Layer, Lenient, Segment};

/// Groups by key; one that could not be read is kept as the reason.
#[derive(Debug)]
pub(super) struct Groups<'w> {
    segments: HashMap<&'w str, Result<&'w Segment, String>>,
    layers: HashMap<&'w str, Result<&'w Layer, String>>,
    holdouts: HashMap<&'w str, Result<&'w Holdout, String>>,
    /// Holdouts that can be used, in the order of the wire form.
    pub(super) ordered_holdouts: Vec<&'w Holdout>,
}

impl<'w> Groups<'w> {
    /// Indexes the groups of a bundle and reports those that cannot be read.
    pub(super) fn new(wire: &'w Bundle, invalid: &mut Vec<InvalidEntry>) -> Self {
        let segments = index("segment", &wire.segments, |segment| &segment.key, invalid);
        let layers = index("layer", &wire.layers, |layer| &layer.key, invalid);
        let holdouts = index("holdout", &wire.holdouts, |holdout| &holdout.key, invalid);
        let usable = |holdout: &&Holdout| holdouts.get(holdout.key.as_str()).is_some_and(Result::is_ok);
        let ordered_holdouts = wire.holdouts.iter().filter_map(Lenient::valid).filter(usable).collect();
        Self { segments, layers, holdouts, ordered_holdouts }
    }

    pub(super) fn segment(&self, key: &str) -> Result<&'w Segment, Refusal> {
        find("segment", &self.segments, key)
    }

    /// Makes a holdout one that cannot be used.
    pub(super) fn refuse_holdout(&mut self, key: &'w str, reason: String) {
        self.holdouts.insert(key, Err(reason));
    }

    pub(super) fn layer(&self, key: &str) -> Result<&'w Layer, Refusal> {
        find("layer", &self.layers, key)
    }

    pub(super) fn holdout(&self, key: &str) -> Result<&'w Holdout, Refusal> {
        find("holdout", &self.holdouts, key)
    }
}

fn index<'w, T>(
    kind: &'static str,
    list: &'w [Lenient<T>],
    key_of: impl Fn(&'w T) -> &'w String,
    invalid: &mut Vec<InvalidEntry>,
) -> HashMap<&'w str, Result<&'w T, String>> {
    let mut groups: HashMap<&str, Result<&T, String>> = HashMap::new();
    for item in list {
        let (key, read) = match item {
            Lenient::Valid(group) => (key_of(group).as_str(), Ok(group)),
            Lenient::Invalid { key, reason, .. } => (key.as_deref().unwrap_or(""), Err(reason.clone())),
        };
        let read = match read {
            Ok(_) if groups.contains_key(key) => Err(alloc::format!("the {kind} key is used twice")),
            Ok(group) => check_form(key).map(|()| group).map_err(|refusal| refusal.0),
            unread => unread,
        };
        if let Err(reason) = &read {
            invalid.push(InvalidEntry { kind, key: key.to_string(), reason: reason.clone() });
        }
        groups.insert(key, read);
    }
    groups
}

fn find<'w, T>(
    kind: &str,
    groups: &HashMap<&str, Result<&'w T, String>>,
    key: &str,
) -> Result<&'w T, Refusal> {
    match groups.get(key) {
        Some(Ok(group)) => Ok(group),
        Some(Err(reason)) => Err(refuse!("the {kind} {key:?} is invalid: {reason}")),
        None => Err(refuse!("there is no {kind} {key:?}")),
    }
}
