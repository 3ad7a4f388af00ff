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
use crate::inconclusive::{finite, serialize_outcome};
use crate::moments::all_units;
use crate::{Alpha, Effect, Estimate, Inconclusive, Mean, PValue};

use super::segment::{HeterogeneityTest, heterogeneity};
use super::welch::equal_effects;

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
    /// Error rate of a node: the chance that it is cut in any way although no level of any attribute differs in its
    /// effect. Shared evenly (Bonferroni) by the node's tests, of which an ordered attribute has one for each cut and
    /// an unordered one a single test over all its levels. Keeps a tree without heterogeneity a stump.
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
    ///
    /// # Errors
    /// [`Inconclusive::NoVariance`] when nothing varies in the leaf (no conversions at all, say).
    #[serde(serialize_with = "serialize_outcome")]
    pub effect: Result<Estimate, Inconclusive>,
    /// Effect in the training half, for comparison only: it is biased away from the average by the search.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] when the difference leaves the range of a double.
    #[serde(serialize_with = "serialize_outcome")]
    pub training_effect: Result<f64, Inconclusive>,
    /// Moments of the estimation half.
    pub arms: Arms,
}

/// The partition with its honest effects.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HonestTree {
    /// The leaves; together they hold every cell once.
    pub leaves: Vec<Leaf>,
    /// Test on the estimation half that all leaves with an effect share one; [`Inconclusive::TooFewArms`] below two.
    #[serde(serialize_with = "serialize_outcome")]
    pub heterogeneity: Result<HeterogeneityTest, Inconclusive>,
}

