//! Reads a file of cases and compares what the crate finds.

use kerf_stats::{Estimate, Inconclusive, Interval};
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

    pub(crate) fn optional<T: serde::de::DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.0.get(name).map(|_| self.list(name))
    }

    pub(crate) fn list<T: serde::de::DeserializeOwned>(&self, name: &str) -> T {
        serde_json::from_value(self.0[name].clone()).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

impl Input<'_> {
    pub(crate) fn estimate(&self, name: &str) -> Estimate {
        self.list::<PlainEstimate>(name).into()
    }

    pub(crate) fn estimates(&self, name: &str) -> Vec<Estimate> {
        self.list::<Vec<PlainEstimate>>(name).into_iter().map(Estimate::from).collect()
    }

    pub(crate) fn table(&self, name: &str) -> Vec<Vec<Estimate>> {
        let rows: Vec<Vec<PlainEstimate>> = self.list(name);
        rows.into_iter().map(|row| row.into_iter().map(Estimate::from).collect()).collect()
    }
}

/// An estimate as the scripts write it.
#[derive(serde::Deserialize)]
struct PlainEstimate {
    value: f64,
    variance: f64,
    units: u64,
    degrees_of_freedom: Option<f64>,
}

impl From<PlainEstimate> for Estimate {
    fn from(plain: PlainEstimate) -> Self {
        let PlainEstimate { value, variance, units, degrees_of_freedom } = plain;
        Self { value, variance, units, degrees_of_freedom }
    }
}

/// Compares every case of a file; all failures are reported together.
pub(crate) fn check(file: &str, evaluate: impl Fn(&str, &Input<'_>) -> Found) {
    check_answers(file, |kind, input| evaluate(kind, input).map(Answer::Named));
}

/// The same for answers that are serialised as the API does; expected values are named by JSON pointers.
pub(crate) fn check_documents(
    file: &str,
    evaluate: impl Fn(&str, &Input<'_>) -> Result<Value, Inconclusive>,
) {
    check_answers(file, |kind, input| evaluate(kind, input).map(Answer::Document));
}

/// Where a value is looked up by its name.
#[derive(Debug)]
enum Answer {
    Named(Vec<(&'static str, Option<f64>)>),
    Document(Value),
}

impl Answer {
    /// The value, an unbounded end as `None`, or nothing where there is no such name.
    fn value(&self, name: &str) -> Option<Option<f64>> {
        match self {
            Self::Named(values) => values.iter().find(|(found, _)| *found == name).map(|(_, value)| *value),
            Self::Document(document) => match document.pointer(name)? {
                Value::Null => Some(None),
                value => Some(Some(value.as_f64()?)),
            },
        }
    }
}

fn check_answers(file: &str, evaluate: impl Fn(&str, &Input<'_>) -> Result<Answer, Inconclusive>) {
    let path = format!("{}/tests/oracle/{file}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let document: Value = serde_json::from_str(&text).unwrap();
    let cases = document["cases"].as_array().unwrap();
    assert!(!cases.is_empty(), "{file} has no cases");
    let mut failures = Vec::new();
    for case in cases {
        let kind = case["kind"].as_str().unwrap();
        let tolerance = (case["tolerance"].as_f64().unwrap(), case["absolute"].as_f64().unwrap_or(1e-307));
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

fn compare(
    expected: &Value,
    found: &Result<Answer, Inconclusive>,
    (relative, absolute): (f64, f64),
) -> Option<String> {
    let found = match (expected.as_str(), found) {
        (Some(code), Err(reason)) if code == reason.code() => return None,
        (Some(code), found) => return Some(format!("{found:?} instead of {code}")),
        (None, Err(reason)) => return Some(format!("{reason:?} instead of {expected}")),
        (None, Ok(found)) => found,
    };
    for (name, expected) in expected.as_object().unwrap() {
        let Some(value) = found.value(name) else {
            return Some(format!("{name} is not given"));
        };
        let close = match (value, expected.as_f64()) {
            (Some(value), Some(expected)) => (value - expected).abs() <= relative * expected.abs() + absolute,
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
#[test]
fn there_are_at_least_a_thousand_cases() {
    let folder = format!("{}/tests/oracle", env!("CARGO_MANIFEST_DIR"));
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let cases: usize = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let document: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
            document["cases"].as_array().unwrap().len()
        })
        .sum();
    assert!(cases >= 1_000, "{cases} cases");
}
