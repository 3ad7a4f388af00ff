//! Pseudonyms: what stands for a user once an event is inside.
//!
//! A unit is the first 16 bytes of HMAC-SHA-256 over the id as it was given. A plain hash would not do: ids are few
//! enough to be guessed and hashed in turn. 128 bits keep the chance of two among 10^10 units meeting below 2^-62.

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Sha256;
use std::fmt;
use std::str::FromStr;

/// The fewest bytes that a pseudonym key may have: as many as the hash puts out.
const KEY_BYTES: usize = 32;

/// The secret under which ids become units. Whoever changes it makes every known user a new one.
#[derive(Clone)]
pub struct PseudonymKey(Hmac<Sha256>);

/// Why a pseudonym key was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PseudonymKeyError {
    /// The text is not base64url.
    #[error("the pseudonym key is not base64url (A-Z, a-z, 0-9, - and _, without =)")]
    Encoding,
    /// The key has too few bytes.
    #[error(
        "the pseudonym key has {0} bytes and needs at least 32: `openssl rand 32 | basenc --base64url` makes one"
    )]
    TooShort(usize),
}

impl PseudonymKey {
    /// A key of at least 32 bytes.
    ///
    /// # Errors
    /// [`PseudonymKeyError::TooShort`] for fewer.
    pub fn new(bytes: &[u8]) -> Result<Self, PseudonymKeyError> {
        let short = PseudonymKeyError::TooShort(bytes.len());
        if bytes.len() < KEY_BYTES {
            return Err(short);
        }
        Hmac::new_from_slice(bytes).map(Self).map_err(|_| short)
    }

    /// The unit that stands for this id.
    pub fn unit(&self, id: &str) -> Unit {
        let mut mac = self.0.clone();
        mac.update(id.as_bytes());
        let digest = mac.finalize().into_bytes();
        let mut unit = [0; 16];
        unit.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Unit(unit)
    }
}

/// Reads base64url, with or without padding.
impl FromStr for PseudonymKey {
    type Err = PseudonymKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        use base64::Engine;
        let text = text.trim().trim_end_matches('=');
        let bytes =
            base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| PseudonymKeyError::Encoding)?;
        Self::new(&bytes)
    }
}

/// The key itself is never shown.
impl fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PseudonymKey(…)")
    }
}

/// The pseudonym of a user; 32 lower-case hex digits as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unit(pub [u8; 16]);

/// A text that is not a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a unit is 32 lower-case hex digits")]
pub struct UnitError;

impl Unit {
    /// The unit as hex digits, without an allocation.
    pub fn hex(self) -> [u8; 32] {
        let mut text = [0; 32];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            for (to, nibble) in pair.iter_mut().zip([byte >> 4, byte & 15]) {
                *to = if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
            }
        }
        text
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.hex()).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Unit {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let bytes = text.as_bytes();
        if bytes.len() != 32 {
            return Err(UnitError);
        }
        let mut unit = [0; 16];
        for (to, pair) in unit.iter_mut().zip(bytes.chunks_exact(2)) {
            *to = pair.iter().try_fold(0, |high, digit| Ok(high << 4 | nibble(*digit)?))?;
        }
        Ok(Self(unit))
    }
}

fn nibble(digit: u8) -> Result<u8, UnitError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(UnitError),
    }
}

impl Serialize for Unit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Unit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected by Python 3.11: hmac.new(key, id, hashlib.sha256).hexdigest()[:32]
    #[test]
    fn units_are_hmac_sha_256_cut_to_16_bytes() {
        let key = PseudonymKey::new(&(0..32).collect::<Vec<u8>>()).unwrap();
        for (id, expected) in [
            ("u1", "fe91b17313e372ceb806c600411932e2"),
            ("", "d38b42096d80f45f826b44a9d5607de7"),
            ("größe-7", "b5b93b4f30b25d61a2f70c8c5034e807"),
        ] {
            assert_eq!(key.unit(id).to_string(), expected, "{id:?}");
        }
    }

    #[test]
    fn a_key_is_base64url_of_at_least_32_bytes() {
        let text = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
        let key: PseudonymKey = text.parse().unwrap();
        assert_eq!(key.unit("u1"), PseudonymKey::new(&(0..32).collect::<Vec<u8>>()).unwrap().unit("u1"));
        assert!(format!("{text}=\n").parse::<PseudonymKey>().is_ok());
        assert_eq!("AAEC".parse::<PseudonymKey>().unwrap_err(), PseudonymKeyError::TooShort(3));
        assert_eq!("a+b/".parse::<PseudonymKey>().unwrap_err(), PseudonymKeyError::Encoding);
        assert_eq!(format!("{key:?}"), "PseudonymKey(…)");
    }

    #[test]
    fn hex_of_another_form_is_no_unit() {
        let text = "00112233445566778899aabbccddeeff";
        assert_eq!(text.parse::<Unit>().unwrap().to_string(), text);
        for bad in ["", "00112233445566778899AABBCCDDEEFF", "0011", &format!("{text}00"), &"é".repeat(16)] {
            assert_eq!(bad.parse::<Unit>(), Err(UnitError), "{bad}");
        }
    }
}
