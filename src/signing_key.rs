//! The key that pointers are signed with, as people write it: 64 hex digits.

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::str::FromStr;

/// An Ed25519 secret of 32 bytes.
#[derive(Clone)]
pub(crate) struct SigningKey([u8; 32]);

/// Why a text is no signing key.
#[derive(Debug, thiserror::Error)]
#[error("a signing key is 32 bytes as 64 hex digits; `kerf keys signing` makes one")]
pub(crate) struct SigningKeyError;

impl SigningKey {
    /// A new key from the system's random source.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub(crate) fn random() -> Result<Self> {
        crate::secrets::random_bytes().map(Self)
    }

    /// The form that the control plane takes.
    pub(crate) fn base64url(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// 64 hex digits.
    pub(crate) fn hex(&self) -> String {
        hex(&self.0)
    }

    /// The public key for the edges, 64 hex digits.
    ///
    /// # Errors
    /// When the control plane does not take the key.
    pub(crate) fn public_key(&self) -> Result<String> {
        let key = kerf_control_api::public_key(&self.base64url())?;
        Ok(hex(&URL_SAFE_NO_PAD.decode(key).context("the control plane gives no base64url")?))
    }
}

impl FromStr for SigningKey {
    type Err = SigningKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits: Option<Vec<u8>> =
            text.chars().map(|digit| u8::try_from(digit.to_digit(16)?).ok()).collect();
        let (pairs, rest) = digits.as_deref().ok_or(SigningKeyError)?.as_chunks::<2>();
        let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high * 16 + low).collect();
        let key = bytes.try_into().map_err(|_| SigningKeyError)?;
        if rest.is_empty() { Ok(Self(key)) } else { Err(SigningKeyError) }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_read_as_it_is_written() {
        let text = format!("00ff{}", "a9".repeat(30));
        assert_eq!(text.parse::<SigningKey>().unwrap().hex(), text);
        for wrong in ["", "zz", &text[1..], &format!("{text}0"), &format!("{text}00")] {
            assert!(wrong.parse::<SigningKey>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_public_key_is_the_one_of_rfc_8032() {
        // RFC 8032, section 7.1, test 1.
        let secret = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
        let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        assert_eq!(secret.parse::<SigningKey>().unwrap().public_key().unwrap(), public);
    }
}
