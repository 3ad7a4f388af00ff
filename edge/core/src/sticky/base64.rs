//! base64url without padding (RFC 4648, section 5), to and from streams of bytes.

use core::fmt;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Writes bytes as text.
pub(crate) struct Encoder<'o, W> {
    out: &'o mut W,
    /// Bits that have not filled a character.
    pending: u32,
    bits: u32,
}

impl<'o, W: fmt::Write> Encoder<'o, W> {
    pub(crate) const fn new(out: &'o mut W) -> Self {
        Self { out, pending: 0, bits: 0 }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) -> fmt::Result {
        for byte in bytes {
            self.pending = (self.pending << 8 | u32::from(*byte)) & 0xffff;
            self.bits += 8;
            while self.bits >= 6 {
                self.bits -= 6;
                self.write_six(self.pending >> self.bits)?;
            }
        }
        Ok(())
    }

    pub(crate) fn finish(mut self) -> fmt::Result {
        if self.bits == 0 { Ok(()) } else { self.write_six(self.pending << (6 - self.bits)) }
    }

    fn write_six(&mut self, bits: u32) -> fmt::Result {
        let place = usize::try_from(bits & 63).unwrap_or_default();
        self.out.write_char(char::from(*ALPHABET.get(place).ok_or(fmt::Error)?))
    }
}

/// Writes bytes as text, all at once.
#[cfg(feature = "adopt")]
pub(crate) fn encode(out: &mut impl fmt::Write, bytes: &[u8]) -> fmt::Result {
    let mut encoder = Encoder::new(out);
    encoder.push(bytes)?;
    encoder.finish()
}

/// Number of bytes that a text stands for; `None` for a length that no bytes have.
pub(crate) const fn decoded_len(text: &str) -> Option<usize> {
    let (whole, rest) = (text.len() / 4 * 3, text.len() % 4);
    match rest {
        1 => None,
        0 => Some(whole),
        rest => Some(whole + rest - 1),
    }
}

/// Reads text as bytes.
pub(crate) struct Decoder<'t> {
    text: &'t [u8],
    pending: u32,
    bits: u32,
}

impl<'t> Decoder<'t> {
    pub(crate) const fn new(text: &'t str) -> Self {
        Self { text: text.as_bytes(), pending: 0, bits: 0 }
    }

    /// The next bytes; `None` for a foreign character, the end, or bits behind the end that are not 0.
    pub(crate) fn fill(&mut self, bytes: &mut [u8]) -> Option<()> {
        for byte in bytes {
            while self.bits < 8 {
                let (first, rest) = self.text.split_first()?;
                self.text = rest;
                self.pending = (self.pending << 6 | value(*first)?) & 0xffff;
                self.bits += 6;
            }
            self.bits -= 8;
            *byte = u8::try_from(self.pending >> self.bits & 0xff).ok()?;
        }
        let leftover = self.pending & ((1 << self.bits) - 1);
        (!self.text.is_empty() || leftover == 0).then_some(())
    }
}

/// Reads text as bytes, all at once; how many, or `None` when it is no text of bytes or they do not fit.
#[cfg(feature = "adopt")]
pub(crate) fn decode(text: &str, bytes: &mut [u8]) -> Option<usize> {
    let len = decoded_len(text)?;
    Decoder::new(text).fill(bytes.get_mut(..len)?)?;
    Some(len)
}

fn value(character: u8) -> Option<u32> {
    ALPHABET.iter().position(|letter| *letter == character).and_then(|place| u32::try_from(place).ok())
}
