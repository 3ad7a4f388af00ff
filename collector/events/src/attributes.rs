//! Free attributes of an event: `context` and `properties`.

use crate::field::{Entries, Field, Text};
use crate::limits::{ATTRIBUTE_NAME_BYTES, ATTRIBUTE_VALUE_BYTES, ATTRIBUTES};
use crate::rejection::{Code, Rejection, pointer};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// Names with text values, sorted by name, each name once. Numbers and booleans are kept as their text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Attributes<'a> {
    /// Judges the object that stood in the field `name` of an event.
    pub(crate) fn check(entries: Entries<'a>, name: &str) -> Result<Self, Rejection> {
        let entries = match entries {
            Entries::Absent => return Ok(Self::default()),
            Entries::Object(entries) => entries,
            Entries::Other => {
                return Err(Rejection::field(Code::WrongType, name, format!("{name} must be an object")));
            }
        };
        if entries.len() > ATTRIBUTES {
            let detail = format!("{name} has {} entries; at most {ATTRIBUTES} are kept", entries.len());
            return Err(Rejection::field(Code::TooMany, name, detail));
        }
        let mut all = Vec::with_capacity(entries.len());
        for (key, field) in entries {
            if field.is_absent() {
                continue;
            }
            let at = pointer(&[name, &key]);
            let value = attribute(&key, field).map_err(|(code, detail)| Rejection {
                code,
                pointer: at,
                detail: detail.to_owned(),
            })?;
            all.push((key, value));
        }
        Self::unique(all).map_err(|key| {
            let detail = "this name occurs twice; send it once".to_owned();
            Rejection { code: Code::Conflict, pointer: pointer(&[name, &key]), detail }
        })
    }

    /// Attributes from names and values, or the first name that occurs twice.
    fn unique(mut all: Vec<(Cow<'a, str>, Cow<'a, str>)>) -> Result<Self, String> {
        all.sort_unstable();
        let twice = all.windows(2).find_map(|pair| match pair {
            [(one, _), (two, _)] if one == two => Some(one.to_string()),
            _ => None,
        });
        twice.map_or(Ok(Self(all)), Err)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes the attribute of this name out.
    pub fn take(&mut self, name: &str) -> Option<Cow<'a, str>> {
        let at = self.0.binary_search_by(|(key, _)| key.as_ref().cmp(name)).ok()?;
        Some(self.0.remove(at).1)
    }

    /// Name and value of each, sorted by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }
}

/// The text of one attribute's value.
fn attribute<'a>(name: &str, field: Field<'a>) -> Result<Cow<'a, str>, (Code, &'static str)> {
    if name.is_empty() || name.len() > ATTRIBUTE_NAME_BYTES {
        return Err((Code::TooLong, "the name of an attribute has 1 to 64 bytes"));
    }
    match field.into_text() {
        None => {
            Err((Code::WrongType, "the value must be a text, a number or a boolean; flatten what is nested"))
        }
        Some(text) if text.len() > ATTRIBUTE_VALUE_BYTES => {
            Err((Code::TooLong, "the value has at most 1,024 bytes"))
        }
        Some(text) => Ok(text),
    }
}

impl Serialize for Attributes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Attributes<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AttributesVisitor;
        impl<'de> Visitor<'de> for AttributesVisitor {
            type Value = Attributes<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::with_capacity(entries.size_hint().unwrap_or(0));
                while let Some((Text(name), Text(value))) = entries.next_entry()? {
                    all.push((name, value));
                }
                Attributes::unique(all).map_err(|_| serde::de::Error::custom("a name occurs twice"))
            }
        }
        deserializer.deserialize_map(AttributesVisitor)
    }
}
