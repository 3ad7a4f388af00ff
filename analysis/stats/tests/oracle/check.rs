//! Reads a file of cases and compares what the crate finds.

use kerf_stats::{Inconclusive, Interval};
use serde_json::Value;

/// Named numbers; `None` is an unbounded end.
pub(crate) type Found = Result<Vec<(&'static str, Option<f64>)>, Inconclusive>;

/// The input of one case.
pub(crate) struct Input<'a>(&'a Value);

impl Input<'_> {
    pub(crate) fn number(&self, name: &str) -> f64 {
        self.0[name].as_f64().unwrap_or_else(|| panic!("{name} of {} is no number", self.0))
    }

    pub(crate) fn count(&self, name: &str) -> u64 {
        self.0[name].as_u64().unwrap_or_else(|| panic!("{name} of {} is no count", self.0))
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap_or_else(|| panic!("{name} of {} is no text", self.0))
    }

    pub(crate) fn list<T: serde::de::DeserializeOwned>(&self, name: &str) -> T {
        serde_json::from_value(self.0[name].clone()).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

/// Compares every case of a file; all failures are reported together.
pub(crate) fn check(file: &str, evaluate: impl Fn(&str, &Input<'_>) -> Found) {
    let path = format!("{}/tests/oracle/{file}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let document: Value = serde_json::from_str(&text).unwrap();
    let cases = document["cases"].as_array().unwrap();
    assert!(!cases.is_empty(), "{file} has no cases");
    let mut failures = Vec::new();
    for case in cases {
        let kind = case["kind"].as_str().unwrap();
        let tolerance = case["tolerance"].as_f64().unwrap();
        let found = evaluate(kind, &Input(&case["input"]));
        failures.extend(compare(&case["expected"], &found, tolerance).map(|why| {
            let input = case["input"].to_string();
            format!("{kind} {}: {why}", input.chars().take(300).collect::<String>())
        }));
    }
    assert!(
        failures.is_empty(),
        "{} of {} cases of {file} failed:\n{}",
        failures.len(),
        cases.len(),
        failures.iter().take(40).cloned().collect::<Vec<_>>().join("\n")
    );
}

fn compare(expected: &Value, found: &Found, tolerance: f64) -> Option<String> {
    let found = match (expected.as_str(), found) {
        (Some(code), Err(reason)) if code == reason.code() => return None,
        (Some(code), found) => return Some(format!("{found:?} instead of {code}")),
        (None, Err(reason)) => return Some(format!("{reason:?} instead of {expected}")),
        (None, Ok(found)) => found,
    };
    for (name, expected) in expected.as_object().unwrap() {
        let Some((_, value)) = found.iter().find(|(found, _)| found == name) else {
            return Some(format!("{name} is not given"));
        };
        let close = match (value, expected.as_f64()) {
            (Some(value), Some(expected)) => (value - expected).abs() <= tolerance * expected.abs() + 1e-307,
            (None, None) => true,
            _ => false,
        };
        if !close {
            return Some(format!("{name} is {value:?} instead of {expected}"));
        }
    }
    None
}

/// The ends of an interval as named numbers.
pub(crate) fn ends(interval: &Interval) -> [(&'static str, Option<f64>); 2] {
    [("lower", interval.lower), ("upper", interval.upper)]
}
