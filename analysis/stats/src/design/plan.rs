//! Power, sample size and minimum detectable change of a comparison of two arms.
//!
//! Owns the one power function that everything else inverts. Nothing is rounded before the end: sample sizes are
//! real numbers until they are rounded up, once, per arm.

use serde::{Deserialize, Serialize};

use super::metric::{Change, Metric};
use crate::dist::{normal, student};
use crate::fixed::margin::Direction;
use crate::inconclusive::{finite, positive, serialize_outcome};
use crate::quadrature::density_nodes;
use crate::root::solve_increasing;
use crate::{Alpha, Inconclusive, Probability};

/// What the test has to show.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hypothesis {
    /// That the arms differ; alpha is the two-sided total, and rejection in either tail counts.
    TwoSided,
    /// That the change is in the planned direction; alpha is one-sided.
    OneSided,
    /// That the change is not worse than `-margin` (positive, in the unit of the metric); alpha is one-sided. A
    /// positive change counts as good.
    NonInferiority {
        /// Largest loss that is acceptable.
        margin: f64,
    },
    /// That the change lies within `± margin`: two one-sided tests, alpha is that of each.
    Equivalence {
        /// Largest difference that counts as none.
        margin: f64,
    },
}

/// Which variance the test divides by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NullVariance {
    /// Each arm its own, as the interval has it.
    Unpooled,
    /// One for both arms at their weighted mean, as the two-proportion z test has it (for stated variances their
    /// weighted mean). Only a metric whose arms differ in variance is different for it.
    Pooled,
}

/// What the statistic is referred to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanReference {
    /// The normal distribution: right from some hundred units on.
    Normal,
    /// Student's t with `n - 2` degrees of freedom, and the noncentral t for power.
    Student,
}

/// How an experiment will be run and analysed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Error rate of the test; divide it first where several comparisons share it.
    pub alpha: Alpha,
    /// What is to be shown.
    pub hypothesis: Hypothesis,
    /// Share of all units that the control gets, between 0 and 1.
    pub control_share: f64,
    /// Share of all units that the treatment gets; the rest belongs to other arms.
    pub treatment_share: f64,
    /// Which variance the test divides by.
    pub null_variance: NullVariance,
    /// What the statistic is referred to.
    pub reference: PlanReference,
    /// What multiplies every variance: `1 - ρ²` for a covariate of correlation ρ, times a
    /// [design effect](design_effect) for clusters. 1 for neither.
    pub variance_factor: f64,
    /// What multiplies every sample size: the [inflation](super::Inflation) of a sequential design. 1 for none.
    pub inflation: f64,
}

/// Units to enrol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SampleSize {
    /// Units in the control arm.
    pub control: u64,
    /// Units in the treatment arm.
    pub treatment: u64,
    /// Units over all arms, those that the plan does not name included.
    pub total: u64,
}

/// The smallest change that is detected with the wanted power.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Detectable {
    /// In the unit of the metric, signed.
    pub absolute: f64,
    /// As a share of the baseline, signed, or why there is none.
    #[serde(serialize_with = "serialize_outcome")]
    pub relative: Result<f64, Inconclusive>,
}

/// More units than a whole number here can say.
const MOST_UNITS: f64 = u64::MAX as f64;

const NO_CHANGE_SHOWN: Inconclusive =
    Inconclusive::OutOfDomain { what: "the number of units (no possible change has the power)" };

/// Changes `from + sign · distance`, up to the distance `most`.
struct Walk {
    from: f64,
    sign: f64,
    most: f64,
}

impl Plan {
    /// Two equal arms, two-sided, unpooled, normal, without variance reduction or looks.
    #[must_use]
    pub fn even(alpha: Alpha) -> Self {
        Self {
            alpha,
            hypothesis: Hypothesis::TwoSided,
            control_share: 0.5,
            treatment_share: 0.5,
            null_variance: NullVariance::Unpooled,
            reference: PlanReference::Normal,
            variance_factor: 1.0,
            inflation: 1.0,
        }
    }

