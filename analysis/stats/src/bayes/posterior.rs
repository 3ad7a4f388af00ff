//! What a comparison needs to know of a posterior distribution.

use crate::{Alpha, Inconclusive, Interval};

/// The posterior of one arm's parameter θ, described on a coordinate `u` that increases with θ.
///
/// The coordinate is θ itself where θ lives on the whole line, and `logit θ` for a rate, so that a rate of 1e-9 and
/// one of `1 - 1e-9` have all their digits. All arms of a comparison share one coordinate. On the whole line it can be
/// measured from any origin, so that a posterior narrower than the last digits of its mean is resolved.
pub trait Posterior: Sized {
    /// The middle of the coordinate, from which [`Posterior::about`] resolves this posterior best.
    fn origin(&self) -> f64;

    /// The posterior of `θ - origin`; unchanged where the coordinate is not θ itself, whose origin is 0.
    #[must_use]
    fn about(&self, origin: f64) -> Self;

    /// Density of the coordinate at `u`.
    fn density(&self, u: f64) -> f64;

    /// `P(θ <= θ(u))` and `P(θ > θ(u))`; the smaller one keeps its relative precision.
    ///
    /// # Errors
    /// [`Inconclusive::NotConverged`] where the distribution function fails; [`Inconclusive::OutOfDomain`] where the
    /// coordinate does not hold all of the posterior.
    fn tails(&self, u: f64) -> Result<(f64, f64), Inconclusive>;

    /// The tails at the value that `shift` moves `θ(u)` to.
    ///
    /// # Errors
    /// As [`Posterior::tails`].
    fn tails_after(&self, u: f64, shift: Shift) -> Result<(f64, f64), Inconclusive>;

    /// The θ that is not exceeded with probability `p`, strictly between 0 and 1.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] for another `p`; [`Inconclusive::NotConverged`] where the iteration fails.
    fn quantile(&self, p: f64) -> Result<f64, Inconclusive>;

    /// The θ that is exceeded with probability `p`, which may be far below the last digit of 1.
    ///
    /// # Errors
    /// As [`Posterior::quantile`].
    fn upper_quantile(&self, p: f64) -> Result<f64, Inconclusive>;

    /// The length of the coordinate on which the density varies: its width as a normal's standard deviation, or less
    /// where it is less smooth than a normal's.
    fn grain(&self) -> f64;

    /// Coordinates between which the density is smooth, from where the lower tail is negligible to where the upper
    /// one is.
    fn landmarks(&self) -> Vec<f64>;

    /// The coordinates that `shift` moves onto the landmarks; those outside the domain are left out.
    fn landmarks_before(&self, shift: Shift) -> Vec<f64>;

    /// `dθ/du` at `u`, the same for all posteriors of one type.
    fn slope(u: f64) -> f64;

    /// The logarithm of one plus the lift from one value of θ to another, both measured from `origin`.
    fn log_lift(origin: f64, from: f64, to: f64) -> f64;

    /// Mean of θ.
    ///
    /// # Errors
    /// [`Inconclusive::TooFewUnits`] where the posterior's tails are too heavy for a mean.
    fn mean(&self) -> Result<f64, Inconclusive>;

    /// Standard deviation of θ.
    ///
    /// # Errors
    /// [`Inconclusive::TooFewUnits`] where the posterior's tails are too heavy for one.
    fn standard_deviation(&self) -> Result<f64, Inconclusive>;

    /// Whether θ is positive throughout, to within a probability of 1e-9, so that lifts make sense.
    ///
    /// # Errors
    /// As [`Posterior::tails`].
    fn is_positive(&self) -> Result<bool, Inconclusive>;

    /// The equal-tailed credible interval of θ at level `1 - alpha`.
    ///
    /// # Errors
    /// As [`Posterior::quantile`].
    fn credible_interval(&self, alpha: Alpha) -> Result<Interval, Inconclusive> {
        let tail = 0.5 * alpha.get();
        Ok(Interval::between(self.quantile(tail)?, self.upper_quantile(tail)?, alpha.level()))
    }
}

/// A move of the control's value to what the treatment is compared with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shift {
    /// To θ + d.
    By(f64),
    /// To θ · e^log.
    Lift {
        /// The logarithm of one plus the lift, which keeps the digits of the greatest and the least.
        log: f64,
        /// What θ is measured from.
        origin: f64,
    },
}

impl Shift {
    /// The ratio and the distance of the move `value · ratio + distance` on the whole line.
    #[must_use]
    pub fn line(self) -> (f64, f64) {
        match self {
            Self::By(distance) => (1.0, distance),
            Self::Lift { log, origin } => (log.exp(), origin * log.exp_m1()),
        }
    }

    /// The move back.
    #[must_use]
    pub fn back(self) -> Self {
        match self {
            Self::By(distance) => Self::By(-distance),
            Self::Lift { log, origin } => Self::Lift { log: -log, origin },
        }
    }

    /// Which value moves to this one.
    #[must_use]
    pub fn undo(self, value: f64) -> f64 {
        let (ratio, distance) = self.back().line();
        value * ratio + distance
    }
}

/// Points at `centre ± scale · 2^k` until the offset passes `reach`, and the centre.
#[must_use]
pub(crate) fn spread_points(centre: f64, scale: f64, reach_down: f64, reach_up: f64) -> Vec<f64> {
    let mut points = vec![centre];
    let mut offset = scale;
    while offset < 2.0 * reach_down.max(reach_up) {
        points.push(centre - offset.min(reach_down));
        points.push(centre + offset.min(reach_up));
        offset *= 2.0;
    }
    points
}
