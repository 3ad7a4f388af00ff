//! Names of experiments, variants, metrics and diagnostics.

use crate::limits::LABEL_BYTES;
use std::borrow::Cow;

/// The longest key of an experiment, in bytes.
const KEY_BYTES: usize = 64;

/// The key of an experiment: `^[a-z][a-z0-9_.-]{0,63}$`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key<'a>(Cow<'a, str>);

impl<'a> Key<'a> {
    /// The key, or the text back when it is none.
    ///
    /// # Errors
    /// The text itself, when it does not match the pattern.
    pub fn parse(text: impl Into<Cow<'a, str>>) -> Result<Self, Cow<'a, str>> {
        let text = text.into();
        let mut bytes = text.bytes();
        let first = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase());
        let rest = bytes.all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'.' | b'-')
        });
        if first && rest && text.len() <= KEY_BYTES { Ok(Self(text)) } else { Err(text) }
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key as text that may be borrowed from the input.
    pub fn into_text(self) -> Cow<'a, str> {
        self.0
    }
}

/// A variant, a metric or the name of a diagnostic: 1 to 128 bytes of UTF-8 without control characters and without
/// `/`, which separates experiment and metric in the name of a metric that counts for one experiment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label<'a>(Cow<'a, str>);

impl<'a> Label<'a> {
    /// The label, or the text back when it is none.
    ///
    /// # Errors
    /// The text itself, when it is empty, too long, or holds a `/` or a control character.
    pub fn parse(text: impl Into<Cow<'a, str>>) -> Result<Self, Cow<'a, str>> {
        let text = text.into();
        let clean = !text.chars().any(|c| c == '/' || c.is_control());
        if clean && !text.is_empty() && text.len() <= LABEL_BYTES { Ok(Self(text)) } else { Err(text) }
    }

    /// The label as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The label as text that may be borrowed from the input.
    pub fn into_text(self) -> Cow<'a, str> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_follow_the_pattern() {
        let longest = format!("a{}", "0".repeat(63));
        for good in ["a", "checkout_button_color", "a.b-c_9", longest.as_str()] {
            assert!(Key::parse(good).is_ok(), "{good}");
        }
        let long = format!("a{}", "0".repeat(64));
        for bad in ["", "9a", "_a", "A", "aB", "a b", "a/b", "ä", long.as_str()] {
            assert_eq!(Key::parse(bad), Err(Cow::Borrowed(bad)));
        }
    }

    #[test]
    fn labels_have_no_slash_and_no_control_character() {
        let longest = "m".repeat(128);
        for good in ["p95_latency", "Order completed", "größe", longest.as_str()] {
            assert!(Label::parse(good).is_ok(), "{good}");
        }
        let long = "m".repeat(129);
        for bad in ["", "a/b", "a\nb", "a\u{7f}", long.as_str()] {
            assert!(Label::parse(bad).is_err(), "{bad:?}");
        }
    }
}
