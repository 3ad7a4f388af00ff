//! Bayesian comparison of arms: rates, means, log-normal revenue, or a prior on the effect itself.
//!
//! A prior is updated by the sufficient statistics of an arm into a [`Posterior`]; [`standings`] and [`contrast`]
//! work on any of them. Losses are per unit, in the unit of the metric, and never negative. No draws anywhere.

mod beta;
mod compare;
mod contrast;
mod effect;
mod lognormal;
mod normal;
mod posterior;
mod student;

pub use beta::{BetaPosterior, BetaPrior};
pub use compare::{Standing, standings};
pub use contrast::{Contrast, contrast};
pub use effect::{EffectPosterior, effect_posterior};
pub use lognormal::LogMeanPosterior;
pub use normal::{NormalPosterior, NormalPrior, unit_loss};
pub use posterior::{Posterior, Shift};
pub use student::{NormalInverseGamma, StudentPosterior};
