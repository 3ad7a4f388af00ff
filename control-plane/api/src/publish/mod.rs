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

pub(crate) use deliver::deliver;
pub(crate) use folder::Folder;
pub(crate) use make::make;
pub(crate) use naming::{BundleKey, hex, sha256};
pub(crate) use signer::Signer;
pub use signer::public_key;
pub(crate) use target::Target;
pub(crate) use workers_kv::WorkersKv;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kerf_control_store::Store;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::clock;
use crate::http::failure::chain;
use crate::serve::wait_for;

/// A pointer moves at most once in this time.
const PACE: Duration = Duration::from_secs(1);

/// Makes bundles and delivers them until `stop` says so; a step that was begun is ended first.
pub(crate) async fn run(store: Store, signer: Signer, targets: Vec<Target>, stop: watch::Receiver<bool>) {
    let signer = Arc::new(signer);
    let owner = format!("{:032x}", rand::random::<u128>());
    let mut tasks = JoinSet::new();
    {
        let (store, signer) = (store.clone(), signer.clone());
        tasks.spawn(repeat(stop.clone(), move || {
            let (store, signer) = (store.clone(), signer.clone());
            async move { make(&store, &signer).await }
        }));
    }
    for target in targets {
        let (target, store, signer, owner) = (Arc::new(target), store.clone(), signer.clone(), owner.clone());
        let registered = Arc::new(AtomicBool::new(false));
        tasks.spawn(repeat(stop.clone(), move || {
            let (target, store, signer, owner) =
                (target.clone(), store.clone(), signer.clone(), owner.clone());
            let registered = registered.clone();
            async move {
                if registered.load(Ordering::Relaxed) || register(&store, &target).await {
                    registered.store(true, Ordering::Relaxed);
                    deliver(&store, &signer, &target, &owner).await;
                }
            }
        }));
    }
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a publishing task died");
        }
    }
}

/// Makes the target known, so that its status is shown before anything was delivered.
async fn register(store: &Store, target: &Target) -> bool {
    match store.target_register(target.name(), clock::now()).await {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(error = %chain(&error), target = target.name(), "could not make the target known");
            false
        }
    }
}

/// Runs a step once in a while. A step that panics ends the loop of its task alone.
async fn repeat<F: Future<Output = ()>>(stop: watch::Receiver<bool>, mut step: impl FnMut() -> F) {
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = pace.tick() => step().await,
            () = wait_for(stop.clone()) => return,
        }
    }
}
