//! Least squares with a cluster-robust variance, from the cross moments of each cluster.
//!
//! Owns the algebra of CR1 and CR2 and of the Satterthwaite degrees of freedom; knows nothing of arms or metrics
//! (see [`super::cluster`]). The estimators are usually written with the rows of each cluster; for any matrix
//! function `X' f(X M X') = f(X'X M) X'`, so the `k x k` cross moments `X'X` and `X'y` of a cluster are enough, and
//! clusters of any size cost the same.

use std::cell::Cell;

use serde::{Deserialize, Serialize};

use crate::symmetric::{Square, dot};
use crate::{Estimate, Inconclusive};

/// An eigenvalue of a cluster's leverage this near to one leaves nothing to estimate its variance from.
const FULL_LEVERAGE: f64 = 1e-10;
/// Scores within this share of the responses are their rounding.
const ROUNDING: f64 = 16.0 * f64::EPSILON;

/// Cross moments of the rows of one cluster: `X'X` and `X'y`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CrossMoments {
    /// `X'X`, columns by columns.
    pub design: Square,
    /// `X'y`, one entry a column.
    pub response: Vec<f64>,
}

/// How the squared cluster scores are corrected for the residuals being too small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClusterVariance {
    /// The factor `G/(G-1) · (N-1)/(N-k)`, as Stata and statsmodels have it, with `G - 1` degrees of freedom.
    Cr1,
    /// Bias-reduced linearisation: residuals of each cluster times `(I - H_gg)^(-1/2)`, with Satterthwaite degrees of
    /// freedom under a working model of independent, equally variable rows.
    Cr2,
}

/// A least-squares fit that keeps what the variance of any contrast needs.
#[derive(Debug, Clone)]
pub(super) struct Fit {
    coefficients: Vec<f64>,
    /// `C^-1` where `X'X = C C'`: in these coordinates the total design is the identity.
    whiten: Square,
    /// For each cluster its score `C^-1 (X'y - X'X β)` and leverage `C^-1 X'X C^-T`.
    clusters: Vec<(Vec<f64>, Square)>,
    /// `Σ |C^-1 X'y|²` over the clusters: what the scores are small against.
    magnitude: f64,
    rows: f64,
}

impl Fit {
    /// Fits `y = Xβ` over all clusters; `rows` is the number of rows in them.
    ///
    /// # Errors
    /// [`Inconclusive::SingularCovariates`] when a column is a combination of the others.
    pub(super) fn over(clusters: &[CrossMoments], rows: f64) -> Result<Self, Inconclusive> {
        let columns = clusters.first().map_or(0, |cluster| cluster.response.len());
        let mut design = Square::zeros(columns);
        let mut response = vec![0.0; columns];
        for cluster in clusters {
            design.add(&cluster.design);
            for (sum, more) in response.iter_mut().zip(&cluster.response) {
                *sum += more;
            }
        }
        let whiten = design.cholesky()?.lower_inverse();
        let unwhiten = whiten.transpose();
        let coefficients = unwhiten.apply(&whiten.apply(&response));
        let square = |values: &[f64]| dot(values, values);
        let magnitude = clusters.iter().map(|cluster| square(&whiten.apply(&cluster.response))).sum();
        let clusters = clusters
            .iter()
            .map(|cluster| {
                let fitted = cluster.design.apply(&coefficients);
                let score: Vec<f64> =
                    cluster.response.iter().zip(&fitted).map(|(seen, fit)| seen - fit).collect();
                (whiten.apply(&score), whiten.times(&cluster.design).times(&unwhiten))
            })
            .collect();
        Ok(Self { coefficients, whiten, clusters, magnitude, rows })
    }

    /// The fitted coefficients, one a column.
    #[must_use]
    pub(super) fn coefficients(&self) -> &[f64] {
        &self.coefficients
    }

    /// The contrast `c'β` with its variance under `correction`; its units are the clusters.
    ///
    /// Sources: CR1: Liang and Zeger, Biometrika 73 (1986); the factor as in Cameron and Miller, J. Human Resources 50
    /// (2015), eq. 12. CR2 and its degrees of freedom: Bell and McCaffrey, Survey Methodology 28 (2002); Pustejovsky
    /// and Tipton, J. Business and Economic Statistics 36 (2018), eqs. 6 and 13.
    ///
    /// # Errors
    /// [`Inconclusive::TooFewUnits`] when a cluster alone decides a column, so that its residual is zero by
    /// construction; [`Inconclusive::NoVariance`] when all scores are zero (but for rounding).
    pub(super) fn contrast(
        &self,
        direction: &[f64],
        correction: ClusterVariance,
    ) -> Result<Estimate, Inconclusive> {
        let value = dot(direction, &self.coefficients);
        let whitened = self.whiten.apply(direction);
        let (variance, degrees_of_freedom) = match correction {
            ClusterVariance::Cr1 => self.cr1(&whitened)?,
            ClusterVariance::Cr2 => self.cr2(&whitened)?,
        };
        let rounding = ROUNDING * ROUNDING * self.magnitude * dot(&whitened, &whitened);
        if !(variance > rounding && degrees_of_freedom > 0.0) {
            return Err(Inconclusive::NoVariance);
        }
        let estimate = Estimate::new(value, variance, self.clusters.len() as u64)?;
        Ok(Estimate { degrees_of_freedom: Some(degrees_of_freedom), ..estimate })
    }

    fn too_few(&self) -> Inconclusive {
        Inconclusive::TooFewUnits {
            needed: self.coefficients.len() as u64 + 1,
            found: self.clusters.len() as u64,
        }
    }

    fn cr1(&self, direction: &[f64]) -> Result<(f64, f64), Inconclusive> {
        let (groups, columns) = (self.clusters.len() as f64, self.coefficients.len() as f64);
        if groups <= columns || self.rows <= columns {
            return Err(self.too_few());
        }
        let meat: f64 = self.clusters.iter().map(|(score, _)| dot(direction, score).powi(2)).sum();
        let factor = groups / (groups - 1.0) * (self.rows - 1.0) / (self.rows - columns);
        Ok((factor * meat, groups - 1.0))
    }

    fn cr2(&self, direction: &[f64]) -> Result<(f64, f64), Inconclusive> {
        let mut variance = 0.0;
        // The quadratic form has matrix Ω with Ω_gg = d'B_g d and, off the diagonal, Ω_gh = -t_g't_h.
        let (mut trace, mut diagonal_squares, mut own_squares) = (0.0, 0.0, 0.0);
        let mut outer = Square::zeros(direction.len());
        for (score, leverage) in &self.clusters {
            let alone = Cell::new(false);
            let adjust = leverage.map_eigenvalues(|value| {
                alone.set(alone.get() || value >= 1.0 - FULL_LEVERAGE);
                1.0 / (1.0 - value).sqrt()
            });
            let adjust = if alone.get() { Err(self.too_few()) } else { adjust }?;
            variance += adjust.form(direction, score).powi(2);
            let along = adjust.apply(&leverage.apply(direction));
            let diagonal = leverage.form(direction, direction);
            trace += diagonal;
            diagonal_squares += diagonal * diagonal;
            own_squares += dot(&along, &along).powi(2);
            outer.add(&Square::from_entries(direction.len(), |i, j| {
                along.get(i).copied().unwrap_or(0.0) * along.get(j).copied().unwrap_or(0.0)
            }));
        }
        let squares = diagonal_squares + outer.trace_product(&outer) - own_squares;
        Ok((variance, trace * trace / squares))
    }
}
