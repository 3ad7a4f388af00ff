//! Stamp: time of receipt, key and pseudonym are put on an event.

use super::Arrival;
use kerf_events::{Event, EventId, Record, Stamp};

/// The record of an event.
pub(super) fn stamp<'a>(
    event: Event<'a>,
    arrival: &Arrival<'_>,
    random: &mut impl FnMut() -> [u8; 10],
) -> Record<'a> {
    let fresh_id = EventId::v7(arrival.received, random());
    event.into_record(arrival.key, Stamp { received_at: arrival.received, fresh_id })
}