    /// Probability that the test rejects when `units` (over all arms) were enrolled and the change is real.
    ///
    /// With `D ~ N(δ, s₁²)`, `s₁² = f (v_c/n_c + v_t/n_t)` and `s₀` the standard error that the test divides by, two-sided power
    /// is `Φ((δ - z s₀)/s₁) + Φ((-δ - z s₀)/s₁)`: both tails, so that it is alpha at δ = 0.
    ///
    /// Sources: Fleiss, Levin and Paik, *Statistical Methods for Rates and Proportions*, 3rd ed., section 4.2 (pooled
    /// under the null); Chow, Shao and Wang, *Sample Size Calculations in Clinical Research*, chapter 3.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] for shares, factors, a margin or a change that are impossible;
    /// [`Inconclusive::NoVariance`] where nothing varies; [`Inconclusive::TooFewUnits`] for t below 3 units.
    pub fn power(&self, metric: &Metric, change: Change, units: f64) -> Result<Probability, Inconclusive> {
        self.check()?;
        positive(units, "the number of units")?;
        self.power_at(metric, change.difference(metric)?, units / self.inflation)
    }

    /// Units needed for `power`; each arm is rounded up.
    ///
    /// # Errors
    /// As [`Plan::power`], and [`Inconclusive::OutOfDomain`] when no number of units gives the power (a change of
    /// zero, one beyond the margin, or a power not above alpha) or none up to 1.8e19, the largest whole number here.
    pub fn sample_size(
        &self,
        metric: &Metric,
        change: Change,
        power: Probability,
    ) -> Result<SampleSize, Inconclusive> {
        let total = self.units(metric, change, power)?;
        let (control, treatment) = (total * self.control_share, total * self.treatment_share);
        // A relative allowance keeps rounding noise from adding a unit.
        let up = |units: f64| (units * (1.0 - 1e-12)).ceil();
        let rest = total * (1.0 - self.control_share - self.treatment_share).max(0.0);
        Ok(SampleSize {
            control: up(control) as u64,
            treatment: up(treatment) as u64,
            total: (up(control) + up(treatment) + if rest > total * 1e-9 { up(rest) } else { 0.0 }) as u64,
        })
    }

    /// Units over all arms needed for `power`, not rounded.
    ///
    /// # Errors
    /// As [`Plan::sample_size`].
    pub fn units(&self, metric: &Metric, change: Change, power: Probability) -> Result<f64, Inconclusive> {
        self.check()?;
        let difference = change.difference(metric)?;
        self.check_reachable(difference, power)?;
        let fewest = match self.reference {
            PlanReference::Normal => f64::MIN_POSITIVE.ln(),
            PlanReference::Student => 3.0_f64.ln() + 1e-9,
        };
        let start = self.normal_guess(metric, difference, power)?.ln().max(fewest);
        let too_many = Inconclusive::OutOfDomain { what: "the change (it needs more than 1.8e19 units)" };
        // The guess is good to a few units or percent, so what it puts far beyond the limit is there.
        if start > MOST_UNITS.ln() + 1.0 {
            return Err(too_many);
        }
        let excess = |log_units: f64| -> Result<f64, Inconclusive> {
            Ok(self.power_at(metric, difference, log_units.exp())?.get() - power.get())
        };
        // With fewer units Student's test has no answer, however large the change.
        if self.reference == PlanReference::Student && excess(fewest)? >= 0.0 {
            return Ok(fewest.exp() * self.inflation);
        }
        let log_units = solve_increasing(
            excess,
            (start - 0.1, start + 0.1),
            (fewest, MOST_UNITS.ln() + 2.0),
            1e-14,
            "the sample size",
        )?;
        let units = log_units.exp() * self.inflation;
        if units < MOST_UNITS { Ok(units) } else { Err(too_many) }
    }

    /// Smallest change in the given direction that `units` (over all arms) detect with `power`.
    ///
    /// The treatment's variance is taken where the change puts it (for a proportion or a count), so the answer
    /// inverts [`Plan::power`] exactly. For non-inferiority it is the worst change at which the claim is still shown
    /// with that power, negative where a loss may be real (positive is good there, whatever the direction); for
    /// equivalence the largest one in the direction.
    ///
    /// # Errors
    /// As [`Plan::power`]; [`Inconclusive::OutOfDomain`] for a power not above alpha, and when no possible change has
    /// the power.
    pub fn minimum_detectable(
        &self,
        metric: &Metric,
        units: f64,
        power: Probability,
        direction: Direction,
    ) -> Result<Detectable, Inconclusive> {
        self.check()?;
        positive(units, "the number of units")?;
        self.check_power(power)?;
        let sign = direction.gain(1.0);
        let units = units / self.inflation;
        let shown = |walk| self.smallest_shown(metric, units, power, walk);
        let absolute = match self.hypothesis {
            Hypothesis::TwoSided | Hypothesis::OneSided => {
                sign * shown(Walk { from: 0.0, sign, most: f64::INFINITY })?
            }
            Hypothesis::NonInferiority { margin } => {
                shown(Walk { from: -margin, sign: 1.0, most: f64::INFINITY })? - margin
            }
            // From the margin inwards; beyond the middle the power falls again.
            Hypothesis::Equivalence { margin } => {
                sign * (margin - shown(Walk { from: sign * margin, sign: -sign, most: margin })?)
            }
        };
        let share = absolute / metric.baseline().abs();
        let relative = if share.is_finite() { Ok(share) } else { Err(Inconclusive::ZeroControl) };
        Ok(Detectable { absolute, relative })
    }

