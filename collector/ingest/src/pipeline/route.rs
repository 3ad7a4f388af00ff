//! Route: where in Kafka a record belongs.

use kerf_events::{Code, Record, Rejection, Unit};

/// A message on its way to the topic of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outgoing {
    /// The unit as hex digits: all events of a unit are in one partition. A record without a unit has no key.
    pub(crate) key: Option<[u8; 32]>,
    /// The record as JSON.
    pub(crate) payload: Vec<u8>,
}

/// The message of a record.
pub(super) fn route(record: &Record<'_>) -> Result<Outgoing, Rejection> {
    let payload = record.to_json().map_err(|error| Rejection {
        code: Code::Malformed,
        pointer: String::new(),
        detail: format!("the event cannot be written as JSON: {error}"),
    })?;
    Ok(Outgoing { key: record.unit.map(Unit::hex), payload })
}
