//! From a committed change to what an edge adopts.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path as Key, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::put;
use kerf_control_api::Cloudflare;
use kerf_core::adopt::{Pointer, PublicKey, verify_bundle, verify_pointer};
use kerf_core::{Attribute, Bundle, Context};
use serde_json::json;
use tokio::net::TcpListener;

use crate::harness::{Options, Server, checkout, eventually, experiment, signing_key};

/// What an edge holds after it adopted what lies in a folder.
pub(crate) struct Adopted {
    pub(crate) version: u64,
    pub(crate) bytes: Vec<u8>,
}

fn public_key() -> PublicKey {
    signing_key().public()
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
pub(crate) async fn adopted(root: &Path, what: &str, holds: impl Fn(&Bundle<'_>) -> bool) -> Adopted {
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

/// Speaks the path shape of the Workers KV REST API, and can be told to fail or to forget.
#[derive(Clone, Default)]
struct WorkersKv(Arc<Mutex<KvState>>);

#[derive(Default)]
struct KvState {
    values: HashMap<String, Vec<u8>>,
    puts: Vec<String>,
    fails: bool,
    corrupts: bool,
}

impl WorkersKv {
    async fn serve(&self) -> String {
        let path = "/client/v4/accounts/acc/storage/kv/namespaces/ns/values/{key}";
        let router = Router::new().route(path, put(kv_put).get(kv_get)).with_state(self.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/client/v4", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        base
    }

    fn set(&self, change: impl FnOnce(&mut KvState)) {
        change(&mut self.0.lock().unwrap());
    }
}

fn bearer(headers: &HeaderMap) -> bool {
    headers.get("authorization").is_some_and(|value| value == "Bearer token")
}

async fn kv_put(
    State(kv): State<WorkersKv>,
    Key(key): Key<String>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let mut state = kv.0.lock().unwrap();
    if state.fails || !bearer(&headers) {
        return StatusCode::FORBIDDEN;
    }
    state.puts.push(key.clone());
    let value = if state.corrupts { body.slice(1..) } else { body };
    state.values.insert(key, value.to_vec());
    StatusCode::OK
}

async fn kv_get(
    State(kv): State<WorkersKv>,
    Key(key): Key<String>,
    headers: HeaderMap,
) -> Result<Vec<u8>, StatusCode> {
    if !bearer(&headers) {
        return Err(StatusCode::FORBIDDEN);
    }
    kv.0.lock().unwrap().values.get(&key).cloned().ok_or(StatusCode::NOT_FOUND)
}

#[tokio::test]
async fn workers_kv_gets_the_bundle_before_the_pointer_and_nothing_that_was_read_back_wrong() {
    let kv = WorkersKv::default();
    kv.set(|state| state.corrupts = true);
    let api = kv.serve().await;
    let cloudflare = Cloudflare { api, account: "acc".into(), namespace: "ns".into(), token: "token".into() };
    let server = Server::with(Options { cloudflare: Some(cloudflare), ..Options::default() }).await;
    let target = async || {
        server.get("/api/v1/environments/production/publish-status").await.body["targets"][0].clone()
    };
    let fails_with = async |text: &str| {
        eventually(text, || async {
            let target = target().await;
            target["state"] == "failed" && target["error"].as_str().unwrap().contains(text)
        })
        .await;
    };
    fails_with("read back is not the same").await;
    assert!(
        !kv.0.lock().unwrap().values.contains_key("kerf/production/current"),
        "no pointer to a damaged bundle"
    );

    kv.set(|state| (state.corrupts, state.fails) = (false, true));
    fails_with("status 403").await;

    kv.set(|state| (state.fails, state.puts) = (false, Vec::new()));
    eventually("it is live", || async { target().await["state"] == "live" }).await;
    let state = kv.0.lock().unwrap();
    assert_eq!(state.puts.len(), 2, "{:?}", state.puts);
    assert!(state.puts[0].starts_with("kerf/production/bundle/1-"), "{:?}", state.puts);
    assert_eq!(state.puts[1], "kerf/production/current");
    verify_pointer(&state.values["kerf/production/current"], &[public_key()], "production", None, i64::MAX)
        .unwrap();
}

#[tokio::test]
async fn edges_can_read_pointer_and_bundle_from_here() {
    let server = Server::start().await;
    let read = async |path: String| {
        let response = server.request(reqwest::Method::GET, &path, &server.viewer).send().await.unwrap();
        (response.status().as_u16(), response.headers().clone(), response.bytes().await.unwrap())
    };
    eventually("something is published", || async {
        read("/config/kerf/production/current".into()).await.0 == 200
    })
    .await;
    let (_, headers, text) = read("/config/kerf/production/current".into()).await;
    assert_eq!(headers["cache-control"], "no-cache");
    let pointer = verify_pointer(&text, &[public_key()], "production", None, i64::MAX).unwrap();
    let path = format!("/config/kerf/production/bundle/{}", pointer.bundle_name());
    let (status, headers, bytes) = read(path.clone()).await;
    assert_eq!((status, headers["cache-control"].to_str().unwrap()), (200, "max-age=31536000, immutable"));
    verify_bundle(&pointer, &bytes).unwrap();
    assert_eq!(server.request(reqwest::Method::GET, &path, "").send().await.unwrap().status(), 401);
    let again =
        server.request(reqwest::Method::GET, &path, &server.viewer).header("if-none-match", &headers["etag"]);
    assert_eq!(again.send().await.unwrap().status(), 304);
    for missing in ["/config/kerf/staging/current", "/config/kerf/production/bundle/1-000000000000"] {
        assert_eq!(read(missing.into()).await.0, 404, "{missing}");
    }
}

#[tokio::test]
async fn what_pauses_stays_in_the_bundle_and_what_ends_leaves_it() {
    let folder = tempfile::tempdir().unwrap();
    let server =
        Server::with(Options { publish_dir: Some(folder.path().into()), ..Options::default() }).await;
    let mut targeted = experiment("targeted", 30.0);
    targeted["targeting"] = json!({"attr": "country", "op": "in", "values": ["DE"]});
    targeted["layer"] = json!(null);
    for body in [targeted, experiment("layered", 40.0)] {
        server.post("/api/v1/experiments", &body).await.is(201);
        server.act(body["name"].as_str().unwrap(), "start").await.is(200);
    }
    let mut external = experiment("elsewhere", 50.0);
    external["assignment"] = json!("external");
    server.post("/api/v1/experiments", &external).await.is(201);
    server.act("elsewhere", "start").await.is(200);

    let exposed = |adopted: &Adopted, key: &str, country: &str| {
        let bundle = Bundle::open(&adopted.bytes).unwrap();
        let handle = bundle.find(key).unwrap();
        let count = (0..1_000).filter(|user| {
            let id = format!("u{user}");
            let attributes = [Attribute::text("user_id", &id), Attribute::text("country", country)];
            bundle.bind(&Context::new(&attributes, 0)).decide(handle).exposure().is_some()
        });
        count.count()
    };
    let both =
        adopted(folder.path(), "both", |b| b.find("targeted").is_some() && b.find("layered").is_some()).await;
    assert!(Bundle::open(&both.bytes).unwrap().find("elsewhere").is_none(), "another system deals it");
    assert!((240..360).contains(&exposed(&both, "targeted", "DE")));
    assert_eq!(exposed(&both, "targeted", "FR"), 0);
    assert!((340..460).contains(&exposed(&both, "layered", "FR")));

    server.act("layered", "pause").await.is(200);
    server.act("targeted", "complete").await.is(200);
    let after = adopted(folder.path(), "the change", |bundle| bundle.find("targeted").is_none()).await;
    assert_eq!(exposed(&after, "layered", "FR"), 0, "paused means control for everybody and no exposures");
}

#[tokio::test]
async fn a_folder_that_was_emptied_is_filled_again() {
    let folder = tempfile::tempdir().unwrap();
    let server =
        Server::with(Options { publish_dir: Some(folder.path().into()), ..Options::default() }).await;
    let pointer = folder.path().join("kerf/production/current");
    eventually("it is published", || async { pointer.exists() }).await;
    let path = "/api/v1/environments/production/publish-status";
    eventually("it is live", || async {
        server.get(path).await.body["targets"][0]["state"] == json!("live")
    })
    .await;
    std::fs::remove_dir_all(folder.path().join("kerf")).unwrap();
    eventually("it is published again", || async { pointer.exists() }).await;
    adopted(folder.path(), "the same bundle", |bundle| bundle.version() == 1).await;
}
