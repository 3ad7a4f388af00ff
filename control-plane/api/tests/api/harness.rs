//! The real service on a free port, over a database of its own, and a client with a key.

use std::path::PathBuf;

use kerf_control_api::{Cloudflare, Config, Limits, Rate, create_key, serve};
use kerf_control_store::testing::TestDatabase;
use kerf_core::adopt::SigningKey;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A key for tests alone.
pub(crate) fn signing_key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// What a test may want otherwise.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) publish_dir: Option<PathBuf>,
    pub(crate) cloudflare: Option<Cloudflare>,
    pub(crate) analysis_url: Option<String>,
    pub(crate) limits: Option<Limits>,
}

/// A running control plane.
pub(crate) struct Server {
    pub(crate) base: String,
    pub(crate) admin: String,
    pub(crate) viewer: String,
    pub(crate) database: TestDatabase,
    client: Client,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let database = TestDatabase::new().await;
        let url = database.url();
        let admin = create_key(&url, "production", "admin", "test admin").await.unwrap();
        let viewer = create_key(&url, "production", "viewer", "test viewer").await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (stop, running) = run(config(url, options), listener);
        let server = Self { base, admin, viewer, database, client: Client::new(), stop: Some(stop), running };
        server.wait_until_ready().await;
        server
    }

    pub(crate) async fn wait_until_ready(&self) {
        eventually("the service is ready", || async {
            let answer = self.client.get(format!("{}/readyz", self.base)).send().await;
            answer.is_ok_and(|answer| answer.status() == 200)
        })
        .await;
    }

    pub(crate) async fn stop(mut self) -> TestDatabase {
        self.stop.take().unwrap().send(()).unwrap();
        self.running.await.unwrap();
        self.database
    }

    /// A request with a key, or with none when the key is empty.
    pub(crate) fn request(&self, method: Method, path: &str, key: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        if key.is_empty() { request } else { request.bearer_auth(key) }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path, &self.admin).send().await.unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        let request = self.request(Method::POST, path, &self.admin).json(body);
        Answer::of(request.send().await.unwrap()).await
    }

    /// A transition at whatever version is there.
    pub(crate) async fn act(&self, key: &str, action: &str) -> Answer {
        let path = format!("/api/v1/experiments/{key}/{action}");
        let request = self.request(Method::POST, &path, &self.admin).header("if-match", "*");
        Answer::of(request.send().await.unwrap()).await
    }

    pub(crate) async fn patch(&self, key: &str, if_match: &str, body: &Value) -> Answer {
        let path = format!("/api/v1/experiments/{key}");
        let request = self.request(Method::PATCH, &path, &self.admin).header("if-match", if_match).json(body);
        Answer::of(request.send().await.unwrap()).await
    }
}

pub(crate) fn config(database_url: String, options: Options) -> Config {
    Config {
        database_url,
        environment: "production".into(),
        signing_key: signing_key(),
        publish_dir: options.publish_dir,
        cloudflare: options.cloudflare,
        analysis_url: options.analysis_url,
        limits: options
            .limits
            .unwrap_or(Limits { reads: Rate::new(100_000, 100_000), writes: Rate::new(100_000, 100_000) }),
    }
}

pub(crate) fn run(config: Config, listener: TcpListener) -> (oneshot::Sender<()>, JoinHandle<()>) {
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(async move {
        serve(config, listener, async { drop(stopped.await) }).await.unwrap();
    });
    (stop, running)
}

/// An answer that was read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) async fn of(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Self { status, headers, body }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The answer is this problem, whole: media type, `type`, `title`, `status`, `detail`, `instance`.
    #[track_caller]
    pub(crate) fn is_problem(&self, status: u16, slug: &str) -> &Self {
        assert_eq!(self.status, status, "{:?}", self.body);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.body["type"], format!("/problems/{slug}"), "{:?}", self.body);
        assert_eq!(self.body["status"], status);
        assert_eq!(self.body["instance"], self.header("x-request-id"));
        assert!(!self.body["title"].as_str().unwrap().is_empty());
        assert!(!self.body["detail"].as_str().unwrap().is_empty());
        self
    }

    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{:?}", self.body);
        self
    }

    /// Pointer and code of each violation.
    pub(crate) fn violations(&self) -> Vec<(&str, &str)> {
        self.body["violations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|violation| (violation["pointer"].as_str().unwrap(), violation["code"].as_str().unwrap()))
            .collect()
    }
}

/// The body that stands in the documentation.
pub(crate) fn checkout() -> Value {
    json!({
        "name": "checkout_button_color", "hypothesis": "Green button increases conversion by 5%",
        "layer": "checkout_ui", "traffic_percent": 20,
        "variants": [
            {"name": "control", "weight": 50, "config": {"button_color": "blue"}},
            {"name": "treatment", "weight": 50, "config": {"button_color": "green"}},
        ],
        "primary_metric": "checkout_conversion_rate", "guardrail_metrics": ["crash_rate", "p95_latency"],
    })
}

/// The same under another name, with other traffic.
pub(crate) fn experiment(name: &str, traffic_percent: f64) -> Value {
    let mut body = checkout();
    body["name"] = json!(name);
    body["traffic_percent"] = json!(traffic_percent);
    body
}

/// Waits until something holds; a minute is long enough for a busy machine.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    while !holds().await {
        assert!(tokio::time::Instant::now() < deadline, "{what}: not within a minute");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
