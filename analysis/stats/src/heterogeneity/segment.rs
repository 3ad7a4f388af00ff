//! Effects by segment: is there a difference at all, which segment stands out, and what to believe of the largest.

use serde::Serialize;

use crate::dist::chi_squared;
use crate::moments::all_units;
use crate::multiplicity::{Correction, adjust};
use crate::{Alpha, Effect, Estimate, Inconclusive, PValue, inconclusive::serialize_outcome};

/// A test that several independent estimates share one value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct HeterogeneityTest {
    /// The inverse-variance weighted mean.
    pub common: Estimate,
    /// Cochran's Q: `Σ (e_i - common)²/V_i`.
    pub statistic: f64,
    /// Number of estimates less one.
    pub degrees_of_freedom: u32,
    /// Probability of a greater Q under chi-square.
    pub p_value: PValue,
    /// Share of the spread of the estimates that is not noise: `max(0, (Q - df)/Q)`.
    pub i_squared: f64,
    /// Variance of the true effects by DerSimonian and Laird's moment estimate; 0 when Q does not exceed df.
    pub between_variance: f64,
}

/// Tests independent estimates for one common value; normal reference.
///
/// Sources: Cochran, Biometrics 10 (1954); Higgins and Thompson, Statistics in Medicine 21 (2002) for I²; DerSimonian and
/// Laird, Controlled Clinical Trials 7 (1986), eq. 7.
///
/// # Errors
/// [`Inconclusive::TooFewArms`] below two estimates; [`Inconclusive::NoVariance`] when one has none.
pub fn heterogeneity(estimates: &[Estimate]) -> Result<HeterogeneityTest, Inconclusive> {
    if estimates.len() < 2 {
        return Err(Inconclusive::TooFewArms);
    }
    for estimate in estimates {
        if estimate.sound()?.variance <= 0.0 {
            return Err(Inconclusive::NoVariance);
        }
    }
    let common = pooled(estimates)?;
    let statistic: f64 =
        estimates.iter().map(|estimate| (estimate.value - common.value).powi(2) / estimate.variance).sum();
    let degrees_of_freedom = (estimates.len() - 1) as u32;
    let weights = || estimates.iter().map(|estimate| estimate.variance.recip());
    let (total, squares) = (weights().sum::<f64>(), weights().map(|weight| weight * weight).sum::<f64>());
    let excess = (statistic - f64::from(degrees_of_freedom)).max(0.0);
    Ok(HeterogeneityTest {
        common,
        statistic,
        degrees_of_freedom,
        p_value: PValue::new(chi_squared::sf(statistic, degrees_of_freedom)?)?,
        i_squared: if statistic > 0.0 { excess / statistic } else { 0.0 },
        between_variance: excess / (total - squares / total),
    })
}

/// The inverse-variance weighted mean, normal reference.
fn pooled(estimates: &[Estimate]) -> Result<Estimate, Inconclusive> {
    let total: f64 = estimates.iter().map(|estimate| estimate.variance.recip()).sum();
    let sum: f64 = estimates.iter().map(|estimate| estimate.value / estimate.variance).sum();
    let units = all_units(estimates.iter().map(|estimate| estimate.units));
    Ok(Estimate { degrees_of_freedom: None, ..Estimate::new(sum / total, total.recip(), units)? })
}

/// One segment among all.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SegmentEffect {
    /// The effect in the segment, by its own reference.
    pub effect: Effect,
    /// Two-sided p of "no effect in this segment", corrected over segments.
    pub adjusted_p: PValue,
    /// The segment's effect less the pooled effect of all other segments.
    pub versus_rest: Effect,
    /// Two-sided p of "this segment is like the rest", corrected over segments: the interaction test to act on.
    pub versus_rest_adjusted_p: PValue,
    /// The effect shrunk towards the common one by how much of the spread is noise (empirical Bayes): what to expect
    /// of a segment picked because it looked good.
    pub shrunken: Effect,
}

