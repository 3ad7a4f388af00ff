//! Conditions in the wire form.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::de::value::Error as Unknown;
use serde::de::{Error, IntoDeserializer};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::is_false;

/// A condition on the context; three-valued, see [`Truth`](crate::Truth).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawCondition", into = "RawCondition")]
pub enum Condition {
    /// True if all are; an empty list is true.
    And(Vec<Condition>),
    /// True if one is; an empty list is false.
    Or(Vec<Condition>),
    /// Negation; unknown stays unknown.
    Not(Box<Condition>),
    /// Membership in a segment.
    Segment(String),
    /// A test of one attribute.
    Test(Test),
}

/// A test of one attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// Name of the attribute.
    pub attr: String,
    /// What is asked.
    pub op: Operator,
    /// What it is compared with; one of them is enough, except for `in`, `not_in` and `ip_in`. Empty for `exists`.
    pub values: Vec<Value>,
    /// Whether ASCII letters of either case are the same; `eq`, `neq`, `in`, `not_in`, `starts_with`, `ends_with`, `contains`.
    pub ignore_case: bool,
}

/// What a test asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the wire form; DESIGN.md has the table")]
pub enum Operator {
    Eq,
    Neq,
    In,
    NotIn,
    Gt,
    Gte,
    Lt,
    Lte,
    StartsWith,
    EndsWith,
    Contains,
    Regex,
    SemverEq,
    SemverGt,
    SemverGte,
    SemverLt,
    SemverLte,
    SemverIn,
    DateGt,
    DateGte,
    DateLt,
    DateLte,
    IpIn,
    Exists,
}

/// What stands in JSON; exactly one of the forms of [`Condition`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCondition {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    and: Option<Vec<Condition>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    or: Option<Vec<Condition>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not: Option<Box<Condition>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    segment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attr: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "operator")]
    op: Option<Operator>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    values: Option<Vec<Value>>,
    #[serde(default, skip_serializing_if = "is_false")]
    ignore_case: bool,
}

/// An operator; serde's word for one that is unknown is that for a variant of an experiment.
fn operator<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Operator>, D::Error> {
    let Some(name) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    Operator::deserialize(name.into_deserializer())
        .map(Some)
        .map_err(|error: Unknown| D::Error::custom(error.to_string().replacen("variant", "operator", 1)))
}

impl TryFrom<RawCondition> for Condition {
    type Error = &'static str;

    fn try_from(raw: RawCondition) -> Result<Self, Self::Error> {
        let tested = raw.value.is_some() || raw.values.is_some() || raw.ignore_case;
        match raw {
            RawCondition {
                and: Some(all), or: None, not: None, segment: None, attr: None, op: None, ..
            } if !tested => Ok(Self::And(all)),
            RawCondition {
                and: None, or: Some(any), not: None, segment: None, attr: None, op: None, ..
            } if !tested => Ok(Self::Or(any)),
            RawCondition {
                and: None,
                or: None,
                not: Some(inner),
                segment: None,
                attr: None,
                op: None,
                ..
            } if !tested => Ok(Self::Not(inner)),
            RawCondition {
                and: None, or: None, not: None, segment: Some(key), attr: None, op: None, ..
            } if !tested => Ok(Self::Segment(key)),
            RawCondition {
                and: None,
                or: None,
                not: None,
                segment: None,
                attr: Some(attr),
                op: Some(op),
                value,
                values,
                ignore_case,
            } => match (value, values) {
                (Some(_), Some(_)) => Err("a condition has either \"value\" or \"values\", not both"),
                (value, values) => {
                    let values = values.unwrap_or_else(|| value.into_iter().collect());
                    Ok(Self::Test(Test { attr, op, values, ignore_case }))
                }
            },
            _ => Err(
                "a condition is exactly one of {\"and\"}, {\"or\"}, {\"not\"}, {\"segment\"} or {\"attr\", \"op\"}",
            ),
        }
    }
}

impl From<Condition> for RawCondition {
    fn from(condition: Condition) -> Self {
        let mut raw = Self::default();
        match condition {
            Condition::And(all) => raw.and = Some(all),
            Condition::Or(any) => raw.or = Some(any),
            Condition::Not(inner) => raw.not = Some(inner),
            Condition::Segment(key) => raw.segment = Some(key),
            Condition::Test(test) => {
                raw.attr = Some(test.attr);
                raw.op = Some(test.op);
                raw.ignore_case = test.ignore_case;
                let mut values = test.values;
                match values.len() {
                    0 => {}
                    1 if !matches!(test.op, Operator::In | Operator::NotIn | Operator::IpIn) => {
                        raw.value = values.pop();
                    }
                    _ => raw.values = Some(values),
                }
            }
        }
        raw
    }
}
