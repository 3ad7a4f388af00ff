//! Targeting: a condition tree in the bundle's own wire form, checked by the bundle's own compiler.

use kerf_core::wire;
use serde_json::Value;

use crate::violation::{Violations, child_pointer};

/// Deepest nesting of a condition; the evaluator has the same limit.
const DEEPEST: usize = 16;

/// Who may take part: the condition as it was written, and as the core reads it.
#[derive(Clone, Debug, PartialEq)]
pub struct Targeting {
    written: Value,
    condition: wire::Condition,
}

impl Targeting {
    /// Reads the condition that stands at `pointer`.
    ///
    /// # Errors
    /// One fault for each smallest part of the tree that is no condition.
    pub fn parse(value: &Value, pointer: &str) -> Result<Self, Violations> {
        let mut violations = Violations::new();
        find_faults(value, pointer, 1, &mut violations);
        if !violations.is_empty() {
            return Err(violations);
        }
        match serde_json::from_value(value.clone()) {
            Ok(condition) => Ok(Self { written: value.clone(), condition }),
            Err(error) => Err(Violations::one(pointer, "bad_condition", error.to_string())),
        }
    }

    /// As it was written.
    pub const fn as_json(&self) -> &Value {
        &self.written
    }

    /// As the core reads it.
    pub const fn condition(&self) -> &wire::Condition {
        &self.condition
    }
}

/// Walks down to the smallest parts, so that a fault deep in a tree is shown where it is.
fn find_faults(value: &Value, pointer: &str, depth: usize, violations: &mut Violations) {
    if depth > DEEPEST {
        return violations.add(pointer, "too_deep", format!("conditions nest at most {DEEPEST} deep"));
    }
    for name in ["and", "or"] {
        if let Some(Value::Array(parts)) = only_field(value, name) {
            for (index, part) in parts.iter().enumerate() {
                let place = child_pointer(&child_pointer(pointer, name), &index.to_string());
                find_faults(part, &place, depth + 1, violations);
            }
            return;
        }
    }
    if let Some(inner) = only_field(value, "not") {
        return find_faults(inner, &child_pointer(pointer, "not"), depth + 1, violations);
    }
    if let Some(key) = value.get("segment").and_then(Value::as_str) {
        let detail = format!("there is no segment `{key}`; write the condition out");
        return violations.add(child_pointer(pointer, "segment"), "unknown_segment", detail);
    }
    if let Err(error) = serde_json::from_value::<wire::Condition>(value.clone()) {
        let operator =
            value.get("op").filter(|op| serde_json::from_value::<wire::Operator>((*op).clone()).is_err());
        match operator {
            Some(_) => violations.add(child_pointer(pointer, "op"), "unknown_operator", error.to_string()),
            None => violations.add(pointer, "bad_condition", error.to_string()),
        }
    }
}

fn only_field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let object = value.as_object()?;
    object.get(name).filter(|_| object.len() == 1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(condition: &Value) -> Vec<(String, &'static str)> {
        let violations = Targeting::parse(condition, "/targeting").unwrap_err();
        violations.as_slice().iter().map(|v| (v.pointer.clone(), v.code)).collect()
    }

    #[test]
    fn conditions_of_the_wire_form_are_taken_as_written() {
        let condition = json!({"and": [
            {"attr": "country", "op": "in", "values": ["DE", "FR"]},
            {"not": {"attr": "age", "op": "lt", "value": 18}},
        ]});
        assert_eq!(Targeting::parse(&condition, "/targeting").unwrap().as_json(), &condition);
    }

    #[test]
    fn faults_are_shown_where_they_are() {
        let condition = json!({"or": [
            {"attr": "country", "op": "is", "value": "DE"},
            {"not": {"attr": "age", "value": 18}},
            {"segment": "staff"},
            {"attr": "age", "op": "gt", "value": 3},
        ]});
        assert_eq!(
            faults(&condition),
            [
                ("/targeting/or/0/op".into(), "unknown_operator"),
                ("/targeting/or/1/not".into(), "bad_condition"),
                ("/targeting/or/2/segment".into(), "unknown_segment"),
            ]
        );
        assert_eq!(faults(&json!("DE")), [("/targeting".into(), "bad_condition")]);
    }

    #[test]
    fn depth_is_bounded() {
        let deep = (0..16).fold(json!({"attr": "a", "op": "exists"}), |inner, _| json!({"not": inner}));
        assert_eq!(faults(&deep)[0].1, "too_deep");
    }
}
