//! Small symmetric matrices: what regressions with a handful of columns need, and nothing more.
//!
//! Orders are the number of arms and covariates (2 to about 20), so plain loops over a dense square are the right
//! size; a linear-algebra crate would be the largest dependency of the crate for three routines.

use crate::Inconclusive;

/// A pivot below this share of its diagonal means that a column is a combination of the others.
const RANK_TOLERANCE: f64 = 1e-11;
/// Jacobi sweeps after which eigenvalues are given up; orders up to 50 need fewer than 10.
const MOST_SWEEPS: usize = 60;

/// A dense square matrix, stored by rows; products of symmetric ones need not be symmetric.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Square {
    order: usize,
    values: Vec<f64>,
}

impl Square {
    /// The matrix of zeros.
    #[must_use]
    pub(crate) fn zeros(order: usize) -> Self {
        Self { order, values: vec![0.0; order * order] }
    }

    /// The matrix whose entry in row `i`, column `j` is `entry(i, j)`.
    #[must_use]
    pub(crate) fn from_entries(order: usize, entry: impl Fn(usize, usize) -> f64) -> Self {
        let values = (0..order * order).map(|index| entry(index / order, index % order)).collect();
        Self { order, values }
    }

    /// The entry in row `i`, column `j`; zero outside the matrix.
    #[must_use]
    pub(crate) fn at(&self, i: usize, j: usize) -> f64 {
        if j < self.order { self.values.get(i * self.order + j).copied().unwrap_or(0.0) } else { 0.0 }
    }

    /// Adds `amount` to the entry in row `i`, column `j`; outside the matrix nothing happens.
    pub(crate) fn add_at(&mut self, i: usize, j: usize, amount: f64) {
        if j < self.order
            && let Some(value) = self.values.get_mut(i * self.order + j)
        {
            *value += amount;
        }
    }

    /// Adds `other` entry by entry; both must have the same order.
    pub(crate) fn add(&mut self, other: &Self) {
        for (value, more) in self.values.iter_mut().zip(&other.values) {
            *value += more;
        }
    }

    /// The matrix product `self · other`.
    #[must_use]
    pub(crate) fn times(&self, other: &Self) -> Self {
        Self::from_entries(self.order, |i, j| {
            (0..self.order).map(|inner| self.at(i, inner) * other.at(inner, j)).sum()
        })
    }

    /// The product `self · vector`.
    #[must_use]
    pub(crate) fn apply(&self, vector: &[f64]) -> Vec<f64> {
        (0..self.order)
            .map(|i| vector.iter().enumerate().map(|(j, value)| self.at(i, j) * value).sum())
            .collect()
    }

    /// The quadratic form `left' · self · right`.
    #[must_use]
    pub(crate) fn form(&self, left: &[f64], right: &[f64]) -> f64 {
        dot(left, &self.apply(right))
    }

    /// The transpose.
    #[must_use]
    pub(crate) fn transpose(&self) -> Self {
        Self::from_entries(self.order, |i, j| self.at(j, i))
    }

    /// The sum of the squares of all entries of `self` taken against `other`: `Σ a_ij b_ji`, the trace of the product.
    #[must_use]
    pub(crate) fn trace_product(&self, other: &Self) -> f64 {
        (0..self.order).map(|i| (0..self.order).map(|j| self.at(i, j) * other.at(j, i)).sum::<f64>()).sum()
    }

    /// The lower-triangular factor `L` with `self = L · L'`, for a symmetric positive definite matrix.
    ///
    /// The matrix is scaled to a unit diagonal first, so columns in very different units do no harm.
    ///
    /// # Errors
    /// [`Inconclusive::SingularCovariates`] when a column is a combination of the others.
    pub(crate) fn cholesky(&self) -> Result<Self, Inconclusive> {
        let scale: Vec<f64> = (0..self.order).map(|i| self.at(i, i).sqrt()).collect();
        if scale.iter().any(|value| !(value.is_finite() && *value > 0.0)) {
            return Err(Inconclusive::SingularCovariates);
        }
        let of = |i: usize| scale.get(i).copied().unwrap_or(1.0);
        let mut lower = Self::zeros(self.order);
        for j in 0..self.order {
            for i in j..self.order {
                let known: f64 = (0..j).map(|inner| lower.at(i, inner) * lower.at(j, inner)).sum();
                let rest = self.at(i, j) / (of(i) * of(j)) - known;
                if i > j {
                    lower.add_at(i, j, rest / lower.at(j, j));
                } else if rest > RANK_TOLERANCE {
                    lower.add_at(j, j, rest.sqrt());
                } else {
                    return Err(Inconclusive::SingularCovariates);
                }
            }
        }
        Ok(Self::from_entries(self.order, |i, j| of(i) * lower.at(i, j)))
    }

    /// The inverse of a symmetric positive definite matrix.
    ///
    /// # Errors
    /// [`Inconclusive::SingularCovariates`] when it is singular.
    pub(crate) fn inverse(&self) -> Result<Self, Inconclusive> {
        let inverse_lower = self.cholesky()?.lower_inverse();
        Ok(inverse_lower.transpose().times(&inverse_lower))
    }

    /// The inverse of a lower-triangular matrix with a non-zero diagonal.
    #[must_use]
    pub(crate) fn lower_inverse(&self) -> Self {
        let mut inverse = Self::zeros(self.order);
        for j in 0..self.order {
            for i in j..self.order {
                let known: f64 = (j..i).map(|inner| self.at(i, inner) * inverse.at(inner, j)).sum();
                let unit = if i == j { 1.0 } else { 0.0 };
                inverse.add_at(i, j, (unit - known) / self.at(i, i));
            }
        }
        inverse
    }

