//! The short form of the calibration: the simulations of `benches/calibration` with 400 experiments each.
//!
//! It finds a method that is wrong by some points of a percent times ten; the long form finds the rest.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a simulation that cannot be drawn must stop the test"
)]

#[path = "../benches/calibration/simulations/mod.rs"]
#[expect(unused_imports, reason = "the long form reads more of it")]
mod simulations;

fn check(area: &str, runs: u32) {
    let mut study = simulations::Study::of(runs);
    let (_, simulate) = simulations::ALL.iter().find(|(name, _)| *name == area).unwrap();
    simulate(&mut study);
    let wrong: Vec<String> = (study.figures.iter().filter(|figure| !figure.holds()))
        .map(|figure| {
            let (low, high) = figure.bounds();
            format!(
                "{}: {} is {:.4}, not within {low:.4} to {high:.4}",
                figure.method, figure.quantity, figure.found
            )
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {} figures:\n{}", wrong.len(), study.figures.len(), wrong.join("\n"));
}

#[test]
fn tests_read_once_keep_their_claims() {
    check("fixed", 400);
}

#[test]
fn adjustments_keep_their_claims() {
    check("variance_reduction", 400);
}

#[test]
fn tests_read_daily_keep_their_claims() {
    check("sequential", 400);
}

#[test]
fn posteriors_keep_their_claims() {
    check("bayes", 400);
}

#[test]
fn health_checks_keep_their_claims() {
    check("health", 400);
}

#[test]
fn plans_keep_their_promises() {
    check("planning", 400);
}

#[test]
fn segments_trees_and_bandits_keep_their_claims() {
    check("groups", 400);
}

#[test]
fn network_experiments_keep_their_claims() {
    check("networks", 400);
}

#[test]
fn every_area_is_checked() {
    assert_eq!(simulations::ALL.len(), 8);
}

#[test]
fn looking_daily_inflates_a_fixed_test_as_the_recursion_says() {
    let peeking = simulations::looks(4_000);
    let (_, simulated) = &peeking.methods[0];
    for (day, (exact, found)) in peeking.exact.iter().zip(simulated).enumerate() {
        let error = (exact * (1.0 - exact) / 4_000.0).sqrt();
        assert!((exact - found).abs() < 4.0 * error, "day {}: {found} against {exact}", day + 1);
    }
}
