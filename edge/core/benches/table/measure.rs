//! Measuring: the least time of many samples in a round, engines in turn, several rounds.

use std::time::Instant;

/// One thing that is measured: runs once over all visitors and says how many decisions that were.
pub(crate) struct Case<'a> {
    pub(crate) name: &'static str,
    pub(crate) run: Box<dyn FnMut() -> usize + 'a>,
    /// Least nanoseconds per decision of each round.
    pub(crate) rounds: Vec<f64>,
}

impl<'a> Case<'a> {
    pub(crate) fn new(name: &'static str, run: impl FnMut() -> usize + 'a) -> Self {
        Self { name, run: Box::new(run), rounds: Vec::new() }
    }

    pub(crate) fn least(&self) -> f64 {
        self.rounds.iter().copied().fold(f64::INFINITY, f64::min)
    }

    pub(crate) fn median(&self) -> f64 {
        median(self.rounds.clone())
    }
}

/// Takes all cases in turn, `rounds` times, for about `milliseconds` each.
pub(crate) fn measure(cases: &mut [Case<'_>], rounds: usize, milliseconds: u64) {
    for _ in 0..rounds {
        for case in cases.iter_mut() {
            let begin = Instant::now();
            let mut least = f64::INFINITY;
            while begin.elapsed().as_millis() < u128::from(milliseconds) {
                let start = Instant::now();
                let decisions = (case.run)();
                least = least.min(start.elapsed().as_nanos() as f64 / decisions as f64);
            }
            case.rounds.push(least);
        }
    }
}

/// Median over the rounds of one case's least time divided by another's of the same round.
pub(crate) fn ratio(ours: &Case<'_>, floor: &Case<'_>) -> f64 {
    median(ours.rounds.iter().zip(&floor.rounds).map(|(ours, floor)| ours / floor).collect())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
