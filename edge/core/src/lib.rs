#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

#[cfg(any(test, feature = "compile", feature = "trace"))]
extern crate alloc;
#[cfg(test)]
extern crate std;

mod bundle;
mod context;
mod evaluate;
pub mod explain;
pub mod hash;
pub mod sticky;
mod targeting;
#[cfg(feature = "compile")]
pub mod wire;

pub use bundle::{Bundle, Entries, Entry, Handle, Kind, OpenError, State, Variant, VariantValue, Variants};
pub use context::{Attribute, Context, Forced, Subject, Value};
pub use evaluate::{Decision, ErrorCode, OpenFeatureReason, Reason, VariantIndex};
pub use targeting::Truth;
