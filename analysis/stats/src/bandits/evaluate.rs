//! Estimates from adaptively collected data, by the logged probabilities.
//!
//! Owns inverse-probability weighting, its augmented form and the variance-stabilising weights. Everything is a
//! function of the moments of each arm in each batch, because within a batch the probabilities are constant.

use serde::{Deserialize, Serialize};

use crate::{Estimate, Inconclusive, Mean, moments::all_units};

/// One arm in one batch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoggedArm {
    /// Probability that the arm was drawn with, above 0.
    pub probability: f64,
    /// Moments of the rewards of the units that drew it.
    pub rewards: Mean,
}

/// All arms of one batch, in the same order in every batch.
pub type LoggedBatch = Vec<LoggedArm>;

/// What a unit contributes to the estimate of an arm that it did not draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Score {
    /// `1{A = a} Y / e`: inverse-probability weighting (Horvitz and Thompson, JASA 47, 1952). Unbiased, noisy.
    Ipw,
    /// `m + 1{A = a} (Y - m) / e` with m the arm's mean over all earlier batches: augmented, unbiased because m does
    /// not know the batch (Robins, Rotnitzky and Zhao, JASA 89, 1994). The better choice throughout.
    Aipw,
}

/// How batches weigh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchWeight {
    /// Every unit counts the same: exactly unbiased, but not normal when a probability goes to zero.
    Uniform,
    /// Units weigh `√e`, which keeps the variance from being ruled by batches in which the arm was rare, so that
    /// the estimate is asymptotically normal under any policy with a minimum share. The default.
    ///
    /// Source: Hadad, Hirshberg, Zhan, Wager and Athey, PNAS 118 (2021), section 3 (constant allocation).
    VarianceStabilising,
}

/// The mean reward that `arm` would have had if every unit had drawn it.
///
/// `Q = Σ h_t Γ_t / Σ h_t`, variance `Σ h_t² (Γ_t - Q)² / (Σ h_t)²` over units t (Hadad et al., eqs. 5 and 7). The
/// variance is referred to the normal.
///
/// # Errors
/// [`Inconclusive::NoUnits`] without units; [`Inconclusive::NoVariance`] when no score varies;
/// [`Inconclusive::OutOfDomain`] for an arm that does not exist or whose probability is 0.
pub fn arm_value(
    batches: &[LoggedBatch],
    arm: usize,
    score: Score,
    weight: BatchWeight,
) -> Result<Estimate, Inconclusive> {
    let scored = Scored::over(batches, arm, score, weight)?;
    let mut variance = 0.0;
    for (batch, here) in batches.iter().zip(&scored.batches) {
        for (drawn, logged) in batch.iter().enumerate() {
            let (constant, slope) = here.influence(drawn == arm, &scored);
            variance += square_sum(&logged.rewards, constant, slope)?;
        }
    }
    normal_estimate(scored.value, variance, scored.units)
}

/// The effect of `treatment` over `control`: the difference of their values, with its own variance.
///
/// The two values share units (an augmented score counts for both), so the variance is that of the difference of the
/// weighted scores, not the sum of the two variances.
///
/// # Errors
/// As [`arm_value`].
pub fn arm_difference(
    batches: &[LoggedBatch],
    control: usize,
    treatment: usize,
    score: Score,
    weight: BatchWeight,
) -> Result<Estimate, Inconclusive> {
    let on_control = Scored::over(batches, control, score, weight)?;
    let on_treatment = Scored::over(batches, treatment, score, weight)?;
    let value = on_treatment.value - on_control.value;
    let mut variance = 0.0;
    for ((batch, minus), plus) in batches.iter().zip(&on_control.batches).zip(&on_treatment.batches) {
        for (drawn, logged) in batch.iter().enumerate() {
            let (constant, slope) = plus.influence(drawn == treatment, &on_treatment);
            let (other_constant, other_slope) = minus.influence(drawn == control, &on_control);
            variance += square_sum(&logged.rewards, constant - other_constant, slope - other_slope)?;
        }
    }
    normal_estimate(value, variance, on_control.units)
}

/// Scores of one arm: each batch's augmentation and weight, the value and the total weight.
struct Scored {
    batches: Vec<BatchScore>,
    value: f64,
    total_weight: f64,
    units: u64,
}

/// In one batch: `Γ = model + drawn · (Y - model) / probability`, times `weight`.
struct BatchScore {
    model: f64,
    probability: f64,
    weight: f64,
}

impl Scored {
    fn over(
        batches: &[LoggedBatch],
        arm: usize,
        score: Score,
        weight: BatchWeight,
    ) -> Result<Self, Inconclusive> {
        let mut scored =
            Self { batches: Vec::with_capacity(batches.len()), value: 0.0, total_weight: 0.0, units: 0 };
        let mut earlier = Mean::empty();
        let mut weighted_sum = 0.0;
        for batch in batches {
            let own = batch.get(arm).ok_or(Inconclusive::OutOfDomain { what: "the arm" })?;
            if !(own.probability > 0.0 && own.probability <= 1.0) {
                return Err(Inconclusive::OutOfDomain { what: "a logged probability" });
            }
            let here = BatchScore {
                model: if score == Score::Aipw { earlier.mean() } else { 0.0 },
                probability: own.probability,
                weight: match weight {
                    BatchWeight::Uniform => 1.0,
                    BatchWeight::VarianceStabilising => own.probability.sqrt(),
                },
            };
            let units: u64 = all_units(batch.iter().map(|logged| logged.rewards.units()));
            let drawn = own.rewards.units() as f64 * (own.rewards.mean() - here.model) / here.probability;
            weighted_sum += here.weight * (units as f64 * here.model + drawn);
            scored.total_weight += here.weight * units as f64;
            scored.units = scored.units.saturating_add(units);
            scored.batches.push(here);
            earlier = earlier.merge(own.rewards);
        }
        if scored.units == 0 {
            return Err(Inconclusive::NoUnits);
        }
        scored.value = weighted_sum / scored.total_weight;
        Ok(scored)
    }
}

impl BatchScore {
    /// A unit's share in the error of the value, as `constant + slope · Y`.
    fn influence(&self, drawn: bool, of: &Scored) -> (f64, f64) {
        let scale = self.weight / of.total_weight;
        if drawn {
            (scale * (self.model - self.model / self.probability - of.value), scale / self.probability)
        } else {
            (scale * (self.model - of.value), 0.0)
        }
    }
}

/// `Σ (constant + slope · y)²` over the units behind the moments.
fn square_sum(rewards: &Mean, constant: f64, slope: f64) -> Result<f64, Inconclusive> {
    let units = rewards.units() as f64;
    let squares = if rewards.units() < 2 { 0.0 } else { rewards.variance()? * (units - 1.0) };
    Ok(units * (constant + slope * rewards.mean()).powi(2) + slope * slope * squares)
}

fn normal_estimate(value: f64, variance: f64, units: u64) -> Result<Estimate, Inconclusive> {
    if variance <= 0.0 {
        return Err(Inconclusive::NoVariance);
    }
    Ok(Estimate { degrees_of_freedom: None, ..Estimate::new(value, variance, units)? })
}
