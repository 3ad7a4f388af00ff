//! The text of an API key: `kerf_api_{id}_{secret}_{checksum}`.
//!
//! The prefix lets secret scanners find leaked keys; the checksum lets the server refuse a mistyped one without asking
//! the database. 256 random bits need no slow hash, so SHA-256 of the whole text is what is kept.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

const PREFIX: &str = "kerf_api_";
/// Lengths of the parts as base64url without padding: 16, 32 and 4 bytes.
const ID: usize = 22;
const SECRET: usize = 43;
const CHECKSUM: usize = 6;

/// A well-formed API key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token {
    id: String,
    text: String,
}

impl Token {
    /// A key from random bytes.
    pub(crate) fn new(id: [u8; 16], secret: [u8; 32]) -> Self {
        let id = URL_SAFE_NO_PAD.encode(id);
        let body = format!("{PREFIX}{id}_{}", URL_SAFE_NO_PAD.encode(secret));
        let text = format!("{body}_{}", checksum(&body));
        Self { id, text }
    }

    /// Reads a key; `None` if it was mistyped or is something else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        // The alphabet contains `_`, so the parts are found by their lengths.
        let rest = text.strip_prefix(PREFIX)?;
        if rest.len() != ID + 1 + SECRET + 1 + CHECKSUM || !rest.is_ascii() {
            return None;
        }
        let id = rest.get(..ID)?;
        let body = text.get(..text.len() - CHECKSUM - 1)?;
        let ends = rest.get(ID..=ID)? == "_" && text.get(body.len()..)? == format!("_{}", checksum(body));
        ends.then(|| Self { id: id.to_owned(), text: text.to_owned() })
    }

    /// The public part.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The whole key. It is shown once and never logged.
    pub(crate) fn reveal(&self) -> &str {
        &self.text
    }

    /// What is kept of it.
    pub(crate) fn sha256(&self) -> Vec<u8> {
        Sha256::digest(&self.text).to_vec()
    }

    /// Whether this is the key of which so much was kept; looks at every byte whatever it finds.
    pub(crate) fn matches(&self, sha256: &[u8]) -> bool {
        let ours = self.sha256();
        ours.len() == sha256.len() && ours.iter().zip(sha256).fold(0, |found, (a, b)| found | (a ^ b)) == 0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Token({PREFIX}{}_…)", self.id)
    }
}

fn checksum(body: &str) -> String {
    URL_SAFE_NO_PAD.encode(crc32fast::hash(body.as_bytes()).to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_and_is_recognised_by_its_hash() {
        for byte in [0, 63, 200, 251, 255] {
            let token = Token::new([byte; 16], [byte; 32]);
            let read = Token::parse(token.reveal()).unwrap();
            assert_eq!(read, token);
            assert_eq!(read.id().len(), ID);
            assert!(read.matches(&token.sha256()));
            assert!(!read.matches(&Token::new([byte; 16], [1; 32]).sha256()));
            assert!(!read.matches(&[]));
        }
    }

    #[test]
    fn a_mistyped_key_is_none() {
        let good = Token::new([7; 16], [9; 32]).reveal().to_owned();
        for index in 0..good.len() {
            let mut bytes = good.clone().into_bytes();
            bytes[index] = if bytes[index] == b'x' { b'y' } else { b'x' };
            assert_eq!(Token::parse(&String::from_utf8(bytes).unwrap()), None, "byte {index}");
        }
        for bad in ["", "kerf_api_", &good[..good.len() - 1], &format!("{good}x"), "kerf_api_ä"] {
            assert_eq!(Token::parse(bad), None);
        }
    }

    #[test]
    fn a_log_shows_no_secret() {
        let token = Token::new([7; 16], [9; 32]);
        assert!(!format!("{token:?}").contains(&URL_SAFE_NO_PAD.encode([9; 32])));
    }
}
