//! Draws of arms and units.

use kerf_stats::{Alpha, Mean, Proportion};
use rand_distr::{Binomial, ChiSquared, Distribution, Normal, StandardNormal};

use super::figure::Rng;

pub(crate) fn alpha() -> Alpha {
    Alpha::new(0.05).unwrap()
}

pub(crate) fn standard(rng: &mut Rng) -> f64 {
    StandardNormal.sample(rng)
}

pub(crate) fn values(rng: &mut Rng, units: usize, of: impl Distribution<f64>) -> Mean {
    (0..units).map(|_| of.sample(rng)).collect()
}

pub(crate) fn normal(rng: &mut Rng, units: usize, mean: f64, deviation: f64) -> Mean {
    values(rng, units, Normal::new(mean, deviation).unwrap())
}

/// The moments of that many normal values, drawn as moments: their exact joint distribution.
pub(crate) fn normal_moments(rng: &mut Rng, units: u64, mean: f64, deviation: f64) -> Mean {
    let centre = mean + deviation / (units as f64).sqrt() * standard(rng);
    let squares: f64 = ChiSquared::new((units - 1) as f64).unwrap().sample(rng);
    Mean::from_centred(units, centre, deviation * deviation * squares).unwrap()
}

pub(crate) fn conversions(rng: &mut Rng, units: u64, rate: f64) -> Proportion {
    Proportion::new(units, Binomial::new(units, rate).unwrap().sample(rng)).unwrap()
}
