//! The currency between methods: an estimate with its variance, an effect with its interval, a p-value.

use serde::Serialize;

use crate::{
    Alpha, Inconclusive,
    dist::{normal, student},
    inconclusive::finite,
};

/// An estimate of one quantity in one arm (or of a difference) with its sampling variance.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The estimate, in the unit of the metric.
    pub value: f64,
    /// The variance of the estimate (the squared standard error, not the variance of the values).
    pub variance: f64,
    /// Units (or clusters) that it rests on.
    pub units: u64,
    /// Degrees of freedom of the variance; `None` where only the normal reference makes sense.
    pub degrees_of_freedom: Option<f64>,
}

impl Estimate {
    /// Joins a value with its variance; the degrees of freedom are the units less one.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] if a number is not finite or the variance negative,
    /// [`Inconclusive::NoUnits`] without units.
    pub fn new(value: f64, variance: f64, units: u64) -> Result<Self, Inconclusive> {
        finite(value, "estimate")?;
        finite(variance, "variance")?;
        if variance < 0.0 {
            return Err(Inconclusive::OutOfDomain { what: "variance" });
        }
        if units == 0 {
            return Err(Inconclusive::NoUnits);
        }
        let degrees_of_freedom = (units > 1).then_some((units - 1) as f64);
        Ok(Self { value, variance, units, degrees_of_freedom })
    }

    /// Returns the estimate if its numbers are finite: the fields are open, so methods ask on entry.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] otherwise.
    pub(crate) fn sound(self) -> Result<Self, Inconclusive> {
        finite(self.value, "estimate")?;
        if finite(self.variance, "variance")? < 0.0 {
            return Err(Inconclusive::OutOfDomain { what: "variance" });
        }
        if self.degrees_of_freedom.is_some_and(f64::is_nan) {
            return Err(Inconclusive::OutOfDomain { what: "degrees of freedom" });
        }
        Ok(self)
    }

    /// The standard error, in the unit of the metric.
    #[must_use]
    pub fn standard_error(&self) -> f64 {
        self.variance.sqrt()
    }

    /// The estimate with its two-sided interval; Student's t where degrees of freedom are known, else the normal.
    ///
    /// Of a rate, [`crate::Proportion::wilson_interval`] holds where this one does not: near 0 and 1.
    ///
    /// # Errors
    /// [`Inconclusive::NoVariance`] without a variance (values that happen to be alike are not known without error),
    /// [`Inconclusive::OutOfDomain`] for numbers that are not finite, [`Inconclusive::NotConverged`] if the quantile
    /// fails.
    pub fn effect(&self, alpha: Alpha) -> Result<Effect, Inconclusive> {
        if self.sound()?.variance <= 0.0 {
            return Err(Inconclusive::NoVariance);
        }
        let critical = match self.degrees_of_freedom {
            Some(degrees) => student::upper_quantile(alpha.get() / 2.0, degrees)?,
            None => alpha.two_sided_z(),
        };
        let standard_error = self.standard_error();
        let interval = Interval::around(self.value, critical * standard_error, alpha.level());
        Ok(Effect { estimate: self.value, standard_error, interval })
    }

    /// The two-sided p-value of "the true value is `null`", under the same reference as [`Estimate::effect`].
    ///
    /// # Errors
    /// [`Inconclusive::NoVariance`] without a variance, [`Inconclusive::OutOfDomain`] for numbers that are not finite.
    pub fn p_value(&self, null: f64) -> Result<PValue, Inconclusive> {
        self.sound()?;
        finite(null, "null value")?;
        if self.variance <= 0.0 {
            return Err(Inconclusive::NoVariance);
        }
        let statistic = (self.value - null) / self.standard_error();
        match self.degrees_of_freedom {
            Some(degrees) => PValue::two_sided_student(statistic, degrees),
            None => PValue::two_sided_normal(statistic),
        }
    }
}

/// A two-sided or one-sided confidence (or credible) interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// The lower end; `None` if it is unbounded below.
    pub lower: Option<f64>,
    /// The upper end; `None` if it is unbounded above.
    pub upper: Option<f64>,
    /// The level, between 0 and 1 (0.95).
    pub level: f64,
}

impl Interval {
    /// The interval `centre ± half_width`.
    #[must_use]
    pub fn around(centre: f64, half_width: f64, level: f64) -> Self {
        Self::between(centre - half_width, centre + half_width, level)
    }

