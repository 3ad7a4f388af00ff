//! Normal data with unknown variance: the normal-inverse-gamma model, whose mean has a Student t posterior.

use super::posterior::{Posterior, Shift, spread_points};
use crate::dist::student;
use crate::moments::Mean;
use crate::{Inconclusive, inconclusive::finite};

/// What was believed about mean and variance: `σ² ~ InverseGamma(shape, scale)`, `μ | σ² ~ N(mean, σ²/strength)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NormalInverseGamma {
    mean: f64,
    strength: f64,
    shape: f64,
    scale: f64,
}

impl NormalInverseGamma {
    /// The reference prior `p(μ, σ²) ∝ 1/σ²`; after n units the mean is `t(n-1)` about the sample mean with scale `s/√n`.
    pub const REFERENCE: Self = Self { mean: 0.0, strength: 0.0, shape: -0.5, scale: 0.0 };

    /// An informative prior: `mean` counts as much as `strength` units, and `standard_deviation` of the values as much
    /// as `units_for_deviation` units.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] unless all are finite and all but the mean positive.
    pub fn informative(
        mean: f64,
        strength: f64,
        standard_deviation: f64,
        units_for_deviation: f64,
    ) -> Result<Self, Inconclusive> {
        let positive = [strength, standard_deviation, units_for_deviation];
        if !mean.is_finite() || positive.iter().any(|value| !(*value > 0.0 && value.is_finite())) {
            return Err(Inconclusive::OutOfDomain { what: "the normal-inverse-gamma prior" });
        }
        let shape = 0.5 * units_for_deviation;
        Ok(Self { mean, strength, shape, scale: shape * standard_deviation * standard_deviation })
    }

    /// The joint posterior after `seen`.
    ///
    /// Source: Gelman et al., *Bayesian Data Analysis*, 3rd ed., section 3.3, with `ν = 2·shape`, `νσ₀² = 2·scale`.
    ///
    /// # Errors
    /// [`Inconclusive::TooFewUnits`] when the posterior is improper (the reference prior needs two units);
    /// [`Inconclusive::NoVariance`] when the values do not vary and the prior says nothing about their variance.
    pub fn update(self, seen: &Mean) -> Result<Self, Inconclusive> {
        let units = seen.units() as f64;
        let strength = self.strength + units;
        let shape = self.shape + 0.5 * units;
        if shape <= 0.0 || strength <= 0.0 {
            return Err(Inconclusive::TooFewUnits { needed: 2, found: seen.units() });
        }
        let squares = if seen.units() < 2 { 0.0 } else { seen.variance()? * (units - 1.0) };
        let gap = seen.mean() - self.mean;
        let mean = self.mean + units / strength * gap;
        let scale = self.scale + 0.5 * squares + 0.5 * (self.strength / strength * units) * gap * gap;
        if scale <= 0.0 {
            return Err(Inconclusive::NoVariance);
        }
        Ok(Self {
            mean: finite(mean, "posterior mean")?,
            strength,
            shape,
            scale: finite(scale, "posterior scale")?,
        })
    }

    /// The marginal posterior of the mean: Student t with `2·shape` degrees of freedom.
    ///
    /// # Errors
    /// [`Inconclusive::TooFewUnits`] for a prior that has not been updated and is improper.
    pub fn mean_posterior(&self) -> Result<StudentPosterior, Inconclusive> {
        if self.strength <= 0.0 || self.shape <= 0.0 || self.scale <= 0.0 {
            return Err(Inconclusive::TooFewUnits { needed: 2, found: 0 });
        }
        Ok(StudentPosterior {
            location: self.mean,
            scale: (self.scale / self.shape / self.strength).sqrt(),
            degrees_of_freedom: 2.0 * self.shape,
        })
    }

    /// Mean, strength, shape and scale.
    pub(super) fn parameters(&self) -> (f64, f64, f64, f64) {
        (self.mean, self.strength, self.shape, self.scale)
    }
}

/// Location-scale Student t.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StudentPosterior {
    location: f64,
    scale: f64,
    degrees_of_freedom: f64,
}

impl StudentPosterior {
    fn standardised(&self, value: f64) -> f64 {
        (value - self.location) / self.scale
    }

    fn tails_at(&self, t: f64) -> Result<(f64, f64), Inconclusive> {
        let smaller = student::sf(t.abs(), self.degrees_of_freedom)?;
        Ok(if t > 0.0 { (1.0 - smaller, smaller) } else { (smaller, 1.0 - smaller) })
    }

    fn reach(&self) -> f64 {
        // Out to a tail of about 1e-20, or 1e15 scales where the tails are heavier than that.
        let tail = 1e-20_f64.powf(-1.0 / self.degrees_of_freedom) * (self.degrees_of_freedom.sqrt() + 1.0);
        self.scale * tail.clamp(38.0, 1e15)
    }

    fn needs(&self, degrees_of_freedom: f64, needed: u64) -> Result<(), Inconclusive> {
        if self.degrees_of_freedom > degrees_of_freedom {
            Ok(())
        } else {
            Err(Inconclusive::TooFewUnits { needed, found: self.degrees_of_freedom as u64 + 1 })
        }
    }
}

impl Posterior for StudentPosterior {
    fn origin(&self) -> f64 {
        self.location
    }

    fn about(&self, origin: f64) -> Self {
        Self { location: self.location - origin, ..*self }
    }

    fn density(&self, u: f64) -> f64 {
        student::pdf(self.standardised(u), self.degrees_of_freedom)
            .map_or(0.0, |density| density / self.scale)
    }

    fn tails(&self, u: f64) -> Result<(f64, f64), Inconclusive> {
        self.tails_at(self.standardised(u))
    }

    fn tails_after(&self, u: f64, shift: Shift) -> Result<(f64, f64), Inconclusive> {
        // The distance meets the location first, where the two may cancel exactly.
        let (ratio, distance) = shift.line();
        self.tails_at((u * ratio + (distance - self.location)) / self.scale)
    }

    fn quantile(&self, p: f64) -> Result<f64, Inconclusive> {
        Ok(self.location - self.scale * student::upper_quantile(p, self.degrees_of_freedom)?)
    }

    fn upper_quantile(&self, p: f64) -> Result<f64, Inconclusive> {
        Ok(self.location + self.scale * student::upper_quantile(p, self.degrees_of_freedom)?)
    }

    fn grain(&self) -> f64 {
        self.scale
    }

    fn landmarks(&self) -> Vec<f64> {
        spread_points(self.location, self.scale, self.reach(), self.reach())
    }

    fn landmarks_before(&self, shift: Shift) -> Vec<f64> {
        self.landmarks().into_iter().map(|point| shift.undo(point)).collect()
    }

    fn slope(_u: f64) -> f64 {
        1.0
    }

    fn log_lift(origin: f64, from: f64, to: f64) -> f64 {
        ((to - from) / (origin + from)).ln_1p()
    }

    fn mean(&self) -> Result<f64, Inconclusive> {
        self.needs(1.0, 3)?;
        Ok(self.location)
    }

    fn standard_deviation(&self) -> Result<f64, Inconclusive> {
        self.needs(2.0, 4)?;
        Ok(self.scale * (self.degrees_of_freedom / (self.degrees_of_freedom - 2.0)).sqrt())
    }

    fn is_positive(&self) -> Result<bool, Inconclusive> {
        Ok(self.tails(0.0)?.0 < 1e-9)
    }
}
