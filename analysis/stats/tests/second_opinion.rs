//! Where `statrs` holds and where this crate's own distributions replace it, on certified values (mpmath, 50 digits).
//!
//! DESIGN.md rests on this: a new version of `statrs` that closes a gap makes a line here fail.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a case that cannot be read must stop the test"
)]

use std::collections::BTreeMap;

use kerf_stats::dist::{beta, chi_squared, normal, student};
use serde_json::Value;
use statrs::distribution::{Beta, ChiSquared, ContinuousCDF, Normal, StudentsT};

/// The largest relative error of each function: of ours, and of `statrs`.
type Errors = BTreeMap<String, (f64, f64)>;

fn measured() -> Errors {
    let path = format!("{}/tests/oracle/dist.json", env!("CARGO_MANIFEST_DIR"));
    let document: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut errors = Errors::new();
    for case in document["cases"].as_array().unwrap() {
        let given = |name: &str| case["input"][name].as_f64().unwrap();
        let expected = case["expected"]["value"].as_f64().unwrap();
        let kind = case["kind"].as_str().unwrap();
        let Some((region, ours, theirs)) = both(kind, &given, expected) else { continue };
        let error = |found: f64| {
            if found.is_nan() { f64::INFINITY } else { (found - expected).abs() / expected.abs() }
        };
        let worst = errors.entry(format!("{kind} {region}")).or_default();
        *worst = (worst.0.max(error(ours)), worst.1.max(error(theirs)));
    }
    errors
}

/// The region of a case with both answers.
fn both(kind: &str, given: &dyn Fn(&str) -> f64, expected: f64) -> Option<(&'static str, f64, f64)> {
    let size = if expected.abs() < 1e-15 { "below 1e-15" } else { "above 1e-15" };
    Some(match kind {
        "normal_sf" => (size, normal::sf(given("z")), Normal::standard().sf(given("z"))),
        "normal_upper_quantile" => {
            let p = given("p");
            let region = if p < 1e-15 { "p below 1e-15" } else { "p above 1e-15" };
            (region, normal::upper_quantile(p).unwrap(), -Normal::standard().inverse_cdf(p))
        }
        "student_sf" => {
            let (t, df) = (given("t"), given("df"));
            (size, student::sf(t, df).unwrap(), StudentsT::new(0.0, 1.0, df).ok()?.sf(t))
        }
        "student_upper_quantile" => {
            let (p, df) = (given("p"), given("df"));
            ("", student::upper_quantile(p, df).unwrap(), -StudentsT::new(0.0, 1.0, df).ok()?.inverse_cdf(p))
        }
        "chi_squared_sf" => {
            let (x, df) = (given("x"), given("df"));
            (size, chi_squared::sf(x, df as u32).unwrap(), ChiSquared::new(df).ok()?.sf(x))
        }
        "beta_tails" => {
            let (a, b, x) = (given("a"), given("b"), given("x"));
            let (lower, upper) = beta::tails(a, b, x, 1.0 - x).unwrap();
            let theirs = Beta::new(a, b).ok()?;
            let region = if a.max(b) > 3_000.0 { "of large parameters" } else { "of small parameters" };
            (region, lower.min(upper), if lower < upper { theirs.cdf(x) } else { theirs.sf(x) })
        }
        "beta_quantile" => {
            let (a, b, p) = (given("a"), given("b"), given("p"));
            let region = if a.max(b) > 3_000.0 { "of large parameters" } else { "of small parameters" };
            (region, beta::quantile(p, a, b).unwrap(), Beta::new(a, b).ok()?.inverse_cdf(p))
        }
        _ => return None,
    })
}

#[test]
fn statrs_holds_where_it_is_used_and_not_where_it_is_replaced() {
    let errors = measured();
    // The function and region, the bound that ours keeps, and the bounds on the error of `statrs` as it was measured.
    for (region, ours, theirs) in [
        ("normal_upper_quantile p above 1e-15", 1e-14, 0.0..1e-14),
        ("normal_upper_quantile p below 1e-15", 1e-14, 0.0..1e-14),
        ("chi_squared_sf above 1e-15", 1e-12, 0.0..1e-12),
        ("chi_squared_sf below 1e-15", 1e-12, 0.0..1e-12),
        ("beta_tails of small parameters", 1e-12, 0.0..1e-12),
        ("beta_tails of large parameters", 1e-12, 1e-11..1e-9),
        ("beta_quantile of small parameters", 1e-12, 0.0..1e-12),
        ("beta_quantile of large parameters", 1e-12, 1e-12..1e-11),
        ("normal_sf above 1e-15", 1e-12, 1e-11..1e-9),
        ("normal_sf below 1e-15", 1e-12, 1e-11..1e-9),
        ("student_sf above 1e-15", 1e-12, 1e-4..1e-1),
        ("student_sf below 1e-15", 1e-12, 1e-11..1e-9),
        ("student_upper_quantile ", 1e-12, 1e-3..1.0),
    ] {
        let (own, other) = errors[region];
        assert!(own < ours, "{region}: ours is off by {own:.1e}");
        assert!(theirs.contains(&other), "{region}: statrs is off by {other:.1e}");
    }
    assert_eq!(errors.len(), 13, "{:?}", errors.keys());
}
