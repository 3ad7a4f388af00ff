//! Bundles and deliveries when processes die, race, or come back late.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::convert::Infallible;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kerf_control_domain::{Action, ActionRequest, Experiment, Key};
use kerf_control_store::testing::TestDatabase;
use kerf_control_store::{
    Author, Edit, Lease, Made, MakeError, MakeInputs, NewBundle, Precondition, Step, Store,
};
use serde_json::json;

const PUBLIC_KEY: &[u8] = b"key one";
const LEASE: Duration = Duration::from_secs(60);

fn start() -> Timestamp {
    "2026-11-25T04:00:00Z".parse().unwrap()
}

const fn edit(key: &Key) -> Edit<'_> {
    Edit { key, precondition: Precondition::Any, action: "test" }
}

const fn lease(owner: &str) -> Lease<'_> {
    Lease { target: "folder", owner }
}

fn later(seconds: i64) -> Timestamp {
    start() + SignedDuration::from_secs(seconds)
}

async fn run_experiment(store: &Store, name: &str) {
    let body = json!({
        "name": name, "traffic_percent": 10, "primary_metric": "m", "variants": [{"name": "a"}, {"name": "b"}],
    });
    let author = Author::system("test", "test", start());
    let draft = Experiment::create(&body, start()).unwrap();
    store.experiment_create(&author, &draft).await.unwrap();
    let decide = |current: &Experiment| current.act(Action::Start, &ActionRequest::default(), start());
    let key = Key::parse(name).unwrap();
    store.experiment_change(&author, edit(&key), decide).await.unwrap();
}

/// A bundle that is the list of keys; what a bundle really is does not matter here.
fn keys(inputs: &MakeInputs) -> Result<NewBundle, Infallible> {
    let keys: Vec<&str> = inputs.experiments.iter().map(|experiment| experiment.key.as_str()).collect();
    let content = keys.join(",").into_bytes();
    let mut hash = vec![0; 32];
    hash.iter_mut().zip(&content).for_each(|(to, from)| *to = *from);
    Ok(NewBundle {
        bytes: content.clone(),
        sha256: hash,
        pointer: format!("pointer to {}", inputs.version).into_bytes(),
        not_before_ms: inputs.last_not_before_ms.unwrap_or(0) + 1,
        content_sha256: content,
        public_key: PUBLIC_KEY.to_vec(),
    })
}

async fn make(store: &Store) -> Made {
    store.bundle_make(start(), PUBLIC_KEY, keys).await.unwrap()
}

#[tokio::test]
async fn a_bundle_is_made_when_something_changed_and_only_then() {
    let database = TestDatabase::new().await;
    let store = database.store();
    assert_eq!(make(&store).await, Made::New(1), "an environment begins with an empty bundle");
    assert_eq!(make(&store).await, Made::Nothing);
    run_experiment(&store, "one").await;
    assert_eq!(store.publish_status("production").await.unwrap().unwrap().waiting_changes, 2);
    assert_eq!(make(&store).await, Made::New(2), "two changes make one bundle");
    assert_eq!(store.publish_status("production").await.unwrap().unwrap().waiting_changes, 0);
    let author = Author::system("test", "test", start());
    let rename = |current: &Experiment| current.patched(&json!({"hypothesis": "better"}), start());
    let key = Key::parse("one").unwrap();
    store.experiment_change(&author, edit(&key), rename).await.unwrap();
    assert_eq!(make(&store).await, Made::Unchanged(2), "a text decides nothing");
    let other_key = store.bundle_make(start(), b"key two", keys).await.unwrap();
    assert_eq!(other_key, Made::New(3), "edges with the new public key need a new signature");
}

#[tokio::test]
async fn a_bundle_that_cannot_be_made_loses_no_change() {
    let database = TestDatabase::new().await;
    let store = database.store();
    run_experiment(&store, "one").await;
    let failed = store.bundle_make(start(), PUBLIC_KEY, |_| Err(std::fmt::Error)).await;
    assert!(matches!(failed, Err(MakeError::Make(_))));
    assert_eq!(store.publish_status("production").await.unwrap().unwrap().waiting_changes, 2);
    store.bundle_note_error(Some("no")).await.unwrap();
    assert_eq!(store.publish_status("production").await.unwrap().unwrap().last_error.as_deref(), Some("no"));
    assert_eq!(make(&store).await, Made::New(1));
    assert_eq!(store.bundle_get("production", 1).await.unwrap().unwrap().1, b"one");
}

