//! The table of the assignment core: our engine beside a floor engine in the same run, natively.
//!
//! `cargo bench -p kerf-core --bench table [-- --rounds N --milliseconds M]`. Judge by the ratios: least time of a round
//! divided by the floor's of the same round, median over the rounds; other programs on the machine move the rest.
#![expect(
    clippy::indexing_slicing,
    clippy::expect_used,
    reason = "a program that measures; it may stop at its own mistakes"
)]

mod floor;
mod measure;
mod workload;

use std::hint::black_box;

use floor::{Floor, FloorContext};
use kerf_core::{Attribute, Bundle, Context, Decision, Handle, Subject, compile, wire};
use measure::{Case, measure, ratio};
use workload::{Numbers, Set, Visitor};

/// Room for parsed attributes: the sets have four.
type Bound<'a> = Subject<'a, 8>;

fn bytes(set: Set) -> Vec<u8> {
    let wire: wire::Bundle = serde_json::from_str(&workload::json(set)).expect("the wire form");
    let compiled = compile(&wire).expect("a bundle");
    assert_eq!(compiled.invalid, [], "every entry compiles");
    compiled.bytes
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
struct Bench<'a> {
    bundle: &'a Bundle<'a>,
    subjects: Vec<Bound<'a>>,
    floor: Floor,
    contexts: Vec<FloorContext<'a>>,
}

impl<'a> Bench<'a> {
    fn new(
        set: Set,
        bundle: &'a Bundle<'a>,
        visitors: &'a [Visitor],
        attributes: &'a [[Attribute<'a>; 4]],
    ) -> Self {
        let floor = Floor::new(set);
        let mut bench = Self { bundle, subjects: Vec::new(), floor, contexts: Vec::new() };
        for (visitor, attributes) in visitors.iter().zip(attributes) {
            bench.subjects.push(bundle.bind_with(&Context::new(attributes, 0)));
            bench.contexts.push(FloorContext::new(visitor));
        }
        bench
    }

    /// Keeps only the visitors whom the only experiment assigns.
    fn only_hits(mut self) -> Self {
        let handle = self.bundle.find(&workload::key(0)).expect("the key");
        let hits: Vec<bool> = self.subjects.iter().map(|s| s.decide(handle).exposure().is_some()).collect();
        let mut place = hits.iter();
        self.subjects.retain(|_| *place.next().expect("as many"));
        let mut place = hits.iter();
        self.contexts.retain(|_| *place.next().expect("as many"));
        self
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
fn single<'b>(bench: &'b Bench<'b>, names: [&'static str; 3], keys: &'b [String]) -> [Case<'b>; 3] {
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
fn whole<'b>(bench: &'b Bench<'b>, names: [&'static str; 2]) -> [Case<'b>; 2] {
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
fn cold<'b>(bytes: &'b [u8], attributes: &'b [[Attribute<'b>; 4]]) -> Case<'b> {
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

fn resolve<'b>(bench: &'b Bench<'b>) -> Case<'b> {
    let handle = bench.bundle.find(&workload::key(0)).expect("the key");
    let decisions: Vec<Decision> = bench.subjects.iter().map(|subject| subject.decide(handle)).collect();
    Case::new("variant's name", move || {
        for decision in &decisions {
            black_box(bench.bundle.variant(black_box(decision)).and_then(|variant| variant.key()));
        }
        decisions.len()
    })
}

