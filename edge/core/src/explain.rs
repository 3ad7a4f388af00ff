//! Explaining a decision: the evaluator tells a visitor each step that it takes.
//!
//! There is one evaluator. With [`NoVisitor`] its calls are compiled away; with another visitor it says what it looks at, in
//! the order in which it looks. Steps hold places in the bundle; [`Condition`] and the methods of [`Bundle`](crate::Bundle) turn them into
//! names.

mod condition;
#[cfg(feature = "trace")]
mod trace;

use core::fmt;

pub use condition::Condition;
#[cfg(feature = "trace")]
pub use trace::{Trace, TraceStep};

use crate::Handle;
use crate::bundle::State;
use crate::context::Value;
pub use crate::evaluate::Held;
use crate::evaluate::{Decision, Unit, VariantIndex};
use crate::targeting::Truth;

/// Who is told the steps of a decision.
pub trait Visitor {
    /// `false` takes the telling out of the compiled code.
    const ENABLED: bool = true;

    /// Told each step, in order.
    fn visit(&mut self, step: Step<'_>);
}

/// Nobody.
#[derive(Clone, Copy, Debug)]
pub struct NoVisitor;

impl Visitor for NoVisitor {
    const ENABLED: bool = false;

    fn visit(&mut self, _: Step<'_>) {}
}

impl<V: Visitor> Visitor for &mut V {
    const ENABLED: bool = V::ENABLED;

    fn visit(&mut self, step: Step<'_>) {
        V::visit(self, step);
    }
}

/// One step of a decision. Times are milliseconds since 1970; a bucket is its hash modulo 10,000.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// A decision begins: the one that was asked for, or one that it needs.
    Begin {
        /// The experiment or flag.
        entry: Handle,
    },
    /// The entry is not simply running.
    State {
        /// Where it stands.
        state: State,
    },
    /// The entry has a schedule.
    Schedule {
        /// First moment; the least number where there is none.
        start: i64,
        /// First moment after; the greatest number where there is none.
        end: i64,
        /// The moment of the decision.
        now: i64,
    },
    /// A prerequisite was decided, in the steps before.
    Prerequisite {
        /// What the flag serves.
        served: Decision,
        /// What it has to serve.
        wanted: VariantIndex,
        /// Whether they are the same.
        holds: bool,
    },
    /// Consent is needed and was not given.
    NoConsent,
    /// The unit was looked up.
    Unit {
        /// The unit, which may be missing.
        unit: UnitOf<'a>,
        /// The attribute it was looked for in first, for [`Bundle::view_name`](crate::Bundle::view_name).
        view: u8,
    },
    /// A tester asked for a variant.
    Forced {
        /// The variant.
        variant: VariantIndex,
    },
    /// The unit was looked up in the list of overrides.
    Override {
        /// Hash of the id under the bundle's key.
        hash: u64,
        /// What was found.
        variant: Option<VariantIndex>,
    },
    /// A kept assignment was looked up.
    Sticky {
        /// What was found.
        variant: Option<VariantIndex>,
    },
    /// A holdout was asked.
    Holdout {
        /// Its place, for [`Bundle::holdout_key`](crate::Bundle::holdout_key).
        holdout: u16,
        /// Hash of `holdout:{holdout}:{unit}`.
        hash: u32,
        /// What it does.
        held: Held,
    },
    /// A condition was worked out; its parts come before it, one deeper.
    Condition {
        /// Its place, for [`Condition::at`].
        index: u16,
        /// How deep it is nested, from 0.
        depth: u8,
        /// What the context has for the attribute that it tests.
        value: Option<Value<'a>>,
        /// The outcome.
        truth: Truth,
    },
    /// The unit's place in the layer was compared with the experiment's ranges.
    Layer {
        /// Place of the layer, for [`Bundle::layer_key`](crate::Bundle::layer_key).
        layer: u16,
        /// Hash of `layer:{layer}:{unit}`.
        hash: u32,
        /// Whether a range holds it.
        inside: bool,
    },
    /// The gate of an experiment outside layers, or of a rollout.
    Gate {
        /// Hash of `{salt}:{unit}`, or `{flag}:{rule}:{unit}`.
        hash: u32,
        /// The buckets below this are in, basis points.
        below: u16,
        /// Whether the unit is in.
        inside: bool,
    },
    /// A pause or a holdout ended the decision of the experiment behind a rule; what follows, up to the rule, is whether the
    /// experiment would have taken the unit.
    Otherwise {
        /// The experiment.
        experiment: Handle,
    },
    /// The variant was drawn.
    Variant {
        /// Hash of `{salt}:{unit}:variant`, or `{flag}:{rule}:{unit}:variant`.
        hash: u32,
        /// The variant.
        variant: VariantIndex,
    },
    /// A rule of a flag was tried, in the steps before.
    Rule {
        /// Its place in the flag, from 0.
        rule: u16,
        /// Its place in the bundle, for [`Bundle::rule_id`](crate::Bundle::rule_id).
        index: u32,
        /// Whether it took the unit.
        took: bool,
    },
    /// A decision ends.
    Decided {
        /// The decision.
        decision: Decision,
    },
}

/// The unit of a decision; displays as the text that is hashed, or as nothing when it is missing.
#[derive(Clone, Copy, Debug)]
pub struct UnitOf<'a>(pub(crate) Option<Unit<'a>>);

impl UnitOf<'_> {
    /// Whether the context has no unit.
    pub const fn is_missing(&self) -> bool {
        self.0.is_none()
    }

    /// The attribute that it came from, for [`Bundle::view_name`](crate::Bundle::view_name); `None` for a period or a missing unit.
    pub const fn view(&self) -> Option<u8> {
        match &self.0 {
            Some(unit) => unit.view(),
            None => None,
        }
    }
}

impl fmt::Display for UnitOf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.and_then(|unit| str::from_utf8(unit.bytes).ok()).unwrap_or(""))
    }
}
