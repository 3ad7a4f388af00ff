//! The Bartlett variance of a difference of two arms' means over blocks in time, and what it is read against.
//!
//! Owns the sums over neighbouring blocks and the moments of that variance under its working model; knows nothing of
//! bins, trimming or markets (see [`super::switchback`]).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Inconclusive, symmetric::Square};

/// A kernel that keeps less than this share of the variance of independent blocks keeps rounding.
const LEAST_KEPT: f64 = 1e-9;

/// How the kernel variance is corrected for being too small, and its t reference.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmallSample {
    /// The variance over the share of it that the kernel keeps when blocks are independent and vary alike, with
    /// Satterthwaite's degrees of freedom under the same working model, both from the design that was run. Blocks
    /// are independent in the sense needed here whenever the periods were assigned independently.
    #[default]
    Satterthwaite,
    /// The factor `B/(B - 2)` and `B - 2` degrees of freedom for `B` blocks, as statsmodels has it: too small, and the
    /// more so the more lags there are.
    BlocksLessTwo,
}

/// One block's part in the difference.
pub(super) struct Part {
    /// Blocks of one series are correlated, those of different ones are not.
    pub series: usize,
    /// Place in time.
    pub period: i64,
    pub treated: bool,
    /// Its weight over the sum of its arm's.
    pub share: f64,
    /// The share times the derivative of the estimate by the arm's mean.
    pub gradient: f64,
    /// Its value less the arm's mean.
    pub residual: f64,
}

/// What the kernel's sum is multiplied by to be a variance, and the degrees of freedom of that.
pub(super) struct Correction {
    pub factor: f64,
    pub degrees_of_freedom: f64,
}

/// `Σ_{|l| <= L} (1 - |l|/(L+1)) Σ s_b s_{b-l}` of the scores `s_b = gradient · residual`; never negative but for rounding.
pub(super) fn kernel_sum(parts: &[Part], lags: usize) -> f64 {
    let scores: Vec<f64> = parts.iter().map(|part| part.gradient * part.residual).collect();
    let smoothed = Kernel { parts, lags }.smooth(&scores, |weight| weight);
    scores.iter().zip(&smoothed).map(|(score, near)| score * near).sum()
}

/// The correction of [`kernel_sum`].
///
/// With `K` the kernel between all blocks times their gradients, `u` the shares and residuals `(I - Σ_arms 1_a u_a') ε`,
/// the sum is a quadratic form in ε. For independent ε of equal variance σ² its mean is `σ² tr(K M)` and its variance
/// `2 σ⁴ tr(K M K M)`, with `M = I - Σ_a (1_a u_a' + u_a 1_a') + Σ_a |u_a|² 1_a 1_a'`. The truth is `σ² Σ gradient²`, so
/// the factor is `Σ gradient² / tr(K M)` and the degrees of freedom are `tr(K M)² / tr(K M K M)`.
///
/// Sources: Newey and West, Econometrica 55 (1987); Young, "Improved, nearly exact, statistical inference with robust
/// and clustered covariance matrices using effective degrees of freedom corrections" (LSE, 2016), for bias and degrees
/// of freedom together, after Satterthwaite, Biometrics Bulletin 2 (1946).
///
/// # Errors
/// [`Inconclusive::TooFewUnits`] below three periods; [`Inconclusive::NoVariance`] when the lags span the whole series,
/// whose scores sum to zero.
pub(super) fn correction(
    parts: &[Part],
    lags: usize,
    small_sample: SmallSample,
) -> Result<Correction, Inconclusive> {
    let kernel = Kernel { parts, lags };
    let count = kernel.sums(|_| 0.0).values().map(BTreeMap::len).sum::<usize>();
    if count < 3 {
        return Err(Inconclusive::TooFewUnits { needed: 3, found: count as u64 });
    }
    Ok(match small_sample {
        SmallSample::BlocksLessTwo => {
            let degrees_of_freedom = count as f64 - 2.0;
            Correction { factor: count as f64 / degrees_of_freedom, degrees_of_freedom }
        }
        SmallSample::Satterthwaite => {
            let (kept, degrees_of_freedom) = kernel.working_model()?;
            Correction { factor: kept.recip(), degrees_of_freedom }
        }
    })
}

struct Kernel<'a> {
    parts: &'a [Part],
    lags: usize,
}