/// Segment effects with the test over all of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SegmentReport {
    /// Whether the effects differ at all.
    pub test: HeterogeneityTest,
    /// The segments that have an effect, in the caller's order, or the reason why one has none.
    #[serde(serialize_with = "serialize_segments")]
    pub segments: Vec<Result<SegmentEffect, Inconclusive>>,
}

fn serialize_segments<S: serde::Serializer>(
    segments: &[Result<SegmentEffect, Inconclusive>],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    #[serde(transparent)]
    struct Outcome<'a>(
        #[serde(serialize_with = "serialize_outcome")] &'a Result<SegmentEffect, Inconclusive>,
    );
    serializer.collect_seq(segments.iter().map(Outcome))
}

/// Compares the effects of disjoint segments; `correction` corrects over segments, in two families (effects, and
/// differences from the rest).
///
/// A segment without an effect (too few units, no variance) keeps its reason and takes no part in the rest. With the
/// between-segment variance τ², the shrunken effect is `common + τ²/(τ² + V_i) · (e_i - common)` with variance
/// `τ² V_i/(τ² + V_i)`; the common effect's own error is neglected.
///
/// Source: Efron and Morris, JASA 70 (1975), for shrinkage; the tests as in [`heterogeneity`].
///
/// # Errors
/// As [`heterogeneity`], over the segments that have an effect.
pub fn segments(
    effects: &[Result<Estimate, Inconclusive>],
    correction: Correction,
    alpha: Alpha,
) -> Result<SegmentReport, Inconclusive> {
    let known: Vec<Estimate> = effects.iter().flatten().copied().collect();
    let test = heterogeneity(&known)?;
    let versus_rest =
        (0..known.len()).map(|index| against_rest(&known, index)).collect::<Result<Vec<_>, _>>()?;
    let p_values = |estimates: &[Estimate]| -> Result<Vec<PValue>, Inconclusive> {
        estimates.iter().map(|estimate| estimate.p_value(0.0)).collect()
    };
    let adjusted = adjust(&p_values(&known)?, correction);
    let rest_adjusted = adjust(&p_values(&versus_rest)?, correction);
    let mut described = known.iter().zip(&versus_rest).zip(adjusted.iter().zip(&rest_adjusted));
    let mut next = || -> Result<SegmentEffect, Inconclusive> {
        let ((own, rest), (adjusted_p, rest_adjusted_p)) = described.next().ok_or(Inconclusive::NoUnits)?;
        Ok(SegmentEffect {
            effect: own.effect(alpha)?,
            adjusted_p: *adjusted_p,
            versus_rest: rest.effect(alpha)?,
            versus_rest_adjusted_p: *rest_adjusted_p,
            shrunken: shrunken(own, &test)?.effect(alpha)?,
        })
    };
    let segments = effects.iter().map(|effect| effect.and_then(|_| next())).collect();
    Ok(SegmentReport { test, segments })
}

fn against_rest(estimates: &[Estimate], index: usize) -> Result<Estimate, Inconclusive> {
    let own = estimates.get(index).ok_or(Inconclusive::NoUnits)?;
    let others: Vec<Estimate> = estimates
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != index)
        .map(|(_, estimate)| *estimate)
        .collect();
    let rest = pooled(&others)?;
    let difference = Estimate::new(
        own.value - rest.value,
        own.variance + rest.variance,
        all_units([own.units, rest.units]),
    )?;
    Ok(Estimate { degrees_of_freedom: None, ..difference })
}

fn shrunken(own: &Estimate, test: &HeterogeneityTest) -> Result<Estimate, Inconclusive> {
    let kept = test.between_variance / (test.between_variance + own.variance);
    let value = test.common.value + kept * (own.value - test.common.value);
    // Without any spread between segments, what is left is the common effect with its error.
    let variance = if kept > 0.0 { kept * own.variance } else { test.common.variance };
    Ok(Estimate { degrees_of_freedom: None, ..Estimate::new(value, variance, own.units)? })
}
