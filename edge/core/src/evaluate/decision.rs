//! The answer of the core.

use super::Reason;
use crate::Handle;
use crate::bundle::layout::{NONE, NONE_U8};

/// Place of a variant among those of its entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VariantIndex(pub(crate) u8);

impl VariantIndex {
    /// The place as a number, from 0.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Which variant, and why: 8 bytes; names and values are resolved by [`Bundle::variant`](crate::Bundle::variant).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    entry: u16,
    /// Experiment behind the decision of a flag.
    via: u16,
    /// Rule of a flag that decided.
    rule: u16,
    variant: u8,
    reason: Reason,
}

impl Decision {
    /// What a buffer holds before it is filled.
    pub const EMPTY: Self =
        Self { entry: NONE, via: NONE, rule: NONE, variant: NONE_U8, reason: Reason::Invalid };

    /// A decision of an experiment.
    #[inline]
    pub(crate) const fn experiment_outcome(entry: Handle, variant: u8, reason: Reason) -> Self {
        Self { entry: entry.0, via: entry.0, rule: NONE, variant, reason }
    }

    /// A decision of a flag that no rule made.
    pub(crate) const fn flag_outcome(entry: Handle, variant: u8, reason: Reason) -> Self {
        Self { entry: entry.0, via: NONE, rule: NONE, variant, reason }
    }

    pub(crate) const fn invalid(entry: Handle) -> Self {
        Self::flag_outcome(entry, NONE_U8, Reason::Invalid)
    }

    pub(crate) const fn by_rule(mut self, rule: u16) -> Self {
        self.rule = rule;
        self
    }

    pub(crate) const fn via(mut self, experiment: u16) -> Self {
        self.via = experiment;
        self
    }

    /// The experiment or flag that was decided.
    #[inline]
    pub const fn handle(&self) -> Handle {
        Handle(self.entry)
    }

    /// The variant; `None` with the reason [`Reason::Invalid`] only.
    #[inline]
    pub const fn variant_index(&self) -> Option<VariantIndex> {
        if self.variant == NONE_U8 { None } else { Some(VariantIndex(self.variant)) }
    }

    /// Why.
    #[inline]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// The experiment behind it: the entry itself, or what the deciding rule of a flag named.
    pub const fn experiment(&self) -> Option<Handle> {
        if self.via == NONE { None } else { Some(Handle(self.via)) }
    }

    /// The experiment to which this decision counts as an exposure, if it does.
    pub const fn exposure(&self) -> Option<Handle> {
        if self.reason.counts() { self.experiment() } else { None }
    }

    /// Place of the rule of a flag that decided, from 0.
    pub const fn rule(&self) -> Option<u16> {
        if self.rule == NONE { None } else { Some(self.rule) }
    }
}