    /// The smallest distance on the walk at which the power is reached.
    fn smallest_shown(
        &self,
        metric: &Metric,
        units: f64,
        power: Probability,
        Walk { from, sign, most }: Walk,
    ) -> Result<f64, Inconclusive> {
        let nearest = (-sign * from - metric.farthest(-sign)).max(0.0);
        let farthest = (metric.farthest(sign) - sign * from).min(most);
        let (error, _) = self.errors(metric, 0.0, units)?;
        let guess = error * (self.alpha.two_sided_z() + normal::quantile(power.get())?.max(0.0));
        let start = (nearest + guess).min(farthest);
        let size = solve_increasing(
            |size| {
                // At the ends the metric may be impossible. The power counts as missed at the near one, where the walk
                // starts, and as reached at the far one, which is then no answer.
                if size >= farthest {
                    return Ok(1.0 - power.get());
                }
                if nearest > 0.0 && size <= nearest {
                    return Ok(-power.get());
                }
                Ok(self.power_at(metric, from + sign * size, units)?.get() - power.get())
            },
            (nearest + 0.5 * (start - nearest), start),
            (nearest, farthest),
            1e-13,
            "the minimum detectable change",
        )?;
        if size >= farthest * (1.0 - 1e-9) { Err(NO_CHANGE_SHOWN) } else { Ok(size) }
    }

    /// Power at a number of units that the inflation was already taken out of.
    fn power_at(&self, metric: &Metric, difference: f64, units: f64) -> Result<Probability, Inconclusive> {
        let (null_error, error) = self.errors(metric, difference, units)?;
        let tail = match self.hypothesis {
            Hypothesis::TwoSided => self.alpha.get() / 2.0,
            _ => self.alpha.get(),
        };
        let scale = match self.reference {
            PlanReference::Normal => Critical::Normal(normal::upper_quantile(tail)?),
            PlanReference::Student => {
                Critical::student(tail, units * (self.control_share + self.treatment_share) - 2.0)?
            }
        };
        // P(D - shift > critical · s0) with D ~ N(difference, s1²).
        let beyond =
            |distance: f64| scale.expect(|critical| normal::cdf((distance - critical * null_error) / error));
        Probability::new(match self.hypothesis {
            Hypothesis::TwoSided => (beyond(difference) + beyond(-difference)).min(1.0),
            Hypothesis::OneSided => beyond(difference.abs()),
            Hypothesis::NonInferiority { margin } => beyond(difference + margin),
            Hypothesis::Equivalence { margin } => scale.expect(|critical| {
                let reach = (margin - critical * null_error) / error;
                let at = difference / error;
                (normal::cdf(reach - at) - normal::cdf(-reach - at)).max(0.0)
            }),
        })
    }

    /// The standard error that the test divides by and that of the difference itself.
    fn errors(&self, metric: &Metric, difference: f64, units: f64) -> Result<(f64, f64), Inconclusive> {
        let (control, treatment) = (self.control_share * units, self.treatment_share * units);
        let of = |on_control: f64, on_treatment: f64| {
            (self.variance_factor * (on_control / control + on_treatment / treatment)).sqrt()
        };
        let error = of(metric.unit_variance(0.0)?, metric.treatment_unit_variance(difference)?);
        let null_error = match self.null_variance {
            NullVariance::Unpooled => error,
            NullVariance::Pooled => {
                let share = self.treatment_share / (self.control_share + self.treatment_share);
                let pooled = metric.pooled_unit_variance(difference, share)?;
                of(pooled, pooled)
            }
        };
        Ok((null_error, error))
    }

