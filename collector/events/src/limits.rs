//! The limits that every event and batch is held to.
//!
//! They bound memory and storage, not use: each is far above what a well-behaved sender needs.

use std::time::Duration;

/// Events in one batch.
pub const BATCH_EVENTS: usize = 1_000;

/// Bytes of one request body.
pub const BATCH_BYTES: usize = 1_000_000;

/// UTF-8 bytes of `user_id` and `anonymous_id`.
pub const ID_BYTES: usize = 512;

/// UTF-8 bytes of `event_id` as text.
pub const EVENT_ID_BYTES: usize = 128;

/// UTF-8 bytes of a variant, a metric or the name of a diagnostic.
pub const LABEL_BYTES: usize = 128;

/// Entries in `context` or `properties`.
pub const ATTRIBUTES: usize = 64;

/// UTF-8 bytes of an attribute's name.
pub const ATTRIBUTE_NAME_BYTES: usize = 64;

/// UTF-8 bytes of an attribute's value.
pub const ATTRIBUTE_VALUE_BYTES: usize = 1_024;

/// How far an event's time may lie before its receipt: raw events are stored for 90 days by their own time, so an
/// older one would vanish without a word.
pub const OLDEST: Duration = Duration::from_hours(90 * 24);

/// How far an event's time may lie after its receipt: room for a sender's clock that is ahead.
pub const NEWEST: Duration = Duration::from_hours(1);