#[tokio::test]
async fn many_makers_and_writers_at_once_lose_nothing_and_number_strictly() {
    let database = TestDatabase::new().await;
    let store = database.store();
    let makers = (0..4).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            for _ in 0..40 {
                // A maker that lost a race says so and tries again, as the publisher does a second later.
                match store.bundle_make(start(), PUBLIC_KEY, keys).await {
                    Ok(_) | Err(MakeError::Store(_)) => {}
                    Err(MakeError::Make(never)) => match never {},
                }
            }
        })
    });
    let makers: Vec<_> = makers.collect();
    for number in 0..20 {
        run_experiment(&store, &format!("e{number:02}")).await;
    }
    for maker in makers {
        maker.await.unwrap();
    }
    make(&store).await;
    let status = store.publish_status("production").await.unwrap().unwrap();
    assert_eq!(status.waiting_changes, 0);
    let newest = status.bundle.unwrap().version;
    let (_, bytes) = store.bundle_get("production", newest).await.unwrap().unwrap();
    assert_eq!(
        String::from_utf8(bytes).unwrap().split(',').count(),
        20,
        "the newest bundle has every change"
    );
    for version in 1..=newest {
        assert!(store.bundle_get("production", version).await.unwrap().is_some(), "no number is left out");
    }
}

#[tokio::test]
async fn a_delivery_is_leased_and_taken_over_when_its_owner_dies() {
    let database = TestDatabase::new().await;
    let store = database.store();
    let claim = async |owner: &str, at: Timestamp| store.target_claim(lease(owner), at, LEASE).await.unwrap();
    assert_eq!(claim("a", start()).await, None, "nothing was made yet");
    make(&store).await;
    assert_eq!(claim("a", start()).await.unwrap().version, 1);
    assert_eq!(claim("b", later(59)).await, None, "a has the lease");

    // a writes the bundle and dies; b begins again after the lease.
    let progress = async |owner: &str, step: Step, at: Timestamp| {
        store.target_progress(lease(owner), step, 1, at).await.unwrap()
    };
    assert!(progress("a", Step::Written, later(1)).await);
    assert_eq!(claim("b", later(60)).await.unwrap().version, 1);
    assert!(!progress("a", Step::Verified, later(61)).await, "a comes back late and is told to stop");
    for step in [Step::Written, Step::Verified, Step::Live] {
        assert!(progress("b", step, later(62)).await);
    }
    assert_eq!(claim("a", later(63)).await, None, "it is live");
    run_experiment(&store, "one").await;
    make(&store).await;
    let soon = later(62) + SignedDuration::from_millis(999);
    assert_eq!(claim("a", soon).await, None, "a pointer moves at most once a second");
    assert_eq!(claim("a", later(63)).await.unwrap().version, 2);
    let target = store.publish_status("production").await.unwrap().unwrap().targets.remove(0);
    assert_eq!((target.written_version, target.verified_version, target.live_version), (1, 1, 1));
    assert_eq!(target.live_at, Some(later(62)));
}

#[tokio::test]
async fn a_target_that_fails_waits_and_then_gets_the_newest_bundle() {
    let database = TestDatabase::new().await;
    let store = database.store();
    make(&store).await;
    let claim = async |at: Timestamp| store.target_claim(lease("a"), at, LEASE).await.unwrap();
    claim(start()).await.unwrap();
    store.target_failed(lease("a"), "no space left", start(), Duration::from_secs(4)).await.unwrap();
    let target = store.publish_status("production").await.unwrap().unwrap().targets.remove(0);
    assert_eq!((target.failed_attempts, target.last_error.as_deref()), (1, Some("no space left")));
    assert_eq!(claim(later(3)).await, None);
    run_experiment(&store, "one").await;
    make(&store).await;
    let delivery = claim(later(4)).await.unwrap();
    assert_eq!(
        (delivery.version, delivery.failed_attempts),
        (2, 1),
        "what came meanwhile is not queued behind"
    );
    store.target_progress(lease("a"), Step::Live, 2, later(5)).await.unwrap();
    let target = store.publish_status("production").await.unwrap().unwrap().targets.remove(0);
    assert_eq!((target.failed_attempts, target.last_error), (0, None), "a success clears the failure");
}

#[tokio::test]
async fn a_target_that_was_emptied_gets_everything_again() {
    let database = TestDatabase::new().await;
    let store = database.store();
    make(&store).await;
    let claim = async |at: Timestamp| store.target_claim(lease("a"), at, LEASE).await.unwrap();
    claim(start()).await.unwrap();
    assert_eq!(store.target_pointer("folder").await.unwrap(), None, "the pointer was never moved");
    store.target_progress(lease("a"), Step::Live, 1, later(1)).await.unwrap();
    assert_eq!(store.target_pointer("folder").await.unwrap(), Some((1, b"pointer to 1".to_vec())));
    assert_eq!(claim(later(2)).await, None);
    store.target_lost("folder", 7, later(3)).await.unwrap();
    assert_eq!(claim(later(4)).await, None, "what was seen of an older version says nothing");
    store.target_lost("folder", 1, later(5)).await.unwrap();
    assert_eq!(claim(later(6)).await.unwrap().version, 1);
}
