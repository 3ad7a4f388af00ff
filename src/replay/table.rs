//! The results as a table, and its comparison with an expected one.

use crate::api_client::{Answer, Variant};
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

/// Statistics agree when they differ by at most this share: six significant digits.
const TOLERANCE: f64 = 5e-7;

/// One slice: everything, or a country.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    /// Units in both arms, which are in neither.
    both: u64,
    /// Units and conversions.
    control: (u64, u64),
    treatment: (u64, u64),
    difference: Option<f64>,
    lift: Option<f64>,
    z: Option<f64>,
    p_value: Option<f64>,
    confidence_interval: Option<(f64, f64)>,
    srm_p_value: Option<f64>,
}

/// The slices by name, `all` first.
pub(super) struct Table(Vec<(String, Row)>);

impl Table {
    /// Reads the rows out of the results.
    pub(super) fn of(answer: &Answer) -> Self {
        let segments = answer.segments.iter().map(|(name, segment)| (name.clone(), row(segment)));
        Self(std::iter::once(("all".to_owned(), row(answer))).chain(segments).collect())
    }
}

fn row(answer: &Answer) -> Row {
    let arm = |name: &str| {
        let variant = answer.variants.get(name).cloned().unwrap_or_default();
        let Variant { impressions, conversions, .. } = variant;
        (impressions.unwrap_or(0), conversions.unwrap_or(0))
    };
    Row {
        both: answer.multi_exposed.unwrap_or(0),
        control: arm("control"),
        treatment: arm("treatment"),
        difference: answer.difference,
        lift: answer.lift,
        z: answer.z,
        p_value: answer.p_value,
        confidence_interval: answer.confidence_interval,
        srm_p_value: answer.srm.p_value,
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<9}{:>9}{:>6}{:>17}{:>17}{:>13}{:>11}{:>11}{:>10}  {:<26}{:>9}",
            "slice",
            "kept",
            "both",
            "control",
            "treatment",
            "difference",
            "lift",
            "z",
            "p",
            "95% interval",
            "SRM p"
        )?;
        self.0.iter().try_for_each(|(name, row)| writeln!(f, "{name:<9}{row}"))
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figure = |value: Option<f64>, digits: usize| {
            value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
        };
        let arm = |(units, conversions): (u64, u64)| format!("{units} / {conversions}");
        let interval = self
            .confidence_interval
            .map_or_else(|| "-".to_owned(), |(low, high)| format!("[{low:.8}, {high:.8}]"));
        write!(
            f,
            "{:>9}{:>6}{:>17}{:>17}{:>13}{:>11}{:>11}{:>10}  {interval:<26}{:>9}",
            self.control.0 + self.treatment.0,
            self.both,
            arm(self.control),
            arm(self.treatment),
            figure(self.difference, 8),
            figure(self.lift, 6),
            figure(self.z, 6),
            figure(self.p_value, 6),
            figure(self.srm_p_value, 6),
        )
    }
}

/// The results that must come out, from a file.
#[derive(Deserialize)]
pub(super) struct Expected {
    slices: BTreeMap<String, Row>,
    diagnostics: BTreeMap<String, u64>,
}

impl Expected {
    /// Reads `{"slices": {"all": {…}}, "diagnostics": {…}}`.
    ///
    /// # Errors
    /// When the file is missing or not of that shape.
    pub(super) fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        serde_json::from_str(&text)
            .with_context(|| format!("{} is no table of expected results", file.display()))
    }

    /// Prints the expected rows and fails where the found ones differ: counts exactly, statistics to six digits.
    ///
    /// # Errors
    /// Every difference.
    pub(super) fn compare(&self, table: &Table, answer: &Answer) -> Result<()> {
        println!("expected");
        let mut differences = Vec::new();
        let found: BTreeMap<&str, &Row> = table.0.iter().map(|(name, row)| (name.as_str(), row)).collect();
        for (name, expected) in &self.slices {
            println!("{name:<9}{expected}");
            match found.get(name.as_str()) {
                Some(found) => differences
                    .extend(expected.differences(found).into_iter().map(|field| format!("{name}: {field}"))),
                None => differences.push(format!("{name} is missing")),
            }
        }
        if answer.diagnostics != self.diagnostics {
            differences
                .push(format!("diagnostics are {:?}, expected {:?}", answer.diagnostics, self.diagnostics));
        }
        if !differences.is_empty() {
            bail!("the results are not the expected ones: {}", differences.join("; "));
        }
        println!("all counts are equal, all statistics to six digits");
        Ok(())
    }
}

impl Row {
    /// The names of the figures that are not the same.
    fn differences(&self, found: &Self) -> Vec<&'static str> {
        let interval = |row: &Self| row.confidence_interval.unzip();
        let ((low, high), (found_low, found_high)) = (interval(self), interval(found));
        let checks = [
            ("both", self.both == found.both),
            ("control", self.control == found.control),
            ("treatment", self.treatment == found.treatment),
            ("difference", close(self.difference, found.difference)),
            ("lift", close(self.lift, found.lift)),
            ("z", close(self.z, found.z)),
            ("p_value", close(self.p_value, found.p_value)),
            ("confidence_interval", close(low, found_low) && close(high, found_high)),
            ("srm_p_value", close(self.srm_p_value, found.srm_p_value)),
        ];
        checks.into_iter().filter(|(_, same)| !same).map(|(name, _)| name).collect()
    }
}

fn close(expected: Option<f64>, found: Option<f64>) -> bool {
    match (expected, found) {
        (Some(expected), Some(found)) => (found - expected).abs() <= TOLERANCE * expected.abs(),
        (expected, found) => expected.is_none() && found.is_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected() -> Row {
        serde_json::from_str(
            r#"{"both": 71, "control": [28792, 3509], "treatment": [28817, 3431], "difference": -0.0028124729, "lift": -0.0230768,
                "z": -1.0369119, "p_value": 0.2997770, "confidence_interval": [-0.0081285, 0.0025036], "srm_p_value": 0.9170435}"#,
        )
        .unwrap()
    }

    #[test]
    fn the_seventh_digit_may_differ_the_sixth_not() {
        let found = |p_value| Row { p_value: Some(p_value), ..expected() };
        assert_eq!(expected().differences(&found(0.299_777_1)), [""; 0]);
        assert_eq!(expected().differences(&found(0.299_778)), ["p_value"]);
    }

    #[test]
    fn every_figure_is_compared() {
        let other = Row {
            both: 70,
            control: (1, 1),
            treatment: (1, 1),
            difference: None,
            lift: None,
            z: None,
            p_value: None,
            confidence_interval: None,
            srm_p_value: None,
        };
        assert_eq!(expected().differences(&other).len(), 9);
    }
}
