//! Log-normal amounts: revenue per buyer, and revenue per unit when only some units buy.
//!
//! Owns the posterior of the logarithm η of a mean. On the scale of money the mean `exp(μ + σ²/2)` has no posterior
//! mean under the conjugate prior (the t tails of μ have no exponential moment), so an expected loss in money does
//! not exist; it is stated on the log scale, where it is the expected relative loss to first order.

use super::beta::BetaPosterior;
use super::posterior::{Posterior, Shift, spread_points};
use super::student::NormalInverseGamma;
use crate::dist::normal;
use crate::quadrature::density_nodes;
use crate::root::solve_increasing;
use crate::{Alpha, Inconclusive, Interval};

/// The posterior of η, the logarithm of a mean, as a mixture of normals.
///
/// For amounts, `η = μ + σ²/2`: given σ², it is normal, and σ² is integrated by the trapezoidal rule in `ln σ²`.
/// With conversions, `η = ln p + μ + σ²/2`, with the rate p integrated in `logit p` too. Tail probabilities are
/// accurate to about 1e-12 absolute.
///
/// Source: Aitchison and Brown, *The Lognormal Distribution* (1957), section 2.3, for the mean; Fabrizi and Trivisano,
/// Bayesian Analysis 7 (2012), for why its posterior mean does not exist.
#[derive(Debug, Clone, PartialEq)]
pub struct LogMeanPosterior {
    /// Weight, mean and standard deviation of each component; the weights add up to one.
    components: Vec<(f64, f64, f64)>,
    mean: f64,
    standard_deviation: f64,
}

impl LogMeanPosterior {
    /// The log of the mean amount, given the posterior of mean and variance of the logarithms of the amounts.
    ///
    /// # Errors
    /// [`Inconclusive::TooFewUnits`] unless the posterior's shape is above 2 (six amounts under the reference
    /// prior), below which η has no variance.
    pub fn of_amounts(logs: &NormalInverseGamma) -> Result<Self, Inconclusive> {
        Self::mixture(&variance_nodes(logs)?, &[(1.0, 0.0)], logs)
    }

    /// The log of the mean per unit: the rate of buying times the mean amount of buyers.
    ///
    /// # Errors
    /// As [`LogMeanPosterior::of_amounts`], and [`Inconclusive::OutOfDomain`] for a rate with a count below 0.05.
    pub fn of_revenue(rate: &BetaPosterior, logs: &NormalInverseGamma) -> Result<Self, Inconclusive> {
        rate.resolved()?;
        let rates = density_nodes(rate.logit_mode(), rate.logit_scale(), |u| rate.density(u));
        let log_rates: Vec<(f64, f64)> =
            rates.into_iter().map(|(weight, u)| (weight, -(-u).exp().ln_1p())).collect();
        Self::mixture(&variance_nodes(logs)?, &log_rates, logs)
    }

    fn mixture(
        variances: &[(f64, f64)],
        shifts: &[(f64, f64)],
        logs: &NormalInverseGamma,
    ) -> Result<Self, Inconclusive> {
        let (location, strength, _, _) = logs.parameters();
        let components: Vec<(f64, f64, f64)> = variances
            .iter()
            .flat_map(|(weight, variance)| {
                shifts.iter().map(move |(share, shift)| {
                    (weight * share, location + 0.5 * variance + shift, (variance / strength).sqrt())
                })
            })
            .collect();
        let mean: f64 = components.iter().map(|(weight, mean, _)| weight * mean).sum();
        let second: f64 = components
            .iter()
            .map(|(weight, own, deviation)| weight * ((own - mean).powi(2) + deviation * deviation))
            .sum();
        if mean.is_finite() && second.is_finite() && second > 0.0 {
            Ok(Self { components, mean, standard_deviation: second.sqrt() })
        } else {
            Err(Inconclusive::NotConverged { what: "a log-normal posterior" })
        }
    }

    /// Where an increasing function of the tails passes zero, from a guess in standard deviations.
    fn solve(&self, z: f64, excess: impl Fn((f64, f64)) -> f64) -> Result<f64, Inconclusive> {
        let (guess, width) = (self.mean + self.standard_deviation * z, self.standard_deviation);
        solve_increasing(
            |u| Ok(excess(self.tails(u)?)),
            (guess - 0.1 * width, guess + 0.1 * width),
            (f64::NEG_INFINITY, f64::INFINITY),
            1e-12,
            "a quantile of a log-normal mean",
        )
    }