impl Kernel<'_> {
    /// Sums of a value over the blocks of each series and period.
    fn sums(&self, value: impl Fn(usize) -> f64) -> BTreeMap<usize, BTreeMap<i64, f64>> {
        let mut sums: BTreeMap<usize, BTreeMap<i64, f64>> = BTreeMap::new();
        for (index, part) in self.parts.iter().enumerate() {
            *sums.entry(part.series).or_default().entry(part.period).or_insert(0.0) += value(index);
        }
        sums
    }

    /// For each block the kernel-weighted sum of the values near it; `of` turns the kernel's weights into those used.
    fn smooth(&self, values: &[f64], of: fn(f64) -> f64) -> Vec<f64> {
        let sums = self.sums(|index| values.get(index).copied().unwrap_or(0.0));
        let reach = self.lags as u64;
        let near = |series: &BTreeMap<i64, f64>, period: i64| -> f64 {
            let window = period.saturating_sub_unsigned(reach)..=period.saturating_add_unsigned(reach);
            let weight = |other: i64| 1.0 - period.abs_diff(other) as f64 / (self.lags as f64 + 1.0);
            series.range(window).map(|(other, sum)| of(weight(*other)) * sum).sum()
        };
        let smoothed: BTreeMap<usize, BTreeMap<i64, f64>> = sums
            .iter()
            .map(|(key, series)| (*key, series.keys().map(|at| (*at, near(series, *at))).collect()))
            .collect();
        let at = |part: &Part| smoothed.get(&part.series).and_then(|series| series.get(&part.period));
        self.parts.iter().map(|part| at(part).copied().unwrap_or(0.0)).collect()
    }

    /// The share of the variance of independent blocks that the kernel keeps, and the degrees of freedom.
    fn working_model(&self) -> Result<(f64, f64), Inconclusive> {
        // Both answers are free of scale; fourth powers of the gradients are not.
        let scale = self.parts.iter().map(|part| part.gradient.abs()).fold(0.0, f64::max);
        let gradients: Vec<f64> = self.parts.iter().map(|part| part.gradient / scale).collect();
        let in_arm = |part: &Part, treated: bool| f64::from(u8::from(part.treated == treated));
        // The columns 1_a and u_a of M.
        let columns: [Vec<f64>; 4] = [
            self.parts.iter().map(|part| in_arm(part, false)).collect(),
            self.parts.iter().map(|part| in_arm(part, true)).collect(),
            self.parts.iter().map(|part| in_arm(part, false) * part.share).collect(),
            self.parts.iter().map(|part| in_arm(part, true) * part.share).collect(),
        ];
        let product =
            |one: &[f64], other: &[f64]| -> Vec<f64> { one.iter().zip(other).map(|(a, b)| a * b).collect() };
        let dot = |one: &[f64], other: &[f64]| -> f64 { one.iter().zip(other).map(|(a, b)| a * b).sum() };
        let images = columns
            .each_ref()
            .map(|column| product(&gradients, &self.smooth(&product(&gradients, column), |weight| weight)));
        let pairs = |left: &[Vec<f64>; 4], right: &[Vec<f64>; 4]| {
            Square::from_entries(4, |i, j| match (left.get(i), right.get(j)) {
                (Some(left), Some(right)) => dot(left, right),
                _ => 0.0,
            })
        };
        let of_m = Square::from_entries(4, |i, j| match (i, j) {
            (0 | 1, _) if i == j => columns.get(i + 2).map_or(0.0, |shares| dot(shares, shares)),
            _ if i.abs_diff(j) == 2 => -1.0,
            _ => 0.0,
        });
        let once = of_m.times(&pairs(&columns, &images));
        let squares = product(&gradients, &gradients);
        let independent: f64 = squares.iter().sum();
        let mean = independent + (0..4).map(|i| once.at(i, i)).sum::<f64>();
        let spread = dot(&squares, &self.smooth(&squares, |weight| weight * weight))
            + 2.0 * of_m.trace_product(&pairs(&images, &images))
            + once.trace_product(&once);
        if mean > LEAST_KEPT * independent && spread > 0.0 {
            Ok((mean / independent, mean * mean / spread))
        } else {
            Err(Inconclusive::NoVariance)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Arms in turn by twos, of equal weights.
    fn parts(blocks: usize) -> Vec<Part> {
        let share = 2.0 / blocks as f64;
        (0..blocks)
            .map(|index| {
                let treated = index % 4 < 2;
                let gradient = if treated { share } else { -share };
                Part { series: 0, period: index as i64, treated, share, gradient, residual: 1.0 }
            })
            .collect()
    }

    #[test]
    fn without_lags_the_working_model_is_that_of_two_pooled_means() {
        // Residuals of independent blocks: each arm keeps 1 - 1/n of its variance and has n - 1 degrees of freedom.
        let parts = parts(40);
        let (kept, degrees) = Kernel { parts: &parts, lags: 0 }.working_model().unwrap();
        assert!((kept - (1.0 - 1.0 / 20.0)).abs() < 1e-12, "{kept}");
        assert!((degrees - 38.0).abs() < 1e-9, "{degrees}");
    }

    #[test]
    fn lags_cost_degrees_of_freedom() {
        // Of independent blocks about B over the sum of the squared weights: 1 + 2 Σ (1 - l/5)² = 3.4.
        let parts = parts(400);
        let (kept, degrees) = Kernel { parts: &parts, lags: 4 }.working_model().unwrap();
        assert!((degrees - 400.0 / 3.4).abs() < 3.0, "{degrees}");
        assert!(kept > 0.95 && kept < 1.0, "{kept}");
    }
}
