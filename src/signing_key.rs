//! The key that pointers are signed with, as people write it: 64 hex digits.

use anyhow::Result;
use kerf_core::adopt::SigningKey;

/// Why a text is no signing key.
#[derive(Debug, thiserror::Error)]
#[error("a signing key is 32 bytes as 64 hex digits; `kerf keys signing` makes one")]
pub(crate) struct SigningKeyError;

/// A new key from the system's random source.
///
/// # Errors
/// When the system has no random bytes.
pub(crate) fn random() -> Result<SigningKey> {
    Ok(SigningKey::from_bytes(&crate::secrets::random_bytes()?))
}

/// Reads a key, as an option of the command line does.
///
/// # Errors
/// When the text is something else.
pub(crate) fn parse(text: &str) -> Result<SigningKey, SigningKeyError> {
    SigningKey::from_hex(text).ok_or(SigningKeyError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_read_as_it_is_written() {
        let text = format!("00ff{}", "a9".repeat(30));
        assert_eq!(parse(&text).unwrap().to_hex(), text);
        for wrong in ["", "zz", &text[1..], &format!("{text}0"), &format!("{text}00")] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_public_key_is_the_one_of_rfc_8032() {
        // RFC 8032, section 7.1, test 1.
        let secret = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
        let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        assert_eq!(parse(secret).unwrap().public().to_hex(), public);
    }
}
