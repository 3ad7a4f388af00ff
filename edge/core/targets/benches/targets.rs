//! The workloads of the core natively, in wasmtime, in V8 and in workerd, in the same run.
//!
//! Part of `./dev bench`; takes `--rounds N --milliseconds M`. In a round each workload is run for some milliseconds on each
//! target, in turns. A round's figure is the least time of a pass over all visitors. A Worker has no clock that runs while it
//! works, so in workerd it is the least time of a request that makes many passes, less that of an empty one: a mean over
//! milliseconds, which favours the others. V8 itself, as Node has it, has a clock.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a program that measures and prints; it may stop at its own mistakes"
)]

use std::time::{Duration, Instant};

use kerf_core_targets::{Compiled, V8, Wasmtime, Workerd};
use kerf_core_wasm::workloads::{self, Workload};

/// Instances of which the first decision is taken.
const INSTANCES: u32 = 300;
/// A request to workerd works at least so long, so that how long asking takes matters little.
const REQUEST: Duration = Duration::from_millis(8);

const TARGETS: [&str; 4] = ["native", "wasmtime", "V8", "workerd"];

/// Nanoseconds of a decision in each round, on each target.
struct Row {
    workload: Workload,
    rounds: Vec<[f64; TARGETS.len()]>,
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
    let mut v8 = V8::start();
    let mut workerd = Workerd::start();
    let names: Vec<&str> = rows.iter().map(|row| row.workload.name).collect();
    assert_eq!(wasmtime.prepare_workloads(), names, "the module was built from the same source");
    assert_eq!(v8.workloads(), names, "so was V8's");
    assert_eq!(workerd.ask("prepare_workloads").0.lines().collect::<Vec<_>>(), names, "so was the Worker");
    let empty = (0..50).map(|_| workerd.ask("empty").1).min().expect("there are some");
    for round in 0..=rounds {
        for (index, row) in (0..).zip(&mut rows) {
            let times = [
                least(length, || (row.workload.run)()),
                least(length, || wasmtime.run_workload(index, 1) as usize),
                v8.run_workload(index, length),
                in_workerd(&mut workerd, index, length, empty),
            ];
            // The first round makes V8 compile, and is not counted.
            if round > 0 {
                row.rounds.push(times);
            }
        }
    }
    report(&rows);
    first_decisions(&compiled, &mut v8, &mut workerd, empty);
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
    print!("{:24}", "least ns");
    TARGETS
        .iter()
        .for_each(|target| print!(" {target:>10} {:>8}", if *target == "native" { "" } else { "/ native" }));
    for row in rows {
        print!("\n{:24}", row.workload.name);
        for target in 0..TARGETS.len() {
            print!(" {:>10.1}", row.least(target));
            if target == 0 { print!("{:9}", "") } else { print!(" {:>8.2}", row.ratio(target)) }
        }
    }
    println!();
}

/// From bytes in the memory of a fresh instance to its first decision. wasmtime compiles before; V8 and workerd compiled when
/// they ran the workloads.
fn first_decisions(compiled: &Compiled, v8: &mut V8, workerd: &mut Workerd, empty: Duration) {
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
    let (median_ns, sum) = v8.first_decisions(INSTANCES);
    assert_eq!(sum, u64::from(native * INSTANCES), "every instance decides as natively");
    println!("  V8: first {:.2} µs (median of {INSTANCES})", median_ns / 1e3);
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
