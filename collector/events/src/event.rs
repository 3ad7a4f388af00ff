//! A validated event, and the rules by which JSON becomes one.

use crate::attributes::Attributes;
use crate::field::{Entries, Field};
use crate::limits::ID_BYTES;
use crate::millis::Window;
use crate::record::Record;
use crate::rejection::{Code, Rejection};
use crate::{EventId, Key, Label, Millis, PseudonymKey};
use serde::Deserialize;
use std::borrow::Cow;

/// What the path of a request says about the events in it.
#[derive(Clone, Debug, Default)]
pub struct Implied<'a> {
    /// The type of every event: `exposure` or `metric`.
    pub event_type: Option<&'static str>,
    /// The experiment of every event.
    pub experiment: Option<Key<'a>>,
}

/// What happened; the part of an event that stays the same once ids are pseudonymised.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind<'a> {
    /// A unit met a variant.
    Exposure {
        /// The experiment.
        experiment: Key<'a>,
        /// The variant that was shown.
        variant: Label<'a>,
        /// What was known of the unit: country, platform, device and others.
        context: Attributes<'a>,
    },
    /// A unit did something that is measured.
    Metric {
        /// The one experiment that this counts for; without one it counts for all.
        experiment: Option<Key<'a>>,
        /// The metric.
        metric: Label<'a>,
        /// The measured value, always finite.
        value: f64,
        /// What else is known.
        properties: Attributes<'a>,
    },
    /// Something that bears on the trust in a result: a page that was not the assigned one, a refused bundle.
    Diagnostic {
        /// The experiment that it bears on, if any.
        experiment: Option<Key<'a>>,
        /// What it is.
        name: Label<'a>,
        /// What else is known.
        properties: Attributes<'a>,
    },
}

/// An event as its sender means it, held to every rule; the id in it is still the raw one.
#[derive(Clone, Debug, PartialEq)]
pub struct Event<'a> {
    /// The idempotency key, when the sender gave one.
    pub event_id: Option<EventId>,
    /// The user's id, else the anonymous one; only a diagnostic may have neither.
    pub id: Option<Cow<'a, str>>,
    /// When it happened, when the sender said so.
    pub timestamp: Option<Millis>,
    /// What happened.
    pub kind: Kind<'a>,
}

/// What the collector adds to an event on arrival.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    /// The time of receipt.
    pub received_at: Millis,
    /// The key of an event that came without one.
    pub fresh_id: EventId,
}

/// An event as it stands in JSON. Names that are not listed are ignored, so that a sender may be newer than we are.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(default, borrow)]
    event_id: Field<'a>,
    #[serde(default, borrow)]
    event_type: Field<'a>,
    #[serde(default, borrow)]
    user_id: Field<'a>,
    #[serde(default, borrow)]
    anonymous_id: Field<'a>,
    #[serde(default, borrow)]
    experiment_id: Field<'a>,
    #[serde(default, borrow)]
    variant: Field<'a>,
    #[serde(default, borrow)]
    metric: Field<'a>,
    #[serde(default, borrow)]
    name: Field<'a>,
    #[serde(default, borrow)]
    value: Field<'a>,
    #[serde(default, borrow)]
    timestamp: Field<'a>,
    #[serde(default, borrow)]
    context: Entries<'a>,
    #[serde(default, borrow)]
    properties: Entries<'a>,
}

impl<'a> Wire<'a> {
    fn read(json: &'a str) -> Result<Self, Rejection> {
        let malformed =
            |why: String| Rejection::event(Code::Malformed, format!("an event is a JSON object: {why}"));
        // Serde would take an array for the fields in order.
        if !json.trim_start().starts_with('{') {
            return Err(malformed("this is something else".to_owned()));
        }
        serde_json::from_str(json).map_err(|error| malformed(error.to_string()))
    }
}

enum Type<'a> {
    Exposure,
    Metric(Option<Label<'a>>),
    Diagnostic,
}

