//! An honest causal tree: which combinations of unit attributes respond differently.
//!
//! Owns the conditional average treatment effect. Units are split in two halves beforehand (by a hash of the unit):
//! one half chooses the partition, the other estimates the effects in it. Because the second half never influenced
//! where the cuts are, its intervals are ordinary ones with their stated coverage, however hard was searched.
//!
//! It works on cells (one for each combination of attribute levels that occurs) with the moments of both arms in both
//! halves, so the warehouse can aggregate any number of units first. Continuous attributes are binned before.
//! Written here because the kept crates for machine learning have no learner for treatment effects.

use serde::{Deserialize, Serialize};

use crate::fixed::welch_satterthwaite;
use crate::moments::all_units;
use crate::{Alpha, Estimate, Inconclusive, Mean, PValue, inconclusive::serialize_outcome};

use super::segment::{HeterogeneityTest, heterogeneity};

/// An attribute of units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feature {
    /// Number of levels; levels are numbered from 0.
    pub levels: u16,
    /// Whether levels have an order (age band), so that only neighbours may be joined. Otherwise (country) they are
    /// ordered by their effect in the training half before cutting.
    pub ordered: bool,
}

/// Moments of the outcome in both arms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Arms {
    /// Control.
    pub control: Mean,
    /// Treatment.
    pub treatment: Mean,
}

/// All units with the same level of every attribute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// Level of each attribute.
    pub levels: Vec<u16>,
    /// The half that chooses the partition.
    pub training: Arms,
    /// The half that estimates the effects.
    pub estimation: Arms,
}

/// Limits of the search.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TreePlan {
    /// Most cuts from root to leaf.
    pub depth: u32,
    /// Fewest units of each arm in each half of a leaf; at least 2.
    pub minimum_units: u64,
    /// Error rate of a cut: it is kept if its effects differ in the training half at this level, Bonferroni-corrected
    /// over the candidate cuts of the node. Keeps a tree without heterogeneity a stump.
    pub alpha_of_cut: Alpha,
}

/// One condition on the way to a leaf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Index of the attribute.
    pub feature: usize,
    /// Levels that go this way, ascending.
    pub levels: Vec<u16>,
}

/// A group of units with its effect.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Leaf {
    /// Conditions that all hold in the leaf.
    pub path: Vec<Step>,
    /// Effect in the estimation half: treatment less control, Welch's degrees of freedom. Honest.
    pub effect: Estimate,
    /// Effect in the training half, for comparison only: it is biased away from the average by the search.
    pub training_effect: f64,
    /// Moments of the estimation half.
    pub arms: Arms,
}

/// The partition with its honest effects.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HonestTree {
    /// The leaves; together they hold every cell once.
    pub leaves: Vec<Leaf>,
    /// Test on the estimation half that all leaves have one effect; [`Inconclusive::TooFewArms`] for a single leaf.
    #[serde(serialize_with = "serialize_outcome")]
    pub heterogeneity: Result<HeterogeneityTest, Inconclusive>,
}

