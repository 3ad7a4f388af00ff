//! From posteriors to the weights of the next batch.
//!
//! Owns the selection rules and their limits. Probabilities are computed, not simulated, so the weights of a batch
//! can be recomputed from its inputs and agree to the basis point.

use rand_core::RngCore;
use serde::{Deserialize, Serialize};

use crate::bayes::{Posterior, standings};
use crate::fixed::margin::Direction;
use crate::{Inconclusive, Probability};

/// Weights are whole basis points, as the edge assigns them.
pub const BASIS_POINTS: u32 = 10_000;

/// How the arm of a visitor is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Each arm with the probability that it is the best one (Thompson, Biometrika 25, 1933): least regret.
    Thompson,
    /// A leader is drawn as Thompson does; with probability `leader_share` it is served, else the draw is repeated
    /// until another arm comes up, and that one is served. Finds the best arm with fewer units; 0.5 is usual.
    ///
    /// The probability of arm i is `α_i (β + (1 - β) Σ_{j≠i} α_j / (1 - α_j))` with α the Thompson probabilities.
    ///
    /// Source: Russo, Operations Research 68 (2020), section 3.2 (top-two Thompson sampling).
    TopTwo {
        /// β, between 0 and 1.
        leader_share: Probability,
    },
}

/// A selection rule with its limits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// How arms are drawn.
    pub rule: Rule,
    /// Share of traffic below which no arm falls, so that each can recover and can be estimated. At most 1 over the
    /// number of arms.
    pub minimum_share: Probability,
    /// Units that every arm must have before weights leave equality.
    pub burn_in: u64,
}

/// The weights of a batch.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Weights {
    /// Weight of each arm in basis points; they add up to [`BASIS_POINTS`].
    pub basis_points: Vec<u32>,
    /// Probability that each arm is the best one; `None` during the burn-in.
    pub probability_best: Option<Vec<f64>>,
    /// What choosing each arm for good would give up per unit, in the unit of the reward; `None` during the burn-in.
    /// A bandit has found its arm when the smallest of these no longer matters.
    pub expected_loss: Option<Vec<f64>>,
}

/// An arm with the probability that it was drawn with: both are to be logged.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Choice {
    /// Index of the arm.
    pub arm: usize,
    /// Probability of this arm under the weights in force.
    pub probability: f64,
}

impl Policy {
    /// The weights of the next batch, given each arm's posterior and its units so far; `direction` says which way the
    /// reward should move (down for a cost).
    ///
    /// During the burn-in the posteriors are not looked at, so improper ones do no harm. Weights are floored at the
    /// minimum share (what the others give up is in proportion to what they have above it) and rounded to basis
    /// points by largest remainders, never below the floor.
    ///
    /// # Errors
    /// [`Inconclusive::TooFewArms`] below two arms; [`Inconclusive::OutOfDomain`] when the minimum share times the
    /// number of arms exceeds 1 or the lists differ in length; else those of [`standings`].
    pub fn weights<P: Posterior>(
        &self,
        arms: &[P],
        units: &[u64],
        direction: Direction,
    ) -> Result<Weights, Inconclusive> {
        if arms.len() < 2 {
            return Err(Inconclusive::TooFewArms);
        }
        if units.len() != arms.len() {
            return Err(Inconclusive::OutOfDomain { what: "the units of the arms" });
        }
        if units.iter().any(|units| *units < self.burn_in) {
            return self.equal_weights(arms.len());
        }
        let standings = standings(arms, direction)?;
        let best: Vec<f64> = standings.iter().map(|standing| standing.probability_best).collect();
        Ok(Weights {
            basis_points: self.basis_points(&self.selection(&best))?,
            probability_best: Some(best),
            expected_loss: Some(standings.iter().map(|standing| standing.expected_loss).collect()),
        })
    }

    /// The weights before anything is known.
    ///
    /// # Errors
    /// As [`Policy::weights`].
    pub fn equal_weights(&self, arms: usize) -> Result<Weights, Inconclusive> {
        if arms < 2 {
            return Err(Inconclusive::TooFewArms);
        }
        let basis_points = self.basis_points(&vec![1.0 / arms as f64; arms])?;
        Ok(Weights { basis_points, probability_best: None, expected_loss: None })
    }

    /// Selection probabilities under the rule, given the probabilities of being best.
    fn selection(&self, best: &[f64]) -> Vec<f64> {
        match self.rule {
            Rule::Thompson => best.to_vec(),
            Rule::TopTwo { leader_share } => top_two(best, leader_share.get()),
        }
    }

