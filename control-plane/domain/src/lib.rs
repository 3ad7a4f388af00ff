//! Experiments, layers, lifecycle and validation, without IO.
//!
//! What people write is a [`ExperimentSpec`]; what the system writes is an [`ExperimentStatus`]. JSON becomes these types
//! once, at the boundary, or a list of [`Violation`]s that says where each fault is. Time is an argument everywhere.
//! See `DESIGN.md` beside this crate.

mod bundle;
mod change;
mod document;
mod experiment;
mod key;
mod layer;
mod lifecycle;
mod merge_patch;
mod metric;
mod role;
mod share;
mod spec;
mod start;
mod status;
mod targeting;
mod variant;
mod version;
mod violation;

pub use bundle::wire_bundle;
pub use document::Fields;
pub use experiment::{ActionRequest, Experiment, Refusal};
pub use key::{Key, KeyError, LayerKey};
pub use layer::{BUCKETS, Layer, LayerFull, Range, RangeError, first_fit};
pub use lifecycle::{Action, IllegalTransition, Phase, TABLE};
pub use merge_patch::{changed_pointers, merge_patch};
pub use metric::{MetricName, MetricNameError};
pub use role::{Permission, Role};
pub use share::{BasisPoints, ShareError};
pub use spec::{Assignment, ExperimentSpec, SPEC_FIELDS, Unit};
pub use status::{Decision, ExperimentStatus};
pub use targeting::Targeting;
pub use variant::{Variant, Variants};
pub use version::Version;
pub use violation::{Violation, Violations, child_pointer};