    /// Equal-tailed credible interval of the mean itself, in the unit of the amounts.
    ///
    /// # Errors
    /// As [`Posterior::quantile`].
    pub fn mean_interval(&self, alpha: Alpha) -> Result<Interval, Inconclusive> {
        let tail = 0.5 * alpha.get();
        Ok(Interval::between(self.quantile(tail)?.exp(), self.upper_quantile(tail)?.exp(), alpha.level()))
    }
}

/// Nodes of σ² with their weights under InverseGamma(shape, scale), by the trapezoidal rule in `ln σ²`.
fn variance_nodes(logs: &NormalInverseGamma) -> Result<Vec<(f64, f64)>, Inconclusive> {
    let (_, strength, shape, scale) = logs.parameters();
    if shape <= 2.0 || strength <= 0.0 || scale <= 0.0 {
        return Err(Inconclusive::TooFewUnits { needed: 6, found: (2.0 * shape.max(0.0)) as u64 + 1 });
    }
    let mode = (scale / shape).ln();
    // The log density relative to its mode at distance d is -shape·(d + exp(-d) - 1).
    let density = |point: f64| {
        let distance = point - mode;
        (-shape * (distance + (-distance).exp_m1())).exp()
    };
    Ok(density_nodes(mode, shape.sqrt().recip(), density)
        .into_iter()
        .map(|(weight, log)| (weight, log.exp()))
        .collect())
}

impl Posterior for LogMeanPosterior {
    fn origin(&self) -> f64 {
        self.mean
    }

    fn about(&self, origin: f64) -> Self {
        let components =
            self.components.iter().map(|(weight, mean, deviation)| (*weight, mean - origin, *deviation));
        Self { components: components.collect(), mean: self.mean - origin, ..*self }
    }

    fn density(&self, u: f64) -> f64 {
        self.components
            .iter()
            .map(|(weight, mean, deviation)| weight * normal::pdf((u - mean) / deviation) / deviation)
            .sum()
    }

    fn tails(&self, u: f64) -> Result<(f64, f64), Inconclusive> {
        Ok(self.components.iter().fold((0.0, 0.0), |(below, above), (weight, mean, deviation)| {
            let z = (u - mean) / deviation;
            (below + weight * normal::cdf(z), above + weight * normal::sf(z))
        }))
    }

    fn tails_after(&self, u: f64, shift: Shift) -> Result<(f64, f64), Inconclusive> {
        match shift {
            Shift::By(distance) => self.tails(u + distance),
            Shift::Lift { log, .. } => self.tails(u + log),
        }
    }

    fn quantile(&self, p: f64) -> Result<f64, Inconclusive> {
        self.solve(normal::quantile(p)?, |(below, above)| if p < 0.5 { below - p } else { (1.0 - p) - above })
    }

    fn upper_quantile(&self, p: f64) -> Result<f64, Inconclusive> {
        self.solve(normal::upper_quantile(p)?, |(_, above)| p - above)
    }

    fn grain(&self) -> f64 {
        self.standard_deviation
    }

    fn landmarks(&self) -> Vec<f64> {
        let reach = |end: f64| (end - self.mean).abs() + 14.0 * self.standard_deviation;
        let ends = self
            .components
            .iter()
            .fold((self.mean, self.mean), |(low, high), (_, mean, _)| (low.min(*mean), high.max(*mean)));
        spread_points(self.mean, self.standard_deviation, reach(ends.0), reach(ends.1))
    }

    fn landmarks_before(&self, shift: Shift) -> Vec<f64> {
        let distance = match shift {
            Shift::By(distance) => distance,
            Shift::Lift { log, .. } => log,
        };
        self.landmarks().into_iter().map(|point| point - distance).collect()
    }

    fn slope(_u: f64) -> f64 {
        1.0
    }

    fn log_lift(_origin: f64, from: f64, to: f64) -> f64 {
        to - from
    }

    fn mean(&self) -> Result<f64, Inconclusive> {
        Ok(self.mean)
    }

    fn standard_deviation(&self) -> Result<f64, Inconclusive> {
        Ok(self.standard_deviation)
    }

    /// The mean itself, `exp(η)`, always is.
    fn is_positive(&self) -> Result<bool, Inconclusive> {
        Ok(true)
    }
}
