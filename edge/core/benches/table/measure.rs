//! Measuring: the least time of many samples in a round, engines in turn, several rounds.

use std::time::Instant;

use super::cases::Case;

/// A case and what was measured of it.
pub(crate) struct Measured<'a> {
    pub(crate) case: Case<'a>,
    /// Least nanoseconds per decision of each round.
    rounds: Vec<f64>,
}

impl<'a> Measured<'a> {
    pub(crate) const fn new(case: Case<'a>) -> Self {
        Self { case, rounds: Vec::new() }
    }

    pub(crate) fn least(&self) -> f64 {
        self.rounds.iter().copied().fold(f64::INFINITY, f64::min)
    }

    pub(crate) fn median(&self) -> f64 {
        median(self.rounds.clone())
    }

    /// Median over the rounds of its least time divided by another's of the same round.
    pub(crate) fn ratio(&self, floor: &Self) -> f64 {
        median(self.rounds.iter().zip(&floor.rounds).map(|(ours, floor)| ours / floor).collect())
    }
}

/// Takes all cases in turn, `rounds` times, for about `milliseconds` each.
pub(crate) fn measure(cases: &mut [Measured<'_>], rounds: usize, milliseconds: u64) {
    for _ in 0..rounds {
        for measured in cases.iter_mut() {
            let begin = Instant::now();
            let mut least = f64::INFINITY;
            while begin.elapsed().as_millis() < u128::from(milliseconds) {
                let start = Instant::now();
                let decisions = (measured.case.run)();
                least = least.min(start.elapsed().as_nanos() as f64 / decisions as f64);
            }
            measured.rounds.push(least);
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
