//! What a sender sends is what the loader reads, whatever the texts and numbers are.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test fails by panicking; numbers in it are small"
)]

use kerf_events::{Event, EventId, Implied, Kind, Millis, PseudonymKey, Record, Stamp, split};
use proptest::prelude::*;
use serde_json::{Value, json};

const RECEIVED: Millis = Millis(1_795_600_800_000);

fn label() -> impl Strategy<Value = String> {
    "[^/\\p{Cc}]{1,32}"
}

fn attributes() -> impl Strategy<Value = Value> {
    let value = prop_oneof![
        any::<String>().prop_filter("short", |text| text.len() <= 1_024).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
    ];
    prop::collection::btree_map("[^\\p{Cc}]{1,16}", value, 0..6)
        .prop_map(|all| Value::Object(all.into_iter().collect()))
}

fn event() -> impl Strategy<Value = Value> {
    let id = "\\PC{1,40}";
    let at = 0..90_i64 * 86_400_000;
    let base = (id, any::<[u8; 16]>(), at);
    let kind = prop_oneof![
        (label(), any::<f64>().prop_filter("finite", |value| value.is_finite()), attributes()).prop_map(
            |(metric, value, properties)| {
                json!({"event_type": "metric", "metric": metric, "value": value, "properties": properties})
            }
        ),
        ("[a-z][a-z0-9_.-]{0,63}", label(), attributes()).prop_map(|(experiment, variant, context)| {
            json!({"event_type": "exposure", "experiment_id": experiment, "variant": variant, "context": context})
        }),
        (label(), attributes())
            .prop_map(|(name, properties)| json!({"event_type": "diagnostic", "name": name, "properties": properties})),
    ];
    (base, kind).prop_filter("the nil UUID is none", |((_, uuid, _), _)| *uuid != [0; 16]).prop_map(
        |((id, uuid, ago), mut event)| {
            event["user_id"] = json!(id);
            event["event_id"] = json!(EventId(uuid).to_string());
            event["timestamp"] = json!(Millis(RECEIVED.0 - ago).to_rfc3339());
            event
        },
    )
}

proptest! {
    #[test]
    fn a_record_survives_json(event in event()) {
        let json = event.to_string();
        let key = PseudonymKey::new(&[1; 32]).unwrap();
        let parsed = Event::parse(&json, &Implied::default(), RECEIVED).unwrap();
        let stamp = Stamp { received_at: RECEIVED, fresh_id: EventId::v7(RECEIVED, [0; 10]) };
        let record = parsed.into_record(&key, stamp);
        let bytes = record.to_json().unwrap();
        let again = Record::from_json(&bytes).unwrap();
        prop_assert_eq!(&again, &record);

        prop_assert_eq!(record.event_id.to_string(), event["event_id"].as_str().unwrap());
        prop_assert_eq!(record.ts.to_rfc3339(), event["timestamp"].as_str().unwrap());
        prop_assert_eq!(record.unit, Some(key.unit(event["user_id"].as_str().unwrap())));
        if let Kind::Metric { value, .. } = again.kind {
            prop_assert_eq!(value.to_bits(), event["value"].as_f64().unwrap().to_bits());
        }
    }

    #[test]
    fn a_batch_is_split_into_what_it_was_made_of(events in prop::collection::vec(event(), 1..8)) {
        let texts: Vec<String> = events.iter().map(Value::to_string).collect();
        for body in [format!("[{}]", texts.join(",")), format!("{{\"events\": [{}]}}", texts.join(" , "))] {
            let split: Vec<_> = split(body.as_bytes()).unwrap().iter().map(|raw| raw.get().to_owned()).collect();
            prop_assert_eq!(&split, &texts);
        }
    }

    #[test]
    fn no_bytes_bring_the_parser_down(bytes in prop::collection::vec(any::<u8>(), 0..200), text: String) {
        let _ = split(&bytes);
        let _ = Event::parse(&text, &Implied::default(), RECEIVED);
        let _ = Record::from_json(&bytes);
    }
}
