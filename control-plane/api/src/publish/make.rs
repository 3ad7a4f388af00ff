//! Makes the next bundle from what is committed.

use kerf_control_domain::wire_bundle;
use kerf_control_store::{Made, MakeError, MakeInputs, NewBundle, Store};
use kerf_core::{CompileError, OpenError};

use crate::clock;
use crate::http::failure::chain;
use crate::publish::naming::sha256;
use crate::publish::signer::Signer;

/// Why what is committed gives no bundle.
#[derive(Debug, thiserror::Error)]
enum MakeBundleError {
    #[error(transparent)]
    Compile(#[from] CompileError),
    #[error("the compiler wrote a bundle that does not open")]
    Open(#[from] OpenError),
    #[error("the content cannot be written as JSON")]
    Json(#[from] serde_json::Error),
}

/// Makes a bundle if one is due, and keeps why not if that fails.
pub(crate) async fn make(store: &Store, signer: &Signer) {
    let now = clock::now();
    let environment = store.environment();
    let made = store
        .bundle_make(now, &signer.public_key().0, |inputs| compile(signer, environment, now, inputs))
        .await;
    let error = match made {
        Ok(Made::Busy | Made::Nothing) => return,
        Ok(Made::Unchanged(version)) => {
            tracing::debug!(version, "the changes decide nothing anew");
            None
        }
        Ok(Made::New(version)) => {
            tracing::info!(version, "made a bundle");
            None
        }
        Err(MakeError::Store(error)) => {
            return tracing::warn!(error = %chain(&error), "could not look for changes");
        }
        Err(error @ MakeError::Make(_)) => Some(chain(&error)),
    };
    if let Some(error) = &error {
        tracing::error!(error, "no bundle can be made");
    }
    if let Err(error) = store.bundle_note_error(error.as_deref()).await {
        tracing::warn!(error = %chain(&error), "could not note how the bundle went");
    }
}

fn compile(
    signer: &Signer,
    environment: &str,
    now: jiff::Timestamp,
    inputs: &MakeInputs,
) -> Result<NewBundle, MakeBundleError> {
    let version = inputs.version.unsigned_abs();
    let mut wire = wire_bundle(environment, version, now, &inputs.experiments, &inputs.layers);
    let compiled = kerf_core::compile(&wire)?;
    for invalid in &compiled.invalid {
        tracing::error!(key = invalid.key, reason = %invalid.reason, "an entry is disabled: the edges serve control");
    }
    let hash = sha256(&compiled.bytes);
    // A clock that goes back must not bring forth a pointer that edges take for a replay.
    let not_before_ms = now.as_millisecond().max(inputs.last_not_before_ms.map_or(0, |last| last + 1));
    let pointer = signer.point_to(&compiled.bytes, not_before_ms)?;
    wire.version = 0;
    wire.created.clear();
    let content = serde_json::to_vec(&wire)?;
    Ok(NewBundle {
        bytes: compiled.bytes,
        sha256: hash,
        pointer,
        not_before_ms,
        content_sha256: sha256(&content),
        public_key: signer.public_key().0.to_vec(),
    })
}
