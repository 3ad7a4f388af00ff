//! The key that signs pointers.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kerf_core::adopt::{AdoptError, Pointer, PublicKey, SigningKey, verify_bundle, verify_pointer};
use kerf_core::{Bundle, OpenError};

use crate::config::ConfigError;

/// The Ed25519 key of the publisher.
pub(crate) struct Signer(SigningKey);

impl Signer {
    /// Reads a seed of 32 bytes in base64url without padding.
    pub(crate) fn parse(text: &str) -> Result<Self, ConfigError> {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim()).ok();
        let seed: [u8; 32] = bytes.and_then(|bytes| bytes.try_into().ok()).ok_or(ConfigError::SigningKey)?;
        Ok(Self(SigningKey::from_bytes(&seed)))
    }

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

/// The public key of a signing key, both base64url without padding: what edges get as `KERF_PUBLIC_KEY`.
///
/// # Errors
/// [`ConfigError::SigningKey`] if the text is no seed of 32 bytes.
pub fn public_key(signing_key: &str) -> Result<String, ConfigError> {
    Signer::parse(signing_key).map(|signer| URL_SAFE_NO_PAD.encode(signer.public_key().0))
}