/// Grows the tree on the training half and estimates it on the other.
///
/// A leaf of n units with effect τ and `V = s_t²/n_t + s_c²/n_c` scores `n (τ² - (1 + N_train/N_estimate) V)` on the
/// training half: the expected mean squared error of honest estimates, up to constants. The cut with the greatest
/// gain is taken if its gain is positive and its p-value passes [`TreePlan::alpha_of_cut`].
///
/// Source: Athey and Imbens, PNAS 113 (2016), eq. 7 (the honest criterion). The test for a cut replaces their pruning
/// by cross-validation, which needs units rather than moments.
///
/// # Errors
/// [`Inconclusive::TooFewUnits`] when an arm of a half has fewer units than a leaf needs; [`Inconclusive::NoVariance`]
/// when nothing varies in a leaf; [`Inconclusive::OutOfDomain`] for cells that do not fit the features.
pub fn honest_tree(
    features: &[Feature],
    cells: &[Cell],
    plan: &TreePlan,
) -> Result<HonestTree, Inconclusive> {
    let fits = |cell: &Cell| {
        cell.levels.len() == features.len()
            && cell.levels.iter().zip(features).all(|(level, feature)| *level < feature.levels)
    };
    if !cells.iter().all(fits) {
        return Err(Inconclusive::OutOfDomain { what: "the levels of a cell" });
    }
    let root: Vec<&Cell> = cells.iter().collect();
    let whole = Halves::of(&root);
    let fewest = whole.fewest();
    if fewest < plan.minimum_units.max(2) {
        return Err(Inconclusive::TooFewUnits { needed: plan.minimum_units.max(2), found: fewest });
    }
    let search = Search { features, plan, penalty: 1.0 + units(&whole.training) / units(&whole.estimation) };
    let mut leaves = Vec::new();
    search.grow(&root, &[], &mut leaves)?;
    let effects: Vec<Estimate> = leaves.iter().map(|leaf| leaf.effect).collect();
    Ok(HonestTree { leaves, heterogeneity: heterogeneity(&effects) })
}

impl HonestTree {
    /// The leaf that a unit with these levels falls into; `None` for a level that no cell of the tree had.
    #[must_use]
    pub fn leaf_of(&self, levels: &[u16]) -> Option<&Leaf> {
        self.leaves.iter().find(|leaf| {
            leaf.path
                .iter()
                .all(|step| levels.get(step.feature).is_some_and(|level| step.levels.contains(level)))
        })
    }

    /// The effect of every leaf with intervals that all hold together at level `1 - alpha` (Bonferroni over leaves).
    ///
    /// # Errors
    /// [`Inconclusive::NotConverged`] if a quantile fails.
    pub fn simultaneous_effects(&self, alpha: Alpha) -> Result<Vec<crate::Effect>, Inconclusive> {
        let each = Alpha::new(alpha.get() / self.leaves.len() as f64)?;
        self.leaves.iter().map(|leaf| leaf.effect.effect(each)).collect()
    }
}

/// Merged moments of a set of cells.
struct Halves {
    training: Arms,
    estimation: Arms,
}

impl Halves {
    fn of(cells: &[&Cell]) -> Self {
        let merged = |half: fn(&Cell) -> Arms| {
            cells.iter().map(|cell| half(cell)).fold(Arms::default(), |sum, arms| Arms {
                control: sum.control.merge(arms.control),
                treatment: sum.treatment.merge(arms.treatment),
            })
        };
        Self { training: merged(|cell| cell.training), estimation: merged(|cell| cell.estimation) }
    }

    /// Units of the smallest arm of either half.
    fn fewest(&self) -> u64 {
        [self.training.control, self.training.treatment, self.estimation.control, self.estimation.treatment]
            .iter()
            .map(Mean::units)
            .min()
            .unwrap_or(0)
    }
}

fn units(arms: &Arms) -> f64 {
    arms.control.units() as f64 + arms.treatment.units() as f64
}

/// The effect in one half of one group, with Welch's degrees of freedom.
fn effect_in(arms: &Arms) -> Result<Estimate, Inconclusive> {
    let (control, treatment) = (arms.control.estimate()?, arms.treatment.estimate()?);
    let variance = control.variance + treatment.variance;
    if variance <= 0.0 {
        return Err(Inconclusive::NoVariance);
    }
    let degrees_of_freedom = Some(welch_satterthwaite(&control, &treatment)?);
    let all = Estimate::new(
        treatment.value - control.value,
        variance,
        all_units([control.units, treatment.units]),
    )?;
    Ok(Estimate { degrees_of_freedom, ..all })
}

struct Search<'a> {
    features: &'a [Feature],
    plan: &'a TreePlan,
    /// `1 + N_train/N_estimate`.
    penalty: f64,
}

