//! Smaller standard errors from what was known before the experiment.
//!
//! Each method turns two arms into two adjusted [`Estimate`]s, which any comparison takes: fixed
//! ([`crate::fixed::compare`]) or always valid. Covariates must be measured before exposure; one that the treatment
//! can move biases the result.

pub mod cuped;
pub mod lin;
pub mod post_stratification;

use serde::Serialize;

use crate::{Estimate, Inconclusive};

/// Two arms after adjustment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Adjusted {
    /// The control's adjusted mean, at the covariate mean of both arms together.
    pub control: Estimate,
    /// The treatment's adjusted mean, at the same covariate mean.
    pub treatment: Estimate,
    /// The share of the variance of the difference that the adjustment removed; negative when it added some.
    pub variance_removed: f64,
}

impl Adjusted {
    fn new(control: Estimate, treatment: Estimate, unadjusted_variance: f64) -> Result<Self, Inconclusive> {
        let adjusted = control.variance + treatment.variance;
        let variance_removed =
            if unadjusted_variance > 0.0 { 1.0 - adjusted / unadjusted_variance } else { 0.0 };
        if !variance_removed.is_finite() {
            return Err(Inconclusive::NotConverged { what: "adjustment (out of the range of a double)" });
        }
        Ok(Self { control, treatment, variance_removed })
    }
}
