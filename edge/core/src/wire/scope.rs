//! What groups units in the wire form: segments, layers, holdouts.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Condition, Id, is_user_id, user_id};

/// A named condition with lists of ids: in if listed as included, out if listed as excluded, else as `when` says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// Key, unique among segments.
    pub key: String,
    /// Attribute that the lists are about.
    #[serde(default = "user_id", skip_serializing_if = "is_user_id")]
    pub unit: String,
    /// Units that are in, whatever else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included: Vec<Id>,
    /// Units that are out unless included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<Id>,
    /// Condition for all others; nobody when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
}

/// A layer: experiments in it share units by ranges that never overlap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// Key, unique among layers.
    pub key: String,
    /// Attribute that every experiment of the layer has as its unit.
    #[serde(default = "user_id", skip_serializing_if = "is_user_id")]
    pub unit: String,
}

/// A share of units kept from experiments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holdout {
    /// Key, unique among holdouts; part of the hash.
    pub key: String,
    /// Attribute that experiments in scope have as their unit.
    #[serde(default = "user_id", skip_serializing_if = "is_user_id")]
    pub unit: String,
    /// Share held out, basis points; at most 5000 in paired mode.
    pub bp: u16,
    /// Simple or paired.
    #[serde(default)]
    pub mode: HoldoutMode,
    /// What it applies to by itself.
    #[serde(default)]
    pub scope: Scope,
    /// Units for whom this is true are never held out (staff).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclude: Option<Condition>,
}

/// How a holdout holds out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldoutMode {
    /// `bp` of units get control of everything in scope.
    #[default]
    Simple,
    /// Another `bp` get what was shipped, but never a running experiment.
    Paired,
}

/// What a holdout applies to without being named there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Every experiment with the holdout's unit, and every rule marked as shipped.
    Global,
    /// Every experiment of these layers.
    Layers(Vec<String>),
    /// Only what names it.
    #[default]
    Named,
}
