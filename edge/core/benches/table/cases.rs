//! The cases: our engine and the floor over the same visitors, by what they decide.

use std::hint::black_box;

use kerf_core::{Attribute, Bundle, Context, Decision, Handle, Subject, compile, wire};

use super::floor::{Floor, FloorContext};
use super::workload::{self, Numbers, Set, Visitor};

/// Room for parsed attributes: the sets have four.
pub(crate) type Bound<'a> = Subject<'a, 8>;

/// One thing that is measured.
pub(crate) struct Case<'a> {
    /// What it is.
    pub(crate) name: &'static str,
    /// Runs once over all visitors and says how many decisions that were.
    pub(crate) run: Box<dyn FnMut() -> usize + 'a>,
}

impl<'a> Case<'a> {
    fn new(name: &'static str, run: impl FnMut() -> usize + 'a) -> Self {
        Self { name, run: Box::new(run) }
    }
}

/// The compiled bundle of a set.
pub(crate) fn bytes(set: Set) -> Vec<u8> {
    let wire: wire::Bundle = serde_json::from_str(&workload::json(set)).expect("the wire form");
    let compiled = compile(&wire).expect("a bundle");
    assert_eq!(compiled.invalid, [], "every entry compiles");
    compiled.bytes
}

/// All cases. What they work on lives as long as the program.
pub(crate) fn all() -> Vec<Case<'static>> {
    let visitors: &[Visitor] = workload::visitors().leak();
    let attributes: &[_] = visitors.iter().map(attributes).collect::<Vec<_>>().leak();
    let [w1, w2, w3, w4] = [Set::W1, Set::W2, Set::W3, Set::W4]
        .map(|set| &*Box::leak(Box::new(Bench::new(set, visitors, attributes))));
    for bench in [w1, w2, w3] {
        bench.check();
    }
    let mut numbers = Numbers(7);
    let random = (0..workload::VISITORS)
        .map(|_| workload::key(numbers.below(workload::EXPERIMENTS as u64) as usize))
        .collect();
    let first = || vec![workload::key(0)];
    let mut cases = Vec::new();
    cases.extend(single(w1, ["W1 by key", "W1 by handle", "W1 floor"], first()));
    cases.extend(single(w2, ["W2 hit by key", "W2 hit by handle", "W2 hit floor"], first()));
    cases.extend(single(w3, ["one of 1,000 by key", "one of 1,000 by handle", "one of 1,000 floor"], random));
    cases.extend(whole(w3, ["W3", "W3 floor"]));
    let [w4_ours, _] = whole(w4, ["W4", "W4 floor"]);
    cases.push(w4_ours);
    cases.push(cold(w3.bytes, attributes));
    cases.push(bind(w3.bundle, attributes));
    cases.push(resolve(w1));
    cases
}

fn attributes(visitor: &Visitor) -> [Attribute<'_>; 4] {
    [
        Attribute::text("user_id", &visitor.user_id),
        Attribute::text("country", visitor.country),
        Attribute::text("app_version", &visitor.app_version),
        Attribute::number("age", visitor.age),
    ]
}

/// Everything a workload needs: both engines over the same visitors.
struct Bench {
    bytes: &'static [u8],
    bundle: &'static Bundle<'static>,
    subjects: Vec<Bound<'static>>,
    floor: Floor,
    contexts: Vec<FloorContext<'static>>,
}

