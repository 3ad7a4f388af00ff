//! Layers under random actions, and under attack.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use kerf_control_domain::{Action, ActionRequest, BUCKETS, Experiment, Key, LayerKey};
use kerf_control_store::testing::TestDatabase;
use kerf_control_store::{Author, Edit, Precondition, Store, WriteError};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

#[derive(Clone, Debug)]
enum Step {
    Create { experiment: u8, percent: u8 },
    Act { experiment: u8, action: Action },
    Raise { experiment: u8, percent: u8 },
}

fn step() -> impl Strategy<Value = Step> {
    let experiment = 0_u8..24;
    // An archive ends a life for good, so it is rare; otherwise little would be left to happen.
    let action = prop_oneof![
        8 => Just(Action::Start), 3 => Just(Action::Complete), 1 => Just(Action::Pause),
        1 => Just(Action::Resume), 1 => Just(Action::Archive),
    ];
    prop_oneof![
        2 => (experiment.clone(), 1_u8..60).prop_map(|(experiment, percent)| Step::Create { experiment, percent }),
        4 => (experiment.clone(), action).prop_map(|(experiment, action)| Step::Act { experiment, action }),
        1 => (experiment, 1_u8..100).prop_map(|(experiment, percent)| Step::Raise { experiment, percent }),
    ]
}

fn now() -> Timestamp {
    Timestamp::from_microsecond(Timestamp::now().as_microsecond()).unwrap()
}

fn author() -> Author {
    Author::system("test", "test", now())
}

const fn edit(key: &Key) -> Edit<'_> {
    Edit { key, precondition: Precondition::Any, action: "test" }
}

fn draft(name: &str, percent: u8) -> Experiment {
    let body = json!({
        "name": name, "layer": "checkout_ui", "traffic_percent": percent, "primary_metric": "m",
        "variants": [{"name": "a"}, {"name": "b"}],
    });
    Experiment::create(&body, now()).unwrap()
}

async fn take(store: &Store, step: &Step) -> Result<(), WriteError> {
    let key = |number: &u8| Key::parse(&format!("e{number}")).unwrap();
    match step {
        Step::Create { experiment, percent } => {
            store.experiment_create(&author(), &draft(&format!("e{experiment}"), *percent)).await
        }
        Step::Act { experiment, action } => {
            let decide = |current: &Experiment| current.act(*action, &ActionRequest::default(), now());
            store.experiment_change(&author(), edit(&key(experiment)), decide).await.map(drop)
        }
        Step::Raise { experiment, percent } => {
            let decide = |current: &Experiment| current.patched(&json!({"traffic_percent": percent}), now());
            store.experiment_change(&author(), edit(&key(experiment)), decide).await.map(drop)
        }
    }
}

/// Who owns each bucket; fails if two do, or if an experiment owns other than it claims.
async fn owners(store: &Store) -> Vec<Option<String>> {
    let layer = store.layer_get(&LayerKey::parse("checkout_ui").unwrap()).await.unwrap().unwrap();
    let mut owners = vec![None; usize::from(BUCKETS)];
    for (range, owner) in &layer.taken {
        for bucket in range.from()..range.to() {
            assert_eq!(
                owners[usize::from(bucket)].replace(owner.clone()),
                None,
                "bucket {bucket} has two owners"
            );
        }
    }
    for experiment in store.experiment_list(&Default::default(), None, 100).await.unwrap() {
        let owned = owners.iter().flatten().filter(|owner| *owner == experiment.key.as_str()).count();
        let claimed = experiment.claim().map_or(0, |(_, share)| usize::from(share.get()));
        assert_eq!(owned, claimed, "{} owns what it claims", experiment.key);
        let shown: Vec<_> =
            layer.taken.iter().filter(|(_, owner)| owner == experiment.key.as_str()).collect();
        let known: Vec<_> = experiment.status.ranges.iter().collect();
        assert_eq!(
            shown.iter().map(|(range, _)| range).collect::<Vec<_>>(),
            known,
            "the bundle sees the same"
        );
    }
    owners
}

