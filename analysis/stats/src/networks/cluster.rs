//! Experiments whose unit of assignment is a cluster: friend groups, stores, cities.
//!
//! Owns the difference between two arms when whole clusters were assigned and the metric is a mean (or ratio) over
//! the units inside them. Treating such units as independent gives intervals that are too short by the square root
//! of the design effect `1 + (m-1)·ICC`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::regression::{ClusterVariance, CrossMoments, Fit};
use crate::symmetric::Square;
use crate::{
    Estimate, Inconclusive,
    fixed::relative::{LiftEstimate, Means},
    inconclusive::{finite, serialize_outcome},
};

/// Sums of one cluster over its units.
///
/// For a ratio metric, `units` is the sum of the denominators and `outcome` the sum of the numerators.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Cluster {
    /// Index of the arm that the whole cluster was assigned to.
    pub arm: usize,
    /// Number of units (or sum of denominators).
    pub units: f64,
    /// `Σ y`.
    pub outcome: f64,
    /// `Σ x_j`, one entry a covariate measured before assignment; empty without covariates.
    pub covariates: Vec<f64>,
    /// `Σ x_i x_j` for `j <= i`: lower triangle by rows.
    pub covariate_products: Vec<f64>,
    /// `Σ x_j y`, one entry a covariate.
    pub covariate_outcomes: Vec<f64>,
}

impl Cluster {
    /// A cluster without covariates.
    #[must_use]
    pub fn new(arm: usize, units: f64, outcome: f64) -> Self {
        Self { arm, units, outcome, ..Self::default() }
    }

    /// A cluster without units yet, whose units have this many covariates.
    #[must_use]
    pub fn with_covariates(arm: usize, covariates: usize) -> Self {
        Self {
            arm,
            covariates: vec![0.0; covariates],
            covariate_products: vec![0.0; covariates * (covariates + 1) / 2],
            covariate_outcomes: vec![0.0; covariates],
            ..Self::default()
        }
    }

    /// Counts one unit with its outcome and covariates.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] for another number of covariates than the cluster has, or a number that is not
    /// finite.
    pub fn push(&mut self, outcome: f64, covariates: &[f64]) -> Result<(), Inconclusive> {
        if covariates.len() != self.covariates.len() {
            return Err(Inconclusive::OutOfDomain { what: "number of covariates" });
        }
        finite(outcome, "value")?;
        covariates.iter().try_for_each(|covariate| finite(*covariate, "covariate").map(drop))?;
        self.units += 1.0;
        self.outcome += outcome;
        let products = covariates
            .iter()
            .enumerate()
            .flat_map(|(i, x)| covariates.iter().take(i + 1).map(move |z| x * z));
        self.covariate_products.iter_mut().zip(products).for_each(|(sum, product)| *sum += product);
        self.covariates.iter_mut().zip(covariates).for_each(|(sum, x)| *sum += x);
        self.covariate_outcomes.iter_mut().zip(covariates).for_each(|(sum, x)| *sum += x * outcome);
        Ok(())
    }

    /// The sums of this part of a cluster and of another, disjoint one.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] if the parts are in different arms or hold different numbers of covariates.
    pub fn merge(&self, other: &Self) -> Result<Self, Inconclusive> {
        if self.arm != other.arm || self.covariates.len() != other.covariates.len() {
            return Err(Inconclusive::OutOfDomain { what: "parts of a cluster" });
        }
        let added = |own: &[f64], more: &[f64]| own.iter().zip(more).map(|(a, b)| a + b).collect();
        Ok(Self {
            arm: self.arm,
            units: self.units + other.units,
            outcome: self.outcome + other.outcome,
            covariates: added(&self.covariates, &other.covariates),
            covariate_products: added(&self.covariate_products, &other.covariate_products),
            covariate_outcomes: added(&self.covariate_outcomes, &other.covariate_outcomes),
        })
    }

    fn valid(&self) -> bool {
        let covariates = self.covariates.len();
        self.units > 0.0
            && self.covariate_outcomes.len() == covariates
            && self.covariate_products.len() == covariates * (covariates + 1) / 2
            && [self.units, self.outcome].iter().chain(&self.covariates).all(|value| value.is_finite())
            && self.covariate_products.iter().chain(&self.covariate_outcomes).all(|value| value.is_finite())
    }
}

/// What a cluster-randomised comparison of two arms found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClusterComparison {
    /// Mean per unit in the control arm, at the overall mean of the covariates.
    pub control: f64,
    /// Mean per unit in the treatment arm, at the overall mean of the covariates.
    pub treatment: f64,
    /// Treatment minus control.
    pub difference: Estimate,
    /// `(treatment - control) / control`, or why there is none; its interval by [`LiftEstimate::effect`].
    #[serde(serialize_with = "serialize_outcome")]
    pub lift: Result<LiftEstimate, Inconclusive>,
    /// Clusters in control and treatment.
    pub clusters: (usize, usize),
}

