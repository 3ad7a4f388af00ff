//! Switchback experiments: one market (or all of them) changes arm from period to period.
//!
//! Owns the block estimator: bins are grouped into blocks of one arm, the bins just after a change of arm are
//! trimmed because they still carry the other arm, and the difference of the arms' means is given a
//! heteroscedasticity- and autocorrelation-consistent variance over blocks. What carries over for longer than the
//! trimmed lag biases the estimate towards zero; [`lag_profile`] shows when the effect settles.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::kernel::{Correction, Part, SmallSample, correction, kernel_sum};
use super::serial_estimate;
use crate::{
    Estimate, Inconclusive,
    fixed::relative::{LiftEstimate, Means},
    inconclusive::serialize_outcome,
};

/// Sums of one bin of time in one market.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Number of the bin on the shared clock; bins need not be contiguous.
    pub time: i64,
    /// Number of the period that was assigned as a whole: `floor(now / period)`.
    pub period: i64,
    /// Whether the period was assigned to treatment.
    pub treated: bool,
    /// Units (or the denominator of a ratio metric).
    pub units: f64,
    /// `Σ y` (or the numerator of a ratio metric).
    pub outcome: f64,
}

/// What weighs in a mean over blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// Every unit counts the same: the effect on a unit. Busy blocks weigh more.
    Unit,
    /// Every block counts the same: the effect on a period, which is what was randomised.
    Block,
}

/// What may be correlated with what in the variance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Correlation {
    /// Blocks of one market over time; markets are independent of each other.
    WithinMarket,
    /// Also markets at the same time: scores are summed over markets first (Driscoll and Kraay). For a shared
    /// schedule or shared shocks, such as the weather or a sale.
    AcrossMarkets,
}

/// Choices of the block estimator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwitchbackPlan {
    /// Bins to drop after each change of arm, and at the start of each market's series.
    pub trimmed_bins: usize,
    /// Weights in the means.
    pub weight: Weight,
    /// Correlation that the variance allows for.
    pub correlation: Correlation,
    /// Lags of the Bartlett kernel, in periods; `None` takes `floor(4 (T/100)^(2/9))` for `T` periods.
    pub kernel_lags: Option<usize>,
    /// Correction of the variance for few blocks, and the reference of its t.
    #[serde(default)]
    pub small_sample: SmallSample,
}

/// What a switchback found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SwitchbackEffect {
    /// Mean in control blocks.
    pub control: f64,
    /// Mean in treatment blocks.
    pub treatment: f64,
    /// Treatment minus control, with the HAC variance and degrees of freedom of [`SmallSample`].
    pub difference: Estimate,
    /// The difference relative to control, or why there is none; its interval by [`LiftEstimate::effect`].
    #[serde(serialize_with = "serialize_outcome")]
    pub lift: Result<LiftEstimate, Inconclusive>,
    /// Blocks kept in control and treatment.
    pub blocks: (usize, usize),
    /// Bins dropped by trimming.
    pub trimmed: usize,
    /// Lags of the kernel that were used.
    pub kernel_lags: usize,
}

