//! The table of the assignment core: our engine beside a floor engine in the same run, natively.
//!
//! `cargo bench -p kerf-core --bench table [-- --rounds N --milliseconds M]`. Judge by the ratios: least time of a round
//! divided by the floor's of the same round, median over the rounds; other programs on the machine move the rest.
#![expect(
    clippy::indexing_slicing,
    clippy::expect_used,
    reason = "a program that measures; it may stop at its own mistakes"
)]

mod cases;
mod floor;
mod measure;
mod workload;

use measure::{Measured, measure};
use workload::Set;

fn argument(name: &str, default: u64) -> u64 {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments.nth(1).and_then(|value| value.parse().ok()).unwrap_or(default)
}

fn main() {
    let mut cases: Vec<_> = cases::all().into_iter().map(Measured::new).collect();
    let rounds = argument("--rounds", 7);
    measure(&mut cases, usize::try_from(rounds).expect("a small number"), argument("--milliseconds", 40));
    report(&cases);
    println!("\nbundle of the 1,000: {} bytes (goal 100 KB)", cases::bytes(Set::W3).len());
    println!("with own names and values: {} bytes (goal 250 KB)", cases::bytes(Set::W3Named).len());
    let subject = size_of::<cases::Bound<'_>>();
    println!("W4: {} bytes; a subject for 8 attributes: {subject} bytes", cases::bytes(Set::W4).len());
}

fn report(cases: &[Measured<'_>]) {
    let find = |name: &str| cases.iter().find(|measured| measured.case.name == name).expect("the case");
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
        let ratio = ours.ratio(floor);
        println!("{name:26} {:>10.1} {:>10.1} {ratio:>8.2} {goal:>6.2}", ours.least(), ours.median());
    }
    for name in ["W1 floor", "W2 hit floor", "one of 1,000 floor", "W3 floor"] {
        println!("{name:26} {:>10.1} {:>10.1}", find(name).least(), find(name).median());
    }
    for (name, goal) in
        [("bytes to first decision", "1000"), ("variant's name", "15"), ("binding a context", "")]
    {
        println!("{name:26} {:>10.1} {:>10.1} {:>8} {goal:>6}", find(name).least(), find(name).median(), "");
    }
}
