//! Effects by segment: is there a difference at all, which segment stands out, and what to believe of the largest.

use serde::Serialize;

use crate::dist::chi_squared;
use crate::moments::all_units;
use crate::multiplicity::{Correction, adjust};
use crate::{
    Alpha, Effect, Estimate, Inconclusive, PValue,
    inconclusive::{finite, serialize_outcome},
};

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
    let between_variance = if excess > 0.0 { excess / (total - squares / total) } else { 0.0 };
    Ok(HeterogeneityTest {
        common,
        statistic,
        degrees_of_freedom,
        p_value: PValue::new(chi_squared::sf(statistic, degrees_of_freedom)?)?,
        i_squared: if statistic > 0.0 { excess / statistic } else { 0.0 },
        between_variance: finite(between_variance, "between-segment variance")?,
    })
}

/// The inverse-variance weighted mean, normal reference.
fn pooled(estimates: &[Estimate]) -> Result<Estimate, Inconclusive> {
    let total: f64 = estimates.iter().map(|estimate| estimate.variance.recip()).sum();
    let total = finite(total, "a segment's variance")?;
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
    /// The effect shrunk towards the mean of all by how much of the spread is noise (empirical Bayes): what to expect
    /// of a segment picked because it looked good.
    ///
    /// # Errors
    /// [`Inconclusive::TooFewUnits`] below four segments: the spread of fewer tells too little to gain by shrinking.
    #[serde(serialize_with = "serialize_outcome")]
    pub shrunken: Result<Effect, Inconclusive>,
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
/// A segment without an effect (too few units, no variance) keeps its reason and takes no part in the rest. Of `k`
/// segments with between-segment variance τ² and weights `w_i = 1/(τ² + V_i)`, the shrunken effect is
/// `(1 - B_i) e_i + B_i μ` with `μ = Σ w_i e_i/Σ w_i` and `B_i = (k - 3)/(k - 1) · V_i/(τ² + V_i)`. Its variance
/// `V_i (1 - (1 - w_i/Σ w) B_i) + 2/(k - 3) B_i² (V̄ + τ²)/(τ² + V_i) (e_i - μ)²`, `V̄ = Σ w_i V_i/Σ w_i`, counts the
/// error of μ and of τ², which the plain `τ² V_i/(τ² + V_i)` does not: that one holds 80% at 95%.
///
/// Source: Morris, JASA 78 (1983), section 5, with τ² as in [`heterogeneity`], as are the tests.
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
    let shrinkage = Shrinkage::over(&known, test.between_variance);
    let mut described = known.iter().zip(&versus_rest).zip(adjusted.iter().zip(&rest_adjusted));
    let mut next = || -> Result<SegmentEffect, Inconclusive> {
        let ((own, rest), (adjusted_p, rest_adjusted_p)) = described.next().ok_or(Inconclusive::NoUnits)?;
        Ok(SegmentEffect {
            effect: own.effect(alpha)?,
            adjusted_p: *adjusted_p,
            versus_rest: rest.effect(alpha)?,
            versus_rest_adjusted_p: *rest_adjusted_p,
            shrunken: shrinkage.and_then(|shrinkage| shrinkage.of(own)?.effect(alpha)),
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

/// What all segments together say of how far to shrink each.
#[derive(Clone, Copy)]
struct Shrinkage {
    /// Number of segments.
    segments: f64,
    /// τ².
    between: f64,
    /// Σ w_i.
    weight: f64,
    /// μ.
    mean: f64,
    /// V̄.
    variance: f64,
}

impl Shrinkage {
    fn over(estimates: &[Estimate], between: f64) -> Result<Self, Inconclusive> {
        if estimates.len() < 4 {
            return Err(Inconclusive::TooFewUnits { needed: 4, found: estimates.len() as u64 });
        }
        let sum = |of: fn(&Estimate) -> f64| -> f64 {
            estimates.iter().map(|estimate| of(estimate) / (between + estimate.variance)).sum()
        };
        let weight = sum(|_| 1.0);
        Ok(Self {
            segments: estimates.len() as f64,
            between,
            weight,
            mean: sum(|estimate| estimate.value) / weight,
            variance: sum(|estimate| estimate.variance) / weight,
        })
    }

    fn of(&self, own: &Estimate) -> Result<Estimate, Inconclusive> {
        let spread = self.between + own.variance;
        let pull = (self.segments - 3.0) / (self.segments - 1.0) * (own.variance / spread);
        let distance = own.value - self.mean;
        let share = 1.0 / (spread * self.weight);
        let unsure = 2.0 / (self.segments - 3.0) * pull * pull * ((self.variance + self.between) / spread);
        let variance = own.variance * (1.0 - (1.0 - share) * pull) + unsure * distance * distance;
        let shrunken = Estimate::new(own.value - pull * distance, variance, own.units)?;
        Ok(Estimate { degrees_of_freedom: None, ..shrunken })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(values: &[f64]) -> SegmentReport {
        let effects: Vec<_> = values
            .iter()
            .map(|value| {
                Ok(Estimate { degrees_of_freedom: None, ..Estimate::new(*value, 0.04, 500).unwrap() })
            })
            .collect();
        segments(&effects, Correction::Holm, Alpha::new(0.05).unwrap()).unwrap()
    }

    #[test]
    fn a_segment_is_not_as_sure_as_all_of_them_because_they_look_alike() {
        let report = report(&[0.4, 0.41, 0.39, 0.4, 0.4]);
        assert_eq!(report.test.between_variance, 0.0);
        for segment in report.segments {
            let shrunken = segment.unwrap().shrunken.unwrap();
            assert!(shrunken.standard_error > 1.5 * report.test.common.standard_error());
            assert!(shrunken.standard_error < 0.2);
        }
    }

    #[test]
    fn three_segments_say_too_little_to_shrink_them() {
        let report = report(&[0.1, 0.4, 0.7]);
        let reason = Inconclusive::TooFewUnits { needed: 4, found: 3 };
        assert!(report.segments.iter().all(|segment| segment.unwrap().shrunken == Err(reason)));
    }
}
