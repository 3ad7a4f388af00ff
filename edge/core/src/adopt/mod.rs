//! Adoption: is this the bundle that the control plane published, for this environment, and newer than what is held?
//!
//! A step apart from opening. The publisher signs a small pointer; the pointer carries the SHA-256 of the bundle. An edge
//! that remembers things between requests verifies both before it adopts; one that does not verifies the pointer.

pub mod cookie;
mod error;
mod pointer;

pub use error::AdoptError;
pub use pointer::{Pointer, PublicKey, SigningKey};

use sha2::{Digest, Sha256};

use crate::Bundle;

/// SHA-256 of a bundle.
pub fn content_hash(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Verifies a pointer text: signed by one of `keys`, for `environment`, due, and not older than the one held.
///
/// `held` is the pointer adopted last, if any. A pointer to an older bundle is no error (that is a rollback); a pointer with
/// an older `not_before` is (that is a replay).
///
/// # Errors
/// One of [`AdoptError`]'s first eight; the held bundle stays.
pub fn verify_pointer<'a>(
    text: &'a [u8],
    keys: &[PublicKey],
    environment: &str,
    held: Option<&Pointer<'_>>,
    now_ms: i64,
) -> Result<Pointer<'a>, AdoptError> {
    let pointer = Pointer::verify(text, keys)?;
    if pointer.environment != environment {
        return Err(AdoptError::WrongEnvironment);
    }
    if pointer.not_before_ms > now_ms {
        return Err(AdoptError::NotYet { not_before_ms: pointer.not_before_ms, now_ms });
    }
    if let Some(held) = held
        && pointer.not_before_ms < held.not_before_ms
    {
        return Err(AdoptError::Older { offered_ms: pointer.not_before_ms, held_ms: held.not_before_ms });
    }
    Ok(pointer)
}

/// Verifies that bytes are the bundle of a verified pointer, and opens them.
///
/// # Errors
/// One of [`AdoptError`]'s last five; the held bundle stays.
pub fn verify_bundle<'a>(pointer: &Pointer<'_>, bytes: &'a [u8]) -> Result<Bundle<'a>, AdoptError> {
    let found = bytes.len() as u64;
    if found < pointer.size {
        return Err(AdoptError::Truncated { expected: pointer.size, found });
    }
    if found > pointer.size || content_hash(bytes) != pointer.sha256 {
        return Err(AdoptError::Altered);
    }
    let bundle = Bundle::open(bytes)?;
    if bundle.version() != pointer.version || bundle.environment() != pointer.environment {
        return Err(AdoptError::OtherBundle { pointer: pointer.version, bundle: bundle.version() });
    }
    Ok(bundle)
}
