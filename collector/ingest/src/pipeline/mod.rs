//! The pure part: from a body to messages for Kafka. No clock, no network; time and randomness come in.

mod parse;
mod route;
mod stamp;

pub(crate) use route::Outgoing;

use kerf_events::{BatchFault, EventId, Implied, Millis, PseudonymKey, Rejection};

/// What arrived with a request, beside its body.
pub(crate) struct Arrival<'a> {
    /// What the path says about every event.
    pub(crate) implied: Implied<'a>,
    /// The time of receipt.
    pub(crate) received: Millis,
    /// The secret under which ids become units.
    pub(crate) key: &'a PseudonymKey,
}

/// What becomes of each event, in the order sent: its key, or why it was refused.
pub(crate) type Verdict = Result<EventId, Rejection>;

/// A body taken apart.
pub(crate) struct Intake {
    pub(crate) verdicts: Vec<Verdict>,
    /// The messages of the events that were not refused, in the same order.
    pub(crate) outgoing: Vec<Outgoing>,
}

/// Runs a body through parse, stamp and route. `random` gives ten random bytes for each key that has to be made.
pub(crate) fn run(
    body: &[u8],
    arrival: &Arrival<'_>,
    mut random: impl FnMut() -> [u8; 10],
) -> Result<Intake, BatchFault> {
    let events = parse::parse(body, arrival)?;
    let mut intake =
        Intake { verdicts: Vec::with_capacity(events.len()), outgoing: Vec::with_capacity(events.len()) };
    for event in events {
        let verdict = event.and_then(|event| {
            let record = stamp::stamp(event, arrival, &mut random);
            intake.outgoing.push(route::route(&record)?);
            Ok(record.event_id)
        });
        intake.verdicts.push(verdict);
    }
    Ok(intake)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kerf_events::Record;

    const RECEIVED: Millis = Millis(1_795_600_800_000);

    fn intake(body: &str) -> Intake {
        let key = PseudonymKey::new(&[7; 32]).unwrap();
        let arrival = Arrival { implied: Implied::default(), received: RECEIVED, key: &key };
        run(body.as_bytes(), &arrival, || [1; 10]).unwrap()
    }

    #[test]
    fn a_broken_event_does_not_spoil_its_neighbours() {
        let good = r#"{"event_type":"signup","user_id":"u1","value":1}"#;
        let intake = intake(&format!("[{good}, 7, {good}]"));
        let fates: Vec<bool> = intake.verdicts.iter().map(Result::is_ok).collect();
        assert_eq!(fates, [true, false, true]);
        assert_eq!(intake.outgoing.len(), 2);
    }

    #[test]
    fn the_message_is_keyed_by_unit_and_knows_no_raw_id() {
        let intake = intake(r#"[{"event_type":"signup","user_id":"marta@example.org","value":1}]"#);
        let message = &intake.outgoing[0];
        let record = Record::from_json(&message.payload).unwrap();
        assert_eq!(message.key, record.unit.map(kerf_events::Unit::hex));
        assert_eq!((record.ts, record.received_at), (RECEIVED, RECEIVED));
        assert!(!String::from_utf8_lossy(&message.payload).contains("marta"));
        assert_eq!(*intake.verdicts[0].as_ref().unwrap(), EventId::v7(RECEIVED, [1; 10]));
    }

    #[test]
    fn a_repeat_differs_in_nothing_but_the_time_of_receipt() {
        let body = r#"[{"event_id":"order-1","event_type":"order","user_id":"u1","value":9.5,"timestamp":"2026-11-25T09:00:00Z"}]"#;
        let key = PseudonymKey::new(&[7; 32]).unwrap();
        let records = [0, 60_000].map(|later| {
            let received = Millis(RECEIVED.0 + later);
            let arrival = Arrival { implied: Implied::default(), received, key: &key };
            run(body.as_bytes(), &arrival, || [1; 10]).unwrap().outgoing.remove(0).payload
        });
        let [first, mut again] = records.each_ref().map(|payload| Record::from_json(payload).unwrap());
        assert_ne!(first, again);
        again.received_at = first.received_at;
        assert_eq!(first, again);
    }
}
