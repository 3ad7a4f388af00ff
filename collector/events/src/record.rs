//! What Kafka carries: one pseudonymised event as JSON, versioned.
//!
//! ```json
//! {"v":1,"type":"exposure","event_id":"0198…","unit":"<32 hex>","ts":1795600800123,"received_at":1795600800200,
//!  "experiment_id":"checkout","variant":"treatment","context":{"country":"DE"}}
//! {"v":1,"type":"metric",…,"experiment_id":"checkout"?,"metric":"conversion","value":1.0,"properties":{…}?}
//! {"v":1,"type":"diagnostic",…,"unit"?,"experiment_id"?,"name":"page_mismatch","properties":{…}?}
//! ```
//! Times are milliseconds since 1970-01-01 UTC. A field with `?` may be absent. A reader refuses a version that it
//! does not know; a new optional field is no new version, a changed meaning is.

use crate::field::Text;
use crate::millis::Window;
use crate::{Attributes, EventId, Key, Kind, Label, Millis, Unit};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The version of the JSON form that this crate writes.
pub const RECORD_VERSION: u32 = 1;

/// An event as it is stored: no raw id, and a key and time that a repeat does not change.
#[derive(Clone, Debug, PartialEq)]
pub struct Record<'a> {
    /// The idempotency key.
    pub event_id: EventId,
    /// The unit; only a diagnostic may be without one.
    pub unit: Option<Unit>,
    /// When it happened.
    pub ts: Millis,
    /// When the collector received it. A repeat has another one.
    pub received_at: Millis,
    /// What happened.
    pub kind: Kind<'a>,
}

/// Why bytes from Kafka are not a record that can be stored.
#[derive(Debug, thiserror::Error)]
pub enum RecordFault {
    /// Not JSON, or not of the form above.
    #[error("not a record: {0}")]
    Malformed(#[from] serde_json::Error),
    /// A version that this program does not know.
    #[error("record version {0} is not known here; this program reads version {RECORD_VERSION}: update it")]
    Version(u32),
    /// A type that this program does not know.
    #[error("record type {0:?} is not exposure, metric or diagnostic")]
    Type(String),
    /// A field that this type needs is absent, or holds what it must not.
    #[error("the field {0} is absent or invalid")]
    Field(&'static str),
    /// The event's own time lies outside [received - 90 days, received + 1 hour].
    #[error("the event's time {} lies too far from its receipt at {}", .ts.to_rfc3339(), .received_at.to_rfc3339())]
    Window {
        /// When it happened.
        ts: Millis,
        /// When it was received.
        received_at: Millis,
    },
}

impl RecordFault {
    /// A stable reason for the header of a dead letter and for metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Version(_) => "unknown_version",
            Self::Type(_) => "unknown_type",
            Self::Field(_) => "invalid_field",
            Self::Window { .. } => "timestamp_outside_window",
        }
    }
}

impl<'a> Record<'a> {
    /// Reads what [`Record::to_json`] wrote, holding it to the same rules as a new event: the topic may have other
    /// writers.
    ///
    /// # Errors
    /// A [`RecordFault`]; such bytes belong into the dead-letter topic.
    pub fn from_json(json: &'a [u8]) -> Result<Self, RecordFault> {
        let wire: Wire<'a> = serde_json::from_slice(json)?;
        if wire.v != RECORD_VERSION {
            return Err(RecordFault::Version(wire.v));
        }
        let (event_id, unit, ts, received_at) = (wire.event_id, wire.unit, wire.ts, wire.received_at);
        if ts.window(received_at) != Window::Inside {
            return Err(RecordFault::Window { ts, received_at });
        }
        let kind = wire.kind()?;
        if unit.is_none() && !matches!(kind, Kind::Diagnostic { .. }) {
            return Err(RecordFault::Field("unit"));
        }
        Ok(Self { event_id, unit, ts, received_at, kind })
    }

    /// The JSON form.
    ///
    /// # Errors
    /// None that a record can cause; the serialiser's signature has them.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&Wire::of(self))
    }
}

/// The JSON form; flat, because an internally tagged enum would be buffered before it is read.
#[derive(Serialize, Deserialize)]
struct Wire<'a> {
    v: u32,
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    event_id: EventId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<Unit>,
    ts: Millis,
    received_at: Millis,
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    experiment_id: Option<Text<'a>>,
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    variant: Option<Text<'a>>,
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    metric: Option<Text<'a>>,
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    name: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
    #[serde(default, borrow, skip_serializing_if = "Attributes::is_empty")]
    context: Attributes<'a>,
    #[serde(default, borrow, skip_serializing_if = "Attributes::is_empty")]
    properties: Attributes<'a>,
}

impl<'a> Wire<'a> {
    fn of(record: &Record<'a>) -> Self {
        let wire = |kind, experiment: Option<&Key<'a>>| Self {
            v: RECORD_VERSION,
            kind: Text(Cow::Borrowed(kind)),
            event_id: record.event_id,
            unit: record.unit,
            ts: record.ts,
            received_at: record.received_at,
            experiment_id: experiment.cloned().map(Key::into_text).map(Text),
            variant: None,
            metric: None,
            name: None,
            value: None,
            context: Attributes::default(),
            properties: Attributes::default(),
        };
        match record.kind.clone() {
            Kind::Exposure { experiment, variant, context } => Self {
                variant: Some(Text(variant.into_text())),
                context,
                ..wire("exposure", Some(&experiment))
            },
            Kind::Metric { experiment, metric, value, properties } => Self {
                metric: Some(Text(metric.into_text())),
                value: Some(value),
                properties,
                ..wire("metric", experiment.as_ref())
            },
            Kind::Diagnostic { experiment, name, properties } => Self {
                name: Some(Text(name.into_text())),
                properties,
                ..wire("diagnostic", experiment.as_ref())
            },
        }
    }

    fn kind(self) -> Result<Kind<'a>, RecordFault> {
        let experiment = match self.experiment_id {
            None => None,
            Some(Text(text)) => Some(Key::parse(text).map_err(|_| RecordFault::Field("experiment_id"))?),
        };
        match self.kind.0.as_ref() {
            "exposure" => Ok(Kind::Exposure {
                experiment: experiment.ok_or(RecordFault::Field("experiment_id"))?,
                variant: label(self.variant, "variant")?,
                context: self.context,
            }),
            "metric" => Ok(Kind::Metric {
                experiment,
                metric: label(self.metric, "metric")?,
                value: self.value.filter(|value| value.is_finite()).ok_or(RecordFault::Field("value"))?,
                properties: self.properties,
            }),
            "diagnostic" => Ok(Kind::Diagnostic {
                experiment,
                name: label(self.name, "name")?,
                properties: self.properties,
            }),
            other => Err(RecordFault::Type(other.to_owned())),
        }
    }
}

fn label<'a>(text: Option<Text<'a>>, field: &'static str) -> Result<Label<'a>, RecordFault> {
    text.and_then(|Text(text)| Label::parse(text).ok()).ok_or(RecordFault::Field(field))
}
