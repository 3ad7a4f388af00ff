#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::string_slice, clippy::unreachable)]

#[cfg(any(test, feature = "compile", feature = "trace", feature = "adopt"))]
extern crate alloc;
#[cfg(any(test, feature = "compile"))]
extern crate std;

#[cfg(feature = "adopt")]
pub mod adopt;
mod bundle;
#[cfg(feature = "compile")]
mod compile;
mod context;
mod evaluate;
pub mod explain;
pub mod hash;
pub mod sticky;
mod targeting;
#[cfg(feature = "compile")]
pub mod wire;

pub use bundle::{Bundle, Entries, Entry, Handle, Kind, OpenError, State, Variant, VariantValue, Variants};
#[cfg(feature = "compile")]
pub use compile::{CompileError, Compiled, InvalidEntry, compile};
pub use context::{Attribute, Context, Forced, Subject, Value};
pub use evaluate::{Decision, ErrorCode, OpenFeatureReason, Reason, VariantIndex};
pub use targeting::Truth;
