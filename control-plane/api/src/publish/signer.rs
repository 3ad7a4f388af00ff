//! The key that signs pointers.

use kerf_core::adopt::{AdoptError, Pointer, PublicKey, SigningKey, verify_bundle, verify_pointer};
use kerf_core::{Bundle, OpenError};

/// The Ed25519 key of the publisher.
pub(crate) struct Signer(pub(crate) SigningKey);

impl Signer {
    /// What the edges need to know.
    pub(crate) fn public_key(&self) -> PublicKey {
        self.0.public()
    }

    /// The signed pointer to a bundle.
    ///
    /// # Errors
    /// The bytes are no bundle.
    pub(crate) fn point_to(&self, bytes: &[u8], not_before_ms: i64) -> Result<Vec<u8>, OpenError> {
        let bundle = Bundle::open(bytes)?;
        Ok(Pointer::to(&bundle, bytes, not_before_ms).sign(&self.0).into_bytes())
    }

    /// Adopts a bundle as an edge without one would.
    ///
    /// # Errors
    /// What an edge would refuse it for.
    pub(crate) fn verify(&self, environment: &str, pointer: &[u8], bytes: &[u8]) -> Result<(), AdoptError> {
        let pointer = verify_pointer(pointer, &[self.public_key()], environment, None, i64::MAX)?;
        verify_bundle(&pointer, bytes).map(|_| ())
    }
}