#[test]
fn two_hundred_random_actions_keep_ranges_apart_and_move_nobody() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(5) });
    let moves = AtomicUsize::new(0);
    let sequences = prop::collection::vec(step(), 200);
    let result = runner.run(&sequences, |steps| {
        runtime.block_on(async {
            let database = TestDatabase::new().await;
            let store = database.store();
            let mut before = owners(&store).await;
            for step in &steps {
                let done = take(&store, step).await;
                assert!(!matches!(done, Err(WriteError::Store(_))), "{step:?}: {done:?}");
                let after = owners(&store).await;
                for (bucket, (old, new)) in before.iter().zip(&after).enumerate() {
                    let handed_on = old.is_some() && new.is_some() && old != new;
                    assert!(!handed_on, "{step:?} gave bucket {bucket} from {old:?} to {new:?}");
                }
                moves.fetch_add(usize::from(before != after), Ordering::Relaxed);
                before = after;
            }
            store.close().await;
        });
        Ok(())
    });
    result.unwrap();
    assert!(moves.into_inner() > 20, "ranges were taken and given back");
}

#[tokio::test]
async fn starts_at_the_same_moment_do_not_overlap() {
    let database = TestDatabase::new().await;
    let store = database.store();
    for number in 0..8 {
        store.experiment_create(&author(), &draft(&format!("e{number}"), 20)).await.unwrap();
    }
    let starts = (0..8).map(|experiment| {
        let store = store.clone();
        tokio::spawn(async move { take(&store, &Step::Act { experiment, action: Action::Start }).await })
    });
    let mut started = 0;
    for start in starts.collect::<Vec<_>>() {
        match start.await.unwrap() {
            Ok(()) => started += 1,
            Err(error) => assert!(matches!(error, WriteError::LayerFull { .. }), "{error:?}"),
        }
    }
    assert_eq!(started, 5, "five times 20 percent fit");
    owners(&store).await;
}

#[tokio::test]
async fn the_database_alone_refuses_what_must_not_be() {
    let database = TestDatabase::new().await;
    let store = database.store();
    for name in ["e0", "e1"] {
        store.experiment_create(&author(), &draft(name, 20)).await.unwrap();
    }
    take(&store, &Step::Act { experiment: 0, action: Action::Start }).await.unwrap();
    let insert = |span: &str| {
        format!(
            "insert into layer_range (layer, experiment, span, taken_at) values ('checkout_ui', 'e1', '{span}', now())"
        )
    };
    #[rustfmt::skip]
    let attacks = [
        (insert("[1999,2100)"), "layer_range_no_overlap"),
        (insert("[0,10000)"), "layer_range_no_overlap"),
        (insert("[9000,10001)"), "layer_range_within_buckets"),
        (insert("[-1,5)"), "layer_range_within_buckets"),
        (insert("[5,5)"), "layer_range_within_buckets"),
        ("update layer_range set span = '[3000,5000)'".into(), "never moves"),
        ("update layer_range set experiment = 'e1'".into(), "never moves"),
        ("delete from layer_range".into(), "never moves"),
        ("truncate layer_range".into(), "written once"),
        ("update experiment set key = 'other', version = version + 1 where key = 'e1'".into(), "never changes"),
        ("update experiment set version = version where key = 'e1'".into(), "follows"),
        ("update experiment set version = version + 2 where key = 'e1'".into(), "follows"),
        ("update experiment set phase = 'sleeping', version = version + 1".into(), "experiment_phase"),
        ("update resource_version set snapshot = '{}'".into(), "written once"),
        ("delete from resource_version".into(), "written once"),
        ("truncate resource_version cascade".into(), "written once"),
        ("delete from retired_key".into(), "written once"),
        ("update audit set actor = 'nobody'".into(), "written once"),
    ];
    for (attack, reason) in attacks {
        let refused = database.execute(&attack).await.expect_err(&attack).to_string();
        assert!(refused.contains(reason), "{attack}: {refused}");
    }
    database.execute(&insert("[2000,2100)")).await.expect("what is free can be taken");
}
