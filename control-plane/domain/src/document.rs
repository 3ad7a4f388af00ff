//! Reads the fields of a JSON object, collecting faults instead of stopping at the first.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::violation::{Violations, child_pointer};

/// The fields of one object; what nobody asked for is a fault when reading ends.
pub struct Fields<'a> {
    object: &'a Map<String, Value>,
    pointer: &'a str,
    asked: Vec<&'static str>,
    violations: Violations,
}

impl<'a> Fields<'a> {
    /// Starts to read the object that stands at `pointer`.
    ///
    /// # Errors
    /// A fault with code `not_an_object` if it is something else.
    pub fn of(value: &'a Value, pointer: &'a str) -> Result<Self, Violations> {
        match value {
            Value::Object(object) => {
                Ok(Self { object, pointer, asked: Vec::new(), violations: Violations::new() })
            }
            _ => Err(Violations::one(pointer, "not_an_object", "a JSON object is expected here")),
        }
    }

    /// The field if it is there and not `null`.
    pub fn value(&mut self, name: &'static str) -> Option<&'a Value> {
        self.asked.push(name);
        self.object.get(name).filter(|value| !value.is_null())
    }

    /// A text of at most `limit` characters.
    pub fn text(&mut self, name: &'static str, limit: usize) -> Option<&'a str> {
        match self.value(name)? {
            Value::String(text) if text.chars().count() <= limit => Some(text),
            Value::String(_) => {
                self.refuse(name, "too_long", format!("at most {limit} characters are allowed"))
            }
            _ => self.refuse(name, "not_a_string", "a string is expected here"),
        }
    }

    /// A text that a type of the domain takes.
    pub fn parsed<T, E: std::fmt::Display>(
        &mut self,
        name: &'static str,
        code: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match parse(self.text(name, 1_000)?) {
            Ok(value) => Some(value),
            Err(error) => self.refuse(name, code, error.to_string()),
        }
    }

    /// A moment in RFC 3339.
    pub fn time(&mut self, name: &'static str) -> Option<Timestamp> {
        self.parsed(name, "bad_time", |text| {
            text.parse::<Timestamp>()
                .map_err(|_| format!("`{text}` is not a time such as 2026-11-25T10:00:00Z"))
        })
    }

    /// An array of at most `limit` elements.
    pub fn array(&mut self, name: &'static str, limit: usize) -> Option<&'a [Value]> {
        match self.value(name)? {
            Value::Array(items) if items.len() <= limit => Some(items),
            Value::Array(_) => self.refuse(name, "too_many", format!("at most {limit} elements are allowed")),
            _ => self.refuse(name, "not_an_array", "an array is expected here"),
        }
    }

    /// Notes a fault of a field.
    pub fn refuse<T>(&mut self, name: &str, code: &'static str, detail: impl Into<String>) -> Option<T> {
        self.violations.add(child_pointer(self.pointer, name), code, detail);
        None
    }

    /// Takes over the faults of a part.
    pub fn absorb<T>(&mut self, part: Result<T, Violations>) -> Option<T> {
        part.map_err(|violations| self.violations.extend(violations)).ok()
    }

    /// Ends reading: every field that nobody asked for is a fault.
    pub fn finish(self) -> Violations {
        let mut violations = self.violations;
        for name in self.object.keys().filter(|name| !self.asked.contains(&name.as_str())) {
            let detail = format!("`{name}` is not a field of this document");
            violations.add(child_pointer(self.pointer, name), "unknown_field", detail);
        }
        violations
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_fault_is_found_with_its_place() {
        let document =
            json!({"name": 3, "tag": "abc", "at": "yesterday", "list": {}, "odd/one": 1, "gone": null});
        let mut fields = Fields::of(&document, "/x").unwrap();
        assert_eq!(fields.text("name", 5), None);
        assert_eq!(fields.text("tag", 2), None);
        assert_eq!(fields.time("at"), None);
        assert_eq!(fields.array("list", 3), None);
        assert_eq!(fields.text("gone", 3), None);
        let violations = fields.finish();
        let found: Vec<_> = violations.as_slice().iter().map(|v| (v.pointer.as_str(), v.code)).collect();
        assert_eq!(
            found,
            [
                ("/x/name", "not_a_string"),
                ("/x/tag", "too_long"),
                ("/x/at", "bad_time"),
                ("/x/list", "not_an_array"),
                ("/x/odd~1one", "unknown_field"),
            ]
        );
    }

    #[test]
    fn only_an_object_has_fields() {
        let violations = Fields::of(&json!([1]), "").err().unwrap();
        assert_eq!(violations.as_slice()[0].code, "not_an_object");
    }
}
