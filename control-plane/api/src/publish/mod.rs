//! From committed changes to the edges: make a bundle, then bring it to each target.
//!
//! Every step may be repeated: a bundle is immutable and named by its content, and the pointer is written last, after the
//! bundle was read back. A process that dies between two steps leaves a target that the next claim takes up again.

mod deliver;
mod folder;
mod make;
mod naming;
mod signer;
mod target;
mod workers_kv;

use deliver::{deliver, inspect};
pub(crate) use folder::Folder;
use make::make;
pub(crate) use naming::{BundleKey, hex, sha256};
pub(crate) use signer::Signer;
pub(crate) use target::Target;
pub(crate) use workers_kv::WorkersKv;

use std::sync::Arc;
use std::time::Duration;

use kerf_control_store::Store;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::serve::wait_for;

/// A pointer moves at most once in this time.
const PACE: Duration = Duration::from_secs(1);
/// How often a target is asked whether it still has what was brought there.
const INSPECTION: Duration = Duration::from_secs(10);

/// Makes bundles and delivers them until `stop` says so; a step that was begun is ended first.
pub(crate) async fn run(store: Store, signer: Signer, targets: Vec<Target>, stop: watch::Receiver<bool>) {
    let signer = Arc::new(signer);
    let owner = format!("{:032x}", rand::random::<u128>());
    let mut tasks = JoinSet::new();
    {
        let (store, signer) = (store.clone(), signer.clone());
        tasks.spawn(repeat(PACE, stop.clone(), move || {
            let (store, signer) = (store.clone(), signer.clone());
            async move { make(&store, &signer).await }
        }));
    }
    for target in targets {
        let courier =
            Arc::new(Courier { store: store.clone(), signer: signer.clone(), target, owner: owner.clone() });
        let (inspector, stopped) = (courier.clone(), stop.clone());
        tasks.spawn(repeat(PACE, stop.clone(), move || courier.clone().deliver()));
        tasks.spawn(repeat(INSPECTION, stopped, move || inspector.clone().inspect()));
    }
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a publishing task died");
        }
    }
}

/// What is needed to bring bundles to one target.
struct Courier {
    store: Store,
    signer: Arc<Signer>,
    target: Target,
    owner: String,
}

impl Courier {
    async fn deliver(self: Arc<Self>) {
        deliver(&self.store, &self.signer, &self.target, &self.owner).await;
    }

    async fn inspect(self: Arc<Self>) {
        inspect(&self.store, &self.target).await;
    }
}

/// Runs a step once in a while. A step that panics ends the loop of its task alone.
async fn repeat<F: Future<Output = ()>>(
    pace: Duration,
    stop: watch::Receiver<bool>,
    mut step: impl FnMut() -> F,
) {
    let mut pace = interval(pace);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = pace.tick() => step().await,
            () = wait_for(stop.clone()) => return,
        }
    }
}