    fn basis_points(&self, selection: &[f64]) -> Result<Vec<u32>, Inconclusive> {
        let floor = (self.minimum_share.get() * f64::from(BASIS_POINTS)).ceil() as u32;
        let all_floors = u64::from(floor) * selection.len() as u64;
        if all_floors > u64::from(BASIS_POINTS) {
            return Err(Inconclusive::OutOfDomain { what: "the minimum share of that many arms" });
        }
        let floored = floored(selection, f64::from(floor) / f64::from(BASIS_POINTS));
        Ok(largest_remainders(&floored, floor))
    }
}

impl Weights {
    /// Draws an arm with the caller's random source.
    ///
    /// Equal in distribution to drawing from each posterior and taking the greatest, at the cost of one random
    /// number and with a probability that is known exactly.
    pub fn draw(&self, random: &mut impl RngCore) -> Choice {
        // Multiply-shift keeps the bias of a 32-bit draw over 10,000 values below 2^-18.
        let mut point = ((u64::from(random.next_u32()) * u64::from(BASIS_POINTS)) >> 32) as u32;
        for (arm, weight) in self.basis_points.iter().enumerate() {
            if point < *weight {
                return Choice { arm, probability: self.probability(arm) };
            }
            point -= weight;
        }
        let last = self.basis_points.len().saturating_sub(1);
        Choice { arm: last, probability: self.probability(last) }
    }

    /// Probability of an arm under these weights; 0 for an arm that does not exist.
    #[must_use]
    pub fn probability(&self, arm: usize) -> f64 {
        self.basis_points.get(arm).map_or(0.0, |points| f64::from(*points) / f64::from(BASIS_POINTS))
    }
}

/// Russo's probabilities. An arm that is best almost surely has no rival to draw in finite time: the limit, in which
/// rivals are drawn in proportion to their own probabilities, is what `α_j / (1 - α_j)` computes from the rivals' sum.
fn top_two(best: &[f64], leader_share: f64) -> Vec<f64> {
    let rivals_of = |leader: usize| -> f64 {
        best.iter()
            .enumerate()
            .filter(|(other, _)| *other != leader)
            .map(|(_, probability)| probability)
            .sum()
    };
    let challenge: Vec<f64> = best
        .iter()
        .enumerate()
        .map(|(leader, probability)| {
            let rivals = rivals_of(leader);
            if rivals > 0.0 { probability / rivals } else { 0.0 }
        })
        .collect();
    let total: f64 = challenge.iter().sum();
    best.iter()
        .zip(&challenge)
        .map(|(own, as_leader)| own * (leader_share + (1.0 - leader_share) * (total - as_leader)))
        .collect()
}

/// Raises every share to the floor and takes it from the others in proportion to what they have above it.
fn floored(shares: &[f64], floor: f64) -> Vec<f64> {
    let total: f64 = shares.iter().sum();
    let normalised: Vec<f64> = if total > 0.0 {
        shares.iter().map(|share| share / total).collect()
    } else {
        vec![1.0 / shares.len() as f64; shares.len()]
    };
    let missing: f64 = normalised.iter().map(|share| (floor - share).max(0.0)).sum();
    let spare: f64 = normalised.iter().map(|share| (share - floor).max(0.0)).sum();
    let kept = if spare > 0.0 { (spare - missing) / spare } else { 0.0 };
    normalised.iter().map(|share| floor + (share - floor).max(0.0) * kept).collect()
}