impl<'a> Event<'a> {
    /// Reads and judges one event.
    ///
    /// `received` is the time of receipt, against which the event's own time is held.
    ///
    /// # Errors
    /// A [`Rejection`] that names the first field that breaks a rule.
    pub fn parse(json: &'a str, implied: &Implied<'a>, received: Millis) -> Result<Self, Rejection> {
        let wire = Wire::read(json)?;
        let kind_of = event_type(wire.event_type, implied)?;
        let experiment = experiment(wire.experiment_id, implied)?;
        let event_id = event_id(wire.event_id)?;
        let timestamp = timestamp(wire.timestamp, event_id, received)?;
        let id = id(wire.user_id, "user_id")?
            .map_or_else(|| id(wire.anonymous_id, "anonymous_id"), |id| Ok(Some(id)))?;
        let kind = match kind_of {
            Type::Exposure => Kind::Exposure {
                experiment: experiment.ok_or_else(|| missing("experiment_id", "an exposure"))?,
                variant: required_label(wire.variant, "variant", "an exposure")?,
                context: Attributes::check(wire.context, "context")?,
            },
            Type::Metric(named) => Kind::Metric {
                experiment,
                metric: metric(named, wire.metric)?,
                value: value(&wire.value)?,
                properties: Attributes::check(wire.properties, "properties")?,
            },
            Type::Diagnostic => Kind::Diagnostic {
                experiment,
                name: required_label(wire.name, "name", "a diagnostic")?,
                properties: Attributes::check(wire.properties, "properties")?,
            },
        };
        if id.is_none() && !matches!(kind, Kind::Diagnostic { .. }) {
            let detail = "user_id or anonymous_id is required; without an id there is no unit to count";
            return Err(Rejection::field(Code::Missing, "user_id", detail));
        }
        Ok(Self { event_id, id, timestamp, kind })
    }

    /// The record that Kafka carries: ids replaced by their pseudonym, key and time always present.
    pub fn into_record(self, key: &PseudonymKey, stamp: Stamp) -> Record<'a> {
        Record {
            event_id: self.event_id.unwrap_or(stamp.fresh_id),
            unit: self.id.map(|id| key.unit(&id)),
            ts: self.timestamp.unwrap_or(stamp.received_at),
            received_at: stamp.received_at,
            kind: self.kind,
        }
    }
}

/// `exposure`, `metric` and `diagnostic` are types; any other name is a metric of that name.
fn event_type<'a>(field: Field<'a>, implied: &Implied<'_>) -> Result<Type<'a>, Rejection> {
    let text = match (field, implied.event_type) {
        (Field::Text(text), _) => text,
        (Field::Absent, Some(implied)) => Cow::Borrowed(implied),
        (Field::Absent, None) => {
            let detail = "event_type is required: exposure, metric, diagnostic, or the name of a metric";
            return Err(Rejection::field(Code::Missing, "event_type", detail));
        }
        _ => return Err(wrong_type("event_type", "a text")),
    };
    let (class, kind_of) = match text.as_ref() {
        "exposure" => ("exposure", Type::Exposure),
        "diagnostic" => ("diagnostic", Type::Diagnostic),
        "metric" => ("metric", Type::Metric(None)),
        _ => ("metric", Type::Metric(Some(label(text, "event_type")?))),
    };
    match implied.event_type {
        Some(implied) if implied != class => {
            let detail = format!("this path takes events of type {implied}, not {class}; use /v1/events");
            Err(Rejection::field(Code::Conflict, "event_type", detail))
        }
        _ => Ok(kind_of),
    }
}

fn experiment<'a>(field: Field<'a>, implied: &Implied<'a>) -> Result<Option<Key<'a>>, Rejection> {
    let given = match field {
        Field::Absent => return Ok(implied.experiment.clone()),
        Field::Text(text) => Key::parse(text).map_err(|text| {
            let detail = format!("{text:?} is not the key of an experiment: ^[a-z][a-z0-9_.-]{{0,63}}$");
            Rejection::field(Code::Invalid, "experiment_id", detail)
        })?,
        _ => return Err(wrong_type("experiment_id", "a text")),
    };
    match &implied.experiment {
        Some(implied) if *implied != given => {
            let detail =
                format!("the path says {}; leave experiment_id out or use /v1/events", implied.as_str());
            Err(Rejection::field(Code::Conflict, "experiment_id", detail))
        }
        _ => Ok(Some(given)),
    }
}

fn event_id(field: Field<'_>) -> Result<Option<EventId>, Rejection> {
    match field {
        Field::Absent => Ok(None),
        Field::Text(text) => EventId::from_text(&text).map(Some).ok_or_else(|| {
            let detail = "event_id is a UUID other than the nil UUID, or another text of 1 to 128 bytes";
            Rejection::field(Code::Invalid, "event_id", detail)
        }),
        _ => Err(wrong_type("event_id", "a text")),
    }
}

