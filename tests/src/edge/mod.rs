//! A running edge, native or as a Worker under workerd, with a site behind it and a place for its events.
//!
//! The same test runs on both: an edge is reached over HTTP, and its configuration is published under the keys that the
//! control plane uses, into the store that the platform has.

mod published;
mod receiver;
mod site;
mod socket;
mod worker;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use kerf_edge_native::{Config, Source, serve};
use kerf_gateway::Settings;
use reqwest::Client;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub use published::{ENVIRONMENT, Published, public_key, wire};
pub use receiver::Receiver;
pub use site::{PAGE, Site, Stored};
pub use worker::{Build, Worker, WorkerOptions, folder};

/// Longest wait for something that has to happen.
pub const SOON: Duration = Duration::from_secs(30);

/// Where an edge runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// axum, in this process, with a folder as its store.
    Native,
    /// workerd, with Workers KV as its store.
    Worker,
}

/// Makes of each `async fn name(platform: Platform)` a test on both platforms: `native::name` and `worker::name`.
#[macro_export]
macro_rules! on_both_platforms {
    ($($name:ident),* $(,)?) => {
        mod native {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name($crate::edge::Platform::Native).await;
            })*
        }
        mod worker {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name($crate::edge::Platform::Worker).await;
            })*
        }
    };
}

/// A running edge with what is around it.
#[derive(Debug)]
pub struct Edge {
    /// The site behind it.
    pub site: Site,
    /// What got its events.
    pub receiver: Receiver,
    /// Where visitors connect.
    pub url: String,
    client: Client,
    running: Running,
}

#[derive(Debug)]
struct Native {
    store: TempDir,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

#[derive(Debug)]
enum Running {
    Native(Native),
    Worker(Box<Worker>),
}

impl Edge {
    /// Starts an edge that knows no bundle yet.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start(platform: Platform) -> Self {
        let site = Site::start().await;
        let origin = site.url.clone();
        Self::in_front_of(site, &origin, platform).await
    }

    /// Starts an edge in front of a server of the caller's own; its site is asked nothing.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start_before(platform: Platform, origin: &str) -> Self {
        Self::in_front_of(Site::start().await, origin, platform).await
    }

    async fn in_front_of(site: Site, origin: &str, platform: Platform) -> Self {
        let receiver = Receiver::start().await;
        let (url, running) = match platform {
            Platform::Native => native(origin, &receiver).await,
            Platform::Worker => worker(origin, &receiver).await,
        };
        Self { site, receiver, url, client: client(), running }
    }

    /// Starts an edge that serves [`wire`] as version 1.
    ///
    /// # Panics
    /// If it does not start, or does not adopt the bundle.
    pub async fn serving(platform: Platform) -> Self {
        let edge = Self::start(platform).await;
        let published = Published::new(1, &wire());
        edge.publish(&published).await;
        edge.until(|health| health["bundle_version"] == 1).await;
        edge
    }

    /// Writes the bundle and then its pointer, as the control plane does.
    ///
    /// # Panics
    /// If the store does not take them.
    pub async fn publish(&self, published: &Published) {
        self.store(&published.key, &published.bytes).await;
        self.store(&published::pointer_key(), published.pointer.as_bytes()).await;
    }

    /// Writes one value into the platform's store.
    ///
    /// # Panics
    /// If the store does not take it.
    #[expect(clippy::unwrap_used, reason = "test set-up")]
    pub async fn store(&self, key: &str, value: &[u8]) {
        match &self.running {
            Running::Native(native) => {
                let path = native.store.path().join(key);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                let written = path.with_extension("new");
                std::fs::write(&written, value).unwrap();
                std::fs::rename(written, path).unwrap();
            }
            Running::Worker(worker) => worker.put(key, value).await,
        }
    }

    /// A client that follows no redirect and asks for no compression.
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// A GET of a path, by a visitor without cookies.
    ///
    /// # Panics
    /// If the edge does not answer.
    #[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    pub async fn get(&self, path: &str) -> reqwest::Response {
        self.client.get(format!("{}{path}", self.url)).send().await.unwrap()
    }

    /// What the edge says of itself.
    ///
    /// # Panics
    /// If the edge does not answer with JSON.
    #[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    pub async fn health(&self) -> Value {
        self.get("/kerf/health").await.json().await.unwrap()
    }

    /// Waits until the edge says that something holds.
    ///
    /// # Panics
    /// If it does not within [`SOON`].
    pub async fn until(&self, holds: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let health = self.health().await;
            if holds(&health) {
                return health;
            }
            assert!(started.elapsed() < SOON, "still {health}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Ends it in the orderly way; what it still had to send is sent.
    ///
    /// # Panics
    /// If it does not end.
    #[expect(clippy::unwrap_used, reason = "test tear-down")]
    pub async fn stop(self) -> Receiver {
        match self.running {
            Running::Native(native) => {
                drop(native.stop);
                native.server.await.unwrap();
            }
            Running::Worker(worker) => worker.stop().await,
        }
        self.receiver
    }
}

/// A client as a browser's connection is: no redirects, no compression.
///
/// # Panics
/// If it cannot be made.
#[must_use]
#[expect(clippy::unwrap_used, reason = "test set-up")]
pub fn client() -> Client {
    Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(SOON).build().unwrap()
}

/// A listener on a free port, and its address.
#[expect(clippy::unwrap_used, reason = "test set-up")]
async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[expect(clippy::unwrap_used, reason = "test set-up")]
async fn native(origin: &str, receiver: &Receiver) -> (String, Running) {
    let store = TempDir::new().unwrap();
    let (listener, address) = listener().await;
    let mut settings = Settings::new(ENVIRONMENT, &public_key()).unwrap();
    settings.refresh_ms = 200;
    settings.user_id_header = Some("x-user-id".to_owned());
    let config = Config {
        settings,
        origin: origin.parse().unwrap(),
        source: Source::Folder(store.path().to_owned()),
        source_key: None,
        collector: Some(receiver.url.parse().unwrap()),
        collector_key: None,
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let ended = async {
        let _ = stopped.await;
    };
    let server = tokio::spawn(async move { serve(config, listener, ended).await.unwrap() });
    (format!("http://{address}"), Running::Native(Native { store, stop, server }))
}

async fn worker(origin: &str, receiver: &Receiver) -> (String, Running) {
    let mut options = WorkerOptions::new(origin);
    options.bind("KERF_COLLECTOR_URL", &receiver.url);
    let worker = Worker::start(&options).await;
    (worker.url.clone(), Running::Worker(Box::new(worker)))
}
