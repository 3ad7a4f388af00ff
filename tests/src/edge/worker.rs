//! The Worker under workerd, by the driver that `kerf dev` uses.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use reqwest::Client;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::{ENVIRONMENT, SOON, client, public_key};
use crate::database::server;

/// Which build of the Worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// The one that is deployed.
    Release,
    /// One that panics when a request has the header `x-plant-panic`.
    Panicking,
}

/// How to run the Worker.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// Which build; or a folder with an `index.js` of its own.
    pub folder: PathBuf,
    /// The origin behind the route.
    pub upstream: String,
    /// Whether there is a KV namespace.
    pub kv: bool,
    /// How long each value of KV takes, when it is to take long.
    pub kv_wait: Option<Duration>,
    bindings: Map<String, Value>,
}

impl WorkerOptions {
    /// The release build, with a KV namespace and a look at the pointer once a second.
    ///
    /// # Panics
    /// If the environment does not say where the build is.
    #[must_use]
    pub fn new(upstream: &str) -> Self {
        let mut options = Self {
            folder: folder(Build::Release),
            upstream: upstream.to_owned(),
            kv: true,
            kv_wait: None,
            bindings: Map::new(),
        };
        options.bind("KERF_ENVIRONMENT", ENVIRONMENT);
        options.bind("KERF_PUBLIC_KEY", &public_key());
        options.bind("KERF_REFRESH_SECONDS", "1");
        options.bind("KERF_USER_ID_HEADER", "x-user-id");
        options
    }

    /// Sets a variable of the Worker.
    pub fn bind(&mut self, name: &str, value: &str) {
        self.bindings.insert(name.to_owned(), json!(value));
    }
}

/// The folder of a build.
///
/// # Panics
/// If the environment does not say where it is.
#[must_use]
pub fn folder(build: Build) -> PathBuf {
    let release = PathBuf::from(server("KERF_TEST_WORKER_DIR"));
    match build {
        Build::Release => release,
        Build::Panicking => release.join("panicking"),
    }
}

/// A running Worker; it ends when this is dropped.
#[derive(Debug)]
pub struct Worker {
    /// Where visitors connect.
    pub url: String,
    values: String,
    client: Client,
    child: Child,
}

impl Worker {
    /// Starts workerd with a Worker.
    ///
    /// # Panics
    /// If it does not start.
    #[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test set-up")]
    pub async fn start(options: &WorkerOptions) -> Self {
        let mut argument = json!({
            "worker": options.folder,
            "node_modules": server("KERF_TEST_MINIFLARE"),
            "port": 0,
            "upstream": options.upstream,
            "bindings": options.bindings,
        });
        if options.kv {
            argument["kv_port"] = json!(0);
        }
        if let Some(wait) = options.kv_wait {
            argument["kv_wait_ms"] = json!(wait.as_millis());
        }
        let driver = concat!(env!("CARGO_MANIFEST_DIR"), "/../edge/cloudflare/dev/worker.mjs");
        let mut child = Command::new(server("KERF_TEST_NODE"))
            .arg(driver)
            .arg(argument.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = timeout(SOON, lines.next_line()).await.unwrap().unwrap();
        let ready: Value = serde_json::from_str(&first.unwrap_or_default()).unwrap();
        assert_eq!(ready["ready"], true, "the driver's first line");
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self {
            url: format!("http://127.0.0.1:{}", ready["port"]),
            values: format!(
                "http://127.0.0.1:{}/client/v4/accounts/a/storage/kv/namespaces/KERF_CONFIG/values",
                ready["kv_port"]
            ),
            client: client(),
            child,
        }
    }

    /// Writes a value into KV, by the path of Cloudflare's REST API.
    ///
    /// # Panics
    /// If KV does not take it.
    #[expect(clippy::unwrap_used, reason = "test set-up")]
    pub async fn put(&self, key: &str, value: &[u8]) {
        let url = format!("{}/{}", self.values, key.replace('/', "%2F"));
        let answer = self.client.put(url).body(value.to_vec()).send().await.unwrap();
        assert_eq!(answer.status(), 200, "KV takes {key}");
    }

    /// Ends it in the orderly way.
    ///
    /// # Panics
    /// If it does not end.
    #[expect(clippy::unwrap_used, reason = "test tear-down")]
    pub async fn stop(mut self) {
        drop(self.child.stdin.take());
        timeout(SOON, self.child.wait()).await.unwrap().unwrap();
    }
}
