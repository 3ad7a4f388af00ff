//! Lists whose entries are read one by one, so that a bad one is invalid alone.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use serde_path_to_error::{Path, Segment as Step};

use super::{Experiment, Flag, Holdout, Layer, Segment};

/// A value of a list, or what stood there instead and why it could not be read. Read by `serde_json` only.
#[derive(Clone, Debug, PartialEq)]
pub enum Lenient<T> {
    /// Read as it should be.
    Valid(T),
    /// Kept as it stood.
    Invalid {
        /// The key, if there was a readable one.
        key: Option<String>,
        /// What is wrong, and where in it, in one sentence.
        reason: String,
        /// The JSON that stood there; key and reason only, where a [`Value`] cannot hold it.
        raw: Value,
    },
}

impl<T> Lenient<T> {
    /// The value, if it could be read.
    pub fn valid(&self) -> Option<&T> {
        match self {
            Self::Valid(value) => Some(value),
            Self::Invalid { .. } => None,
        }
    }
}

impl<T> From<T> for Lenient<T> {
    fn from(value: T) -> Self {
        Self::Valid(value)
    }
}

impl<T: Serialize> Serialize for Lenient<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Valid(value) => value.serialize(serializer),
            Self::Invalid { raw, .. } => raw.serialize(serializer),
        }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The text of an entry is found whatever its nesting and its numbers; reading it may fail, and then does so alone.
        Ok(Self::read(Box::<RawValue>::deserialize(deserializer)?.get()))
    }
}

impl<T: DeserializeOwned> Lenient<T> {
    fn read(text: &str) -> Self {
        let mut reader = serde_json::Deserializer::from_str(text);
        let raw: Value = match serde_path_to_error::deserialize(&mut reader) {
            Ok(raw) => raw,
            Err(error) => {
                let key = serde_json::from_str(text).ok().map(|Keyed { key }| key);
                let reason = unreadable(error.path(), error.inner());
                // The second field is none that an entry may have, so this is no entry when it is read again.
                let raw = json!({ "key": key, "unreadable": reason });
                return Self::Invalid { key, reason, raw };
            }
        };
        match serde_path_to_error::deserialize(&raw) {
            Ok(value) => Self::Valid(value),
            Err(error) => Self::Invalid {
                key: raw.get("key").and_then(Value::as_str).map(ToString::to_string),
                reason: placed(error.path(), &in_words(&error.inner().to_string())),
                raw,
            },
        }
    }
}

/// What is looked for in an entry that cannot be read otherwise.
#[derive(Deserialize)]
struct Keyed {
    key: String,
}

/// Why a text is no [`Value`]. Its lines and columns are left out: they would count from where the entry begins.
fn unreadable(path: &Path, error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    match text.strip_suffix(&place).unwrap_or(&text) {
        // The whole path would be as long as the nesting is deep.
        "recursion limit exceeded" => match path.iter().next() {
            Some(Step::Map { key }) => format!("{key}: nested too deep: 127 levels of JSON are the most"),
            _ => "nested too deep: 127 levels of JSON are the most".to_string(),
        },
        "number out of range" => placed(path, "number out of range: 1.7976931348623157e308 is the most"),
        what => placed(path, what),
    }
}

fn placed(path: &Path, what: &str) -> String {
    if path.iter().next().is_none() { what.to_string() } else { format!("{path}: {what}") }
}

/// A message of serde in the words of JSON and of bundles, not of Rust.
fn in_words(message: &str) -> String {
    // In a bundle, a variant is something else.
    let message =
        message.replacen("unknown variant", "unknown value", usize::from(message.starts_with("unknown")));
    let Some((found, wanted)) = message.rsplit_once(", expected ") else { return message };
    let found = match found {
        "invalid type: map" => "invalid type: object",
        "invalid type: sequence" => "invalid type: array",
        found => found,
    };
    let wanted = match wanted {
        // All such numbers are basis points or buckets.
        "u16" => "a whole number from 0 to 10000",
        "u64" => "a whole number",
        "a sequence" => "an array",
        "string or map" => "a string or an object",
        wanted if wanted.starts_with("struct ") => "an object",
        wanted => wanted,
    };
    format!("{found}, expected {wanted}")
}

/// What a list of a bundle may hold.
pub(super) trait Listed: DeserializeOwned {
    /// Name of the list.
    const LIST: &'static str;
}

impl Listed for Experiment {
    const LIST: &'static str = "experiments";
}

impl Listed for Flag {
    const LIST: &'static str = "flags";
}

impl Listed for Segment {
    const LIST: &'static str = "segments";
}

impl Listed for Layer {
    const LIST: &'static str = "layers";
}

impl Listed for Holdout {
    const LIST: &'static str = "holdouts";
}

/// Reads a list; what has no key is named by its place in it.
pub(super) fn list<'de, D: Deserializer<'de>, T: Listed>(
    deserializer: D,
) -> Result<Vec<Lenient<T>>, D::Error> {
    let mut list: Vec<Lenient<T>> = Vec::deserialize(deserializer)?;
    for (place, item) in list.iter_mut().enumerate() {
        if let Lenient::Invalid { key, reason, .. } = item
            && key.as_ref().is_none_or(String::is_empty)
        {
            *reason = format!("{}[{place}]: {reason}", T::LIST);
        }
    }
    Ok(list)
}
