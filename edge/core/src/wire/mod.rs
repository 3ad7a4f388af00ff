//! The JSON form of a bundle: what the control plane writes, what SDKs read, what the compiler takes.
//!
//! Unknown fields are refused, because a field that is silently dropped is a rule that silently does not hold.
//! An entry that cannot be read is kept as [`Lenient::Invalid`], so that it disables its own key and nothing else.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use serde_json::Value;

mod condition;
mod experiment;
mod flag;
mod lenient;
mod scope;

pub use condition::{Condition, Operator, Test};
pub use experiment::{
    Experiment, HashedId, Id, Override, Prerequisite, Schedule, State, Switchback, Variant,
};
pub use flag::{Flag, FlagType, FlagVariant, Rollout, Rule, Share};
pub use lenient::Lenient;
pub use scope::{Holdout, HoldoutMode, Layer, Scope, Segment};

/// The whole configuration of one environment, in its JSON form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// Version of this JSON form: 1.
    pub format: u16,
    /// Key of the environment, for example `production`.
    pub environment: String,
    /// Number of the bundle, counted up by the publisher.
    pub version: u64,
    /// When it was made, RFC 3339.
    pub created: String,
    /// Key of the id hash, 32 hex digits; made from environment and version when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_key: Option<String>,
    /// Opaque to the core: what the gateway needs once for the whole bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Value>,
    /// Experiments.
    #[serde(default, deserialize_with = "lenient::list")]
    pub experiments: Vec<Lenient<Experiment>>,
    /// Flags.
    #[serde(default, deserialize_with = "lenient::list")]
    pub flags: Vec<Lenient<Flag>>,
    /// Segments, used by conditions.
    #[serde(default, deserialize_with = "lenient::list")]
    pub segments: Vec<Lenient<Segment>>,
    /// Layers, used by experiments.
    #[serde(default, deserialize_with = "lenient::list")]
    pub layers: Vec<Lenient<Layer>>,
    /// Holdouts, used by experiments and shipped rules.
    #[serde(default, deserialize_with = "lenient::list")]
    pub holdouts: Vec<Lenient<Holdout>>,
}

pub(crate) fn user_id() -> String {
    "user_id".to_string()
}

pub(crate) fn is_user_id(unit: &String) -> bool {
    unit == "user_id"
}

pub(crate) const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
pub(crate) const fn is_true(value: &bool) -> bool {
    *value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
pub(crate) const fn is_false(value: &bool) -> bool {
    !*value
}
