//! Throughput: 1,000 experiments of 20 metrics in 10 segments each, with fixed, always-valid and Bayesian results.
//!
//! `cargo bench -p kerf-stats --bench throughput` prints the times on one thread. With a path as argument the inputs of
//! the first experiments and their results are written there as JSON lines, for `oracle/compare_gbstats.py`.

#![expect(clippy::unwrap_used, reason = "an input that has no answer must stop the run")]

use std::{hint::black_box, io::Write, time::Instant};

use kerf_stats::{
    Alpha, Effect, Estimate, Pair, PairSums, Proportion,
    bayes::{BetaPrior, EffectPosterior, NormalPrior, contrast, effect_posterior},
    fixed::{Comparison, Reference, compare, margin::Direction, proportions::z_test},
    moments::Mean,
    sequential::{
        always_valid::{self, AlwaysValid, Mixture},
        group::{Design, boundaries},
    },
};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use rand_distr::{Binomial, Distribution, StandardNormal};
use serde::Serialize;

const EXPERIMENTS: usize = 1_000;
const METRICS: usize = 20;
const SEGMENTS: usize = 10;
/// Experiments that are written for the comparison.
const WRITTEN: usize = 20;
const ROUNDS: usize = 7;
const TUNED_FOR: f64 = 5_000.0;

/// The sums of one arm, as the warehouse gives them.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Sums {
    Rate { units: u64, conversions: u64 },
    Mean { units: u64, sum: f64, sum_of_squares: f64 },
    Ratio(PairSums),
}

/// What a reader of the results sees for one metric in one segment.
#[derive(Serialize)]
struct Results {
    fixed: Comparison,
    sequential: AlwaysValid,
    bayesian: EffectPosterior,
}

fn main() {
    let inputs = inputs();
    let alpha = Alpha::new(0.05).unwrap();
    let mixture = Mixture::approximately_tightest_at(TUNED_FOR, alpha).unwrap();
    let run = || {
        let started = Instant::now();
        for arms in &inputs {
            black_box(results(black_box(arms), alpha, mixture));
        }
        started.elapsed().as_secs_f64()
    };
    run();
    let mut seconds: Vec<f64> = (0..ROUNDS).map(|_| run()).collect();
    seconds.sort_by(f64::total_cmp);
    let median = seconds.get(ROUNDS / 2).copied().unwrap();
    println!("comparisons: {}", inputs.len());
    println!("median of {ROUNDS} rounds: {median:.4} s");
    println!("slowest round: {:.4} s", seconds.last().unwrap());
    println!("nanoseconds a comparison: {:.1}", 1e9 * median / inputs.len() as f64);
    others(alpha);
    if let Some(path) = std::env::args().skip(1).find(|argument| !argument.starts_with('-')) {
        write(&path, &inputs, |arms| results(arms, alpha, mixture));
    }
}

fn results(arms: &[Sums; 2], alpha: Alpha, mixture: Mixture) -> Results {
    let [control, treatment] = arms.map(estimate);
    let fixed = match arms {
        [Sums::Rate { units, conversions }, Sums::Rate { units: others, conversions: converted }] => z_test(
            Proportion::new(*units, *conversions).unwrap(),
            Proportion::new(*others, *converted).unwrap(),
            alpha,
        ),
        _ => compare(control, treatment, alpha, Reference::Welch),
    };
    let fixed = fixed.unwrap();
    let sequential = always_valid::compare(control, treatment, alpha, mixture).unwrap();
    let lift = fixed.relative.unwrap();
    let interval = lift.set.interval().unwrap();
    let seen = Effect { estimate: lift.estimate, standard_error: lift.standard_error, interval };
    let prior = NormalPrior::Informative { mean: 0.0, standard_deviation: 0.3 };
    Results {
        fixed,
        sequential,
        bayesian: effect_posterior(&seen, prior, Direction::Increase, alpha).unwrap(),
    }
}

fn estimate(sums: Sums) -> Estimate {
    match sums {
        Sums::Rate { units, conversions } => Proportion::new(units, conversions).unwrap().estimate(),
        Sums::Mean { units, sum, sum_of_squares } => {
            Mean::from_sums(units, sum, sum_of_squares).unwrap().estimate()
        }
        Sums::Ratio(sums) => Pair::from_sums(sums).unwrap().ratio(),
    }
    .unwrap()
}

/// Eight rates, eight means and four ratios for each experiment and segment.
fn inputs() -> Vec<[Sums; 2]> {
    let mut rng = ChaCha8Rng::seed_from_u64(20_261_125);
    let mut normal = move || -> f64 { StandardNormal.sample(&mut rng) };
    let mut counts = ChaCha8Rng::seed_from_u64(7);
    let mut arm = |metric: usize, lift: f64| {
        let units = (20_000.0 * (0.2 * normal()).exp()) as u64;
        let n = units as f64;
        match metric {
            0..8 => {
                let rate = 0.02 * (metric + 1) as f64 * (1.0 + lift);
                Sums::Rate { units, conversions: Binomial::new(units, rate).unwrap().sample(&mut counts) }
            }
            8..16 => {
                let (mean, deviation) = (10.0 * (1.0 + lift) + 30.0 / n.sqrt() * normal(), 30.0);
                Sums::Mean { units, sum: n * mean, sum_of_squares: n * (deviation * deviation + mean * mean) }
            }
            _ => {
                let (x, y) = (0.6 * (1.0 + lift) + normal() / n.sqrt(), 3.0 + 1.5 * normal() / n.sqrt());
                Sums::Ratio(PairSums {
                    units,
                    first: n * x,
                    second: n * y,
                    first_squared: n * (1.0 + x * x),
                    second_squared: n * (2.25 + y * y),
                    product: n * (0.9 + x * y),
                })
            }
        }
    };
    let mut found = Vec::with_capacity(EXPERIMENTS * METRICS * SEGMENTS);
    for experiment in 0..EXPERIMENTS {
        for metric in 0..METRICS {
            for _ in 0..SEGMENTS {
                let lift = if experiment % 3 == 0 { 0.03 } else { 0.0 };
                found.push([arm(metric, 0.0), arm(metric, lift)]);
            }
        }
    }
    found
}

/// What costs more and is asked for once an experiment, not once a comparison.
fn others(alpha: Alpha) {
    let time = |name: &str, repeats: u32, work: &dyn Fn()| {
        work();
        let started = Instant::now();
        (0..repeats).for_each(|_| work());
        println!("{name}: {:.3} ms", 1e3 * started.elapsed().as_secs_f64() / f64::from(repeats));
    };
    let information: Vec<f64> = (1..=14).map(|day| f64::from(day) / 14.0).collect();
    let design = Design::two_sided(alpha);
    time("boundaries of 14 looks", 20, &|| {
        black_box(boundaries(&design, black_box(&information)).unwrap());
    });
    let arm = |conversions| BetaPrior::UNIFORM.update(Proportion::new(20_000, conversions).unwrap());
    time("beta-binomial contrast by quadrature", 20, &|| {
        black_box(contrast(&arm(2_000), &arm(2_100), Direction::Increase, alpha).unwrap());
    });
}

fn write(path: &str, inputs: &[[Sums; 2]], results: impl Fn(&[Sums; 2]) -> Results) {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    for arms in inputs.iter().take(WRITTEN * METRICS * SEGMENTS) {
        let line = serde_json::json!({ "arms": arms, "results": results(arms) });
        writeln!(file, "{line}").unwrap();
    }
}
