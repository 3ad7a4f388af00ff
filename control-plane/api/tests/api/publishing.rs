//! From a committed change to what an edge adopts.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kerf_core::adopt::{Pointer, PublicKey, verify_bundle, verify_pointer};
use kerf_core::{Attribute, Bundle, Context};
use serde_json::json;

use crate::harness::{Options, SIGNING_KEY, Server, checkout, eventually, experiment};

/// What an edge holds after it adopted what lies in a folder.
struct Adopted {
    version: u64,
    bytes: Vec<u8>,
}

fn public_key() -> PublicKey {
    let text = kerf_control_api::public_key(SIGNING_KEY).unwrap();
    PublicKey(URL_SAFE_NO_PAD.decode(text).unwrap().try_into().unwrap())
}

/// Adopts as an edge does: pointer first, then the bundle that it names.
fn adopt(root: &Path) -> Option<Adopted> {
    let text = std::fs::read(root.join("kerf/production/current")).ok()?;
    let pointer: Pointer<'_> = verify_pointer(&text, &[public_key()], "production", None, i64::MAX).unwrap();
    let bytes = std::fs::read(root.join("kerf/production/bundle").join(pointer.bundle_name())).unwrap();
    let version = verify_bundle(&pointer, &bytes).unwrap().version();
    Some(Adopted { version, bytes })
}

/// Waits for a bundle of which something holds.
async fn adopted(root: &Path, what: &str, holds: impl Fn(&Bundle<'_>) -> bool) -> Adopted {
    eventually(what, || async {
        adopt(root).is_some_and(|adopted| holds(&Bundle::open(&adopted.bytes).unwrap()))
    })
    .await;
    adopt(root).unwrap()
}

#[tokio::test]
async fn a_started_experiment_reaches_a_folder_and_decides_there() {
    let folder = tempfile::tempdir().unwrap();
    let server =
        Server::with(Options { publish_dir: Some(folder.path().into()), ..Options::default() }).await;
    server.post("/api/v1/experiments", &checkout()).await.is(201);
    let before = adopted(folder.path(), "an empty bundle", |_| true).await;
    assert!(
        Bundle::open(&before.bytes).unwrap().find("checkout_button_color").is_none(),
        "a draft is not served"
    );

    server.act("checkout_button_color", "start").await.is(200);
    let live =
        adopted(folder.path(), "the experiment", |bundle| bundle.find("checkout_button_color").is_some())
            .await;
    assert!(live.version > before.version);

    let bundle = Bundle::open(&live.bytes).unwrap();
    let handle = bundle.find("checkout_button_color").unwrap();
    let mut taken = 0;
    for user in 0..10_000 {
        let id = format!("user-{user}");
        let attributes = [Attribute::text("user_id", &id)];
        let subject = bundle.bind(&Context::new(&attributes, 0));
        let decision = subject.decide(handle);
        taken += i32::from(decision.exposure().is_some());
        let variant = bundle.variant(&decision).unwrap();
        let name = variant.key().unwrap();
        assert!(["control", "treatment"].contains(&name), "{name}");
    }
    assert!((1_800..2_200).contains(&taken), "20 percent of 10,000 take part, and not {taken}");
}

#[tokio::test]
async fn status_tells_how_far_a_change_has_come() {
    let folder = tempfile::tempdir().unwrap();
    let server =
        Server::with(Options { publish_dir: Some(folder.path().into()), ..Options::default() }).await;
    server.post("/api/v1/experiments", &experiment("one", 10.0)).await.is(201);
    server.act("one", "start").await.is(200);
    adopted(folder.path(), "the experiment", |bundle| bundle.find("one").is_some()).await;
    let path = "/api/v1/environments/production/publish-status";
    eventually("the status is live", || async {
        server.get(path).await.body["targets"][0]["state"] == json!("live")
    })
    .await;
    let status = server.get(path).await.body;
    assert_eq!(status["waiting_changes"], 0);
    assert_eq!(status["targets"][0]["live_version"], status["bundle"]["version"]);
    assert_eq!(status["targets"][0]["error"], json!(null));
    server.get("/api/v1/environments/staging/publish-status").await.is_problem(404, "not_found");
}