/// Compares `treatment` with `control` (indices of arms) over clusters; other arms are left out.
///
/// The model is one mean per arm and one common slope per covariate, fitted over units by least squares; clusters
/// may differ in size. [`ClusterVariance::Cr2`] is the choice for fewer than about 40 clusters.
///
/// # Errors
/// [`Inconclusive::TooFewUnits`] below two clusters in an arm; [`Inconclusive::OutOfDomain`] when a cluster has
/// no units, a non-finite sum or covariates of another number than the rest; [`Inconclusive::SingularCovariates`] when
/// covariates are combinations of each other or of the arms.
pub fn compare_clusters(
    clusters: &[Cluster],
    control: usize,
    treatment: usize,
    correction: ClusterVariance,
) -> Result<ClusterComparison, Inconclusive> {
    let of_interest: Vec<&Cluster> =
        clusters.iter().filter(|cluster| cluster.arm == control || cluster.arm == treatment).collect();
    let in_arm = |arm: usize| of_interest.iter().filter(|cluster| cluster.arm == arm).count();
    let counts = (in_arm(control), in_arm(treatment));
    let covariates = of_interest.first().map_or(0, |cluster| cluster.covariates.len());
    if control == treatment
        || of_interest.iter().any(|cluster| !cluster.valid() || cluster.covariates.len() != covariates)
    {
        return Err(Inconclusive::OutOfDomain { what: "a cluster" });
    }
    if counts.0 < 2 || counts.1 < 2 {
        return Err(Inconclusive::TooFewUnits { needed: 2, found: counts.0.min(counts.1) as u64 });
    }
    let units: f64 = of_interest.iter().map(|cluster| cluster.units).sum();
    let centre: Vec<f64> = (0..covariates)
        .map(|j| of_interest.iter().filter_map(|cluster| cluster.covariates.get(j)).sum::<f64>() / units)
        .collect();
    let moments: Vec<CrossMoments> =
        of_interest.iter().map(|cluster| cross_moments(cluster, treatment, &centre)).collect();
    let fit = Fit::over(&moments, units)?;
    comparison(&fit, correction, counts)
}

/// The intracluster correlation within arms, for planning ([`crate::design::design_effect`]).
///
/// `squares` is `Σ y²` over all units of all clusters. Analysis-of-variance estimator: with the mean squares between
/// clusters (within arms) B and within clusters W, `(B − W) / (B + (m − 1) W)` with m the size-corrected mean size
/// `Σ_a (n_a − Σ n_g² / n_a) / (G − A)`. It may come out negative, which means none.
///
/// Source: Donner and Koval, Biometrics 36 (1980); Donner and Klar, *Design and Analysis of Cluster Randomization
/// Trials* (2000), section 1.3.
///
/// # Errors
/// [`Inconclusive::TooFewUnits`] unless there are more clusters than arms and more units than clusters;
/// [`Inconclusive::NoVariance`] when nothing varies; [`Inconclusive::OutOfDomain`] for a cluster without units or
/// `squares` that cannot be theirs.
pub fn intracluster_correlation(clusters: &[Cluster], squares: f64) -> Result<f64, Inconclusive> {
    if clusters.iter().any(|cluster| !cluster.valid()) {
        return Err(Inconclusive::OutOfDomain { what: "a cluster" });
    }
    // Units, Σ y, Σ n², by arm.
    let mut arms: BTreeMap<usize, (f64, f64, f64)> = BTreeMap::new();
    for cluster in clusters {
        let arm = arms.entry(cluster.arm).or_default();
        *arm = (arm.0 + cluster.units, arm.1 + cluster.outcome, arm.2 + cluster.units * cluster.units);
    }
    let units: f64 = arms.values().map(|arm| arm.0).sum();
    let (freedom_between, freedom_within) =
        (clusters.len() as f64 - arms.len() as f64, units - clusters.len() as f64);
    if freedom_between < 1.0 || freedom_within < 1.0 {
        let needed = arms.len() as u64 + 1;
        return Err(Inconclusive::TooFewUnits { needed, found: clusters.len() as u64 });
    }
    let of_clusters: f64 =
        clusters.iter().map(|cluster| cluster.outcome * cluster.outcome / cluster.units).sum();
    let of_arms: f64 = arms.values().map(|(units, outcome, _)| outcome * outcome / units).sum();
    let rounding = 1e-12 * squares.abs();
    let within = finite(squares - of_clusters, "the sum of squares")?;
    if within < -rounding {
        return Err(Inconclusive::OutOfDomain { what: "the sum of squares" });
    }
    let (between, within) = ((of_clusters - of_arms) / freedom_between, within.max(0.0) / freedom_within);
    let size = arms.values().map(|(units, _, sizes)| units - sizes / units).sum::<f64>() / freedom_between;
    let total = between + (size - 1.0) * within;
    if total <= rounding {
        return Err(Inconclusive::NoVariance);
    }
    finite((between - within) / total, "the sum of squares")
}

