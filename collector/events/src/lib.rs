//! Event schema, validation, limits, privacy.
//!
//! What this crate owns: how bytes that a sender posted become a validated [`Event`], and how that becomes the
//! pseudonymised [`Record`] which Kafka carries and the loader reads.
//!
//! ```text
//! body ─ batch::split ─► raw JSON of each event ─ Event::parse ─► Event ─ Event::into_record ─► Record ─► JSON
//! ```
//!
//! What it must not do: read a clock, draw a random number, or touch a network. The time of receipt and a fresh
//! event id come in as arguments, so that the same input always gives the same answer.

mod attributes;
pub mod batch;
mod event;
mod event_id;
mod field;
pub mod limits;
mod millis;
mod names;
mod record;
mod rejection;
mod unit;

pub use attributes::Attributes;
pub use batch::{BatchFault, split};
pub use event::{Event, Implied, Kind, Stamp};
pub use event_id::EventId;
pub use millis::Millis;
pub use names::{Key, Label};
pub use record::{RECORD_VERSION, Record, RecordFault};
pub use rejection::{Code, Rejection};
pub use unit::{PseudonymKey, PseudonymKeyError, Unit, UnitError};