fn bind<'b>(bundle: &'b Bundle<'b>, attributes: &'b [[Attribute<'b>; 4]]) -> Case<'b> {
    Case::new("binding a context", move || {
        for attributes in attributes {
            black_box(bundle.bind_with::<8>(black_box(&Context::new(attributes, 0))));
        }
        attributes.len()
    })
}

fn argument(name: &str, default: u64) -> u64 {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments.nth(1).and_then(|value| value.parse().ok()).unwrap_or(default)
}

fn main() {
    let visitors = workload::visitors();
    let attributes: Vec<_> = visitors.iter().map(attributes).collect();
    let sets = [Set::W1, Set::W2, Set::W3, Set::W4].map(bytes);
    let [w1, w2, w3, w4] =
        [&sets[0], &sets[1], &sets[2], &sets[3]].map(|bytes| Bundle::open(bytes).expect("a bundle"));
    let w1 = Bench::new(Set::W1, &w1, &visitors, &attributes);
    let w2 = Bench::new(Set::W2, &w2, &visitors, &attributes).only_hits();
    let w3 = Bench::new(Set::W3, &w3, &visitors, &attributes);
    let w4 = Bench::new(Set::W4, &w4, &visitors, &attributes);
    w1.check();
    w2.check();
    w3.check();
    let first = [workload::key(0)];
    let mut numbers = Numbers(7);
    let random: Vec<String> = (0..workload::VISITORS)
        .map(|_| workload::key(numbers.below(workload::EXPERIMENTS as u64) as usize))
        .collect();
    let mut cases = Vec::new();
    cases.extend(single(&w1, ["W1 by key", "W1 by handle", "W1 floor"], &first));
    cases.extend(single(&w2, ["W2 hit by key", "W2 hit by handle", "W2 hit floor"], &first));
    cases.extend(single(
        &w3,
        ["one of 1,000 by key", "one of 1,000 by handle", "one of 1,000 floor"],
        &random,
    ));
    cases.extend(whole(&w3, ["W3", "W3 floor"]));
    let [w4_ours, _] = whole(&w4, ["W4", "W4 floor"]);
    cases.push(w4_ours);
    cases.push(cold(&sets[2], &attributes));
    cases.push(bind(w3.bundle, &attributes));
    cases.push(resolve(&w1));
    let rounds = argument("--rounds", 7);
    measure(&mut cases, usize::try_from(rounds).expect("a small number"), argument("--milliseconds", 40));
    report(&cases);
    println!("\nbundle of the 1,000: {} bytes (goal 100 KB)", sets[2].len());
    println!("with own names and values: {} bytes (goal 250 KB)", bytes(Set::W3Named).len());
    println!("W4: {} bytes; a subject for 8 attributes: {} bytes", sets[3].len(), size_of::<Bound<'_>>());
}

fn report(cases: &[Case<'_>]) {
    let find = |name: &str| cases.iter().find(|case| case.name == name).expect("the case");
    println!("{:26} {:>10} {:>10} {:>8} {:>6}", "", "least ns", "median ns", "ratio", "goal");
    for (name, floor, goal) in [
        ("W1 by key", "W1 floor", 0.65),
        ("W1 by handle", "W1 floor", 0.45),
        ("W2 hit by key", "W2 hit floor", 0.80),
        ("W2 hit by handle", "W2 hit floor", 0.80),
        ("one of 1,000 by key", "one of 1,000 floor", 0.85),
        ("one of 1,000 by handle", "one of 1,000 floor", 0.55),
        ("W3", "W3 floor", 0.35),
        ("W4", "W3 floor", 0.70),
    ] {
        let (ours, floor) = (find(name), find(floor));
        let ratio = ratio(ours, floor);
        println!("{name:26} {:>10.1} {:>10.1} {ratio:>8.2} {goal:>6.2}", ours.least(), ours.median());
    }
    for name in ["W1 floor", "W2 hit floor", "one of 1,000 floor", "W3 floor"] {
        println!("{name:26} {:>10.1} {:>10.1}", find(name).least(), find(name).median());
    }
    for (name, goal) in
        [("bytes to first decision", 1000.0), ("variant's name", 15.0), ("binding a context", f64::NAN)]
    {
        println!(
            "{name:26} {:>10.1} {:>10.1} {:>8} {goal:>6.0}",
            find(name).least(),
            find(name).median(),
            ""
        );
    }
}