    /// `f` applied to the eigenvalues of a symmetric matrix: `V · diag(f(λ)) · V'`.
    ///
    /// Source: Golub and Van Loan, *Matrix Computations*, 4th ed., section 8.5 (cyclic Jacobi).
    ///
    /// # Errors
    /// [`Inconclusive::NotConverged`] when the rotations do not settle or `f` is not finite at an eigenvalue.
    pub(crate) fn map_eigenvalues(&self, f: impl Fn(f64) -> f64) -> Result<Self, Inconclusive> {
        let (diagonal, vectors) = self.diagonalise()?;
        let mapped: Vec<f64> = (0..self.order).map(|i| f(diagonal.at(i, i))).collect();
        if mapped.iter().any(|value| !value.is_finite()) {
            return Err(Inconclusive::NotConverged { what: "an eigenvalue" });
        }
        Ok(Self::from_entries(self.order, |i, j| {
            mapped
                .iter()
                .enumerate()
                .map(|(inner, value)| vectors.at(i, inner) * value * vectors.at(j, inner))
                .sum()
        }))
    }

    fn diagonalise(&self) -> Result<(Self, Self), Inconclusive> {
        let mut matrix = self.clone();
        let mut vectors = Self::from_entries(self.order, |i, j| if i == j { 1.0 } else { 0.0 });
        let size: f64 = self.values.iter().map(|value| value * value).sum::<f64>().sqrt();
        for _ in 0..MOST_SWEEPS {
            if matrix.largest_off_diagonal() <= f64::EPSILON * size {
                return Ok((matrix, vectors));
            }
            for p in 0..self.order {
                for q in p + 1..self.order {
                    rotate(&mut matrix, &mut vectors, p, q);
                }
            }
        }
        Err(Inconclusive::NotConverged { what: "an eigenvalue" })
    }

    fn largest_off_diagonal(&self) -> f64 {
        let off = |i: usize, j: usize| if i == j { 0.0 } else { self.at(i, j).abs() };
        (0..self.order).flat_map(|i| (0..self.order).map(move |j| off(i, j))).fold(0.0, f64::max)
    }
}

/// One Jacobi rotation that makes the entry `(p, q)` zero.
fn rotate(matrix: &mut Square, vectors: &mut Square, p: usize, q: usize) {
    let off = matrix.at(p, q);
    if off == 0.0 {
        return;
    }
    let theta = (matrix.at(q, q) - matrix.at(p, p)) / (2.0 * off);
    let tangent = theta.signum() / (theta.abs() + theta.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    let sine = tangent * cosine;
    let order = matrix.order;
    for i in 0..order {
        let (left, right) = (matrix.at(i, p), matrix.at(i, q));
        matrix.add_at(i, p, cosine * left - sine * right - left);
        matrix.add_at(i, q, sine * left + cosine * right - right);
        let (left, right) = (vectors.at(i, p), vectors.at(i, q));
        vectors.add_at(i, p, cosine * left - sine * right - left);
        vectors.add_at(i, q, sine * left + cosine * right - right);
    }
    for j in 0..order {
        let (upper, lower) = (matrix.at(p, j), matrix.at(q, j));
        matrix.add_at(p, j, cosine * upper - sine * lower - upper);
        matrix.add_at(q, j, sine * upper + cosine * lower - lower);
    }
    // Zero but for rounding, and but for what a product that is symmetric on paper lacks of it: rotations would keep both.
    matrix.add_at(p, q, -matrix.at(p, q));
    matrix.add_at(q, p, -matrix.at(q, p));
}

/// The inner product of two vectors of the same length.
#[must_use]
pub(crate) fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Square {
        let entries = [[4.0, 1.0, 0.5], [1.0, 3.0, 0.25], [0.5, 0.25, 2.0]];
        Square::from_entries(3, |i, j| entries[i][j])
    }

    fn assert_identity(matrix: &Square) {
        for i in 0..matrix.order {
            for j in 0..matrix.order {
                let expected = if i == j { 1.0 } else { 0.0 };
                assert!((matrix.at(i, j) - expected).abs() < 1e-13, "({i}, {j}) is {}", matrix.at(i, j));
            }
        }
    }

    #[test]
    fn inverse_times_matrix_is_the_identity() {
        assert_identity(&example().inverse().unwrap().times(&example()));
    }

    #[test]
    fn inverse_square_root_squares_to_the_inverse() {
        let root = example().map_eigenvalues(|value| 1.0 / value.sqrt()).unwrap();
        assert_identity(&root.times(&root).times(&example()));
    }

    #[test]
    fn a_product_that_is_symmetric_only_to_rounding_has_its_eigenvalues() {
        let matrix = Square::from_entries(3, |i, j| {
            let rounding = if (i, j) == (0, 2) { 1.0 + 1e-14 } else { 1.0 };
            example().at(i, j) * rounding
        });
        let root = matrix.map_eigenvalues(|value| 1.0 / value.sqrt()).unwrap();
        assert_identity(&root.times(&root).times(&example()));
    }

    #[test]
    fn columns_in_very_different_units_are_no_problem() {
        let scale = [1.0, 1e-9, 1e9];
        let matrix = Square::from_entries(3, |i, j| example().at(i, j) * scale[i] * scale[j]);
        let inverse = matrix.inverse().unwrap();
        let rescaled = Square::from_entries(3, |i, j| inverse.at(i, j) * scale[i] * scale[j]);
        assert_identity(&rescaled.times(&example()));
    }

    #[test]
    fn a_combined_column_is_named() {
        let matrix = Square::from_entries(2, |i, j| [[1.0, 2.0], [2.0, 4.0]][i][j]);
        assert_eq!(matrix.inverse(), Err(Inconclusive::SingularCovariates));
    }
}