/// Estimates the effect of treatment from the bins of one or more markets; bins in any order.
///
/// With `m_a` the weighted mean of arm `a` over its blocks and `W_a` the sum of its weights, block `b` has the score
/// `s_b = ± w_b (ȳ_b - m_a) / W_a`; the variance is `c Σ_{|l| <= L} (1 - |l|/(L+1)) Σ s_b s_{b-l}` with lags counted in
/// periods and the factor `c` of [`SmallSample`].
///
/// Sources: Hu and Wager, arXiv 2209.00197 (burn-in); Bojinov, Simchi-Levi and Zhao, Management Science 69 (2023)
/// (carryover of order m); Newey and West, Econometrica 55 (1987); Driscoll and Kraay, Rev. Economics and Statistics
/// 80 (1998); Young (LSE, 2016) for the factor and the degrees of freedom.
///
/// # Errors
/// [`Inconclusive::TooFewUnits`] when trimming leaves fewer than two blocks in an arm;
/// [`Inconclusive::NoVariance`] when the blocks of both arms do not vary, or the lags span the whole series; [`Inconclusive::OutOfDomain`] for a bin
/// with no finite positive units, or a period that has both arms.
pub fn switchback(markets: &[Vec<Bin>], plan: SwitchbackPlan) -> Result<SwitchbackEffect, Inconclusive> {
    let mut blocks = Vec::new();
    let mut trimmed = 0;
    for (market, bins) in markets.iter().enumerate() {
        let (kept, dropped) = blocks_of(market, bins, plan.trimmed_bins)?;
        blocks.extend(kept);
        trimmed += dropped;
    }
    let arms = ArmMeans::of(&blocks, plan.weight)?;
    let kernel_lags = plan.kernel_lags.unwrap_or_else(|| automatic_lags(&blocks, plan.correlation));
    let parts_of = |on_control, on_treatment| parts(&blocks, &arms, plan, (on_control, on_treatment));
    let Correction { factor, degrees_of_freedom } =
        correction(&parts_of(-1.0, 1.0), kernel_lags, plan.small_sample)?;
    // One factor for all, so that they are the variances of one form, and no lift has a negative one.
    let variance =
        |on_control, on_treatment| factor * kernel_sum(&parts_of(on_control, on_treatment), kernel_lags);
    let (control_variance, treatment_variance) = (variance(1.0, 0.0), variance(0.0, 1.0));
    let change = arms.treatment - arms.control;
    let serial = serial_estimate(change, variance(-1.0, 1.0), degrees_of_freedom)?;
    let difference = Estimate { units: blocks.len() as u64, ..serial };
    let means = Means {
        control: arms.control,
        treatment: arms.treatment,
        change,
        control_variance,
        treatment_variance,
        covariance: 0.5 * (control_variance + treatment_variance - difference.variance),
    };
    let lift = LiftEstimate::new(means, difference.degrees_of_freedom, difference.degrees_of_freedom);
    Ok(SwitchbackEffect {
        control: arms.control,
        treatment: arms.treatment,
        difference,
        lift,
        blocks: arms.blocks,
        trimmed,
        kernel_lags,
    })
}

/// The difference of means among bins at each distance from the last change of arm: `profile[d]` uses only bins
/// that are the `d`-th since the change. The effect has settled where the profile is flat; trim up to there.
///
/// The last entry gathers every bin at that distance or later. Entries without bins of both arms are `None`, and so
/// are those whose sums are no finite numbers.
#[must_use]
pub fn lag_profile(markets: &[Vec<Bin>], distances: usize) -> Vec<Option<f64>> {
    let mut sums = vec![[(0.0, 0.0); 2]; distances];
    for bins in markets {
        for (distance, bin) in since_change(bins) {
            let Some(last) = distances.checked_sub(1) else { continue };
            if let Some(at) =
                sums.get_mut(distance.min(last)).and_then(|arms| arms.get_mut(usize::from(bin.treated)))
            {
                *at = (at.0 + bin.units, at.1 + bin.outcome);
            }
        }
    }
    let finite = |value: f64| value.is_finite().then_some(value);
    let mean = |(units, outcome): (f64, f64)| if units > 0.0 { finite(outcome / units) } else { None };
    sums.into_iter().map(|[control, treatment]| finite(mean(treatment)? - mean(control)?)).collect()
}

/// The bins left in one period of one market.
struct Block {
    market: usize,
    period: i64,
    treated: bool,
    units: f64,
    outcome: f64,
}

/// Every bin in time order with its distance from the last change of arm.
fn since_change(bins: &[Bin]) -> Vec<(usize, Bin)> {
    let mut sorted = bins.to_vec();
    sorted.sort_by_key(|bin| bin.time);
    let mut distance = 0;
    let mut arm = None;
    sorted
        .into_iter()
        .map(|bin| {
            distance = if arm == Some(bin.treated) { distance + 1 } else { 0 };
            arm = Some(bin.treated);
            (distance, bin)
        })
        .collect()
}

fn blocks_of(market: usize, bins: &[Bin], trimmed_bins: usize) -> Result<(Vec<Block>, usize), Inconclusive> {
    let mut dropped = 0;
    let mut blocks: BTreeMap<i64, Block> = BTreeMap::new();
    for (distance, bin) in since_change(bins) {
        if !(bin.units.is_finite() && bin.units > 0.0 && bin.outcome.is_finite()) {
            return Err(Inconclusive::OutOfDomain { what: "a switchback bin" });
        }
        if distance < trimmed_bins {
            dropped += 1;
            continue;
        }
        let empty = Block { market, period: bin.period, treated: bin.treated, units: 0.0, outcome: 0.0 };
        let block = blocks.entry(bin.period).or_insert(empty);
        if block.treated != bin.treated {
            return Err(Inconclusive::OutOfDomain { what: "a switchback period with two arms" });
        }
        block.units += bin.units;
        block.outcome += bin.outcome;
    }
    Ok((blocks.into_values().collect(), dropped))
}

