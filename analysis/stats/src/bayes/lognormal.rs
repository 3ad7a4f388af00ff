//! Log-normal amounts: revenue per buyer, and revenue per unit when only some units buy.
//!
//! Owns the posterior of the logarithm η of a mean. On the scale of money the mean `exp(μ + σ²/2)` has no posterior
//! mean under the conjugate prior (the t tails of μ have no exponential moment), so an expected loss in money does
//! not exist; it is stated on the log scale, where it is the expected relative loss to first order.

use std::collections::BTreeMap;
use std::f64::consts::{FRAC_1_SQRT_2, PI};

use super::beta::BetaPosterior;
use super::posterior::{Posterior, Shift, spread_points};
use super::student::NormalInverseGamma;
use crate::dist::normal;
use crate::quadrature::spaced_nodes;
use crate::root::solve_increasing;
use crate::{Alpha, Inconclusive, Interval};

/// Smallest spacing of nodes in widths of the normals that smear them: the error of the trapezoidal rule over normals
/// is `2·exp(-2π²/0.8²)`, 1e-13, of the density.
const SPACING: f64 = 0.8;
/// The same as an exponent: a part of weight w may be wrong by `exp(-32)/w` of itself.
const EXPONENT: f64 = 32.0;
/// Widest spacing in widths of the density that is integrated: `exp(-2π²/0.65²)` is 5e-21.
const OWN_SPACING: f64 = 0.65;
/// Widest spacing of a logit or of ln σ², whatever the width: its density is analytic up to ±iπ/2 at least, so the error is
/// `exp(-π²/0.3)`.
const WIDEST: f64 = 0.3;
/// Distance in standard deviations beyond which a normal has no mass: 1e-88.
const FAR: f64 = 20.0;
/// How far in its standard deviations a component is integrated.
const REACH: f64 = 14.0;
/// Narrowest normals in widths of the rate's logarithm. Widening them to this moves a probability by 1e-9 at most.
const NARROWEST: f64 = 1e-4;
/// Error of a probability that is let pass where a rate and a far wider normal are taken together as one normal.
const MERGED: f64 = 1e-13;
/// Share of the mixing weights that the last node on either side may have.
const CUT: f64 = 1e-12;
/// Most nodes on either side of a mode.
const MOST_NODES: u32 = 400_000;
const NOT_CONVERGED: Inconclusive = Inconclusive::NotConverged { what: "a log-normal posterior" };

/// The posterior of η, the logarithm of a mean, as a mixture of normals.
///
/// For amounts, `η = μ + σ²/2`: given σ², it is normal, and σ² is integrated by the trapezoidal rule. With
/// conversions, `η = ln p + μ + σ²/2`, with the rate p integrated in `logit p` too. A mixture of normals is smooth
/// only if its nodes lie closer together than the normals are wide, so both spacings follow that width. Tail
/// probabilities are accurate to about 1e-11 absolute, and to 1e-9 where the amounts hardly vary.
///
/// Source: Aitchison and Brown, *The Lognormal Distribution* (1957), section 2.3, for the mean; Fabrizi and Trivisano,
/// Bayesian Analysis 7 (2012), for why its posterior mean does not exist; Trefethen and Weideman, SIAM Review 56
/// (2014), for the rule's error.
#[derive(Debug, Clone, PartialEq)]
pub struct LogMeanPosterior {
    /// Normals that are components as they are.
    alone: Vec<Normal>,
    /// Normals that every node of the rate moves, by the spacing of these.
    moved: Vec<Moved>,
    mean: f64,
    standard_deviation: f64,
    grain: f64,
}

/// A weighted normal.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Normal {
    weight: f64,
    mean: f64,
    deviation: f64,
}

/// Normals that are moved by the same nodes of `ln p`, which are in ascending order.
#[derive(Debug, Clone, PartialEq)]
struct Moved {
    normals: Vec<Normal>,
    log_rates: Vec<LogRate>,
}

/// A node of `ln p`, with the weights of all nodes below and above it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct LogRate {
    value: f64,
    weight: f64,
    below: f64,
    above: f64,
}

/// Mean, standard deviation and grain of one part of η.
#[derive(Clone, Copy)]
struct Part {
    mean: f64,
    standard_deviation: f64,
    grain: f64,
}

