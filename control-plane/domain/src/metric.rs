//! Names of metrics.

use std::fmt;

/// Longest name, in bytes.
const LONGEST: usize = 128;

/// Name of a metric: 1 to 128 of `A-Z a-z 0-9 _ . : -`, beginning with a letter.
///
/// `/` is left out because an event that counts for one experiment alone is stored as `{experiment}/{metric}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MetricName(String);

/// Why a text names no metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a metric's name begins with a letter and has at most 128 of A-Z, a-z, 0-9, `_`, `.`, `:` and `-`")]
pub struct MetricNameError;

impl MetricName {
    /// Reads the name of a metric.
    ///
    /// # Errors
    /// [`MetricNameError`] if it has another form.
    pub fn parse(text: &str) -> Result<Self, MetricNameError> {
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '-');
        if text.len() > LONGEST
            || !text.starts_with(|c: char| c.is_ascii_alphabetic())
            || !text.chars().all(good)
        {
            return Err(MetricNameError);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MetricName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_a_form() {
        for good in ["checkout_conversion_rate", "p95_latency", "Web.vitals:lcp"] {
            assert!(MetricName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "9lives", "a/b", "a b", "größe", &"m".repeat(129)] {
            assert!(MetricName::parse(bad).is_err(), "{bad}");
        }
    }
}
