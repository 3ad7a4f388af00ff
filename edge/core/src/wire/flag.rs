//! Flags in the wire form.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Condition, Override, Prerequisite, Schedule, is_false, is_user_id, user_id, yes};

/// One feature flag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flag {
    /// RFC 8941 key, unique over experiments and flags.
    pub key: String,
    /// Type that every variant's value has.
    #[serde(rename = "type")]
    pub kind: FlagType,
    /// Off serves `off_variant` to everybody: the kill switch.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Attribute of overrides and, where a rule says nothing else, of rollouts.
    #[serde(default = "user_id", skip_serializing_if = "is_user_id")]
    pub unit: String,
    /// Key of the variant served while the flag is off.
    pub off_variant: String,
    /// Variants.
    pub variants: Vec<FlagVariant>,
    /// Tried in order; the first that takes the unit serves.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// Key of the variant served when no rule takes the unit.
    pub default: String,
    /// When it is live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// Flags that must have served a variant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prerequisites: Vec<Prerequisite>,
    /// Units that get a fixed variant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Override>,
    /// Opaque to the core.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Value>,
}

/// Type of a flag's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlagType {
    /// `true` or `false`.
    Boolean,
    /// A string.
    String,
    /// A number.
    Number,
    /// Any JSON.
    Json,
}

/// A variant of a flag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlagVariant {
    /// Key, unique in its flag.
    pub key: String,
    /// A value of the flag's type.
    pub value: Value,
}

/// One rule of a flag; exactly one of `serve`, `rollout`, `experiment`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Stable id, same form as a key; part of the rollout's hash.
    pub id: String,
    /// Whom it is for; everybody when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    /// Key of the variant to serve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serve: Option<String>,
    /// A share of units, possibly split over variants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Rollout>,
    /// Key of the experiment whose variant of the same key is served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment: Option<String>,
    /// Whether this is what an experiment shipped: units held out by a global holdout skip it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub shipped: bool,
    /// Holdouts whose units skip the rule, beside those that apply by scope to a shipped rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holdouts: Vec<String>,
}

/// A percentage rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rollout {
    /// Share of units that the rule takes, basis points.
    pub bp: u16,
    /// Attribute that holds the unit; the flag's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// How those taken are split.
    pub variants: Vec<Share>,
}

/// A variant's share of a rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// Key of one of the flag's variants.
    pub key: String,
    /// Share in basis points.
    pub weight_bp: u16,
}