impl LogMeanPosterior {
    /// The log of the mean amount, given the posterior of mean and variance of the logarithms of the amounts.
    ///
    /// # Errors
    /// [`Inconclusive::TooFewUnits`] unless the posterior's shape is above 2 (six amounts under the reference
    /// prior), below which η has no variance; [`Inconclusive::NotConverged`] where σ² or η leave the doubles.
    pub fn of_amounts(logs: &NormalInverseGamma) -> Result<Self, Inconclusive> {
        let alone = normals(logs)?;
        let Part { mean, standard_deviation, grain } = amounts(logs, &alone)?;
        Ok(Self { alone, moved: Vec::new(), mean, standard_deviation, grain })
    }

    /// The log of the mean per unit: the rate of buying times the mean amount of buyers.
    ///
    /// # Errors
    /// As [`LogMeanPosterior::of_amounts`], and [`Inconclusive::OutOfDomain`] for a rate with a count below 0.05.
    pub fn of_revenue(rate: &BetaPosterior, logs: &NormalInverseGamma) -> Result<Self, Inconclusive> {
        rate.resolved()?;
        let normals = normals(logs)?;
        let amount = amounts(logs, &normals)?;
        let widest = WIDEST.min(OWN_SPACING * rate.logit_scale());
        let coarse = spaced_nodes(rate.logit_mode(), widest, MOST_NODES, |u| rate.density(u));
        let buying = log_rate(rate, &coarse)?;
        let mut alone = Vec::new();
        let mut by_steps: BTreeMap<i32, Vec<Normal>> = BTreeMap::new();
        for mut normal in normals {
            normal.deviation = normal.deviation.max(NARROWEST * buying.grain);
            let ratio = buying.standard_deviation / normal.deviation;
            // To first order the merged tail is off by the third moment: ratio³/6 times a skewness of the order of one.
            if ratio < 0.1 && normal.weight * ratio.powi(3) < MERGED {
                let deviation = normal.deviation.hypot(buying.standard_deviation);
                alone.push(Normal { mean: normal.mean + buying.mean, deviation, ..normal });
            } else {
                let steps = (2.0 * (widest / rate_spacing(rate, &coarse, &normal)).log2()).ceil();
                by_steps.entry(steps.max(0.0) as i32).or_default().push(normal);
            }
        }
        let moved = by_steps
            .into_iter()
            .map(|(steps, normals)| {
                let spacing = widest * FRAC_1_SQRT_2.powi(steps);
                let nodes = spaced_nodes(rate.logit_mode(), spacing, MOST_NODES, |u| rate.density(u));
                Ok(Moved { normals, log_rates: log_rates(nodes)? })
            })
            .collect::<Result<_, Inconclusive>>()?;
        Ok(Self {
            alone,
            moved,
            mean: amount.mean + buying.mean,
            standard_deviation: amount.standard_deviation.hypot(buying.standard_deviation),
            grain: amount.grain.hypot(buying.grain),
        })
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

impl Moved {
    /// The nodes of `ln p` that count at `value` for normals of that width, with the weights of those below and above.
    fn near(&self, value: f64, deviation: f64) -> (&[LogRate], f64, f64) {
        let first = self.log_rates.partition_point(|node| node.value < value - FAR * deviation);
        let end = self.log_rates.partition_point(|node| node.value <= value + FAR * deviation);
        let below = self.log_rates.get(first).map_or(1.0, |node| node.below);
        let above =
            end.checked_sub(1).and_then(|last| self.log_rates.get(last)).map_or(1.0, |node| node.above);
        (self.log_rates.get(first..end).unwrap_or_default(), below, above)
    }

    fn density(&self, u: f64) -> f64 {
        let of = |one: &Normal| -> f64 {
            let (near, ..) = self.near(u - one.mean, one.deviation);
            near.iter().map(|rate| rate.weight * one.density(u - rate.value)).sum()
        };
        self.normals.iter().map(of).sum()
    }

    fn tails(&self, u: f64) -> (f64, f64) {
        let (mut lower, mut upper) = (0.0, 0.0);
        for one in &self.normals {
            let (near, below, above) = self.near(u - one.mean, one.deviation);
            lower += one.weight * below;
            upper += one.weight * above;
            for rate in near {
                let (below, above) = one.tails(u - rate.value);
                lower += rate.weight * below;
                upper += rate.weight * above;
            }
        }
        (lower, upper)
    }
}

impl Normal {
    fn density(&self, u: f64) -> f64 {
        let z = (u - self.mean) / self.deviation;
        if z.abs() > FAR { 0.0 } else { self.weight * normal::pdf(z) / self.deviation }
    }

    fn tails(&self, u: f64) -> (f64, f64) {
        let z = (u - self.mean) / self.deviation;
        if z > FAR {
            (self.weight, 0.0)
        } else if z < -FAR {
            (0.0, self.weight)
        } else {
            let beyond = normal::sf(z.abs());
            let (below, above) = if z > 0.0 { (1.0 - beyond, beyond) } else { (beyond, 1.0 - beyond) };
            (self.weight * below, self.weight * above)
        }
    }
}

/// `μ + σ²/2` given σ², over nodes of σ² under InverseGamma(shape, scale).
///
/// The nodes are equidistant in t with `σ = length·ln(1 + exp(t))`: in ln σ where σ is small, as its density asks, and
/// in σ where it is large, where the normals, `σ/√strength` wide, lie `σ·dσ` apart.
fn normals(logs: &NormalInverseGamma) -> Result<Vec<Normal>, Inconclusive> {
    let (location, strength, shape, scale) = logs.parameters();
    if shape <= 2.0 || strength <= 0.0 || scale <= 0.0 {
        return Err(Inconclusive::TooFewUnits { needed: 6, found: (2.0 * shape.max(0.0)) as u64 + 1 });
    }
    let mode = (scale / shape).ln();
    let spacing = 0.5 * WIDEST.min(OWN_SPACING / shape.sqrt());
    let length = SPACING / (spacing * strength.sqrt());
    let softplus = |t: f64| t.max(0.0) + (-t.abs()).exp().ln_1p();
    let log_variance = |t: f64| 2.0 * (length * softplus(t)).ln();
    // The log density relative to its mode at distance d is -shape·(d + exp(-d) - 1).
    let density = |t: f64| {
        let distance = log_variance(t) - mode;
        let slope = 1.0 / ((1.0 + (-t).exp()) * softplus(t));
        slope * (-shape * (distance + (-distance).exp_m1())).exp()
    };
    let at_mode = (0.5 * mode).exp() / length;
    let middle = at_mode + (-(-at_mode).exp_m1()).ln();
    let nodes = spaced_nodes(middle, spacing, MOST_NODES, density);
    reaches_the_ends(&nodes)?;
    Ok(nodes
        .into_iter()
        .map(|(weight, t)| {
            let variance = log_variance(t).exp();
            Normal { weight, mean: location + 0.5 * variance, deviation: (variance / strength).sqrt() }
        })
        .collect())
}

/// Mean, standard deviation and grain of `μ + σ²/2`.
fn amounts(logs: &NormalInverseGamma, normals: &[Normal]) -> Result<Part, Inconclusive> {
    let (_, strength, shape, scale) = logs.parameters();
    let mean: f64 = normals.iter().map(|one| one.weight * one.mean).sum();
    let second: f64 =
        normals.iter().map(|one| one.weight * ((one.mean - mean).powi(2) + one.deviation.powi(2))).sum();
    let variance = scale / shape;
    // At the mode of σ², where the tails do not widen it.
    let core = (variance / strength).sqrt().hypot(0.5 * variance / shape.sqrt());
    sound(Part { mean, standard_deviation: second.sqrt(), grain: core.min(second.sqrt()) })
}

/// Mean, standard deviation and grain of `ln p`.
fn log_rate(rate: &BetaPosterior, nodes: &[(f64, f64)]) -> Result<Part, Inconclusive> {
    let mean: f64 = nodes.iter().map(|(weight, u)| weight * log_of_logit(*u)).sum();
    let second: f64 = nodes.iter().map(|(weight, u)| weight * (log_of_logit(*u) - mean).powi(2)).sum();
    let core = rate.grain() * slope_of_log(rate.logit_mode());
    sound(Part { mean, standard_deviation: second.sqrt(), grain: core.min(second.sqrt()) })
}

fn sound(part: Part) -> Result<Part, Inconclusive> {
    let positive = part.standard_deviation > 0.0 && part.grain > 0.0;
    if part.mean.is_finite() && part.standard_deviation.is_finite() && positive {
        Ok(part)
    } else {
        Err(NOT_CONVERGED)
    }
}

/// The widest spacing of the logits at which their mixture of such normals is as smooth as it should be.
///
/// For a part of weight w in which a density of width g is smeared by normals of width s (both in logits), the rule's
/// error is `w·exp(-2π²·v/spacing²)` with `1/v = 1/g² + 1/s²`.
fn rate_spacing(rate: &BetaPosterior, nodes: &[(f64, f64)], normal: &Normal) -> f64 {
    let own = rate.grain().powi(-2);
    let needed = nodes.iter().filter_map(|(share, u)| {
        let exponent = EXPONENT + (share * normal.weight).ln();
        let roughness = own + (slope_of_log(*u) / normal.deviation).powi(2);
        (exponent > 0.0).then(|| PI * (2.0 / (exponent * roughness)).sqrt())
    });
    needed.fold(f64::INFINITY, f64::min)
}

/// The nodes of `ln p` from those of the logit.
fn log_rates(mut nodes: Vec<(f64, f64)>) -> Result<Vec<LogRate>, Inconclusive> {
    reaches_the_ends(&nodes)?;
    nodes.sort_by(|one, other| one.1.total_cmp(&other.1));
    let mut below = 0.0;
    let mut rates: Vec<LogRate> = nodes
        .into_iter()
        .map(|(weight, u)| {
            let rate = LogRate { value: log_of_logit(u), weight, below, above: 0.0 };
            below += weight;
            rate
        })
        .collect();
    let mut above = 0.0;
    for rate in rates.iter_mut().rev() {
        rate.above = above;
        above += rate.weight;
    }
    Ok(rates)
}

/// That the nodes do not end, for their number, where the density still counts.
fn reaches_the_ends(nodes: &[(f64, f64)]) -> Result<(), Inconclusive> {
    let lowest = nodes.iter().min_by(|one, other| one.1.total_cmp(&other.1));
    let highest = nodes.iter().max_by(|one, other| one.1.total_cmp(&other.1));
    let negligible = |node: Option<&(f64, f64)>| node.is_some_and(|(weight, _)| *weight < CUT);
    if negligible(lowest) && negligible(highest) { Ok(()) } else { Err(NOT_CONVERGED) }
}

/// `ln p` at a logit.
fn log_of_logit(u: f64) -> f64 {
    u.min(0.0) - (-u.abs()).exp().ln_1p()
}

/// `d ln p / d logit p`, which is `1 - p`.
fn slope_of_log(u: f64) -> f64 {
    1.0 / (1.0 + u.exp())
}

impl Posterior for LogMeanPosterior {
    fn origin(&self) -> f64 {
        self.mean
    }

    fn about(&self, origin: f64) -> Self {
        let mut moved = self.clone();
        let groups = moved.moved.iter_mut().map(|group| &mut group.normals);
        for normal in groups.chain([&mut moved.alone]).flatten() {
            normal.mean -= origin;
        }
        moved.mean -= origin;
        moved
    }

    fn density(&self, u: f64) -> f64 {
        let alone: f64 = self.alone.iter().map(|one| one.density(u)).sum();
        let moved: f64 = self.moved.iter().map(|some| some.density(u)).sum();
        alone + moved
    }

    fn tails(&self, u: f64) -> Result<(f64, f64), Inconclusive> {
        let alone = self.alone.iter().map(|one| one.tails(u));
        let moved = self.moved.iter().map(|some| some.tails(u));
        Ok(alone
            .chain(moved)
            .fold((0.0, 0.0), |(lower, upper), (below, above)| (lower + below, upper + above)))
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
        self.grain
    }

    fn landmarks(&self) -> Vec<f64> {
        let (mut low, mut high) = (self.mean, self.mean);
        let mut cover = |one: &Normal, lowest: f64, highest: f64| {
            low = low.min(one.mean + lowest - REACH * one.deviation);
            high = high.max(one.mean + highest + REACH * one.deviation);
        };
        for one in &self.alone {
            cover(one, 0.0, 0.0);
        }
        for some in &self.moved {
            let lowest = some.log_rates.first().map_or(0.0, |rate| rate.value);
            let highest = some.log_rates.last().map_or(0.0, |rate| rate.value);
            for one in &some.normals {
                cover(one, lowest, highest);
            }
        }
        let (down, up) = (self.mean - low, high - self.mean);
        spread_points(self.mean, self.standard_deviation, down, up)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bayes::{BetaPrior, contrast};
    use crate::fixed::margin::Direction;
    use crate::moments::{Mean, Proportion};

    fn logs_of(units: u64, mean: f64, deviation: f64) -> NormalInverseGamma {
        let seen = Mean::from_variance(units, mean, deviation * deviation).unwrap();
        NormalInverseGamma::REFERENCE.update(&seen).unwrap()
    }

    fn rate_of(units: u64, buyers: u64) -> BetaPosterior {
        BetaPrior::UNIFORM.update(Proportion::new(units, buyers).unwrap())
    }

    /// Midpoints of a grid that holds all of a density's mass down to 1e-17 of its peak, weights adding up to one.
    fn grid(mode: f64, step: f64, log_density: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
        let top = log_density(mode);
        let side = |sign: f64| {
            let point = move |index: u32| mode + sign * step * (f64::from(index) + 0.5);
            (0..)
                .map(point)
                .map(|x| ((log_density(x) - top).exp(), x))
                .take_while(|(height, _)| *height > 1e-17)
        };
        let points: Vec<(f64, f64)> = side(-1.0).chain(side(1.0)).collect();
        let total: f64 = points.iter().map(|(height, _)| height).sum();
        points.into_iter().map(|(height, x)| (height / total, x)).collect()
    }

    /// Logarithms of rates, closer together than amounts of that deviation in the logarithm are smeared.
    fn rates_on_a_grid((a, b): (f64, f64), smear: f64) -> Vec<(f64, f64)> {
        let step = (0.1 * (1.0 / a + 1.0 / b).sqrt()).min(0.25 * smear);
        let log_density = |u: f64| a * log_of_logit(u) + b * log_of_logit(-u);
        grid((a / b).ln(), step, log_density)
            .into_iter()
            .map(|(weight, u)| (weight, log_of_logit(u)))
            .collect()
    }

    /// The lower tail by midpoint rules over `ln σ²` and, with a rate, its logit.
    fn lower_on_a_grid(rate: Option<(f64, f64)>, logs: &NormalInverseGamma, u: f64) -> f64 {
        let (location, strength, shape, scale) = logs.parameters();
        let deviation = (scale / shape / strength).sqrt();
        let largest = (scale / shape).sqrt() * (13.8 / shape).exp();
        let step = (0.1 / shape.sqrt()).min(1.0 / (strength.sqrt() * largest));
        let variances = grid((scale / shape).ln(), step, |x| -shape * x - scale * (-x).exp());
        let rates = rate.map_or(vec![(1.0, 0.0)], |counts| rates_on_a_grid(counts, deviation));
        let mut lower = 0.0;
        for (weight, x) in variances {
            let (middle, width) = (u - location - 0.5 * x.exp(), (x.exp() / strength).sqrt());
            for (share, log_rate) in &rates {
                let (mass, z) = (weight * share, (middle - log_rate) / width);
                if z > 8.5 {
                    lower += mass;
                } else if z > -8.5 && mass > 1e-16 {
                    lower += mass * normal::cdf(z);
                }
            }
        }
        lower
    }

    fn check(found: &LogMeanPosterior, rate: Option<(f64, f64)>, logs: &NormalInverseGamma) {
        for p in [0.001, 0.3, 0.6, 0.99] {
            let u = found.quantile(p).unwrap();
            let (below, above) = found.tails(u).unwrap();
            let expected = lower_on_a_grid(rate, logs, u);
            assert!((below - expected).abs() < 1e-8, "{logs:?} {rate:?} {u}: {below} against {expected}");
            assert!((below + above - 1.0).abs() < 1e-12);
            let step = 1e-4 * found.grain();
            let rise = found.tails(u + step).unwrap().0 - found.tails(u - step).unwrap().0;
            let slope = rise / (2.0 * step);
            assert!((slope / found.density(u) - 1.0).abs() < 1e-5, "{u}: {slope} {}", found.density(u));
        }
    }

    #[test]
    fn tails_of_amounts_are_those_of_a_fine_grid() {
        for units in [8, 100, 1_000] {
            for deviation in [0.05, 1.0, 5.0, 10.0] {
                let logs = logs_of(units, 3.0, deviation);
                check(&LogMeanPosterior::of_amounts(&logs).unwrap(), None, &logs);
            }
        }
    }

    #[test]
    fn tails_of_revenue_are_those_of_a_fine_grid() {
        for buyers in [8, 100, 1_000] {
            for deviation in [0.05, 0.1, 0.3, 1.0, 5.0] {
                let logs = logs_of(buyers, 3.0, deviation);
                let found = LogMeanPosterior::of_revenue(&rate_of(10 * buyers, buyers), &logs).unwrap();
                let counts = (buyers as f64 + 1.0, 9.0 * buyers as f64 + 1.0);
                check(&found, Some(counts), &logs);
            }
        }
    }

    #[test]
    fn nearly_all_may_buy() {
        let logs = logs_of(999, 3.0, 0.1);
        let found = LogMeanPosterior::of_revenue(&rate_of(1_000, 999), &logs).unwrap();
        check(&found, Some((1_000.0, 2.0)), &logs);
    }

    #[test]
    fn a_prior_may_know_the_mean_far_better_than_the_deviation() {
        let prior = NormalInverseGamma::informative(3.0, 1e4, 1.0, 4.0).unwrap();
        let logs = prior.update(&Mean::from_variance(20, 3.1, 1.0).unwrap()).unwrap();
        check(&LogMeanPosterior::of_amounts(&logs).unwrap(), None, &logs);
    }

    #[test]
    fn amounts_that_do_not_vary_leave_the_rate() {
        let rate = rate_of(1_000, 100);
        let found = LogMeanPosterior::of_revenue(&rate, &logs_of(100, 3.0, 1e-7)).unwrap();
        for logit in [-2.6, -2.2, -1.8] {
            let (below, expected) =
                (found.tails(3.0 + log_of_logit(logit)).unwrap().0, rate.tails(logit).unwrap().0);
            assert!((below - expected).abs() < 2e-9, "{logit}: {below} against {expected}");
        }
    }

    #[test]
    fn of_two_equal_arms_of_few_amounts_either_is_better_half_of_the_time() {
        for deviation in [0.001, 0.05, 1.0] {
            let arm = LogMeanPosterior::of_amounts(&logs_of(8, 3.0, deviation)).unwrap();
            let found = contrast(&arm, &arm, Direction::Increase, Alpha::new(0.05).unwrap()).unwrap();
            assert!((found.probability_better - 0.5).abs() < 1e-10, "{found:?}");
        }
    }

    #[test]
    fn amounts_that_hardly_vary_do_not_blur_the_rates() {
        let arm = |buyers| {
            let logs = logs_of(buyers, 3.0, 0.05);
            LogMeanPosterior::of_revenue(&rate_of(10_000, buyers), &logs).unwrap()
        };
        let (control, treatment) = (arm(400), arm(440));
        let alpha = Alpha::new(0.05).unwrap();
        let found = contrast(&control, &treatment, Direction::Increase, alpha).unwrap();
        // Of 399 degrees of freedom t is a normal here.
        let variance = |buyers: f64| 0.0025 / buyers * (1.0 + 0.5 * 0.0025);
        let deviation = (variance(400.0) + variance(440.0)).sqrt();
        let mut better = 0.0;
        let treated = rates_on_a_grid((441.0, 9_561.0), 1.0);
        for (weight, low) in rates_on_a_grid((401.0, 9_601.0), 1.0) {
            for (share, high) in &treated {
                better += weight * share * normal::cdf((high - low) / deviation);
            }
        }
        assert!((found.probability_better - better).abs() < 1e-5, "{found:?} {better}");
        assert!((better - 0.9204).abs() < 4e-4);
        let upper = control.mean_interval(alpha).unwrap().upper.unwrap();
        assert!((upper - 0.8856).abs() < 4e-4, "{upper}");
        let beyond = 1.0 - lower_on_a_grid(Some((401.0, 9_601.0)), &logs_of(400, 3.0, 0.05), upper.ln());
        assert!((beyond - 0.025).abs() < 1e-8, "{beyond}");
    }
}