/// Weighted means of both arms over blocks.
struct ArmMeans {
    control: f64,
    treatment: f64,
    weights: (f64, f64),
    blocks: (usize, usize),
}

impl ArmMeans {
    fn of(blocks: &[Block], weight: Weight) -> Result<Self, Inconclusive> {
        let arm = |treated: bool| {
            blocks.iter().filter(move |block| block.treated == treated).fold(
                (0, 0.0, 0.0),
                |(count, total, sum), block| {
                    let own = weight.of(block);
                    (count + 1, total + own, sum + own * block.outcome / block.units)
                },
            )
        };
        let (control, treatment) = (arm(false), arm(true));
        let fewest = control.0.min(treatment.0);
        if fewest < 2 {
            return Err(Inconclusive::TooFewUnits { needed: 2, found: fewest });
        }
        Ok(Self {
            control: control.2 / control.1,
            treatment: treatment.2 / treatment.1,
            weights: (control.1, treatment.1),
            blocks: (control.0 as usize, treatment.0 as usize),
        })
    }
}

impl Weight {
    fn of(self, block: &Block) -> f64 {
        match self {
            Self::Unit => block.units,
            Self::Block => 1.0,
        }
    }
}

/// The parts of all blocks in an estimate with these derivatives by the arms' means; the series is the market, or one
/// for all of them.
fn parts(blocks: &[Block], arms: &ArmMeans, plan: SwitchbackPlan, derivative: (f64, f64)) -> Vec<Part> {
    blocks
        .iter()
        .map(|block| {
            let (mean, total, slope) = if block.treated {
                (arms.treatment, arms.weights.1, derivative.1)
            } else {
                (arms.control, arms.weights.0, derivative.0)
            };
            let share = plan.weight.of(block) / total;
            Part {
                series: plan.correlation.series(block),
                period: block.period,
                treated: block.treated,
                share,
                gradient: slope * share,
                residual: block.outcome / block.units - mean,
            }
        })
        .collect()
}

impl Correlation {
    fn series(self, block: &Block) -> usize {
        match self {
            Self::WithinMarket => block.market,
            Self::AcrossMarkets => 0,
        }
    }
}

/// Newey and West's rule of thumb, Review of Economic Studies 61 (1994), for the longest series.
fn automatic_lags(blocks: &[Block], correlation: Correlation) -> usize {
    let mut periods: BTreeMap<usize, BTreeSet<i64>> = BTreeMap::new();
    for block in blocks {
        periods.entry(correlation.series(block)).or_default().insert(block.period);
    }
    let longest = periods.values().map(BTreeSet::len).max().unwrap_or(0);
    (4.0 * (longest as f64 / 100.0).powf(2.0 / 9.0)).floor() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Days that are good or bad for both arms alike, of which treatment makes the double: the lift is known far better than
    /// either mean.
    #[test]
    fn arms_that_move_together_have_a_lift_with_a_variance() {
        for lags in [2, 4, 8] {
            let bins: Vec<Bin> = (0..60_i32)
                .map(|period| {
                    let treated = period % 3 == 1;
                    let base = 10.0 + (f64::from(period) / 25.0).sin();
                    let outcome = if treated { 2.0 * base } else { base };
                    Bin { time: i64::from(period), period: i64::from(period), treated, units: 1.0, outcome }
                })
                .collect();
            let plan = SwitchbackPlan {
                trimmed_bins: 0,
                weight: Weight::Unit,
                correlation: Correlation::WithinMarket,
                kernel_lags: Some(lags),
                small_sample: SmallSample::default(),
            };
            let found = switchback(&[bins], plan).unwrap();
            let lift = found.lift.unwrap();
            assert!((lift.value - 1.0).abs() < 0.05, "{}", lift.value);
            assert!(
                lift.variance > 0.0 && lift.variance < found.difference.variance,
                "{lags}: {}",
                lift.variance
            );
        }
    }
}
