//! The rules of an event, as a sender meets them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::too_many_lines,
    reason = "a test fails by panicking; numbers in it are small, a table of cases is long"
)]

use kerf_events::{Event, EventId, Implied, Key, Kind, Millis, PseudonymKey, Record, Rejection, Stamp};

/// 2026-11-25T10:00:00Z.
const RECEIVED: Millis = Millis(1_795_600_800_000);

fn parse<'a>(json: &'a str, implied: &Implied<'a>) -> Result<Event<'a>, Rejection> {
    Event::parse(json, implied, RECEIVED)
}

fn accepted(json: &str) -> Event<'_> {
    parse(json, &Implied::default()).unwrap_or_else(|why| panic!("{json}: {why}"))
}

fn for_experiment(key: &str) -> Implied<'_> {
    Implied { event_type: None, experiment: Some(Key::parse(key).unwrap()) }
}

#[test]
fn what_breaks_a_rule_is_refused_with_code_and_place() {
    let deep = "x".repeat(129);
    let id = "x".repeat(513);
    let many: Vec<String> = (0..65).map(|n| format!("\"k{n}\":1")).collect();
    let cases = [
        ("7", "malformed", ""),
        ("[]", "malformed", ""),
        (r#"{"event_type":"m","event_type":"m"}"#, "malformed", ""),
        (r#"{"user_id":"u","value":1}"#, "missing", "/event_type"),
        (r#"{"event_type":7,"user_id":"u","value":1}"#, "wrong_type", "/event_type"),
        (r#"{"event_type":"a/b","user_id":"u","value":1}"#, "invalid", "/event_type"),
        (r#"{"event_type":"m","value":1}"#, "missing", "/user_id"),
        (r#"{"event_type":"m","user_id":"","anonymous_id":null,"value":1}"#, "missing", "/user_id"),
        (r#"{"event_type":"m","user_id":true,"value":1}"#, "wrong_type", "/user_id"),
        (r#"{"event_type":"m","anonymous_id":{},"value":1}"#, "wrong_type", "/anonymous_id"),
        (&format!(r#"{{"event_type":"m","user_id":"{id}","value":1}}"#), "too_long", "/user_id"),
        (r#"{"event_type":"m","user_id":"u"}"#, "missing", "/value"),
        (r#"{"event_type":"m","user_id":"u","value":null}"#, "missing", "/value"),
        (r#"{"event_type":"m","user_id":"u","value":"1"}"#, "wrong_type", "/value"),
        (r#"{"event_type":"m","user_id":"u","value":1e400}"#, "malformed", ""),
        (r#"{"event_type":"metric","user_id":"u","value":1}"#, "missing", "/metric"),
        (r#"{"event_type":"m","metric":"n","user_id":"u","value":1}"#, "conflict", "/metric"),
        (
            &format!(r#"{{"event_type":"metric","metric":"{deep}","user_id":"u","value":1}}"#),
            "invalid",
            "/metric",
        ),
        (r#"{"event_type":"exposure","user_id":"u","variant":"a"}"#, "missing", "/experiment_id"),
        (r#"{"event_type":"exposure","user_id":"u","experiment_id":"e"}"#, "missing", "/variant"),
        (
            r#"{"event_type":"exposure","user_id":"u","experiment_id":"E","variant":"a"}"#,
            "invalid",
            "/experiment_id",
        ),
        (
            r#"{"event_type":"exposure","user_id":"u","experiment_id":"e","variant":["a"]}"#,
            "wrong_type",
            "/variant",
        ),
        (r#"{"event_type":"diagnostic"}"#, "missing", "/name"),
        (r#"{"event_type":"m","event_id":"","user_id":"u","value":1}"#, "invalid", "/event_id"),
        (r#"{"event_type":"m","event_id":5,"user_id":"u","value":1}"#, "wrong_type", "/event_id"),
        (r#"{"event_type":"m","event_id":"order-1","user_id":"u","value":1}"#, "missing", "/timestamp"),
        (r#"{"event_type":"m","user_id":"u","value":1,"timestamp":1795600800}"#, "wrong_type", "/timestamp"),
        (r#"{"event_type":"m","user_id":"u","value":1,"timestamp":"yesterday"}"#, "invalid", "/timestamp"),
        (
            r#"{"event_type":"m","user_id":"u","value":1,"timestamp":"2026-11-25T10:00:00"}"#,
            "invalid",
            "/timestamp",
        ),
        (
            r#"{"event_type":"m","user_id":"u","value":1,"timestamp":"2026-08-27T09:59:59.999Z"}"#,
            "timestamp_too_old",
            "/timestamp",
        ),
        (
            r#"{"event_type":"m","user_id":"u","value":1,"timestamp":"2026-11-25T11:00:00.001Z"}"#,
            "timestamp_in_future",
            "/timestamp",
        ),
        (
            r#"{"event_type":"m","event_id":"017F22E2-79B0-7CC3-98C4-DC0C0C07398F","user_id":"u","value":1}"#,
            "timestamp_too_old",
            "/event_id",
        ),
        (r#"{"event_type":"m","user_id":"u","value":1,"properties":[]}"#, "wrong_type", "/properties"),
        (
            r#"{"event_type":"m","user_id":"u","value":1,"properties":{"a/b":{}}}"#,
            "wrong_type",
            "/properties/a~1b",
        ),
        (
            r#"{"event_type":"m","user_id":"u","value":1,"properties":{"a":1,"a":2}}"#,
            "conflict",
            "/properties/a",
        ),
        (
            &format!(r#"{{"event_type":"m","user_id":"u","value":1,"properties":{{{}}}}}"#, many.join(",")),
            "too_many",
            "/properties",
        ),
    ];
    for (json, code, pointer) in cases {
        let why = parse(json, &Implied::default()).expect_err(json);
        assert_eq!((why.code.as_str(), why.pointer.as_str()), (code, pointer), "{json}: {why}");
        assert!(!why.detail.is_empty());
    }
}

#[test]
fn the_edges_of_the_time_window_are_inside() {
    for at in ["2026-08-27T10:00:00Z", "2026-11-25T11:00:00Z", "2026-11-25T12:00:00+01:00"] {
        accepted(&format!(r#"{{"event_type":"m","user_id":"u","value":1,"timestamp":"{at}"}}"#));
    }
}

#[test]
fn the_seed_shape_is_a_metric_of_the_experiment_in_the_path() {
    let implied = for_experiment("checkout");
    let event = parse(r#"{"user_id": "u", "event_type": "conversion", "value": 1}"#, &implied).unwrap();
    let Kind::Metric { experiment, metric, value, .. } = event.kind else { panic!("{event:?}") };
    assert_eq!(experiment.unwrap().as_str(), "checkout");
    assert_eq!((metric.as_str(), value), ("conversion", 1.0));
}

#[test]
fn what_the_path_implies_must_not_be_contradicted() {
    let path = for_experiment("checkout");
    let event = r#"{"user_id":"u","event_type":"m","value":1,"experiment_id":"checkout"}"#;
    assert!(parse(event, &path).is_ok());
    let other = r#"{"user_id":"u","event_type":"m","value":1,"experiment_id":"other"}"#;
    assert_eq!(parse(other, &path).unwrap_err().pointer, "/experiment_id");

    let exposures = Implied { event_type: Some("exposure"), experiment: None };
    assert!(parse(r#"{"user_id":"u","experiment_id":"e","variant":"a"}"#, &exposures).is_ok());
    assert!(
        parse(r#"{"event_type":"exposure","user_id":"u","experiment_id":"e","variant":"a"}"#, &exposures)
            .is_ok()
    );
    assert_eq!(parse(event, &exposures).unwrap_err().code.as_str(), "conflict");
    let metrics = Implied { event_type: Some("metric"), experiment: None };
    assert!(parse(r#"{"event_type":"signup","user_id":"u","value":1}"#, &metrics).is_ok());
}

#[test]
fn ids_are_taken_as_given_and_user_id_comes_first() {
    let id = |json: &str| accepted(json).id.map(|id| id.into_owned());
    assert_eq!(
        id(r#"{"event_type":"m","user_id":" Ü ","anonymous_id":"a","value":1}"#).as_deref(),
        Some(" Ü ")
    );
    assert_eq!(id(r#"{"event_type":"m","user_id":"","anonymous_id":"a","value":1}"#).as_deref(), Some("a"));
    assert_eq!(id(r#"{"event_type":"m","user_id":42,"value":1}"#).as_deref(), Some("42"));
    assert_eq!(id(r#"{"event_type":"m","user_id":"\u0034\u0032","value":1}"#).as_deref(), Some("42"));
    assert_eq!(id(r#"{"event_type":"diagnostic","name":"n"}"#), None);
}

#[test]
fn the_time_is_the_given_one_else_that_of_the_key_else_that_of_receipt() {
    let key = PseudonymKey::new(&[1; 32]).unwrap();
    let fresh_id = EventId::v7(RECEIVED, [9; 10]);
    let record = |json: &str| {
        let record = accepted(json).into_record(&key, Stamp { received_at: RECEIVED, fresh_id });
        (record.ts.0 - RECEIVED.0, record.event_id)
    };
    let earlier = EventId::v7(Millis(RECEIVED.0 - 5_000), [3; 10]);
    let with_key = format!(r#"{{"event_type":"m","event_id":"{earlier}","user_id":"u","value":1}}"#);
    assert_eq!(record(&with_key), (-5_000, earlier));
    let with_both = with_key.replace("\"value\"", r#""timestamp":"2026-11-25T09:59:59Z","value""#);
    assert_eq!(record(&with_both), (-1_000, earlier));
    assert_eq!(record(r#"{"event_type":"m","user_id":"u","value":1}"#), (0, fresh_id));
}

#[test]
fn attributes_are_texts_sorted_by_name() {
    let event = accepted(
        r#"{"event_type":"exposure","user_id":"u","experiment_id":"e","variant":"a",
            "context":{"vip":true,"country":"DE","age":41,"ratio":0.5,"gone":null}}"#,
    );
    let Kind::Exposure { mut context, .. } = event.kind else { panic!("{event:?}") };
    let all: Vec<_> = context.iter().collect();
    assert_eq!(all, [("age", "41"), ("country", "DE"), ("ratio", "0.5"), ("vip", "true")]);
    assert_eq!(context.take("country").as_deref(), Some("DE"));
    assert_eq!(context.take("country"), None);
}

#[test]
fn unknown_fields_are_ignored() {
    accepted(r#"{"event_type":"m","user_id":"u","value":1,"sdk":{"name":"x","tags":[1,2]}}"#);
}

#[test]
fn records_that_are_not_ours_are_refused_with_a_reason() {
    let key = PseudonymKey::new(&[1; 32]).unwrap();
    let stamp = Stamp { received_at: RECEIVED, fresh_id: EventId::v7(RECEIVED, [9; 10]) };
    let event = accepted(r#"{"event_type":"m","user_id":"u","value":1}"#);
    let good = String::from_utf8(event.into_record(&key, stamp).to_json().unwrap()).unwrap();
    assert!(Record::from_json(good.as_bytes()).is_ok());
    let cases = [
        (String::new(), "malformed"),
        (good.replace("\"v\":1", "\"v\":2"), "unknown_version"),
        (good.replace("\"metric\",\"event_id\"", "\"survey\",\"event_id\""), "unknown_type"),
        (good.replace("\"metric\":\"m\"", "\"metric\":\"a/b\""), "invalid_field"),
        (good.replace("\"value\":1.0", "\"value\":null"), "invalid_field"),
        (good.replace("\"unit\":", "\"was_unit\":"), "invalid_field"),
        (good.replace(&format!("\"ts\":{}", RECEIVED.0), "\"ts\":0"), "timestamp_outside_window"),
    ];
    for (json, reason) in cases {
        assert_ne!(json, good);
        assert_eq!(Record::from_json(json.as_bytes()).expect_err(&json).reason(), reason, "{json}");
    }
}
