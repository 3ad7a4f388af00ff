//! Beta-binomial: the rate of a conversion metric.

use super::posterior::{Posterior, Shift, spread_points};
use crate::dist::beta;
use crate::moments::Proportion;
use crate::{Inconclusive, Probability};

/// What was believed about a rate before the experiment: Beta(successes, failures).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BetaPrior {
    successes: f64,
    failures: f64,
}

impl BetaPrior {
    /// Beta(1, 1): every rate equally likely.
    pub const UNIFORM: Self = Self { successes: 1.0, failures: 1.0 };
    /// Beta(1/2, 1/2): Jeffreys' prior, invariant under a change of scale.
    pub const JEFFREYS: Self = Self { successes: 0.5, failures: 0.5 };

    /// Beta(successes, failures); both count as that many units seen before. Comparisons take a count below 0.05 only once
    /// units of that kind have been seen.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] unless both are positive and finite.
    pub fn new(successes: f64, failures: f64) -> Result<Self, Inconclusive> {
        let valid = |count: f64| count > 0.0 && count.is_finite();
        if valid(successes) && valid(failures) {
            Ok(Self { successes, failures })
        } else {
            Err(Inconclusive::OutOfDomain { what: "a count of the beta prior" })
        }
    }

    /// The prior with this mean that weighs as much as `units` units.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] for a mean of 0 or 1 or non-positive units.
    pub fn from_mean(mean: Probability, units: f64) -> Result<Self, Inconclusive> {
        Self::new(mean.get() * units, (1.0 - mean.get()) * units)
    }

    /// The posterior after `seen`: conjugate, so the counts add.
    ///
    /// Source: Gelman et al., *Bayesian Data Analysis*, 3rd ed., section 2.4.
    #[must_use]
    pub fn update(self, seen: Proportion) -> BetaPosterior {
        BetaPosterior {
            a: self.successes + seen.conversions() as f64,
            b: self.failures + (seen.units() - seen.conversions()) as f64,
        }
    }
}

/// Beta(a, b), on the logit scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BetaPosterior {
    a: f64,
    b: f64,
}

/// Tail exponent below which nothing is integrated: e^-80 is 2e-35.
const NEGLIGIBLE: f64 = 80.0;

/// The largest grain of a logit's density: that of a rare event falls as steeply as a Gumbel's, however wide it is.
const SMOOTH: f64 = 0.65;

/// The least count that a comparison takes: below it the rate is under 1e-304, the end of the logit scale here, with a
/// probability above `e^(-700 · 0.05)`, which is 6e-16.
const LEAST_COUNT: f64 = 0.05;
/// The ends of the logit scale.
const MOST_LOGIT: f64 = 700.0;

impl BetaPosterior {
    /// Whether the logit scale holds all of the posterior.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] when a count is below 0.05.
    pub(super) fn resolved(&self) -> Result<(), Inconclusive> {
        if self.a.min(self.b) >= LEAST_COUNT {
            Ok(())
        } else {
            Err(Inconclusive::OutOfDomain { what: "a beta posterior with a count below 0.05" })
        }
    }

    /// The mode of the logit of the rate.
    pub(super) fn logit_mode(&self) -> f64 {
        (self.a / self.b).ln()
    }

    /// The width of the logit's density about its mode, as a normal's standard deviation.
    pub(super) fn logit_scale(&self) -> f64 {
        (1.0 / self.a + 1.0 / self.b).sqrt()
    }

    fn tails_between(&self, rate: f64, complement: f64) -> Result<(f64, f64), Inconclusive> {
        self.resolved()?;
        if rate <= 0.0 {
            Ok((0.0, 1.0))
        } else if complement <= 0.0 {
            Ok((1.0, 0.0))
        } else {
            // A shift may round one of them past 1 while the other is still positive.
            beta::tails(self.a, self.b, rate.min(1.0), complement.min(1.0))
        }
    }
}

impl Posterior for BetaPosterior {
    fn origin(&self) -> f64 {
        0.0
    }

    fn about(&self, _origin: f64) -> Self {
        *self
    }

    fn density(&self, u: f64) -> f64 {
        let (rate, complement) = rate_at(u);
        if rate <= 0.0 || complement <= 0.0 {
            return 0.0;
        }
        (beta::ln_pdf(self.a, self.b, rate, complement) + rate.ln() + complement.ln()).exp()
    }

    fn tails(&self, u: f64) -> Result<(f64, f64), Inconclusive> {
        let (rate, complement) = rate_at(u);
        self.tails_between(rate, complement)
    }

    fn tails_after(&self, u: f64, shift: Shift) -> Result<(f64, f64), Inconclusive> {
        let (rate, complement) = rate_at(u);
        match shift {
            Shift::By(distance) => self.tails_between(rate + distance, complement - distance),
            Shift::Lift { log, .. } => self.tails_between(rate * log.exp(), complement - rate * log.exp_m1()),
        }
    }

    fn quantile(&self, p: f64) -> Result<f64, Inconclusive> {
        beta::quantile(p, self.a, self.b)
    }

    fn upper_quantile(&self, p: f64) -> Result<f64, Inconclusive> {
        beta::upper_quantile(p, self.a, self.b)
    }

    fn grain(&self) -> f64 {
        self.logit_scale().min(SMOOTH)
    }

    fn landmarks(&self) -> Vec<f64> {
        // On the logit scale the tails fall like exp(a u) and exp(-b u), and like a normal near the centre.
        let scale = self.logit_scale();
        let reach = |rate: f64| (2.0 * NEGLIGIBLE).sqrt() * scale + NEGLIGIBLE / rate;
        spread_points(
            self.logit_mode(),
            scale,
            reach(self.a).min(2.0 * MOST_LOGIT),
            reach(self.b).min(2.0 * MOST_LOGIT),
        )
        .into_iter()
        .map(|point| point.clamp(-MOST_LOGIT, MOST_LOGIT))
        .collect()
    }

    fn landmarks_before(&self, shift: Shift) -> Vec<f64> {
        self.landmarks()
            .into_iter()
            .filter_map(|u| {
                let (rate, complement) = rate_at(u);
                let (rate, complement) = match shift {
                    Shift::By(distance) => (rate - distance, complement + distance),
                    Shift::Lift { log, .. } => (rate * (-log).exp(), complement - rate * (-log).exp_m1()),
                };
                (rate > 0.0 && complement > 0.0).then(|| rate.ln() - complement.ln())
            })
            .collect()
    }

    fn slope(u: f64) -> f64 {
        let (rate, complement) = rate_at(u);
        rate * complement
    }

    fn log_lift(_origin: f64, from: f64, to: f64) -> f64 {
        (to / from).ln()
    }

    fn mean(&self) -> Result<f64, Inconclusive> {
        Ok(self.a / (self.a + self.b))
    }

    fn standard_deviation(&self) -> Result<f64, Inconclusive> {
        let total = self.a + self.b;
        Ok((self.a / total * (self.b / total) / (total + 1.0)).sqrt())
    }

    fn is_positive(&self) -> Result<bool, Inconclusive> {
        Ok(true)
    }
}

/// The rate and its complement at a logit, both with all their digits.
fn rate_at(u: f64) -> (f64, f64) {
    (1.0 / (1.0 + (-u).exp()), 1.0 / (1.0 + u.exp()))
}