impl Bench {
    fn new(set: Set, visitors: &'static [Visitor], attributes: &'static [[Attribute<'static>; 4]]) -> Self {
        let bytes: &[u8] = bytes(set).leak();
        let bundle = &*Box::leak(Box::new(Bundle::open(bytes).expect("a bundle")));
        let mut bench =
            Self { bytes, bundle, subjects: Vec::new(), floor: Floor::new(set), contexts: Vec::new() };
        let first = bundle.find(&workload::key(0)).expect("the key");
        for (visitor, attributes) in visitors.iter().zip(attributes) {
            let subject: Bound<'_> = bundle.bind_with(&Context::new(attributes, 0));
            // W2 is measured with those whom its experiment assigns.
            if set != Set::W2 || subject.decide(first).exposure().is_some() {
                bench.subjects.push(subject);
                bench.contexts.push(FloorContext::new(visitor));
            }
        }
        bench
    }

    /// Both engines give the same answers; a floor that does other work would measure nothing.
    fn check(&self) {
        for (subject, context) in self.subjects.iter().zip(&self.contexts) {
            for (index, experiment) in self.floor.experiments.iter().enumerate() {
                let handle = self.bundle.find(&workload::key(index)).expect("the key");
                let decision = subject.decide(handle);
                let ours = decision.exposure().and(decision.variant_index()).map(|variant| variant.index());
                assert_eq!(ours, experiment.decide(context).map(usize::from), "{index}");
            }
        }
    }
}

/// Cases by key, by handle and of the floor, each visitor with a key of its own.
fn single(bench: &'static Bench, names: [&'static str; 3], keys: Vec<String>) -> [Case<'static>; 3] {
    let keys: &'static [String] = keys.leak();
    let keys: Vec<&str> = keys.iter().cycle().take(bench.subjects.len()).map(String::as_str).collect();
    let handles: Vec<Handle> = keys.iter().map(|key| bench.bundle.find(key).expect("the key")).collect();
    let floor_keys = keys.clone();
    let by_key = move || {
        for (key, subject) in keys.iter().zip(&bench.subjects) {
            black_box(bench.bundle.find(black_box(key)).map(|handle| subject.decide(handle)));
        }
        keys.len()
    };
    let by_handle = move || {
        for (handle, subject) in handles.iter().zip(&bench.subjects) {
            black_box(subject.decide(black_box(*handle)));
        }
        handles.len()
    };
    let floor = move || {
        for (key, context) in floor_keys.iter().zip(&bench.contexts) {
            black_box(bench.floor.find(black_box(key)).map(|experiment| experiment.decide(context)));
        }
        floor_keys.len()
    };
    [Case::new(names[0], by_key), Case::new(names[1], by_handle), Case::new(names[2], floor)]
}

/// All experiments for one visitor; a "decision" is the whole set.
fn whole(bench: &'static Bench, names: [&'static str; 2]) -> [Case<'static>; 2] {
    let mut decisions = vec![Decision::EMPTY; bench.bundle.len()];
    let ours = move || {
        for subject in bench.subjects.iter().take(16) {
            black_box(subject.decide_all(black_box(&mut decisions)));
        }
        16
    };
    let mut answers = vec![None; bench.bundle.len()];
    let floor = move || {
        for context in bench.contexts.iter().take(16) {
            for (answer, experiment) in answers.iter_mut().zip(&bench.floor.experiments) {
                *answer = experiment.decide(context);
            }
            black_box(&mut answers);
        }
        16
    };
    [Case::new(names[0], ours), Case::new(names[1], floor)]
}

/// From bytes to the first decision, opening and binding included.
fn cold(bytes: &'static [u8], attributes: &'static [[Attribute<'static>; 4]]) -> Case<'static> {
    let key = workload::key(500);
    Case::new("bytes to first decision", move || {
        for attributes in attributes {
            let bundle = Bundle::open(black_box(bytes)).expect("a bundle");
            let subject = bundle.bind(&Context::new(attributes, 0));
            black_box(bundle.find(&key).map(|handle| subject.decide(handle)));
        }
        attributes.len()
    })
}

fn resolve(bench: &'static Bench) -> Case<'static> {
    let handle = bench.bundle.find(&workload::key(0)).expect("the key");
    let decisions: Vec<Decision> = bench.subjects.iter().map(|subject| subject.decide(handle)).collect();
    Case::new("variant's name", move || {
        for decision in &decisions {
            black_box(bench.bundle.variant(black_box(decision)).and_then(|variant| variant.key()));
        }
        decisions.len()
    })
}

fn bind(bundle: &'static Bundle<'static>, attributes: &'static [[Attribute<'static>; 4]]) -> Case<'static> {
    Case::new("binding a context", move || {
        for attributes in attributes {
            black_box(bundle.bind_with::<8>(black_box(&Context::new(attributes, 0))));
        }
        attributes.len()
    })
}
