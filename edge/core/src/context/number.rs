//! A number as a unit: its shortest decimal text.

use core::fmt::{self, Write};

/// The shortest decimal text of a number, without exponent; up to 24 bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NumberText {
    bytes: [u8; Self::LONGEST],
    len: u8,
}

impl NumberText {
    /// Covers every integer below 10^24 and every double that people use as an id.
    const LONGEST: usize = 24;

    /// The text, unless the number is not finite or its text is too long: then it is no unit. `-0` is `0`.
    pub(crate) fn new(number: f64) -> Option<Self> {
        if !number.is_finite() {
            return None;
        }
        let mut text = Self { bytes: [0; Self::LONGEST], len: 0 };
        // Adding 0 turns -0 into 0.
        write!(text, "{}", number + 0.0).ok()?;
        Some(text)
    }

    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl Write for NumberText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let start = usize::from(self.len);
        let end = start.checked_add(text.len()).ok_or(fmt::Error)?;
        let room = self.bytes.get_mut(start..end).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.len = u8::try_from(end).map_err(|_| fmt::Error)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortest_decimal_text() {
        for (number, text) in [
            (42.0, "42"),
            (-0.0, "0"),
            (-7.0, "-7"),
            (1.5, "1.5"),
            (0.1, "0.1"),
            (1e21, "1000000000000000000000"),
            (9_007_199_254_740_993.0, "9007199254740992"),
            (1e-7, "0.0000001"),
        ] {
            assert_eq!(NumberText::new(number).unwrap().as_bytes(), text.as_bytes());
        }
        for number in [f64::NAN, f64::INFINITY, 1e24, 1.234_567_890_123_456_7e-7, f64::MIN_POSITIVE] {
            assert!(NumberText::new(number).is_none(), "{number}");
        }
    }
}
