//! The steps of a decision as data with names, for explain endpoints.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Serialize;

use super::{Condition, Held, Step, Visitor};
use crate::bundle::State;
use crate::evaluate::{Decision, Reason, VariantIndex};
use crate::hash::to_bucket;
use crate::{Bundle, Handle};

/// Collects the steps of a decision.
///
/// ```
/// # use kerf_core::{Bundle, Context, explain::Trace};
/// # fn steps(bundle: &Bundle<'_>, key: &str) -> Option<usize> {
/// let context = Context::new(&[], 1_764_043_200_000);
/// let mut trace = Trace::new(bundle);
/// bundle.bind(&context).explain(bundle.find(key)?, &mut trace);
/// # Some(trace.steps().len())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Trace<'b> {
    bundle: &'b Bundle<'b>,
    steps: Vec<TraceStep>,
    /// Entries whose steps are told, the innermost last.
    open: Vec<Open>,
}

/// Whose steps are told.
#[derive(Clone, Copy, Debug)]
enum Open {
    /// A decision.
    Decision(Handle),
    /// What an experiment would have done otherwise.
    Otherwise(Handle),
}

/// One step, with names. Buckets are 0 to 9999; shares are basis points; times are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are those of `Step`, with names in place of places")]
pub enum TraceStep {
    Begin { key: String, version: u64 },
    State { state: &'static str },
    Schedule { start_ms: Option<i64>, end_ms: Option<i64>, now_ms: i64 },
    Prerequisite { flag: String, wanted: String, served: String, holds: bool },
    NoConsent,
    Unit { attribute: Option<String>, unit: Option<String> },
    Forced { variant: String },
    Override { id_hash: String, variant: Option<String> },
    Sticky { variant: Option<String> },
    Holdout { holdout: String, hash: u32, bucket: u16, held: &'static str },
    Condition { condition: String, value: Option<String>, depth: u8, truth: &'static str },
    Layer { layer: String, hash: u32, bucket: u16, inside: bool },
    Gate { hash: u32, bucket: u16, below: u16, inside: bool },
    Otherwise { experiment: String },
    Variant { hash: u32, bucket: u16, variant: String },
    Rule { rule: u16, id: String, took: bool },
    Decided { key: String, variant: Option<String>, reason: &'static str, detail: Option<String> },
}

impl<'b> Trace<'b> {
    /// A trace of decisions with a bundle.
    pub const fn new(bundle: &'b Bundle<'b>) -> Self {
        Self { bundle, steps: Vec::new(), open: Vec::new() }
    }

    /// The steps so far, in order.
    pub fn steps(&self) -> &[TraceStep] {
        &self.steps
    }

    /// The steps, without the collector.
    pub fn into_steps(self) -> Vec<TraceStep> {
        self.steps
    }

    fn key(&self, handle: Handle) -> String {
        self.bundle.key(handle).unwrap_or("").to_string()
    }

    fn variant_of(&self, handle: Handle, index: VariantIndex) -> String {
        let entry = self.bundle.entry(handle);
        let variant =
            entry.and_then(|entry| entry.variants().nth(index.index()).and_then(|variant| variant.key()));
        variant.unwrap_or("").to_string()
    }

    fn variant(&self, index: VariantIndex) -> String {
        match self.open.last() {
            Some(Open::Decision(handle) | Open::Otherwise(handle)) => self.variant_of(*handle, index),
            None => String::new(),
        }
    }

    fn served(&self, decision: &Decision) -> Option<String> {
        decision.variant_index().map(|index| self.variant_of(decision.handle(), index))
    }

    /// Why an entry could not be decided.
    fn detail(&self, decision: &Decision) -> Option<String> {
        if decision.reason() != Reason::Invalid {
            return None;
        }
        let entry = self.bundle.entry(decision.handle());
        let reason = entry.and_then(|entry| entry.invalid_reason());
        Some(
            reason
                .unwrap_or("the bundle is damaged here, or deciding took more work than is allowed")
                .to_string(),
        )
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each step, so that the compiler misses none")]
    fn named(&self, step: Step<'_>) -> TraceStep {
        let name = |key: Option<&str>| key.unwrap_or("").to_string();
        match step {
            Step::Begin { entry } => {
                TraceStep::Begin { key: self.key(entry), version: self.bundle.version() }
            }
            Step::State { state } => TraceStep::State { state: state_name(state) },
            Step::Schedule { start, end, now } => TraceStep::Schedule {
                start_ms: (start != i64::MIN).then_some(start),
                end_ms: (end != i64::MAX).then_some(end),
                now_ms: now,
            },
            Step::Prerequisite { served, wanted, holds } => TraceStep::Prerequisite {
                flag: self.key(served.handle()),
                wanted: self.variant_of(served.handle(), wanted),
                served: self.served(&served).unwrap_or_default(),
                holds,
            },
            Step::NoConsent => TraceStep::NoConsent,
            Step::Unit { unit, view } => TraceStep::Unit {
                attribute: self.bundle.view_name(unit.view().unwrap_or(view)).map(ToString::to_string),
                unit: (!unit.is_missing()).then(|| unit.to_string()),
            },
            Step::Forced { variant } => TraceStep::Forced { variant: self.variant(variant) },
            Step::Override { hash, variant } => TraceStep::Override {
                id_hash: alloc::format!("{hash:016x}"),
                variant: variant.map(|variant| self.variant(variant)),
            },
            Step::Sticky { variant } => {
                TraceStep::Sticky { variant: variant.map(|variant| self.variant(variant)) }
            }
            Step::Variant { hash, variant } => {
                TraceStep::Variant { hash, bucket: to_bucket(hash), variant: self.variant(variant) }
            }
            Step::Decided { decision } => TraceStep::Decided {
                key: self.key(decision.handle()),
                variant: self.served(&decision),
                reason: decision.reason().as_str(),
                detail: self.detail(&decision),
            },
            Step::Holdout { holdout, hash, held } => TraceStep::Holdout {
                holdout: name(self.bundle.holdout_key(holdout)),
                hash,
                bucket: to_bucket(hash),
                held: held_name(held),
            },
            Step::Condition { index, depth, value, truth } => {
                let condition = Condition::at(self.bundle, index);
                let condition = condition.map(|condition| condition.to_string()).unwrap_or_default();
                let value = value.map(|value| value.to_string());
                TraceStep::Condition { condition, value, depth, truth: truth.as_str() }
            }
            Step::Otherwise { experiment } => TraceStep::Otherwise { experiment: self.key(experiment) },
            Step::Layer { layer, hash, inside } => TraceStep::Layer {
                layer: name(self.bundle.layer_key(layer)),
                hash,
                bucket: to_bucket(hash),
                inside,
            },
            Step::Rule { rule, index, took } => {
                TraceStep::Rule { rule, id: name(self.bundle.rule_id(index)), took }
            }
            Step::Gate { hash, below, inside } => {
                TraceStep::Gate { hash, bucket: to_bucket(hash), below, inside }
            }
        }
    }
}

impl Visitor for Trace<'_> {
    fn visit(&mut self, step: Step<'_>) {
        match step {
            Step::Begin { entry } => self.open.push(Open::Decision(entry)),
            Step::Otherwise { experiment } => self.open.push(Open::Otherwise(experiment)),
            // The rule, or the decision that could not go on, is the flag's again.
            Step::Rule { .. } | Step::Decided { .. } => {
                self.open.pop_if(|open| matches!(open, Open::Otherwise(_)));
            }
            _ => {}
        }
        let named = self.named(step);
        self.steps.push(named);
        if let Step::Decided { .. } = step {
            self.open.pop();
        }
    }
}

const fn state_name(state: State) -> &'static str {
    match state {
        State::Running => "running",
        State::Paused => "paused",
        State::Shipped => "shipped",
        State::Killed => "killed",
        State::Archived => "archived",
        State::Off => "off",
    }
}

const fn held_name(held: Held) -> &'static str {
    match held {
        Held::No => "no",
        Held::Paired => "paired",
        Held::Out => "out",
    }
}
