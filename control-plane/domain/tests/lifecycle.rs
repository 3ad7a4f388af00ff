//! A random life against the table: what the model allows happens, everything else is refused and changes nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

use jiff::{SignedDuration, Timestamp};
use kerf_control_domain::{Action, ActionRequest, Experiment, Phase, Refusal, TABLE, Version};
use proptest::prelude::*;
use serde_json::{Value, json};

/// One step of a life.
#[derive(Clone, Debug)]
enum Step {
    Act(Action),
    /// New traffic in basis points.
    Traffic(u16),
    Rename(u8),
    Weights(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => prop::sample::select(Action::ALL.to_vec()).prop_map(Step::Act),
        3 => (0_u16..=10_000).prop_map(Step::Traffic),
        1 => any::<u8>().prop_map(Step::Rename),
        1 => (1_u8..100).prop_map(Step::Weights),
    ]
}

/// The lifecycle as a person would retell it, apart from the table.
fn expected(phase: Phase, action: Action) -> Option<Phase> {
    match (phase, action) {
        (Phase::Draft, Action::Start) | (Phase::Paused, Action::Resume) => Some(Phase::Running),
        (Phase::Running, Action::Pause) => Some(Phase::Paused),
        (Phase::Running | Phase::Paused, Action::Complete) => Some(Phase::Completed),
        (Phase::Draft | Phase::Completed, Action::Archive) => Some(Phase::Archived),
        _ => None,
    }
}

fn draft() -> Experiment {
    let body = json!({
        "name": "x", "traffic_percent": 10, "primary_metric": "m",
        "variants": [{"name": "a", "weight": 50}, {"name": "b", "weight": 50}],
    });
    Experiment::create(&body, Timestamp::UNIX_EPOCH).unwrap()
}

fn patch(step: &Step) -> Value {
    match step {
        Step::Traffic(basis_points) => json!({"traffic_percent": f64::from(*basis_points) / 100.0}),
        Step::Rename(number) => json!({"name": format!("name {number}")}),
        Step::Weights(weight) => {
            json!({"variants": [{"name": "a", "weight": weight}, {"name": "b", "weight": 100 - weight}]})
        }
        Step::Act(_) => json!({}),
    }
}

fn allowed(experiment: &Experiment, step: &Step) -> bool {
    let traffic = experiment.spec.traffic.get();
    let same_weights =
        |weight: u8| experiment.spec.variants.as_slice()[0].weight.get() == u16::from(weight) * 100;
    match (experiment.status.phase, step) {
        (Phase::Archived, _) => false,
        (Phase::Draft, Step::Act(Action::Start)) => traffic > 0,
        (phase, Step::Act(action)) => expected(phase, *action).is_some(),
        (Phase::Draft, _) | (_, Step::Rename(_)) => true,
        (Phase::Completed, Step::Traffic(new)) => *new == traffic,
        (_, Step::Traffic(new)) => *new >= traffic,
        (_, Step::Weights(weight)) => same_weights(*weight),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_life_goes_as_the_model_says(steps in prop::collection::vec(step(), 1..60)) {
        let mut experiment = draft();
        let mut now = Timestamp::UNIX_EPOCH;
        for step in &steps {
            now += SignedDuration::from_secs(1);
            let result = match step {
                Step::Act(action) => experiment.act(*action, &ActionRequest::default(), now),
                change => experiment.patched(&patch(change), now),
            };
            prop_assert_eq!(result.is_ok(), allowed(&experiment, step), "{:?} of {:?}", step, experiment.status.phase);
            match result {
                Ok(next) => {
                    prop_assert_eq!(next.version, experiment.version.next());
                    prop_assert_eq!((&next.key, next.created_at), (&experiment.key, experiment.created_at));
                    if let Step::Act(action) = step {
                        prop_assert_eq!(Some(next.status.phase), expected(experiment.status.phase, *action));
                    } else {
                        prop_assert_eq!(&next.status, &experiment.status);
                    }
                    let reread = Experiment::from_snapshot(next.key.clone(), next.version, &next.snapshot(), now).unwrap();
                    prop_assert_eq!(&reread, &next);
                    experiment = next;
                }
                Err(Refusal::Transition { phase, action, why }) => {
                    prop_assert_eq!(phase, experiment.status.phase);
                    prop_assert_eq!(Some(Err(why)), TABLE.iter().find(|row| row.0 == phase).map(|row| {
                        row.1[Action::ALL.iter().position(|other| *other == action).unwrap()]
                    }));
                    prop_assert!(!why.code().is_empty());
                }
                Err(Refusal::Invalid(violations) | Refusal::StartChecks(violations)) => {
                    prop_assert!(!violations.is_empty());
                }
            }
            let started = experiment.status.started_at.is_some();
            prop_assert_eq!(started, experiment.status.iteration > 0, "what was started has a date");
            prop_assert!(experiment.version > Version::FIRST || experiment.status.phase == Phase::Draft);
        }
    }
}
