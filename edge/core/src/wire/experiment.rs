//! Experiments in the wire form, and what they share with flags.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{Condition, is_false, is_true, is_user_id, user_id, yes};

/// One experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// RFC 8941 key, unique over experiments and flags.
    pub key: String,
    /// `{key}` or `{key}:{iteration}`; the key when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<String>,
    /// Attribute that holds the unit.
    #[serde(default = "user_id", skip_serializing_if = "is_user_id")]
    pub unit: String,
    /// Attribute that holds the unit where `unit` is missing (an anonymous id before login).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback_unit: Option<String>,
    /// Where the experiment stands.
    #[serde(default)]
    pub state: State,
    /// Layer, if the experiment is in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
    /// Ranges `[from, to)` of the layer's 10,000 buckets that the experiment owns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<[u16; 2]>,
    /// Share of units that take part, basis points; only outside a layer. All when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic_bp: Option<u16>,
    /// Variants, in the order of their cumulative weights.
    pub variants: Vec<Variant>,
    /// Key of the variant that is served to those outside; the first when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<String>,
    /// Key of the variant that was shipped; with state `shipped` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipped: Option<String>,
    /// Who may take part; everybody when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    /// When it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// Flags that must have served a variant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prerequisites: Vec<Prerequisite>,
    /// Units that get a fixed variant and do not count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Override>,
    /// Holdouts beside those that apply by their scope.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holdouts: Vec<String>,
    /// Makes the unit a period of time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switchback: Option<Switchback>,
    /// Whether an assignment made earlier is kept.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sticky: bool,
    /// Whether the visitor's consent is needed.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub consent: bool,
    /// Opaque to the core: routes, edits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Value>,
}

/// Where an experiment stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Assigns and counts.
    #[default]
    Running,
    /// Control for everybody, counts nobody.
    Paused,
    /// One variant for everybody but those held out, counts nobody.
    Shipped,
    /// Stopped in a hurry: control for everybody.
    Killed,
    /// Over: control for everybody.
    Archived,
}

/// A variant with its share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Key, unique in its experiment.
    pub key: String,
    /// Share in basis points.
    pub weight_bp: u16,
    /// Any JSON value, `null` included; none when absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub value: Option<Value>,
}

/// A value that is there, also when it is `null`.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// From when and until when an entry is live; RFC 3339, the end excluded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// First moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// First moment after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
}

/// A flag that must serve a certain variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prerequisite {
    /// Key of the flag.
    pub flag: String,
    /// Key of its variant.
    pub variant: String,
}

/// Units that get a fixed variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// The units.
    pub ids: Vec<Id>,
    /// Key of the variant.
    pub variant: String,
}

/// A unit's id, or its hash where the publisher does not know the id itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "an id is a string, or {\"hash\": \"16 hex digits\"}")]
pub enum Id {
    /// The id as the context will have it.
    Raw(String),
    /// Sixteen hex digits: [`hash_id`](crate::hash::IdKey::hash) under the bundle's `id_key`.
    Hashed(HashedId),
}

/// The hash of a unit's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HashedId {
    /// Sixteen hex digits.
    pub hash: String,
}

/// Turns the unit into `{value of by, or "all"}:{floor(now / period)}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Switchback {
    /// Length of a period in milliseconds.
    pub period_ms: u64,
    /// Attribute that is switched on its own, for example `city`; everything together when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}
