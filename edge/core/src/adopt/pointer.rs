//! The pointer: which bundle is current, signed.
//!
//! A text of seven lines, each ended by `\n`; the signature covers the bytes of the first six as they stand.
//!
//! ```text
//! kerf-pointer 1
//! environment production
//! version 42
//! sha256 <64 hex digits>
//! size 96526
//! not-before 1764043200000
//! signature <128 hex digits>
//! ```

use alloc::string::String;
use core::fmt::Write;

use ed25519_dalek::{Signature, Signer, VerifyingKey};

use super::{AdoptError, content_hash};
use crate::Bundle;

/// Which bundle is current.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pointer<'a> {
    /// Environment of the bundle.
    pub environment: &'a str,
    /// Number of the bundle.
    pub version: u64,
    /// SHA-256 of the bundle.
    pub sha256: [u8; 32],
    /// Length of the bundle, bytes.
    pub size: u64,
    /// From when it holds, milliseconds since 1970; orders pointers.
    pub not_before_ms: i64,
}

/// An Ed25519 public key, 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey(pub [u8; 32]);

/// An Ed25519 signing key; only the publisher has one.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl PublicKey {
    /// Reads 64 hex digits.
    pub fn from_hex(hex: &str) -> Option<Self> {
        from_hex(hex).map(Self)
    }

    /// Writes 64 hex digits.
    pub fn to_hex(self) -> String {
        to_hex(&self.0)
    }
}

impl SigningKey {
    /// A key from its 32 secret bytes, which must come from a random source.
    pub fn from_bytes(secret: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(secret))
    }

    /// Reads the secret bytes from 64 hex digits.
    pub fn from_hex(hex: &str) -> Option<Self> {
        from_hex(hex).map(|secret| Self::from_bytes(&secret))
    }

    /// Writes the secret bytes as 64 hex digits.
    pub fn to_hex(&self) -> String {
        to_hex(self.0.as_bytes())
    }

    /// The key that edges need.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }
}

/// Shows nothing of the key.
impl core::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SigningKey").finish_non_exhaustive()
    }
}

impl<'a> Pointer<'a> {
    /// The pointer to a bundle and its bytes.
    pub fn to(bundle: &Bundle<'a>, bytes: &[u8], not_before_ms: i64) -> Self {
        Self {
            environment: bundle.environment(),
            version: bundle.version(),
            sha256: content_hash(bytes),
            size: bytes.len() as u64,
            not_before_ms,
        }
    }

    /// The signed text.
    pub fn sign(&self, key: &SigningKey) -> String {
        let mut text = alloc::format!(
            "kerf-pointer 1\nenvironment {}\nversion {}\nsha256 {}\nsize {}\nnot-before {}\n",
            self.environment,
            self.version,
            to_hex(&self.sha256),
            self.size,
            self.not_before_ms
        );
        let signature = key.0.sign(text.as_bytes());
        text.push_str("signature ");
        text.push_str(&to_hex(&signature.to_bytes()));
        text.push('\n');
        text
    }

    /// Key under which the bundle is stored, behind `kerf/{environment}/bundle/`: `{version}-{first 12 hex digits}`.
    pub fn bundle_name(&self) -> String {
        let mut name = alloc::format!("{}-{}", self.version, to_hex(&self.sha256));
        name.truncate(name.len().saturating_sub(64 - 12));
        name
    }

    /// Reads a text whose signature is of one of the keys.
    pub(super) fn verify(text: &'a [u8], keys: &[PublicKey]) -> Result<Self, AdoptError> {
        let text = str::from_utf8(text).map_err(|_| AdoptError::Malformed { line: 1 })?;
        if !text.starts_with("kerf-pointer ") {
            return Err(AdoptError::Malformed { line: 1 });
        }
        if !text.starts_with("kerf-pointer 1\n") {
            return Err(AdoptError::UnknownPointerVersion);
        }
        let place = text.find("\nsignature ").ok_or(AdoptError::Unsigned)?;
        let (signed, last) = text.split_at_checked(place.saturating_add(1)).ok_or(AdoptError::Unsigned)?;
        let signature =
            last.strip_prefix("signature ").and_then(|hex| hex.strip_suffix('\n')).and_then(from_hex);
        let signature = Signature::from_bytes(&signature.ok_or(AdoptError::Malformed { line: 7 })?);
        for key in keys {
            let key = VerifyingKey::from_bytes(&key.0).map_err(|_| AdoptError::BadKey)?;
            if key.verify_strict(signed.as_bytes(), &signature).is_ok() {
                return Self::parse(signed);
            }
        }
        Err(AdoptError::BadSignature)
    }

    /// Reads the signed lines.
    fn parse(signed: &'a str) -> Result<Self, AdoptError> {
        let mut lines = signed.strip_suffix('\n').unwrap_or(signed).split('\n').skip(1);
        let mut number = 1;
        let mut field = |name: &str| {
            number += 1;
            let value = lines.next().and_then(|line| line.strip_prefix(name)?.strip_prefix(' '));
            value.ok_or(AdoptError::Malformed { line: number })
        };
        let pointer = Self {
            environment: field("environment")?,
            version: field("version")?.parse().map_err(|_| AdoptError::Malformed { line: 3 })?,
            sha256: from_hex(field("sha256")?).ok_or(AdoptError::Malformed { line: 4 })?,
            size: field("size")?.parse().map_err(|_| AdoptError::Malformed { line: 5 })?,
            not_before_ms: field("not-before")?.parse().map_err(|_| AdoptError::Malformed { line: 6 })?,
        };
        if lines.next().is_some() {
            return Err(AdoptError::Malformed { line: 7 });
        }
        Ok(pointer)
    }
}

fn to_hex(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

fn from_hex<const N: usize>(hex: &str) -> Option<[u8; N]> {
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        let digit =
            |character: u8| char::from(character).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}
