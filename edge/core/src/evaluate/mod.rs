//! The evaluator: one code path for deciding, deciding many, and explaining.
//!
//! Order of checks, each with its own reason: killed or archived (paused, off), schedule, prerequisites, consent, unit,
//! override, sticky, holdout, targeting, gate, variant. An entry's flags say which of the rare checks it needs at all, so the
//! common entry pays one test for all of them.

mod decision;
mod experiment;
mod flag;
mod holdout;
mod memory;
mod rare;
mod reason;
mod unit;

pub use decision::{Decision, VariantIndex};
pub use holdout::Held;
pub(crate) use memory::{Forget, Memory, Remember};
pub use reason::{ErrorCode, OpenFeatureReason, Reason};
pub(crate) use unit::Unit;

use crate::Handle;
use crate::bundle::layout::{EntryView, flag as bit};
use crate::context::{Bound, Subject};
use crate::explain::{NoVisitor, Step, Visitor};

/// Predicates that one decision may look at; more than any bundle of the compiler needs.
pub(crate) const FUEL: u32 = 65_536;
/// How deep flags may require flags or name experiments.
pub(crate) const DEEPEST_CHAIN: u8 = 16;

/// Flags of entries that are not decided as experiments.
const UNUSUAL: u16 = bit::RULES | bit::INVALID | !bit::KNOWN;

impl<const N: usize> Subject<'_, N> {
    /// Decides one experiment or flag.
    ///
    /// ```
    /// # use kerf_core::{Attribute, Bundle, Context, Reason};
    /// # fn decide(bytes: &[u8]) -> Result<(), kerf_core::OpenError> {
    /// let bundle = Bundle::open(bytes)?;
    /// let attributes = [Attribute::text("user_id", "user-00001234")];
    /// let context = Context::new(&attributes, 1_764_043_200_000);
    /// let subject = bundle.bind(&context);
    /// if let Some(handle) = bundle.find("checkout_color") {
    ///     let decision = subject.decide(handle);
    ///     let variant = bundle.variant(&decision).and_then(|variant| variant.key());
    ///     assert!(variant.is_some() || decision.reason() == Reason::Invalid);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn decide(&self, handle: Handle) -> Decision {
        Evaluator::new(self.bound(), Forget, NoVisitor).decide(handle)
    }

    /// Decides every entry, the one of handle `i` into `decisions[i]`, and returns how many were decided: the number of
    /// entries, or the length of the buffer if that is less.
    ///
    /// What entries share (conditions, layers, holdouts, the unit's words) is worked out once.
    pub fn decide_all(&self, decisions: &mut [Decision]) -> usize {
        let handles = (0..self.bundle().entries.len()).map(|handle| u16::try_from(handle).map(Handle));
        self.decide_set(handles.map_while(Result::ok), decisions)
    }

    /// Decides the entries of `handles` into `decisions`, as [`Subject::decide_all`] does, as far as both reach.
    pub fn decide_many(&self, handles: &[Handle], decisions: &mut [Decision]) {
        self.decide_set(handles.iter().copied(), decisions);
    }

    #[inline]
    fn decide_set(&self, handles: impl Iterator<Item = Handle>, decisions: &mut [Decision]) -> usize {
        match self.with_all() {
            Some(wide) => decide_set(wide.bound(), handles, decisions),
            None => decide_set(self.bound(), handles, decisions),
        }
    }

    /// Decides one entry and tells a visitor every step that led to the answer.
    pub fn explain<V: Visitor>(&self, handle: Handle, visitor: &mut V) -> Decision {
        Evaluator::new(self.bound(), Forget, visitor).decide(handle)
    }
}

/// Decides entries into `decisions`, as far as both reach; how many there were.
fn decide_set(bound: Bound<'_>, handles: impl Iterator<Item = Handle>, decisions: &mut [Decision]) -> usize {
    let mut evaluator = Evaluator::new(bound, Remember::new(), NoVisitor);
    let mut decided = 0;
    for (handle, decision) in handles.zip(decisions) {
        *decision = evaluator.decide(handle);
        decided += 1;
    }
    decided
}

/// One evaluation, or a set of them for the same subject.
pub(crate) struct Evaluator<'s, M, V> {
    pub(crate) bound: Bound<'s>,
    pub(crate) memory: M,
    pub(crate) visitor: V,
    fuel: u32,
}

impl<'s, M: Memory, V: Visitor> Evaluator<'s, M, V> {
    #[inline]
    const fn new(bound: Bound<'s>, memory: M, visitor: V) -> Self {
        Self { bound, memory, visitor, fuel: FUEL }
    }

    /// Decides an entry with the fuel of a decision of its own.
    #[inline]
    fn decide(&mut self, handle: Handle) -> Decision {
        self.fuel = FUEL;
        self.entry_inline(handle, 0)
    }

    /// Decides an entry, at some depth of flags that require flags.
    #[inline(always)]
    fn entry_inline(&mut self, handle: Handle, chain: u8) -> Decision {
        if V::ENABLED {
            self.visitor.visit(Step::Begin { entry: handle });
        }
        let decision = match EntryView::at(&self.bound.bundle.entries, u32::from(handle.0)) {
            Some(record) if record.flags() & UNUSUAL != 0 => self.unusual(handle, record.flags(), chain),
            Some(record) => {
                let outcome = self.experiment(handle, record, chain);
                outcome.map(|(variant, reason)| Decision::experiment_outcome(handle, variant, reason))
            }
            None => None,
        };
        let decision = decision.unwrap_or(Decision::invalid(handle));
        if V::ENABLED {
            self.visitor.visit(Step::Decided { decision });
        }
        decision
    }

    /// [`Self::entry_inline`] for an entry that another one needs.
    fn entry(&mut self, handle: Handle, chain: u8) -> Decision {
        self.entry_inline(handle, chain)
    }

    /// A flag, or an entry that cannot be decided.
    #[cold]
    fn unusual(&mut self, handle: Handle, flags: u16, chain: u8) -> Option<Decision> {
        if flags & bit::INVALID != 0 || flags & !bit::KNOWN != 0 {
            return None;
        }
        self.flag(handle, chain)
    }

    /// Spends fuel; `None` when there is none left.
    #[inline]
    pub(crate) fn spend(&mut self, amount: u32) -> Option<()> {
        self.fuel = self.fuel.checked_sub(amount)?;
        Some(())
    }
}