/// A way to divide a node.
struct Cut {
    feature: usize,
    /// Levels that go left; all others go right.
    left: Vec<u16>,
    gain: f64,
    p_value: PValue,
}

impl Search<'_> {
    fn grow(&self, cells: &[&Cell], path: &[Step], leaves: &mut Vec<Leaf>) -> Result<(), Inconclusive> {
        let halves = Halves::of(cells);
        if (path.len() as u32) < self.plan.depth
            && let Some(cut) = self.best_cut(cells, &halves.training)?
        {
            let (left, right): (Vec<&Cell>, Vec<&Cell>) =
                cells.iter().partition(|cell| goes_left(cell, &cut));
            for side in [left, right] {
                let step = Step { feature: cut.feature, levels: levels_in(&side, cut.feature) };
                self.grow(&side, &[path, &[step]].concat(), leaves)?;
            }
            return Ok(());
        }
        let effect = effect_in(&halves.estimation)?;
        let training_effect = effect_in(&halves.training)?.value;
        leaves.push(Leaf { path: path.to_vec(), effect, training_effect, arms: halves.estimation });
        Ok(())
    }

    /// The cut with the greatest gain, if it passes both conditions.
    fn best_cut(&self, cells: &[&Cell], training: &Arms) -> Result<Option<Cut>, Inconclusive> {
        let Ok(node) = self.score(training) else { return Ok(None) };
        let mut candidates = Vec::new();
        for (feature, described) in self.features.iter().enumerate() {
            let order = level_order(cells, feature, described.ordered);
            for count in 1..order.len() {
                let left = order.iter().take(count).copied().collect::<Vec<u16>>();
                candidates.extend(self.cut(cells, feature, left, node));
            }
        }
        let allowed = self.plan.alpha_of_cut.get() / candidates.len().max(1) as f64;
        let best = candidates.into_iter().max_by(|one, other| one.gain.total_cmp(&other.gain));
        Ok(best.filter(|cut| cut.gain > 0.0 && cut.p_value.get() <= allowed))
    }

    /// The cut, unless a side has too few units or does not vary.
    fn cut(&self, cells: &[&Cell], feature: usize, left: Vec<u16>, node: f64) -> Option<Cut> {
        let mut cut = Cut { feature, left, gain: 0.0, p_value: PValue::new(1.0).ok()? };
        let (one, other): (Vec<&Cell>, Vec<&Cell>) = cells.iter().partition(|cell| goes_left(cell, &cut));
        let (one, other) = (Halves::of(&one), Halves::of(&other));
        if one.fewest().min(other.fewest()) < self.plan.minimum_units.max(2) {
            return None;
        }
        cut.gain = self.score(&one.training).ok()? + self.score(&other.training).ok()? - node;
        let (one, other) = (effect_in(&one.training).ok()?, effect_in(&other.training).ok()?);
        let statistic = (one.value - other.value) / (one.variance + other.variance).sqrt();
        cut.p_value = PValue::two_sided_student(statistic, welch_satterthwaite(&one, &other).ok()?).ok()?;
        Some(cut)
    }

    fn score(&self, training: &Arms) -> Result<f64, Inconclusive> {
        let effect = effect_in(training)?;
        Ok(units(training) * (effect.value * effect.value - self.penalty * effect.variance))
    }
}

fn goes_left(cell: &Cell, cut: &Cut) -> bool {
    cell.levels.get(cut.feature).is_some_and(|level| cut.left.contains(level))
}

fn levels_in(cells: &[&Cell], feature: usize) -> Vec<u16> {
    let mut levels: Vec<u16> = cells.iter().filter_map(|cell| cell.levels.get(feature).copied()).collect();
    levels.sort_unstable();
    levels.dedup();
    levels
}

