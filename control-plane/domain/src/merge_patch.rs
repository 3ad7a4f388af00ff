//! JSON Merge Patch (RFC 7396), and which places of a document a change touched.

use serde_json::{Map, Value};

use crate::violation::child_pointer;

/// The document after the patch: `null` removes, objects are merged, everything else replaces.
pub fn merge_patch(document: Value, patch: &Value) -> Value {
    let Value::Object(changes) = patch else { return patch.clone() };
    let mut object = match document {
        Value::Object(object) => object,
        _ => Map::new(),
    };
    for (name, change) in changes {
        if change.is_null() {
            object.remove(name);
        } else {
            let before = object.remove(name).unwrap_or(Value::Null);
            object.insert(name.clone(), merge_patch(before, change));
        }
    }
    Value::Object(object)
}

/// Pointers of the smallest parts in which two documents differ; arrays of other lengths differ as a whole.
pub fn changed_pointers(before: &Value, after: &Value) -> Vec<String> {
    let mut changed = Vec::new();
    compare("", before, after, &mut changed);
    changed
}

fn compare(pointer: &str, before: &Value, after: &Value, changed: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
            names.sort();
            names.dedup();
            for name in names {
                let place = child_pointer(pointer, name);
                compare(
                    &place,
                    old.get(name).unwrap_or(&Value::Null),
                    new.get(name).unwrap_or(&Value::Null),
                    changed,
                );
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                compare(&format!("{pointer}/{index}"), old, new, changed);
            }
        }
        _ if before == after => {}
        _ => changed.push(pointer.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The table of RFC 7396, appendix A.
    #[test]
    fn the_examples_of_the_rfc() {
        let cases = [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a": "b"}), json!(["c"]), json!(["c"])),
            (json!({"a": "foo"}), json!(null), json!(null)),
            (json!({"a": "foo"}), json!("bar"), json!("bar")),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!([1, 2]), json!({"a": "b", "c": null}), json!({"a": "b"})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ];
        for (document, patch, expected) in cases {
            assert_eq!(merge_patch(document.clone(), &patch), expected, "{document} + {patch}");
        }
    }

    #[test]
    fn changes_are_told_by_their_smallest_place() {
        let before = json!({"a": {"b": 1, "c": 2}, "l": [1, 2], "m": [1]});
        let after = json!({"a": {"b": 1, "c": 3}, "l": [1, 9], "m": [1, 2], "n": 0});
        assert_eq!(changed_pointers(&before, &after), ["/a/c", "/l/1", "/m", "/n"]);
        assert!(changed_pointers(&before, &before).is_empty());
    }
}