fn comparison(
    fit: &Fit,
    correction: ClusterVariance,
    clusters: (usize, usize),
) -> Result<ClusterComparison, Inconclusive> {
    let columns = fit.coefficients().len();
    let direction = |on_control: f64, on_treatment: f64| -> Vec<f64> {
        [on_control, on_treatment].into_iter().chain(std::iter::repeat(0.0)).take(columns).collect()
    };
    let mean = |index: usize| fit.coefficients().get(index).copied().unwrap_or(0.0);
    let (control, treatment) = (mean(0), mean(1));
    let difference = fit.contrast(&direction(-1.0, 1.0), correction)?;
    // An arm whose clusters are all alike has no variance of its own.
    let variance = |on_control: f64, on_treatment: f64| match fit
        .contrast(&direction(on_control, on_treatment), correction)
    {
        Ok(estimate) => Ok(estimate.variance),
        Err(Inconclusive::NoVariance) => Ok(0.0),
        Err(other) => Err(other),
    };
    let (control_variance, treatment_variance) = (variance(1.0, 0.0)?, variance(0.0, 1.0)?);
    let covariance = 0.5 * (control_variance + treatment_variance - difference.variance);
    let change = difference.value;
    let means = Means { control, treatment, change, control_variance, treatment_variance, covariance };
    let lift = if control == 0.0 {
        Err(Inconclusive::ZeroControl)
    } else {
        // The degrees of freedom are those along the gradient of treatment/control − 1.
        fit.contrast(&direction(-treatment / (control * control), 1.0 / control), correction).and_then(
            |linear| LiftEstimate::new(means, linear.degrees_of_freedom, difference.degrees_of_freedom),
        )
    };
    Ok(ClusterComparison { control, treatment, difference, lift, clusters })
}

/// Columns: control, treatment, then the covariates about their overall mean.
fn cross_moments(cluster: &Cluster, treatment: usize, centre: &[f64]) -> CrossMoments {
    let own = usize::from(cluster.arm == treatment);
    let of = |values: &[f64], index: usize| values.get(index).copied().unwrap_or(0.0);
    let centred: Vec<f64> =
        cluster.covariates.iter().zip(centre).map(|(sum, mean)| sum - cluster.units * mean).collect();
    let product = |i: usize, j: usize| {
        let (i, j) = (i.max(j), i.min(j));
        of(&cluster.covariate_products, i * (i + 1) / 2 + j)
            - of(centre, i) * of(&cluster.covariates, j)
            - of(centre, j) * of(&cluster.covariates, i)
            + cluster.units * of(centre, i) * of(centre, j)
    };
    let design = Square::from_entries(2 + centre.len(), |row, column| {
        match (row.checked_sub(2), column.checked_sub(2)) {
            (None, None) => {
                if row == own && column == own {
                    cluster.units
                } else {
                    0.0
                }
            }
            (None, Some(j)) => {
                if row == own {
                    of(&centred, j)
                } else {
                    0.0
                }
            }
            (Some(i), None) => {
                if column == own {
                    of(&centred, i)
                } else {
                    0.0
                }
            }
            (Some(i), Some(j)) => product(i, j),
        }
    });
    let arms = (0..2).map(|arm| if arm == own { cluster.outcome } else { 0.0 });
    let slopes =
        (0..centre.len()).map(|j| of(&cluster.covariate_outcomes, j) - of(centre, j) * cluster.outcome);
    CrossMoments { design, response: arms.chain(slopes).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_with_other_covariates_than_the_cluster_is_refused() {
        let mut cluster = Cluster::with_covariates(0, 2);
        cluster.push(1.0, &[2.0, 3.0]).unwrap();
        let before = cluster.clone();
        for covariates in [&[][..], &[1.0], &[1.0, 2.0, 3.0], &[1.0, f64::NAN]] {
            assert!(cluster.push(1.0, covariates).is_err());
        }
        assert_eq!(cluster, before);
        assert_eq!(cluster.covariate_products, [4.0, 6.0, 9.0]);
    }
}
