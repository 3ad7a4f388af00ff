//! Results from statistics: the shape, the published numbers, and what is said when a figure cannot be known.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, also in its helpers"
)]

use std::collections::BTreeMap;

use jiff::Timestamp;
use kerf_analysis_api::{
    Experiment,
    results::{Policy, Results, results},
};
use kerf_stats::PairSums;
use kerf_warehouse::{Arm, Figures, MetricSums, Slice};
use serde_json::{Value, json};

fn experiment(variants: &[(&str, f64)], status: &str) -> Experiment {
    let variants: Vec<Value> =
        variants.iter().map(|(name, weight)| json!({"name": name, "weight": weight, "config": {}})).collect();
    serde_json::from_value(json!({
        "id": "landing_page", "key": "landing_page", "status": status, "variants": variants,
        "primary_metric": "purchase", "guardrail_metrics": ["crash_rate"],
        "started_at": "2026-11-01T00:00:00Z", "ended_at": if status == "completed" { json!("2026-11-24T00:00:00Z") } else { json!(null) },
    }))
    .unwrap()
}

fn halves() -> [(&'static str, f64); 2] {
    [("control", 50.0), ("treatment", 50.0)]
}

/// An arm whose guardrail is 0 or 1 per unit.
fn arm(units: u64, conversions: u64, crashes: u64) -> Arm {
    let metric = |count: u64| MetricSums {
        converted: count,
        sums: PairSums { units, first: count as f64, first_squared: count as f64, ..PairSums::default() },
    };
    let metrics = [("purchase", conversions), ("crash_rate", crashes)];
    Arm {
        units,
        metrics: metrics.into_iter().map(|(name, count)| (name.to_owned(), metric(count))).collect(),
    }
}

fn slice(arms: &[(&str, Arm)], multi_exposed: u64) -> Slice {
    Slice { arms: arms.iter().map(|(name, arm)| ((*name).to_owned(), arm.clone())).collect(), multi_exposed }
}

fn figures(all: Slice) -> Figures {
    Figures {
        built_at: "2026-11-13T12:00:00Z".parse().unwrap(),
        as_of: "2026-11-13T12:05:00Z".parse().unwrap(),
        all,
        segments: BTreeMap::new(),
        diagnostics: BTreeMap::from([("page_mismatch".to_owned(), 791)]),
    }
}

fn ask(experiment: &Experiment, figures: Option<&Figures>) -> Results {
    let now: Timestamp = "2026-11-13T12:30:00Z".parse().unwrap();
    results(experiment, figures, false, &Policy::standard().unwrap(), now)
}

/// Compares with a printed number: at most half a unit of its last digit away.
fn close(found: &Value, printed: &str) {
    let decimals = printed.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let half = 0.5 * 10_f64.powi(-i32::try_from(decimals).unwrap());
    let expected: f64 = printed.parse().unwrap();
    let found = found.as_f64().unwrap();
    assert!((found - expected).abs() <= half * (1.0 + 1e-6), "{found} instead of {printed}");
}

/// statsmodels 0.15.0 `proportions_ztest` with unpooled 95% interval and SciPy 1.17.1 `chisquare`, on the counts of
/// the landing-page experiment.
#[test]
fn the_landing_page_experiment_has_its_published_numbers() {
    let all = slice(&[("control", arm(28_792, 3_509, 9)), ("treatment", arm(28_817, 3_431, 11))], 71);
    let answer = serde_json::to_value(ask(&experiment(&halves(), "running"), Some(&figures(all)))).unwrap();
    assert_eq!(answer["variants"]["control"]["impressions"], 28_792);
    assert_eq!(answer["variants"]["treatment"]["conversions"], 3_431);
    close(&answer["difference"], "-0.00281247");
    close(&answer["lift"], "-0.023077");
    close(&answer["z"], "-1.036912");
    close(&answer["p_value"], "0.299777");
    close(&answer["confidence_interval"][0], "-0.00812855");
    close(&answer["confidence_interval"][1], "0.00250361");
    close(&answer["srm"]["p_value"], "0.917044");
    assert_eq!(answer["srm"]["status"], "ok");
    assert_eq!((&answer["multi_exposed"], &answer["excluded_units"]), (&json!(71), &json!(71)));
    assert_eq!(answer["significant"], false);
    assert_eq!(answer["recommended_action"], "continue");
    assert_eq!(answer["days_running"], 12);
    assert_eq!(answer["diagnostics"], json!({"page_mismatch": 791}));
}

#[test]
fn fields_come_in_the_documented_order() {
    let all = slice(&[("control", arm(100, 10, 0)), ("treatment", arm(100, 20, 0))], 0);
    let text = serde_json::to_string(&ask(&experiment(&halves(), "running"), Some(&figures(all)))).unwrap();
    let order = [
        "status",
        "days_running",
        "variants",
        "lift",
        "p_value",
        "significant",
        "confidence_interval",
        "recommended_action",
        "difference",
        "lift_confidence_interval",
        "z",
        "method",
        "alpha",
        "srm",
        "multi_exposed",
        "excluded_units",
        "diagnostics",
        "guardrails",
        "reasons",
        "comparisons",
        "built_at",
        "as_of",
    ];
    let mut rest = text.as_str();
    for field in order {
        let at = rest.find(&format!("\"{field}\":"));
        assert!(at.is_some(), "{field} comes too early or not at all in {text}");
        rest = &rest[at.unwrap() + field.len()..];
    }
    assert!(text.starts_with(
        "{\"status\":\"running\",\"days_running\":12,\"variants\":{\"control\":{\"impressions\":100,"
    ));
}

#[test]
fn what_cannot_be_known_is_null_with_a_reason() {
    let check = |figures: Option<&Figures>, pointer: &str, code: &str| {
        let answer = serde_json::to_value(ask(&experiment(&halves(), "running"), figures)).unwrap();
        assert_eq!((&answer["p_value"], &answer["significant"]), (&Value::Null, &Value::Null));
        let reasons = answer["reasons"].as_array().unwrap();
        assert!(
            reasons.iter().any(|reason| reason["pointer"] == pointer && reason["code"] == code),
            "{reasons:?}"
        );
        answer
    };
    let unbuilt = check(None, "/variants", "not_built");
    assert_eq!(
        unbuilt["variants"]["control"],
        json!({"impressions": null, "conversions": null, "rate": null})
    );
    assert_eq!(unbuilt["as_of"], Value::Null);
    let empty = check(Some(&figures(Slice::default())), "/p_value", "no_units");
    assert_eq!(empty["variants"]["control"], json!({"impressions": 0, "conversions": 0, "rate": null}));
    assert_eq!(empty["srm"]["status"], "unknown");
    let still = slice(&[("control", arm(100, 0, 0)), ("treatment", arm(100, 0, 0))], 0);
    check(Some(&figures(still)), "/p_value", "no_variance");
}

#[test]
fn a_worse_guardrail_recommends_a_pause() {
    let all = slice(&[("control", arm(1_000, 100, 10)), ("treatment", arm(1_000, 180, 60))], 0);
    let answer = serde_json::to_value(ask(&experiment(&halves(), "running"), Some(&figures(all)))).unwrap();
    assert_eq!(answer["recommended_action"], "pause");
    assert_eq!(answer["guardrails"][0]["metric"], "crash_rate");
    assert_eq!(answer["guardrails"][0]["verdict"], "breached");
    close(&answer["guardrails"][0]["difference"], "0.05");
    assert_eq!(answer["reasons"][0]["code"], "guardrail_breached");
}

#[test]
fn of_several_treatments_the_best_is_shown_with_a_corrected_p_value() {
    let variants = [("a", 40.0), ("b", 30.0), ("c", 30.0)];
    let all = slice(&[("a", arm(4_000, 400, 0)), ("b", arm(3_000, 330, 0)), ("c", arm(3_000, 369, 0))], 0);
    let answer = serde_json::to_value(ask(&experiment(&variants, "completed"), Some(&figures(all)))).unwrap();
    let comparisons = answer["comparisons"].as_array().unwrap();
    assert_eq!(comparisons.iter().map(|c| &c["variant"]).collect::<Vec<_>>(), ["b", "c"]);
    assert_eq!(answer["lift"], comparisons[1]["lift"]);
    let unadjusted = comparisons[1]["unadjusted_p_value"].as_f64().unwrap();
    assert!((answer["p_value"].as_f64().unwrap() / (2.0 * unadjusted) - 1.0).abs() < 1e-12);
    assert_eq!(answer["recommended_action"], "ship");
}

#[test]
fn a_strange_variant_is_excluded_counted_and_named() {
    let all =
        slice(&[("control", arm(500, 50, 0)), ("treatment", arm(500, 60, 0)), ("old", arm(7, 1, 0))], 3);
    let answer = serde_json::to_value(ask(&experiment(&halves(), "running"), Some(&figures(all)))).unwrap();
    assert_eq!((&answer["multi_exposed"], &answer["excluded_units"]), (&json!(3), &json!(10)));
    assert!(answer["reasons"].as_array().unwrap().iter().any(|reason| reason["code"] == "unknown_variant"));
}

#[test]
fn segments_have_the_same_shape_and_an_unknown_value_is_named() {
    let mut figures = figures(slice(&[("control", arm(20, 2, 0)), ("treatment", arm(20, 4, 0))], 0));
    let half = slice(&[("control", arm(10, 1, 0)), ("treatment", arm(10, 2, 0))], 0);
    figures.segments = BTreeMap::from([(String::new(), half.clone()), ("US".to_owned(), half)]);
    let now = "2026-11-13T12:30:00Z".parse().unwrap();
    let policy = Policy::standard().unwrap();
    let answer =
        serde_json::to_value(results(&experiment(&halves(), "running"), Some(&figures), true, &policy, now))
            .unwrap();
    let segments = answer["segments"].as_object().unwrap();
    assert_eq!(segments.keys().collect::<Vec<_>>(), ["US", "unknown"]);
    let mut keys: Vec<_> = answer.as_object().unwrap().keys().filter(|key| *key != "segments").collect();
    let mut own: Vec<_> = segments["US"].as_object().unwrap().keys().collect();
    keys.sort();
    own.sort();
    assert_eq!(keys, own);
    assert_eq!(segments["US"]["variants"]["treatment"]["conversions"], 2);
}
