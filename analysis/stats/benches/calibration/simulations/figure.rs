//! A simulated figure with what the method claims, and whether the two agree to within Monte-Carlo error.

use kerf_stats::Inconclusive;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

/// Standard deviations of Monte-Carlo error that a figure may be off: 1 in 16,000 beyond by chance.
const REACH: f64 = 4.0;

/// What a method claims of a probability or an average.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Claim {
    /// This probability.
    Is(f64),
    /// At most this probability.
    AtMost(f64),
    /// At least this probability.
    AtLeast(f64),
    /// This probability, to within an approximation error that METHODS.md states.
    About(f64, f64),
    /// An average with the standard deviation of its Monte-Carlo error.
    Average(f64, f64),
    /// No claim: a failure that is shown, expected within these bounds.
    Shown(f64, f64),
}

/// One row of the table.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    pub(crate) method: &'static str,
    pub(crate) quantity: String,
    pub(crate) claim: Claim,
    pub(crate) found: f64,
    pub(crate) runs: u32,
}

impl Figure {
    /// The smallest and largest values that agree with the claim.
    pub(crate) fn bounds(&self) -> (f64, f64) {
        let reach = |p: f64| REACH * (p * (1.0 - p) / f64::from(self.runs)).sqrt();
        match self.claim {
            Claim::Is(p) => (p - reach(p), p + reach(p)),
            Claim::AtMost(p) => (0.0, p + reach(p)),
            Claim::AtLeast(p) => (p - reach(p), 1.0),
            Claim::About(p, allowance) => (p - allowance - reach(p), p + allowance + reach(p)),
            Claim::Average(value, error) => (value - REACH * error, value + REACH * error),
            Claim::Shown(low, high) => (low, high),
        }
    }

    pub(crate) fn holds(&self) -> bool {
        let (low, high) = self.bounds();
        (low..=high).contains(&self.found)
    }
}

/// All figures so far, and the p-values of some methods for the plots.
pub(crate) struct Study {
    pub(crate) runs: u32,
    pub(crate) figures: Vec<Figure>,
    pub(crate) p_values: Vec<(&'static str, Vec<f64>)>,
}

pub(crate) type Rng = ChaCha8Rng;

/// The levels at which false positives are counted.
pub(crate) const LEVELS: [f64; 3] = [0.01, 0.05, 0.1];

impl Study {
    pub(crate) const fn of(runs: u32) -> Self {
        Self { runs, figures: Vec::new(), p_values: Vec::new() }
    }

    pub(crate) fn push(
        &mut self,
        method: &'static str,
        quantity: impl Into<String>,
        claim: Claim,
        found: f64,
    ) {
        let runs = self.runs;
        self.figures.push(Figure { method, quantity: quantity.into(), claim, found, runs });
    }

    /// Repeats an experiment with a seed of its own.
    pub(crate) fn repeat<T>(
        &self,
        method: &'static str,
        experiment: impl Fn(&mut Rng) -> Result<T, Inconclusive>,
    ) -> Vec<T> {
        let seed = method.bytes().fold(14_695_981_039_346_656_037, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(1_099_511_628_211)
        });
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..self.runs).map(|_| experiment(&mut rng).unwrap()).collect()
    }

    /// False positives of a p-value at 1, 5 and 10% in experiments without an effect.
    pub(crate) fn a_a(
        &mut self,
        method: &'static str,
        claim: fn(f64) -> Claim,
        experiment: impl Fn(&mut Rng) -> Result<f64, Inconclusive>,
    ) {
        let p_values = self.repeat(method, experiment);
        for level in LEVELS {
            let found = share(p_values.iter().map(|p| *p <= level));
            self.push(method, format!("false positives at {}%", 100.0 * level), claim(level), found);
        }
        self.p_values.push((method, p_values));
    }

    /// How often something holds.
    pub(crate) fn share(
        &mut self,
        method: &'static str,
        quantity: &str,
        claim: Claim,
        experiment: impl Fn(&mut Rng) -> Result<bool, Inconclusive>,
    ) {
        let found = share(self.repeat(method, experiment).into_iter());
        self.push(method, quantity, claim, found);
    }

    /// How often each of several things holds in the same experiments.
    pub(crate) fn shares<const N: usize>(
        &mut self,
        method: &'static str,
        claims: [(&str, Claim); N],
        experiment: impl Fn(&mut Rng) -> Result<[bool; N], Inconclusive>,
    ) {
        let found = self.repeat(method, experiment);
        for (place, (quantity, claim)) in claims.into_iter().enumerate() {
            let found = share(found.iter().map(|run| run[place]));
            self.push(method, quantity, claim, found);
        }
    }

    /// Whether predictions are right on average: each run gives (predicted, realised).
    pub(crate) fn predictions(
        &mut self,
        method: &'static str,
        quantity: &str,
        pairs: impl Iterator<Item = (f64, f64)>,
    ) {
        let pairs: Vec<(f64, f64)> = pairs.collect();
        let n = pairs.len() as f64;
        let predicted = pairs.iter().map(|pair| pair.0).sum::<f64>() / n;
        let realised = pairs.iter().map(|pair| pair.1).sum::<f64>() / n;
        let gap = predicted - realised;
        let spread = pairs.iter().map(|(p, r)| (p - r - gap).powi(2)).sum::<f64>() / (n - 1.0);
        self.push(method, quantity, Claim::Average(predicted, (spread / n).sqrt()), realised);
    }
}

pub(crate) fn share(found: impl ExactSizeIterator<Item = bool>) -> f64 {
    let count = found.len() as f64;
    found.filter(|holds| *holds).count() as f64 / count
}
