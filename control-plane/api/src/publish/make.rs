//! Makes the next bundle from what is committed.

use kerf_control_domain::wire_bundle;
use kerf_control_store::{Made, MakeError, MakeInputs, NewBundle, Store};
use kerf_core::{CompileError, InvalidEntry, OpenError};

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
    let mut disabled = Vec::new();
    let made = store
        .bundle_make(now, &signer.public_key().0, |inputs| {
            let (bundle, invalid) = compile(signer, environment, now, inputs)?;
            disabled = invalid;
            Ok::<_, MakeBundleError>(bundle)
        })
        .await;
    let error = match made {
        Ok(Made::Busy | Made::Nothing) => return,
        Ok(Made::Unchanged(version)) => {
            tracing::debug!(version, "the changes decide nothing anew");
            told(&disabled)
        }
        Ok(Made::New(version)) => {
            tracing::info!(version, "made a bundle");
            told(&disabled)
        }
        Err(MakeError::Store(error)) => {
            return tracing::warn!(error = %chain(&error), "could not look for changes");
        }
        Err(error @ MakeError::Make(_)) => Some(chain(&error)),
    };
    if let Some(error) = &error {
        tracing::error!(error, "not everything that is committed is published");
    }
    if let Err(error) = store.bundle_note_error(error.as_deref()).await {
        tracing::warn!(error = %chain(&error), "could not note how the bundle went");
    }
}

/// What the publish status says of entries that the edges cannot decide.
fn told(disabled: &[InvalidEntry]) -> Option<String> {
    let entries: Vec<String> = disabled.iter().map(ToString::to_string).collect();
    (!entries.is_empty()).then(|| format!("the edges serve control for: {}", entries.join("; ")))
}

fn compile(
    signer: &Signer,
    environment: &str,
    now: jiff::Timestamp,
    inputs: &MakeInputs,
) -> Result<(NewBundle, Vec<InvalidEntry>), MakeBundleError> {
    let version = inputs.version.unsigned_abs();
    let mut wire = wire_bundle(environment, version, now, &inputs.experiments, &inputs.layers);
    let compiled = kerf_core::compile(&wire)?;
    let hash = sha256(&compiled.bytes);
    // A clock that goes back must not bring forth a pointer that edges take for a replay.
    let not_before_ms = now.as_millisecond().max(inputs.last_not_before_ms.map_or(0, |last| last + 1));
    let pointer = signer.point_to(&compiled.bytes, not_before_ms)?;
    wire.version = 0;
    wire.created.clear();
    let content = serde_json::to_vec(&wire)?;
    let bundle = NewBundle {
        bytes: compiled.bytes,
        sha256: hash,
        pointer,
        not_before_ms,
        content_sha256: sha256(&content),
        public_key: signer.public_key().0.to_vec(),
    };
    Ok((bundle, compiled.invalid))
}
