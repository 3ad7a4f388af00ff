//! JSON texts that do not depend on how a map happens to be ordered.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::Value;

/// The text of a value with the members of objects sorted by name, without white space.
pub(super) fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(&mut text, value);
    text
}

fn write(text: &mut String, value: &Value) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (place, item) in items.iter().enumerate() {
                separate(text, place);
                write(text, item);
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            text.push('{');
            for (place, (name, member)) in members.into_iter().enumerate() {
                separate(text, place);
                text.push_str(&Value::String(name.clone()).to_string());
                text.push(':');
                write(text, member);
            }
            text.push('}');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

fn separate(text: &mut String, place: usize) {
    if place > 0 {
        text.push(',');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_sorted_at_every_level() {
        let value =
            serde_json::from_str(r#"{"b":[1,{"z":null,"a":"q\"\n"}],"a":{"d":1.5,"c":true}}"#).unwrap();
        assert_eq!(canonical(&value), r#"{"a":{"c":true,"d":1.5},"b":[1,{"a":"q\"\n","z":null}]}"#);
    }
}
