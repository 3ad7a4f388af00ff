//! Keys: the one public identity of experiments and layers.

use std::fmt;

/// Longest key, in bytes.
const LONGEST: usize = 64;

/// Keys that the assignment texts use themselves; an experiment with one of them could be dealt like a layer.
const RESERVED: [&str; 2] = ["layer", "holdout"];

/// Key of an experiment or flag: `^[a-z][a-z0-9_.-]{0,63}$` (an RFC 8941 dictionary key), not reserved.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

/// Key of a layer: the same form as [`Key`], in a namespace of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LayerKey(String);

/// Why a text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Nothing there.
    #[error("a key has at least one character")]
    Empty,
    /// More than 64 bytes.
    #[error("a key has at most 64 characters")]
    TooLong,
    /// The first character is not a small letter.
    #[error("a key begins with a small letter a to z, not with `{0}`")]
    BadStart(char),
    /// A character outside the set.
    #[error("a key has only a to z, 0 to 9, `_`, `.` and `-`, not `{0}`")]
    BadCharacter(char),
    /// A word that the assignment itself uses.
    #[error("`layer` and `holdout` are reserved: they are part of the hashed texts")]
    Reserved,
}

impl Key {
    /// Reads a key.
    ///
    /// # Errors
    /// [`KeyError`] says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        check_form(text)?;
        if RESERVED.contains(&text) { Err(KeyError::Reserved) } else { Ok(Self(text.to_owned())) }
    }

    /// The key that a name gives: small letters, every run of other characters becomes one `_`.
    ///
    /// # Errors
    /// [`KeyError`] when nothing usable is left, or when the result is reserved.
    pub fn from_name(name: &str) -> Result<Self, KeyError> {
        let mut slug = String::with_capacity(name.len());
        for character in name.trim().chars().map(|character| character.to_ascii_lowercase()) {
            match character {
                'a'..='z' | '0'..='9' | '.' | '-' => slug.push(character),
                _ if slug.ends_with('_') => {}
                _ => slug.push('_'),
            }
        }
        let slug: String = slug.trim_matches('_').chars().take(LONGEST).collect();
        Self::parse(slug.trim_end_matches('_'))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl LayerKey {
    /// Reads the key of a layer.
    ///
    /// # Errors
    /// [`KeyError`] says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        check_form(text)?;
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Display for LayerKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn check_form(text: &str) -> Result<(), KeyError> {
    let first = text.chars().next().ok_or(KeyError::Empty)?;
    if !first.is_ascii_lowercase() {
        return Err(KeyError::BadStart(first));
    }
    if let Some(bad) = text.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '_' | '.' | '-')) {
        return Err(KeyError::BadCharacter(bad));
    }
    if text.len() > LONGEST { Err(KeyError::TooLong) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_dictionary_keys() {
        for good in ["a", "checkout_button_color", "a.b-c_9", &"k".repeat(64)] {
            assert_eq!(Key::parse(good).unwrap().as_str(), good);
        }
        assert_eq!(Key::parse(""), Err(KeyError::Empty));
        assert_eq!(Key::parse("9a"), Err(KeyError::BadStart('9')));
        assert_eq!(Key::parse("aB"), Err(KeyError::BadCharacter('B')));
        assert_eq!(Key::parse("a b"), Err(KeyError::BadCharacter(' ')));
        assert_eq!(Key::parse(&"k".repeat(65)), Err(KeyError::TooLong));
        assert_eq!(Key::parse("layer"), Err(KeyError::Reserved));
        assert_eq!(Key::parse("holdout"), Err(KeyError::Reserved));
        assert!(LayerKey::parse("layer").is_ok());
    }

    #[test]
    fn a_name_gives_a_key() {
        let cases = [
            ("checkout_button_color", "checkout_button_color"),
            ("  Checkout: Button Colour! ", "checkout_button_colour"),
            ("Größe", "gr_e"),
        ];
        for (name, key) in cases {
            assert_eq!(Key::from_name(name).unwrap().as_str(), key, "{name}");
        }
        assert_eq!(Key::from_name("!!!"), Err(KeyError::Empty));
        assert_eq!(Key::from_name("2026 sale"), Err(KeyError::BadStart('2')));
        assert_eq!(Key::from_name(&"x".repeat(200)).unwrap().as_str().len(), 64);
    }
}
