//! Shares: percent outside, basis points inside.

use serde_json::Value;

/// A share in basis points, 0 to 10,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BasisPoints(u16);

/// Why a value is no share.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ShareError {
    /// Not a number at all.
    #[error("a number from 0 to 100 is expected here")]
    NotANumber,
    /// Below 0 or above 100 percent.
    #[error("{0} is not between 0 and 100 percent")]
    OutOfRange(f64),
    /// More than two decimals.
    #[error("{0} has more than two decimals; a share is a whole number of hundredths of a percent")]
    TooPrecise(f64),
}

impl ShareError {
    /// Stable name of the fault.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotANumber => "not_a_number",
            Self::OutOfRange(_) => "out_of_range",
            Self::TooPrecise(_) => "too_precise",
        }
    }
}

impl BasisPoints {
    /// Everything.
    pub const ALL: Self = Self(10_000);
    /// Nothing.
    pub const NONE: Self = Self(0);

    /// A share of so many basis points, `None` above 10,000.
    pub const fn new(basis_points: u16) -> Option<Self> {
        if basis_points <= 10_000 { Some(Self(basis_points)) } else { None }
    }

    /// Reads a percentage with at most two decimals.
    ///
    /// # Errors
    /// [`ShareError`] says what is wrong with the value.
    pub fn from_percent(value: &Value) -> Result<Self, ShareError> {
        let percent = value.as_f64().ok_or(ShareError::NotANumber)?;
        if !(0.0..=100.0).contains(&percent) {
            return Err(ShareError::OutOfRange(percent));
        }
        let hundredths = (percent * 100.0).round();
        // 33.33 is not exactly representable, so the product is off by a few units in the last place.
        if (percent * 100.0 - hundredths).abs() > 1e-6 {
            return Err(ShareError::TooPrecise(percent));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "0 to 10,000 was checked above"
        )]
        Ok(Self(hundredths as u16))
    }

    /// The share in basis points.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// What of the share is still missing when so many basis points are there already.
    #[must_use]
    pub const fn less(self, there: u16) -> Self {
        Self(self.0.saturating_sub(there))
    }

    /// The share in percent.
    pub fn percent(self) -> f64 {
        f64::from(self.0) / 100.0
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn percent_and_basis_points_agree_for_every_share() {
        for basis_points in 0..=10_000 {
            let share = BasisPoints::new(basis_points).unwrap();
            assert_eq!(BasisPoints::from_percent(&json!(share.percent())).unwrap(), share);
        }
        assert_eq!(BasisPoints::new(10_001), None);
    }

    #[test]
    fn what_is_no_share_is_refused() {
        assert_eq!(BasisPoints::from_percent(&json!(20)).unwrap().get(), 2_000);
        assert_eq!(BasisPoints::from_percent(&json!("20")), Err(ShareError::NotANumber));
        assert_eq!(BasisPoints::from_percent(&json!(100.01)), Err(ShareError::OutOfRange(100.01)));
        assert_eq!(BasisPoints::from_percent(&json!(-1)), Err(ShareError::OutOfRange(-1.0)));
        assert_eq!(BasisPoints::from_percent(&json!(0.001)), Err(ShareError::TooPrecise(0.001)));
    }
}
