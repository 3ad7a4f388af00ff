//! Why a question has no answer: one enum, stable codes.

use serde::{Serialize, Serializer, ser::SerializeStruct};

/// A reason why a method gives no number.
///
/// The first group says that the data cannot answer (wait, or choose another method); the last two say that
/// the caller's arguments are wrong or that a computation failed, which is a fault to report.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Inconclusive {
    /// An arm has no units.
    #[error("an arm has no units")]
    NoUnits,
    /// Fewer units, clusters or periods than the method needs.
    #[error("the method needs at least {needed} observations in each arm, one has {found}")]
    TooFewUnits {
        /// The smallest number that the method accepts.
        needed: u64,
        /// The number that was given.
        found: u64,
    },
    /// Nothing varies, so no error can be estimated (for instance no conversions at all, or all converted).
    #[error("the values do not vary, so no error can be estimated")]
    NoVariance,
    /// Fewer than five conversions (or non-conversions) are expected in an arm, too few for a normal approximation.
    #[error("fewer than five conversions (or non-conversions) are expected in an arm")]
    SmallCounts,
    /// The control's mean is zero, or not distinguished from it where that is needed, so a relative difference does not
    /// exist.
    #[error("the control's mean is zero or cannot be told from it, so there is no relative difference")]
    ZeroControl,
    /// The control's value may be zero or negative, so a relative difference has no certain sign.
    #[error("the control is not surely positive, so there is no relative difference")]
    ControlNotPositive,
    /// The denominator of a ratio metric sums to zero.
    #[error("the denominator of the ratio is zero")]
    ZeroDenominator,
    /// The covariates are constant or linearly dependent.
    #[error("the covariates are constant or linearly dependent")]
    SingularCovariates,
    /// Fewer than two arms have a positive weight.
    #[error("fewer than two arms have a positive weight")]
    TooFewArms,
    /// The design of the looks gives no error to spend at this look.
    #[error("no error is left to spend at this look")]
    NothingToSpend,
    /// An argument lies outside its domain: a fault of the caller.
    #[error("{what} is outside its domain")]
    OutOfDomain {
        /// The argument, by name.
        what: &'static str,
    },
    /// An iteration did not converge or the numbers left the range of a double.
    #[error("the computation of {what} did not converge")]
    NotConverged {
        /// The quantity that was computed.
        what: &'static str,
    },
}

impl Inconclusive {
    /// The stable code of this reason, for interfaces and metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoUnits => "no_units",
            Self::TooFewUnits { .. } => "too_few_units",
            Self::NoVariance => "no_variance",
            Self::SmallCounts => "small_counts",
            Self::ZeroControl => "zero_control",
            Self::ControlNotPositive => "control_not_positive",
            Self::ZeroDenominator => "zero_denominator",
            Self::SingularCovariates => "singular_covariates",
            Self::TooFewArms => "too_few_arms",
            Self::NothingToSpend => "nothing_to_spend",
            Self::OutOfDomain { .. } => "out_of_domain",
            Self::NotConverged { .. } => "not_converged",
        }
    }
}

impl Serialize for Inconclusive {
    /// Written as `{"inconclusive": code, "detail": sentence}`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Inconclusive", 2)?;
        object.serialize_field("inconclusive", self.code())?;
        object.serialize_field("detail", &self.to_string())?;
        object.end()
    }
}

/// Serialises a nested result as its value or as the reason object, without a wrapper.
///
/// # Errors
/// Those of the serialiser.
pub fn serialize_outcome<T: Serialize, S: Serializer>(
    outcome: &Result<T, Inconclusive>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match outcome {
        Ok(value) => value.serialize(serializer),
        Err(reason) => reason.serialize(serializer),
    }
}

/// Returns the value if it is a finite number.
///
/// # Errors
/// [`Inconclusive::OutOfDomain`] naming `what` otherwise.
pub(crate) fn finite(value: f64, what: &'static str) -> Result<f64, Inconclusive> {
    if value.is_finite() { Ok(value) } else { Err(Inconclusive::OutOfDomain { what }) }
}

/// Returns the value if it is above zero, infinity included.
///
/// # Errors
/// [`Inconclusive::OutOfDomain`] naming `what` otherwise.
pub(crate) fn positive(value: f64, what: &'static str) -> Result<f64, Inconclusive> {
    if value > 0.0 { Ok(value) } else { Err(Inconclusive::OutOfDomain { what }) }
}