/// Grows the tree on the training half and estimates it on the other.
///
/// A leaf of n units with effect τ and `V = s_t²/n_t + s_c²/n_c` scores `n (τ² - (1 + N_train/N_estimate) V)` on the
/// training half: the expected mean squared error of honest estimates, up to constants. Of the cuts that pass the test
/// of [`TreePlan::alpha_of_cut`], the one with the greatest gain is taken if that is positive.
///
/// A cut of an ordered attribute is tested by Welch's t between its sides. Cuts of an unordered attribute with `k`
/// levels are sought along the order of the effects themselves, that is among `2^(k-1) - 1` partitions, so none of
/// them is tested by itself: they all pass if the levels differ by Welch's heteroscedastic F test, which does not
/// know the order. Levels without an effect of their own (fewer than two units in an arm, no variance) take no part
/// in it.
///
/// Sources: Athey and Imbens, PNAS 113 (2016), eq. 7 (the honest criterion); Welch, Biometrika 38 (1951) for the test
/// over levels. The tests replace pruning by cross-validation, which needs units rather than moments.
///
/// # Errors
/// [`Inconclusive::TooFewUnits`] when an arm of a half has fewer units than a leaf needs;
/// [`Inconclusive::OutOfDomain`] for cells that do not fit the features, or whose squares leave the range of a double.
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
    // Sums of squares only grow by merging, so those of every node are finite if those of the root are.
    if !whole.arms().all(|arm| arm.mean().is_finite() && arm.squares().is_finite()) {
        return Err(Inconclusive::OutOfDomain { what: "the moments of a cell" });
    }
    let fewest = whole.fewest();
    if fewest < plan.minimum_units.max(2) {
        return Err(Inconclusive::TooFewUnits { needed: plan.minimum_units.max(2), found: fewest });
    }
    let search = Search { features, plan, penalty: 1.0 + units(&whole.training) / units(&whole.estimation) };
    let mut leaves = Vec::new();
    search.grow(&root, &[], &mut leaves);
    let effects: Vec<Estimate> = leaves.iter().flat_map(|leaf| leaf.effect).collect();
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
    /// For a leaf, that of its effect, or [`Inconclusive::NotConverged`] if a quantile fails.
    #[must_use]
    pub fn simultaneous_effects(&self, alpha: Alpha) -> Vec<Result<Effect, Inconclusive>> {
        let each = Alpha::new(alpha.get() / self.leaves.len() as f64);
        self.leaves.iter().map(|leaf| leaf.effect?.effect(each?)).collect()
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

    fn arms(&self) -> impl Iterator<Item = Mean> {
        [self.training.control, self.training.treatment, self.estimation.control, self.estimation.treatment]
            .into_iter()
    }

    /// Units of the smallest arm of either half.
    fn fewest(&self) -> u64 {
        self.arms().map(|arm| arm.units()).min().unwrap_or(0)
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
    fn grow(&self, cells: &[&Cell], path: &[Step], leaves: &mut Vec<Leaf>) {
        let halves = Halves::of(cells);
        if (path.len() as u32) < self.plan.depth
            && let Some(cut) = self.best_cut(cells, &halves.training)
        {
            let (left, right): (Vec<&Cell>, Vec<&Cell>) =
                cells.iter().partition(|cell| goes_left(cell, cut.feature, &cut.left));
            for side in [left, right] {
                let step = Step { feature: cut.feature, levels: levels_in(&side, cut.feature) };
                self.grow(&side, &[path, &[step]].concat(), leaves);
            }
            return;
        }
        let training = halves.training.treatment.mean() - halves.training.control.mean();
        leaves.push(Leaf {
            path: path.to_vec(),
            effect: effect_in(&halves.estimation),
            training_effect: finite(training, "effect of a leaf"),
            arms: halves.estimation,
        });
    }

    /// The cut with the greatest gain among those that pass their test, if it gains anything.
    fn best_cut(&self, cells: &[&Cell], training: &Arms) -> Option<Cut> {
        let node = self.score(training).ok()?;
        let (mut candidates, mut tests) = (Vec::new(), 0_usize);
        for (feature, described) in self.features.iter().enumerate() {
            let levels = levels_by_effect(cells, feature, described.ordered);
            let over_levels = match described.ordered {
                true => None,
                false => match test_of_levels(&levels) {
                    Ok(p_value) => Some(p_value),
                    Err(_) => continue,
                },
            };
            let found = (1..levels.len()).filter_map(|count| {
                let left = levels.iter().take(count).map(|(level, _)| *level).collect();
                let cut = self.cut(cells, feature, left, node)?;
                Some(Cut { p_value: over_levels.unwrap_or(cut.p_value), ..cut })
            });
            let before = candidates.len();
            candidates.extend(found);
            let cuts = candidates.len() - before;
            tests += if described.ordered { cuts } else { cuts.min(1) };
        }
        let allowed = self.plan.alpha_of_cut.get() / tests.max(1) as f64;
        candidates
            .into_iter()
            .filter(|cut| cut.gain > 0.0 && cut.p_value.get() <= allowed)
            .max_by(|one, other| one.gain.total_cmp(&other.gain))
    }

    /// The cut with the p-value of its sides alone, unless one has too few units or does not vary.
    fn cut(&self, cells: &[&Cell], feature: usize, left: Vec<u16>, node: f64) -> Option<Cut> {
        let (one, other): (Vec<&Cell>, Vec<&Cell>) =
            cells.iter().partition(|cell| goes_left(cell, feature, &left));
        let (one, other) = (Halves::of(&one), Halves::of(&other));
        if one.fewest().min(other.fewest()) < self.plan.minimum_units.max(2) {
            return None;
        }
        let gain = self.score(&one.training).ok()? + self.score(&other.training).ok()? - node;
        let sides = [effect_in(&one.training).ok()?, effect_in(&other.training).ok()?];
        Some(Cut { feature, left, gain, p_value: equal_effects(&sides).ok()? })
    }

    fn score(&self, training: &Arms) -> Result<f64, Inconclusive> {
        let effect = effect_in(training)?;
        Ok(units(training) * (effect.value * effect.value - self.penalty * effect.variance))
    }
}

fn goes_left(cell: &Cell, feature: usize, left: &[u16]) -> bool {
    cell.levels.get(feature).is_some_and(|level| left.contains(level))
}

fn levels_in(cells: &[&Cell], feature: usize) -> Vec<u16> {
    let mut levels: Vec<u16> = cells.iter().filter_map(|cell| cell.levels.get(feature).copied()).collect();
    levels.sort_unstable();
    levels.dedup();
    levels
}

type LevelEffect = (u16, Result<Estimate, Inconclusive>);

/// Levels with their training effects, in the order in which they may be cut; unordered ones by effect (Fisher, JASA
/// 53, 1958), and those whose effect cannot be computed last.
fn levels_by_effect(cells: &[&Cell], feature: usize, ordered: bool) -> Vec<LevelEffect> {
    let mut levels: Vec<LevelEffect> = levels_in(cells, feature)
        .into_iter()
        .map(|level| {
            let own: Vec<&Cell> =
                cells.iter().filter(|cell| cell.levels.get(feature) == Some(&level)).copied().collect();
            (level, effect_in(&Halves::of(&own).training))
        })
        .collect();
    if !ordered {
        let place = |level: &LevelEffect| level.1.map_or(f64::INFINITY, |effect| effect.value);
        levels.sort_by(|one, other| place(one).total_cmp(&place(other)).then(one.0.cmp(&other.0)));
    }
    levels
}

/// The p-value of "no level of an unordered attribute differs", over those that have an effect.
fn test_of_levels(levels: &[LevelEffect]) -> Result<PValue, Inconclusive> {
    equal_effects(&levels.iter().flat_map(|(_, effect)| *effect).collect::<Vec<_>>())
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
        assert!((responding.effect.unwrap().value - 0.5).abs() < 1e-12);
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
    fn the_order_of_unordered_levels_is_no_evidence() {
        // Effects spread as noise spreads them (a standard deviation of 1 SE): the best of 2^19 partitions is 3.6 SE
        // from even, which a test of that one cut would take for real.
        let error = (2.0_f64 / 500.0).sqrt();
        let cells: Vec<Cell> = (0..20_u16)
            .map(|level| cell(&[level], error * if level.is_multiple_of(2) { 0.97 } else { -0.97 }))
            .collect();
        let tree = honest_tree(&[Feature { levels: 20, ordered: false }], &cells, &plan()).unwrap();
        assert_eq!(tree.leaves.len(), 1);
    }

    #[test]
    fn a_leaf_without_variance_keeps_its_reason_and_the_others_their_effects() {
        let still = Mean::from_variance(500, 0.0, 0.0).unwrap();
        let arms = |effect| Arms { control: arm(500, 0.0), treatment: arm(500, effect) };
        let cells = [
            Cell {
                levels: vec![0],
                training: arms(0.0),
                estimation: Arms { control: still, treatment: still },
            },
            Cell { levels: vec![1], training: arms(1.0), estimation: arms(1.0) },
        ];
        let tree = honest_tree(&[Feature { levels: 2, ordered: true }], &cells, &plan()).unwrap();
        assert_eq!(tree.leaves[0].effect, Err(Inconclusive::NoVariance));
        assert!((tree.leaves[1].effect.unwrap().value - 1.0).abs() < 1e-12);
        let together = tree.simultaneous_effects(Alpha::new(0.05).unwrap());
        assert!(together[0].is_err() && together[1].is_ok());
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
        assert!(tree.leaves.iter().all(|leaf| (leaf.effect.unwrap().value - 0.3).abs() < 1e-12));
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