    /// The interval with these ends; an infinite end is unbounded, and so is one that is no number: nothing excludes a
    /// value there.
    #[must_use]
    pub fn between(lower: f64, upper: f64, level: f64) -> Self {
        let bound = |end: f64| end.is_finite().then_some(end);
        Self { lower: bound(lower), upper: bound(upper), level }
    }

    /// Whether the value lies in the interval, its ends included.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        self.lower.is_none_or(|lower| lower <= value) && self.upper.is_none_or(|upper| value <= upper)
    }
}

/// An estimated difference with its standard error and interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Effect {
    /// The estimate: treatment less control, or that divided by the control.
    pub estimate: f64,
    /// Its standard error; for a relative effect by the delta method.
    pub standard_error: f64,
    /// Its interval.
    pub interval: Interval,
}

impl Effect {
    /// Returns the effect if its estimate and standard error are finite: the fields are open, so methods ask on entry.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] otherwise.
    pub(crate) fn sound(self) -> Result<Self, Inconclusive> {
        finite(self.estimate, "estimate")?;
        if finite(self.standard_error, "standard error")? < 0.0 {
            return Err(Inconclusive::OutOfDomain { what: "standard error" });
        }
        Ok(self)
    }
}

/// A p-value: a probability that keeps its relative precision down to 1e-300.
///
/// It never is 0: what lies below the smallest normal double (2.2e-308) is given as that, and reads "at most".
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct PValue(f64);

impl PValue {
    /// Accepts a number from 0 to 1.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] for anything else, NaN included.
    pub fn new(value: f64) -> Result<Self, Inconclusive> {
        if (0.0..=1.0).contains(&value) {
            Ok(Self::clamped(value))
        } else {
            Err(Inconclusive::OutOfDomain { what: "p-value" })
        }
    }

    /// Cuts a computed tail to the domain: rounding may leave it an ulp above 1 or below the smallest double.
    pub(crate) fn clamped(value: f64) -> Self {
        Self(value.clamp(f64::MIN_POSITIVE, 1.0))
    }

    /// The two-sided p-value of a standard normal statistic.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] for what is no number.
    pub fn two_sided_normal(statistic: f64) -> Result<Self, Inconclusive> {
        if statistic.is_nan() {
            return Err(Inconclusive::OutOfDomain { what: "statistic" });
        }
        Ok(Self::clamped(2.0 * normal::sf(statistic.abs())))
    }

    /// The two-sided p-value of a statistic under Student's t.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] unless the degrees of freedom are positive.
    pub fn two_sided_student(statistic: f64, degrees_of_freedom: f64) -> Result<Self, Inconclusive> {
        Ok(Self::clamped(2.0 * student::sf(statistic.abs(), degrees_of_freedom)?))
    }

    /// The number, above 0 and at most 1.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }

    /// Whether it is at most the rate.
    #[must_use]
    pub fn is_significant(self, alpha: Alpha) -> bool {
        self.0 <= alpha.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_p_value_is_never_zero() {
        assert_eq!(PValue::two_sided_normal(60.0).unwrap().get(), f64::MIN_POSITIVE);
        assert_eq!(PValue::two_sided_normal(f64::INFINITY).unwrap().get(), f64::MIN_POSITIVE);
        assert!(PValue::two_sided_normal(f64::NAN).is_err());
        assert!(PValue::new(f64::NAN).is_err());
    }

    #[test]
    fn an_estimate_without_a_variance_has_no_interval() {
        let alpha = Alpha::new(0.05).unwrap();
        let constant = Estimate::new(0.0, 0.0, 50).unwrap();
        assert_eq!(constant.effect(alpha), Err(Inconclusive::NoVariance));
        assert_eq!(constant.p_value(0.0), Err(Inconclusive::NoVariance));
    }

    #[test]
    fn an_unbounded_end_contains_everything_on_its_side() {
        let unknown = Interval::between(f64::NAN, 2.0, 0.95);
        assert!(unknown.contains(-1e300) && unknown.lower.is_none());
        let interval = Interval::between(f64::NEG_INFINITY, 2.0, 0.95);
        assert!(interval.contains(-1e300) && !interval.contains(2.1));
        assert_eq!(interval.lower, None);
    }
}