/// The time of an event: as given, else the one inside a UUIDv7, else (for an event without a key) none.
fn timestamp(field: Field<'_>, id: Option<EventId>, received: Millis) -> Result<Option<Millis>, Rejection> {
    let (at, source) = match (field, id) {
        (Field::Text(text), _) => {
            let at = Millis::from_rfc3339(&text).ok_or_else(|| {
                let detail =
                    format!("{text:?} is not RFC 3339 with an offset, such as 2026-11-25T10:00:00.123Z");
                Rejection::field(Code::Invalid, "timestamp", detail)
            })?;
            (at, "timestamp")
        }
        (Field::Absent, None) => return Ok(None),
        (Field::Absent, Some(id)) => {
            let at = id.time().ok_or_else(|| {
                let detail = "an event with an event_id needs a timestamp (or a UUIDv7 as event_id): \
                              the time of receipt would make a repeat another event";
                Rejection::field(Code::Missing, "timestamp", detail)
            })?;
            (at, "event_id")
        }
        _ => return Err(wrong_type("timestamp", "a text in RFC 3339, such as 2026-11-25T10:00:00.123Z")),
    };
    within(at, source, received).map(Some)
}

fn within(at: Millis, source: &str, received: Millis) -> Result<Millis, Rejection> {
    let (code, advice) = match at.window(received) {
        Window::Inside => return Ok(at),
        Window::TooOld => (
            Code::TooOld,
            "events are kept for 90 days by their own time, and this one is older: leave it out",
        ),
        Window::TooNew => (
            Code::InFuture,
            "at most one hour ahead of the collector's clock is taken: set the sender's clock",
        ),
    };
    let detail = format!("{} lies outside what is kept: {advice}", at.to_rfc3339());
    Err(Rejection::field(code, source, detail))
}

/// A text or a number as an id; an empty one is none.
fn id<'a>(field: Field<'a>, name: &str) -> Result<Option<Cow<'a, str>>, Rejection> {
    let text = match field {
        Field::Absent => return Ok(None),
        Field::Bool(_) | Field::Composite => return Err(wrong_type(name, "a text or a number")),
        field => field.into_text().unwrap_or_default(),
    };
    if text.len() > ID_BYTES {
        let detail = format!("{name} has {} bytes; at most {ID_BYTES} are taken", text.len());
        return Err(Rejection::field(Code::TooLong, name, detail));
    }
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// The metric that `event_type` named, or else the one in `metric`; both must agree.
fn metric<'a>(named: Option<Label<'a>>, field: Field<'a>) -> Result<Label<'a>, Rejection> {
    let Some(named) = named else {
        return required_label(field, "metric", "a metric event");
    };
    match field {
        Field::Absent => Ok(named),
        Field::Text(text) if text == named.as_str() => Ok(named),
        Field::Text(_) => {
            let detail = format!("event_type already names the metric {}; leave metric out", named.as_str());
            Err(Rejection::field(Code::Conflict, "metric", detail))
        }
        _ => Err(wrong_type("metric", "a text")),
    }
}

fn value(field: &Field<'_>) -> Result<f64, Rejection> {
    match field.number() {
        Some(value) if value.is_finite() => Ok(value),
        Some(_) => Err(Rejection::field(Code::Invalid, "value", "value must be finite")),
        None if field.is_absent() => {
            Err(missing("value", "a metric event (1 for something that happened once)"))
        }
        None => Err(wrong_type("value", "a number")),
    }
}

fn required_label<'a>(field: Field<'a>, name: &str, needed_by: &str) -> Result<Label<'a>, Rejection> {
    match field {
        Field::Absent => Err(missing(name, needed_by)),
        Field::Text(text) => label(text, name),
        _ => Err(wrong_type(name, "a text")),
    }
}

fn label<'a>(text: Cow<'a, str>, name: &str) -> Result<Label<'a>, Rejection> {
    Label::parse(text).map_err(|text| {
        let detail =
            format!("{name} has 1 to 128 bytes, no '/' and no control characters; {text:?} does not fit");
        Rejection::field(Code::Invalid, name, detail)
    })
}

fn missing(name: &str, needed_by: &str) -> Rejection {
    Rejection::field(Code::Missing, name, format!("{name} is required for {needed_by}"))
}

fn wrong_type(name: &str, expected: &str) -> Rejection {
    Rejection::field(Code::WrongType, name, format!("{name} must be {expected}"))
}
