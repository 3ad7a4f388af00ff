//! A context bound to a bundle.

use super::{Context, Slot, Value};
use crate::bundle::Bundle;
use crate::bundle::layout::{PredicateView, ViewRecord, flag, op, view};

/// A context bound to a bundle: every attribute that the bundle's conditions use, looked up and parsed once.
///
/// `N` is the number of parsed attributes held. Those beyond are looked up and parsed once for each set of decisions, and in a
/// decision alone each time they are asked for, which is slower and otherwise the same; [`Bundle::views`] says how many a bundle
/// has.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a, const N: usize = 32> {
    bundle: &'a Bundle<'a>,
    context: Context<'a>,
    slots: [Slot<'a>; N],
    bound: usize,
    /// The entry flags that matter for this visitor.
    enabled: u16,
    /// The checks that every entry needs for this visitor.
    always: u16,
}

/// Most views of a bundle, whose places have 8 bits.
const MOST: usize = 255;

impl<'a> Bundle<'a> {
    /// Binds a context, with room for 32 parsed attributes.
    pub fn bind(&'a self, context: &Context<'a>) -> Subject<'a> {
        self.bind_with(context)
    }

    /// Binds a context, with room for `N` parsed attributes.
    pub fn bind_with<const N: usize>(&'a self, context: &Context<'a>) -> Subject<'a, N> {
        let mut slots = [Slot::Missing; N];
        let mut bound = 0;
        for (slot, index) in slots.iter_mut().zip(0..self.views.len()) {
            *slot = read_view(self, context, index);
            bound += 1;
        }
        let enabled = enabled_checks(context);
        let always = if context.forced.is_empty() { 0 } else { flag::OVERRIDE };
        Subject { bundle: self, context: *context, slots, bound, enabled, always }
    }
}

/// The entry flags that matter for a visitor: who agreed needs no consent check, who brings nothing kept no sticky check.
const fn enabled_checks(context: &Context<'_>) -> u16 {
    let mut enabled = u16::MAX;
    if context.consent {
        enabled &= !flag::CONSENT;
    }
    if context.sticky.is_empty() {
        enabled &= !flag::STICKY;
    }
    enabled
}

/// The attribute of a view; [`Slot::Foreign`] where the view is damaged or of a newer kind.
fn read_view<'a>(bundle: &Bundle<'a>, context: &Context<'a>, index: u32) -> Slot<'a> {
    let view = ViewRecord::at(&bundle.views, index);
    let view = view.filter(|view| (view::UNIT..=view::ANY).contains(&view.kind));
    let Some((view, name)) =
        view.and_then(|view| Some((view, bundle.string_bytes(view.name, u32::from(view.name_len))?)))
    else {
        return Slot::Foreign;
    };
    let attribute = context.attributes.iter().find(|attribute| attribute.name.as_bytes() == name);
    attribute.map_or(Slot::Missing, |attribute| Slot::read(view.kind, attribute.value))
}

impl<'a, const N: usize> Subject<'a, N> {
    /// The bundle that it is bound to.
    pub const fn bundle(&self) -> &'a Bundle<'a> {
        self.bundle
    }

    /// The same with room for all that a bundle can have, where this one has not enough.
    pub(crate) fn with_all(&self) -> Option<Subject<'a, MOST>> {
        let all = usize::try_from(self.bundle.views.len()).map_or(MOST, |all| all.min(MOST));
        (self.bound < all).then(|| self.widened())
    }

    #[cold]
    fn widened(&self) -> Subject<'a, MOST> {
        let mut slots = [Slot::Missing; MOST];
        let mut bound = 0;
        for (slot, index) in slots.iter_mut().zip(0..self.bundle.views.len()) {
            let held = self.slots.get(..self.bound).and_then(|slots| slots.get(bound)).copied();
            *slot = held.unwrap_or_else(|| read_view(self.bundle, &self.context, index));
            bound += 1;
        }
        Subject {
            bundle: self.bundle,
            context: self.context,
            slots,
            bound,
            enabled: self.enabled,
            always: self.always,
        }
    }

    /// What the evaluator reads, independent of the room for attributes.
    #[inline]
    pub(crate) fn bound(&self) -> Bound<'_> {
        Bound {
            bundle: self.bundle,
            context: &self.context,
            slots: self.slots.get(..self.bound).unwrap_or(&self.slots),
            enabled: self.enabled,
            always: self.always,
        }
    }
}

/// What the evaluator reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound<'s> {
    pub(crate) bundle: &'s Bundle<'s>,
    pub(crate) context: &'s Context<'s>,
    slots: &'s [Slot<'s>],
    pub(crate) enabled: u16,
    pub(crate) always: u16,
}

impl<'s> Bound<'s> {
    /// The attribute of a view, where the subject has it.
    #[inline]
    pub(crate) fn bound_slot(&self, index: u8) -> Option<&'s Slot<'s>> {
        self.slots.get(usize::from(index))
    }

    /// What the context has for the attribute that a predicate tests, if it tests one.
    pub(crate) fn value_of(&self, predicate: PredicateView<'_>) -> Option<Value<'s>> {
        if predicate.op() & !op::SHARED < op::EXISTS {
            return None;
        }
        let name = self.bundle.view_name(predicate.slot())?;
        self.context
            .attributes
            .iter()
            .find(|attribute| attribute.name == name)
            .map(|attribute| attribute.value)
    }

    /// The attribute of a view.
    pub(crate) fn slot(&self, index: u8) -> Slot<'s> {
        match self.bound_slot(index) {
            Some(slot) => *slot,
            None => read_view(self.bundle, self.context, u32::from(index)),
        }
    }
}
