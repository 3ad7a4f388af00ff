//! The sticky cookie, signed so that a visitor cannot choose a variant.
//!
//! `{entries}.{mac}`: the text of [`sticky::write`], then the first 16 bytes of an HMAC-SHA-256 over
//! `kerf-sticky 1`, the subject and the entries, as base64url. The subject is what the cookie belongs to (the visitor's
//! anonymous id), so that one visitor's cookie is of no use to another.

use core::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::sticky::{self, StickyEntry, base64};

/// Bytes of the code that are kept: 128 bits.
const MAC: usize = 16;

/// Writes a signed cookie.
///
/// # Errors
/// When `out` fails.
pub fn write(out: &mut impl fmt::Write, key: &[u8], subject: &str, entries: &[StickyEntry]) -> fmt::Result {
    let mut hashing = Hashing::new(key, subject).ok_or(fmt::Error)?;
    sticky::write(&mut Both { out, hashing: &mut hashing }, entries)?;
    out.write_str(".")?;
    base64::encode(out, &hashing.code())
}

/// Reads a signed cookie into `entries`; how many there are. What does not fit into `entries` is dropped, oldest first.
///
/// # Errors
/// When the cookie is of another form, another subject, or not signed with the key.
pub fn read(
    cookie: &str,
    key: &[u8],
    subject: &str,
    entries: &mut [StickyEntry],
) -> Result<usize, CookieError> {
    let (text, mac) = cookie.rsplit_once('.').ok_or(CookieError::Malformed)?;
    let mut given = [0; MAC];
    if base64::decode(mac, &mut given) != Some(MAC) {
        return Err(CookieError::Malformed);
    }
    let mut hashing = Hashing::new(key, subject).ok_or(CookieError::Malformed)?;
    hashing.0.update(text.as_bytes());
    hashing.0.verify_truncated_left(&given).map_err(|_| CookieError::BadSignature)?;
    sticky::read(text, entries).ok_or(CookieError::Malformed)
}

/// Why a cookie is not used; the visitor is then assigned as if there were none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookieError {
    /// Not of the known form or version.
    Malformed,
    /// Not signed with the key for this subject.
    BadSignature,
}

impl fmt::Display for CookieError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the sticky cookie is not of the known form",
            Self::BadSignature => "the sticky cookie is not signed with this key for this visitor",
        })
    }
}

impl core::error::Error for CookieError {}

struct Hashing(Hmac<Sha256>);

impl Hashing {
    /// An HMAC takes keys of any length, so this does not fail.
    fn new(key: &[u8], subject: &str) -> Option<Self> {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
        mac.update(b"kerf-sticky 1\n");
        mac.update(&(subject.len() as u64).to_le_bytes());
        mac.update(subject.as_bytes());
        Some(Self(mac))
    }

    fn code(self) -> [u8; MAC] {
        let full: [u8; 32] = self.0.finalize().into_bytes().into();
        full.first_chunk().copied().unwrap_or_default()
    }
}

/// Writes to the cookie and into the hash.
struct Both<'o, W> {
    out: &'o mut W,
    hashing: &'o mut Hashing,
}

impl<W: fmt::Write> fmt::Write for Both<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.hashing.0.update(text.as_bytes());
        self.out.write_str(text)
    }
}
