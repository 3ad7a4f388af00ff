//! The workloads of the core natively, in wasmtime and in workerd, in the same run.
//!
//! Part of `./dev bench`; takes `--rounds N --milliseconds M`. In a round each workload is run for some milliseconds on each
//! target, in turns. Natively and in wasmtime a round's figure is the least time of a pass over all visitors. A Worker has no clock
//! that runs while it works, so in workerd it is the least time of a request that makes many passes, less that of an empty one:
//! a mean over milliseconds, which favours the others.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a program that measures and prints; it may stop at its own mistakes"
)]

use std::time::{Duration, Instant};

use kerf_core_targets::{Compiled, Wasmtime, Workerd};
use kerf_core_wasm::workloads::{self, Workload};

/// Instances of which the first decision is taken.
const INSTANCES: u32 = 300;
/// A request to workerd works at least so long, so that how long asking takes matters little.
const REQUEST: Duration = Duration::from_millis(8);

/// Nanoseconds of a decision in each round: natively, in wasmtime, in workerd.
struct Row {
    workload: Workload,
    rounds: Vec<[f64; 3]>,
}

impl Row {
    fn least(&self, target: usize) -> f64 {
        self.rounds.iter().map(|round| round[target]).fold(f64::INFINITY, f64::min)
    }

    /// Median over the rounds of a target's time divided by the native one.
    fn ratio(&self, target: usize) -> f64 {
        median(self.rounds.iter().map(|round| round[target] / round[0]).collect())
    }
}

fn main() {
    let argument = |name: &str, default: u64| {
        let mut arguments = std::env::args().skip_while(|argument| argument != name);
        arguments.nth(1).and_then(|value| value.parse().ok()).unwrap_or(default)
    };
    let (rounds, length) = (argument("--rounds", 7), Duration::from_millis(argument("--milliseconds", 40)));
    let mut rows: Vec<Row> =
        workloads::all().into_iter().map(|workload| Row { workload, rounds: Vec::new() }).collect();
    let compiled = Compiled::new(true);
    let mut wasmtime = compiled.instance();
    let mut workerd = Workerd::start();
    let names: Vec<&str> = rows.iter().map(|row| row.workload.name).collect();
    assert_eq!(wasmtime.prepare_workloads(), names, "the module was built from the same source");
    assert_eq!(workerd.ask("prepare_workloads").0.lines().collect::<Vec<_>>(), names, "so was the Worker");
    let empty = (0..50).map(|_| workerd.ask("empty").1).min().expect("there are some");
    for round in 0..=rounds {
        for (index, row) in (0..).zip(&mut rows) {
            let times = [
                least(length, || (row.workload.run)()),
                least(length, || wasmtime.run_workload(index, 1) as usize),
                in_workerd(&mut workerd, index, length, empty),
            ];
            // The first round makes V8 compile, and is not counted.
            if round > 0 {
                row.rounds.push(times);
            }
        }
    }
    report(&rows);
    first_decisions(&compiled, &mut workerd, empty);
}

/// Least nanoseconds of a decision among the passes of a round.
fn least(length: Duration, mut pass: impl FnMut() -> usize) -> f64 {
    let begin = Instant::now();
    let mut least = f64::INFINITY;
    while begin.elapsed() < length {
        let start = Instant::now();
        let decisions = pass();
        least = least.min(start.elapsed().as_nanos() as f64 / decisions as f64);
    }
    least
}

/// Least mean nanoseconds of a decision over the requests of a round, which take some milliseconds each.
fn in_workerd(workerd: &mut Workerd, index: u32, length: Duration, empty: Duration) -> f64 {
    let mut run = |times: u32| {
        let (decisions, took) = workerd.ask(&format!("run_workload/{index}/{times}"));
        (decisions.parse::<f64>().expect("a number"), took.saturating_sub(empty))
    };
    let mut times = 1;
    // Twice, since one request may have had to wait for another program.
    while run(times).1.min(run(times).1) < REQUEST {
        times *= 2;
    }
    let begin = Instant::now();
    let mut least = f64::INFINITY;
    while begin.elapsed() < length {
        let (decisions, took) = run(times);
        least = least.min(took.as_nanos() as f64 / decisions);
    }
    least
}

fn report(rows: &[Row]) {
    println!(
        "{:24} {:>10} {:>10} {:>9} {:>10} {:>9}",
        "least ns", "native", "wasmtime", "/ native", "workerd", "/ native"
    );
    for row in rows {
        println!(
            "{:24} {:>10.1} {:>10.1} {:>9.2} {:>10.1} {:>9.2}",
            row.workload.name,
            row.least(0),
            row.least(1),
            row.ratio(1),
            row.least(2),
            row.ratio(2)
        );
    }
}

/// From bytes in the memory of a fresh instance to its first decision. wasmtime compiles before; workerd compiled when it ran the
/// workloads.
fn first_decisions(compiled: &Compiled, workerd: &mut Workerd, empty: Duration) {
    let bundle = workloads::large_bundle();
    let native = workloads::first_decision(&bundle);
    let mut first = Vec::new();
    let mut second = Vec::new();
    for _ in 0..INSTANCES {
        let mut instance = compiled.instance();
        instance.input(&bundle);
        for times in [&mut first, &mut second] {
            times.push(timed(&mut instance, native));
        }
    }
    let (first, second) = (median(first), median(second));
    println!(
        "\nfresh instance of a compiled module, bytes in its memory, to the first decision (goal 10 µs)"
    );
    println!(
        "  wasmtime: first {:.2} µs, second {:.2} µs (median of {INSTANCES})",
        first / 1e3,
        second / 1e3
    );
    let mut asked = |path: &str| {
        workerd.ask(&format!("instances/{INSTANCES}"));
        let (sum, took) = workerd.ask(path);
        assert_eq!(sum, (native * INSTANCES).to_string(), "every instance decides as natively");
        took.saturating_sub(empty).as_nanos() as f64 / f64::from(INSTANCES) / 1e3
    };
    let rounds: Vec<f64> = (0..5).map(|_| asked("first_decisions")).collect();
    println!("  workerd: first {:.2} µs (mean of {INSTANCES}, median of 5 rounds)", median(rounds));
}

fn timed(instance: &mut Wasmtime, native: u32) -> f64 {
    let decide = instance.first_decision();
    let start = Instant::now();
    let decided = decide();
    let took = start.elapsed();
    assert_eq!(decided, native, "an instance decides as natively");
    took.as_nanos() as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
