//! From the JSON form to the binary form. The same input gives the same bytes, whatever the machine.
//!
//! What is wrong with one entry becomes an invalid entry with the reason; only what concerns the whole bundle is an error.

mod address;
mod conditions;
mod entries;
mod error;
mod experiment;
mod flag;
mod groups;
mod holdouts;
mod ids;
mod json;
mod links;
mod perfect_hash;
mod regex;
mod sections;
mod segments;
mod test;
mod version_range;

use alloc::string::String;
use alloc::vec::Vec;

pub use error::{CompileError, InvalidEntry};

use crate::bundle::layout::{FORMAT, Header, MAGIC};
use crate::context::parse_date;
use crate::hash::IdKey;
use crate::wire;
use entries::Compiler;

/// A compiled bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compiled {
    /// What edges open.
    pub bytes: Vec<u8>,
    /// Entries, segments, layers and holdouts that could not be compiled. An entry among them is in the bundle, decided with
    /// the reason `invalid`; one without a usable key is not.
    pub invalid: Vec<InvalidEntry>,
}

/// Compiles a bundle.
///
/// # Errors
/// When the wire form has another version, its header cannot be read, or it holds more than a bundle can.
///
/// ```
/// use kerf_core::{Bundle, compile, wire};
/// let wire: wire::Bundle = serde_json::from_str(
///     r#"{"format":1,"environment":"production","version":7,"created":"2026-11-25T04:00:00Z",
///         "experiments":[{"key":"checkout_color","variants":[
///             {"key":"control","weight_bp":5000},{"key":"treatment","weight_bp":5000}]}]}"#,
/// )?;
/// let compiled = compile(&wire)?;
/// assert!(compiled.invalid.is_empty());
/// assert!(Bundle::open(&compiled.bytes)?.find("checkout_color").is_some());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn compile(wire: &wire::Bundle) -> Result<Compiled, CompileError> {
    if wire.format != 1 {
        return Err(CompileError::Format { found: wire.format });
    }
    if wire.environment.is_empty()
        || wire.environment.len() > 255
        || wire.environment.contains(char::is_control)
    {
        return Err(CompileError::Environment);
    }
    let created = parse_date(&wire.created).ok_or(CompileError::Created)?.div_euclid(1000);
    let id_key = match &wire.id_key {
        Some(hex) => ids::key_from_hex(hex).ok_or(CompileError::IdKey)?,
        None => IdKey::derived(&wire.environment, wire.version),
    };
    let mut compiler = Compiler::new(wire, id_key);
    let hash = compiler.run()?;
    let (environment, environment_len) = compiler.sections.string(&wire.environment)?;
    if let Some(settings) = &wire.settings {
        compiler.sections.settings = json::canonical(settings).into_bytes();
    }
    let header = Header {
        magic: MAGIC,
        format: FORMAT,
        sections: 0,
        total_len: 0,
        // A reader of format 1 would not find the keys.
        min_reader: FORMAT,
        version: wire.version,
        created,
        id_key: u128::from_le_bytes(id_key.0),
        environment,
        environment_len: u16::try_from(environment_len).unwrap_or(u16::MAX),
        key_seed: hash.seed,
    };
    let bytes = compiler.sections.write(header, &hash)?;
    Ok(Compiled { bytes, invalid: compiler.invalid })
}

/// What is wrong with an entry, in words for the person who wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal(pub(crate) String);

impl Refusal {
    /// Says where in the entry it is.
    fn within(self, place: &str) -> Self {
        Self(alloc::format!("{place}: {}", self.0))
    }
}

impl From<CompileError> for Refusal {
    fn from(error: CompileError) -> Self {
        Self(alloc::format!("{error}"))
    }
}

/// Makes a refusal from a format string.
macro_rules! refuse {
    ($($part:tt)*) => { crate::compile::Refusal(alloc::format!($($part)*)) };
}
pub(crate) use refuse;