/// Levels in the order in which they may be cut; unordered ones by training effect (Fisher, JASA 53, 1958), and those
/// whose effect cannot be computed last.
fn level_order(cells: &[&Cell], feature: usize, ordered: bool) -> Vec<u16> {
    let levels = levels_in(cells, feature);
    if ordered {
        return levels;
    }
    let mut effects: Vec<(f64, u16)> = levels
        .into_iter()
        .map(|level| {
            let own: Vec<&Cell> =
                cells.iter().filter(|cell| cell.levels.get(feature) == Some(&level)).copied().collect();
            (effect_in(&Halves::of(&own).training).map_or(f64::INFINITY, |effect| effect.value), level)
        })
        .collect();
    effects.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
    effects.into_iter().map(|(_, level)| level).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Moments of `units` values with this mean and a variance of one.
    fn arm(units: u64, mean: f64) -> Mean {
        Mean::from_variance(units, mean, 1.0).unwrap()
    }

    fn cell(levels: &[u16], effect: f64) -> Cell {
        let arms = Arms { control: arm(500, 0.0), treatment: arm(500, effect) };
        Cell { levels: levels.to_vec(), training: arms, estimation: arms }
    }

    fn plan() -> TreePlan {
        TreePlan { depth: 3, minimum_units: 50, alpha_of_cut: Alpha::new(0.05).unwrap() }
    }

    #[test]
    fn finds_the_attribute_that_matters_and_joins_scattered_levels() {
        // Levels 0 and 3 of the unordered attribute respond; the ordered attribute does not matter.
        let features = [Feature { levels: 4, ordered: false }, Feature { levels: 3, ordered: true }];
        let cells: Vec<Cell> = (0..4)
            .flat_map(|a| (0..3).map(move |b| cell(&[a, b], if a == 0 || a == 3 { 0.5 } else { 0.0 })))
            .collect();
        let tree = honest_tree(&features, &cells, &plan()).unwrap();
        assert_eq!(tree.leaves.len(), 2);
        let responding = tree.leaf_of(&[3, 1]).unwrap();
        assert_eq!(responding.path, vec![Step { feature: 0, levels: vec![0, 3] }]);
        assert!((responding.effect.value - 0.5).abs() < 1e-12);
        assert_eq!(responding.arms.control.units(), 3_000);
        assert!(tree.heterogeneity.unwrap().p_value.get() < 1e-10);
    }

    #[test]
    fn an_even_effect_is_one_leaf() {
        let features = [Feature { levels: 5, ordered: true }];
        let cells: Vec<Cell> = (0..5).map(|a| cell(&[a], 0.2)).collect();
        let tree = honest_tree(&features, &cells, &plan()).unwrap();
        assert_eq!(tree.leaves.len(), 1);
        assert_eq!(tree.heterogeneity.unwrap_err(), Inconclusive::TooFewArms);
    }

    #[test]
    fn honest_effects_come_from_the_estimation_half_alone() {
        let features = [Feature { levels: 2, ordered: true }];
        let arms = |effect| Arms { control: arm(500, 0.0), treatment: arm(500, effect) };
        let cells: Vec<Cell> = [(0, 0.0, 0.3), (1, 1.0, 0.3)]
            .iter()
            .map(|(level, training, estimation)| Cell {
                levels: vec![*level],
                training: arms(*training),
                estimation: arms(*estimation),
            })
            .collect();
        let tree = honest_tree(&features, &cells, &plan()).unwrap();
        assert_eq!(tree.leaves.len(), 2);
        assert!(tree.leaves.iter().all(|leaf| (leaf.effect.value - 0.3).abs() < 1e-12));
    }

    #[test]
    fn cells_that_do_not_fit_and_halves_that_are_too_small_are_named() {
        let features = [Feature { levels: 2, ordered: true }];
        assert!(honest_tree(&features, &[cell(&[2], 0.0)], &plan()).is_err());
        assert!(honest_tree(&features, &[cell(&[0, 0], 0.0)], &plan()).is_err());
        let none = honest_tree(&features, &[], &plan());
        assert_eq!(none.unwrap_err(), Inconclusive::TooFewUnits { needed: 50, found: 0 });
    }
}