/// Whole basis points that add up, each at least the floor; ties go to the earlier arm.
fn largest_remainders(shares: &[f64], floor: u32) -> Vec<u32> {
    let exact: Vec<f64> = shares.iter().map(|share| share * f64::from(BASIS_POINTS)).collect();
    // The allowance keeps 1/3 of rounding noise from turning a whole number into one less.
    let mut points: Vec<u32> = exact.iter().map(|value| ((value + 1e-9).floor() as u32).max(floor)).collect();
    let given: u32 = points.iter().sum();
    let mut order: Vec<usize> = (0..points.len()).collect();
    let remainder = |index: usize| exact.get(index).map_or(0.0, |value| value - value.floor());
    order.sort_by(|left, right| remainder(*right).total_cmp(&remainder(*left)).then(left.cmp(right)));
    for arm in order.into_iter().cycle().take(BASIS_POINTS.saturating_sub(given) as usize) {
        if let Some(value) = points.get_mut(arm) {
            *value += 1;
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bayes::{BetaPrior, NormalPosterior};
    use crate::moments::Proportion;

    fn policy(rule: Rule, minimum_share: f64, burn_in: u64) -> Policy {
        Policy { rule, minimum_share: Probability::new(minimum_share).unwrap(), burn_in }
    }

    fn even(arms: usize) -> Vec<NormalPosterior> {
        vec![NormalPosterior::new(1.0, 0.1).unwrap(); arms]
    }

    #[test]
    fn equal_arms_share_equally_and_weights_add_up() {
        for arms in 2..=9 {
            let weights = policy(Rule::Thompson, 0.01, 0)
                .weights(&even(arms), &vec![10; arms], Direction::Increase)
                .unwrap();
            assert_eq!(weights.basis_points.iter().sum::<u32>(), BASIS_POINTS);
            let spread =
                weights.basis_points.iter().max().unwrap() - weights.basis_points.iter().min().unwrap();
            assert!(spread <= 1, "{:?}", weights.basis_points);
        }
    }

    #[test]
    fn no_arm_falls_below_the_minimum() {
        let arms: Vec<NormalPosterior> =
            [0.0, 1.0, 50.0].iter().map(|mean| NormalPosterior::new(*mean, 1.0).unwrap()).collect();
        let weights =
            policy(Rule::Thompson, 0.05, 0).weights(&arms, &[10, 10, 10], Direction::Increase).unwrap();
        assert_eq!(weights.basis_points, vec![500, 500, 9_000]);
    }

    #[test]
    fn the_cheaper_arm_is_served_where_less_is_better() {
        let arms = [NormalPosterior::new(0.0, 1.0).unwrap(), NormalPosterior::new(30.0, 1.0).unwrap()];
        let weights = policy(Rule::Thompson, 0.05, 0).weights(&arms, &[1, 1], Direction::Decrease).unwrap();
        assert_eq!(weights.basis_points, vec![9_500, 500]);
    }

    #[test]
    fn weights_stay_equal_until_every_arm_is_burnt_in() {
        let arms = [NormalPosterior::new(0.0, 1.0).unwrap(), NormalPosterior::new(9.0, 1.0).unwrap()];
        let weights =
            policy(Rule::Thompson, 0.0, 100).weights(&arms, &[1_000, 99], Direction::Increase).unwrap();
        assert_eq!(weights.basis_points, vec![5_000, 5_000]);
        assert_eq!(weights.probability_best, None);
    }

    #[test]
    fn top_two_serves_a_sure_leader_at_its_share() {
        let arms = [NormalPosterior::new(0.0, 1.0).unwrap(), NormalPosterior::new(30.0, 1.0).unwrap()];
        let half = Rule::TopTwo { leader_share: Probability::new(0.5).unwrap() };
        let weights = policy(half, 0.0, 0).weights(&arms, &[1, 1], Direction::Increase).unwrap();
        assert_eq!(weights.basis_points, vec![5_000, 5_000]);
    }

    #[test]
    fn too_great_a_minimum_is_refused() {
        let refused = policy(Rule::Thompson, 0.4, 0).weights(&even(3), &[1, 1, 1], Direction::Increase);
        assert_eq!(refused.unwrap_err().code(), "out_of_domain");
    }

    #[test]
    fn draws_follow_the_weights_and_carry_their_probability() {
        use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
        let seen =
            |units, conversions| BetaPrior::UNIFORM.update(Proportion::new(units, conversions).unwrap());
        let arms = [seen(1_000, 100), seen(1_000, 110), seen(1_000, 105)];
        let weights =
            policy(Rule::Thompson, 0.1, 0).weights(&arms, &[1_000; 3], Direction::Increase).unwrap();
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let mut counts = [0_u32; 3];
        for _ in 0..100_000 {
            let choice = weights.draw(&mut random);
            assert_eq!(choice.probability, weights.probability(choice.arm));
            counts[choice.arm] += 1;
        }
        for (arm, count) in counts.iter().enumerate() {
            let expected = 100_000.0 * weights.probability(arm);
            let deviation = (expected * (1.0 - weights.probability(arm))).sqrt();
            assert!(
                (f64::from(*count) - expected).abs() < 4.0 * deviation,
                "arm {arm}: {count} against {expected}"
            );
        }
    }
}