    /// The near-tail closed form, a start for the exact solution.
    fn normal_guess(
        &self,
        metric: &Metric,
        difference: f64,
        power: Probability,
    ) -> Result<f64, Inconclusive> {
        let (null_error, error) = self.errors(metric, difference, 1.0)?;
        let (distance, tail, miss) = match self.hypothesis {
            Hypothesis::TwoSided => (difference.abs(), self.alpha.two_sided_z(), power.get()),
            Hypothesis::OneSided => (difference.abs(), self.alpha.one_sided_z(), power.get()),
            Hypothesis::NonInferiority { margin } => {
                (difference + margin, self.alpha.one_sided_z(), power.get())
            }
            Hypothesis::Equivalence { margin } => {
                (margin - difference.abs(), self.alpha.one_sided_z(), 0.5 + 0.5 * power.get())
            }
        };
        let z = normal::quantile(miss)?;
        Ok(((tail * null_error + z * error) / distance).powi(2).max(1e-9))
    }

    fn check(&self) -> Result<(), Inconclusive> {
        let share = |share: f64| share > 0.0 && share < 1.0;
        if !share(self.control_share)
            || !share(self.treatment_share)
            || self.control_share + self.treatment_share > 1.0 + 1e-9
        {
            return Err(Inconclusive::OutOfDomain { what: "the arms' shares" });
        }
        finite(positive(self.variance_factor, "the variance factor")?, "the variance factor")?;
        finite(positive(self.inflation, "the inflation")?, "the inflation")?;
        if let Hypothesis::NonInferiority { margin } | Hypothesis::Equivalence { margin } = self.hypothesis {
            positive(margin, "the margin")?;
        }
        Ok(())
    }

    fn check_reachable(&self, difference: f64, power: Probability) -> Result<(), Inconclusive> {
        let distance = match self.hypothesis {
            Hypothesis::TwoSided | Hypothesis::OneSided => difference.abs(),
            Hypothesis::NonInferiority { margin } => difference + margin,
            Hypothesis::Equivalence { margin } => margin - difference.abs(),
        };
        if distance <= 0.0 {
            return Err(Inconclusive::OutOfDomain { what: "the change (no sample size shows it)" });
        }
        self.check_power(power)
    }

    fn check_power(&self, power: Probability) -> Result<(), Inconclusive> {
        if power.get() <= self.alpha.get() || power.get() >= 1.0 {
            return Err(Inconclusive::OutOfDomain { what: "the power (above alpha and below 1)" });
        }
        Ok(())
    }
}

/// The critical value: a number, or for Student's t a number times the random scale of the standard error.
enum Critical {
    Normal(f64),
    Student { critical: f64, scales: Vec<(f64, f64)> },
}

impl Critical {
    /// Student's t with its noncentral form as a mixture: `T > t` is `D > t·s·σ` with `s² ~ χ²_ν/ν` independent of D.
    fn student(tail: f64, degrees_of_freedom: f64) -> Result<Self, Inconclusive> {
        if degrees_of_freedom <= 0.0 {
            return Err(Inconclusive::TooFewUnits { needed: 3, found: 2 });
        }
        let critical = student::upper_quantile(tail, degrees_of_freedom)?;
        // The log of the density of ln s relative to its mode at 0 is ν (u - (exp(2u) - 1)/2).
        let density = |u: f64| (degrees_of_freedom * (u - 0.5 * (2.0 * u).exp_m1())).exp();
        let scales = density_nodes(0.0, (2.0 * degrees_of_freedom).sqrt().recip(), density);
        Ok(Self::Student {
            critical,
            scales: scales.into_iter().map(|(weight, u)| (weight, u.exp())).collect(),
        })
    }

    fn expect(&self, probability: impl Fn(f64) -> f64) -> f64 {
        match self {
            Self::Normal(critical) => probability(*critical),
            Self::Student { critical, scales } => {
                scales.iter().map(|(weight, scale)| weight * probability(critical * scale)).sum()
            }
        }
    }
}

/// Kish's design effect of clusters: `1 + ((1 + cv²) m - 1)·ICC`.
///
/// `size` is the mean number of units in a cluster, `variation` the coefficient of variation of the sizes.
///
/// Source: Eldridge, Ashby and Kerry, Int. J. Epidemiology 35 (2006).
///
/// # Errors
/// [`Inconclusive::OutOfDomain`] for a size below 1, a negative variation or a correlation outside 0 to 1.
pub fn design_effect(size: f64, variation: f64, correlation: Probability) -> Result<f64, Inconclusive> {
    if !(size >= 1.0 && size.is_finite() && variation >= 0.0 && variation.is_finite()) {
        return Err(Inconclusive::OutOfDomain { what: "the sizes of the clusters" });
    }
    finite(
        1.0 + ((1.0 + variation * variation) * size - 1.0) * correlation.get(),
        "the sizes of the clusters",
    )
}
