//! Brings the newest bundle to one target: bundle, read back, pointer, read back.

use std::time::Duration;

use kerf_control_store::{Delivery, Lease, Step, Store, StoreError};
use kerf_core::adopt::AdoptError;

use crate::clock;
use crate::http::failure::chain;
use crate::publish::naming::{BundleKey, pointer_in_kv};
use crate::publish::signer::Signer;
use crate::publish::target::{Target, TargetError};

/// Longer than all calls of one delivery together may take.
const LEASE_LENGTH: Duration = Duration::from_secs(60);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Why a delivery was not ended.
#[derive(Debug, thiserror::Error)]
enum DeliverError {
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("{key} was written, and what was read back is not the same")]
    Differs { key: String },
    #[error("the bundle that was read back is refused: {0}")]
    Refused(#[from] AdoptError),
    #[error("another process took over")]
    LeaseLost,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes the target's lease if there is something to deliver, and delivers it.
pub(crate) async fn deliver(store: &Store, signer: &Signer, target: &Target, owner: &str) {
    let name = target.name();
    let lease = Lease { target: name, owner };
    let claimed = match store.target_claim(lease, clock::now(), LEASE_LENGTH).await {
        Ok(claimed) => claimed,
        Err(error) => return tracing::warn!(error = %chain(&error), target = name, "could not look for work"),
    };
    let Some(delivery) = claimed else { return };
    match publish(store, signer, target, lease, &delivery).await {
        Ok(()) => tracing::info!(target = name, version = delivery.version, "published"),
        Err(DeliverError::LeaseLost) => tracing::info!(target = name, "another process took over"),
        Err(error) => fail(store, lease, &delivery, &error).await,
    }
}

/// Looks whether the target still has what was brought there: a KV can be emptied, a folder exchanged.
pub(crate) async fn inspect(store: &Store, target: &Target) {
    match lost(store, target).await {
        Ok(None) => {}
        Ok(Some(version)) => {
            tracing::warn!(
                target = target.name(),
                version,
                "the pointer is not what it should be, publishing again"
            );
        }
        // Whoever cannot be reached is not emptied; a delivery that fails tells the reason.
        Err(error) => tracing::debug!(%error, target = target.name(), "could not inspect"),
    }
}

async fn lost(store: &Store, target: &Target) -> Result<Option<i64>, DeliverError> {
    let Some((version, pointer)) = store.target_pointer(target.name()).await? else { return Ok(None) };
    if target.get(&pointer_in_kv(store.environment())).await?.is_some_and(|found| found == pointer) {
        return Ok(None);
    }
    store.target_lost(target.name(), version, clock::now()).await?;
    Ok(Some(version))
}

async fn publish(
    store: &Store,
    signer: &Signer,
    target: &Target,
    lease: Lease<'_>,
    delivery: &Delivery,
) -> Result<(), DeliverError> {
    let bundle_key = BundleKey::new(delivery.version, &delivery.sha256).in_kv(store.environment());
    let pointer_key = pointer_in_kv(store.environment());
    let note = async |step| {
        let kept = store.target_progress(lease, step, delivery.version, clock::now()).await?;
        if kept { Ok(()) } else { Err(DeliverError::LeaseLost) }
    };
    target.put(&bundle_key, delivery.bytes.clone()).await?;
    note(Step::Written).await?;
    let bytes = read_back(target, &bundle_key, &delivery.bytes).await?;
    signer.verify(store.environment(), &delivery.pointer, &bytes)?;
    note(Step::Verified).await?;
    target.put(&pointer_key, delivery.pointer.clone()).await?;
    read_back(target, &pointer_key, &delivery.pointer).await?;
    note(Step::Live).await
}

async fn read_back(target: &Target, key: &str, written: &[u8]) -> Result<Vec<u8>, DeliverError> {
    match target.get(key).await? {
        Some(bytes) if bytes == written => Ok(bytes),
        _ => Err(DeliverError::Differs { key: key.to_owned() }),
    }
}

async fn fail(store: &Store, lease: Lease<'_>, delivery: &Delivery, error: &DeliverError) {
    let wait = wait_after(delivery.failed_attempts);
    tracing::warn!(%error, target = lease.target, version = delivery.version, ?wait, "not published, will try again");
    let noted = store.target_failed(lease, &error.to_string(), clock::now(), wait).await;
    if let Err(error) = noted {
        tracing::warn!(error = %chain(&error), target = lease.target, "could not note the failure");
    }
}

/// 1, 2, 4, … seconds, at most a minute.
fn wait_after(failed_attempts: i32) -> Duration {
    let doublings = u32::try_from(failed_attempts).unwrap_or(0).min(6);
    Duration::from_secs(1 << doublings).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute() {
        let waits: Vec<u64> = (0..9).map(|attempts| wait_after(attempts).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }
}
