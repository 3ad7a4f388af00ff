//! Parse: bytes become events, each judged alone.

use super::Arrival;
use kerf_events::{BatchFault, Event, Rejection, split};

/// The events of a body, or for each the reason why it is none.
pub(super) fn parse<'a>(
    body: &'a [u8],
    arrival: &Arrival<'a>,
) -> Result<Vec<Result<Event<'a>, Rejection>>, BatchFault> {
    let events = split(body)?;
    Ok(events.iter().map(|json| Event::parse(json.get(), &arrival.implied, arrival.received)).collect())
}
