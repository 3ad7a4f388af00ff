//! Exposures, and the buffer in which they wait to be sent.

use serde::{Deserialize, Serialize};

use crate::identity::hex;
use crate::{Moment, Now, Visit};

/// A batch is sent when it holds this many events,
const FULL: usize = 50;
/// or when its oldest event has waited this long, milliseconds.
const OLD_MS: i64 = 1_000;
/// Events that wait at most; with a collector away for long the oldest are dropped and counted.
const MOST: usize = 10_000;

/// An exposure as the collector takes it; its time is the one in the event id.
#[derive(Serialize)]
struct Event<'a> {
    event_id: String,
    event_type: &'static str,
    user_id: &'a str,
    experiment_id: &'a str,
    variant: &'a str,
    context: Segments<'a>,
}

/// Attributes that results can be segmented by.
#[derive(Serialize)]
pub(crate) struct Segments<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) country: Option<&'a str>,
    pub(crate) platform: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) device: Option<&'a str>,
}

impl<'a> Segments<'a> {
    pub(crate) fn of(visit: &'a Visit) -> Self {
        Self { country: visit.country.as_deref(), platform: "web", device: visit.device() }
    }
}

/// Makes the JSON text of one exposure. The event id is a UUIDv7 of the time and 74 random bits.
pub(crate) fn event(
    user_id: &str,
    assignment: (&str, &str),
    segments: Segments<'_>,
    moment: &mut Moment<'_>,
) -> Option<String> {
    let (experiment_id, variant) = assignment;
    serde_json::to_string(&Event {
        event_id: uuid_v7(moment),
        event_type: "exposure",
        user_id,
        experiment_id,
        variant,
        context: segments,
    })
    .ok()
}

/// A UUIDv7 (RFC 9562, section 5.7).
fn uuid_v7(moment: &mut Moment<'_>) -> String {
    let mut bytes = [0; 16];
    (moment.random)(&mut bytes);
    let milliseconds = moment.now.0.max(0).to_be_bytes();
    for (byte, time) in bytes.iter_mut().zip(&milliseconds[2..]) {
        *byte = *time;
    }
    bytes[6] = 0x70 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    let digits = hex(&bytes);
    let (a, rest) = digits.split_at(8);
    let (b, rest) = rest.split_at(4);
    let (c, rest) = rest.split_at(4);
    let (d, e) = rest.split_at(4);
    format!("{a}-{b}-{c}-{d}-{e}")
}

/// A body for `POST {collector}/v1/events`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    events: Vec<String>,
}

impl Batch {
    /// The JSON body.
    pub fn body(&self) -> String {
        format!("{{\"events\":[{}]}}", self.events.join(","))
    }

    /// Number of events.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether there is no event.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}

/// What the collector's answer to a batch means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// All events are safe.
    Taken,
    /// So many events are wrong, and stay so; the others are safe.
    Rejected(u64),
    /// The batch is wrong, and stays so.
    Refused,
    /// Nothing is said about the events: the collector is busy, away, or does not know the edge's key.
    Later,
}

impl Reply {
    /// Reads an answer.
    pub fn of(status: u16, body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Answer {
            rejected: u64,
        }
        match status {
            200..=299 => match serde_json::from_slice::<Answer>(body) {
                Ok(Answer { rejected: rejected @ 1.. }) => Self::Rejected(rejected),
                Ok(_) | Err(_) => Self::Taken,
            },
            401 | 403 | 408 | 429 | 500.. => Self::Later,
            _ => Self::Refused,
        }
    }
}

/// Exposures of several requests, waiting to be sent together. Plain data: it may be shared by requests of one isolate.
#[derive(Debug, Default)]
pub struct Exposures {
    waiting: Vec<String>,
    since: Option<i64>,
    dropped: u64,
}

impl Exposures {
    /// An empty buffer.
    pub const fn new() -> Self {
        Self { waiting: Vec::new(), since: None, dropped: 0 }
    }

    /// Adds the events of one request; gives a batch when it is full or old.
    pub fn push(&mut self, events: Vec<String>, now: Now) -> Option<Batch> {
        if !events.is_empty() {
            self.since.get_or_insert(now.0);
            self.waiting.extend(events);
        }
        self.take_due(now)
    }

    /// The batch, if it is full or old.
    pub fn take_due(&mut self, now: Now) -> Option<Batch> {
        let old = self.since.is_some_and(|since| now.0.saturating_sub(since) >= OLD_MS);
        if old || self.waiting.len() >= FULL { self.take_all() } else { None }
    }

    /// The batch, however young; `None` when it is empty.
    pub fn take_all(&mut self) -> Option<Batch> {
        self.since = None;
        let events = std::mem::take(&mut self.waiting);
        (!events.is_empty()).then_some(Batch { events })
    }

    /// Takes back a batch that could not be sent; beyond 10,000 events the oldest are dropped and counted.
    pub fn give_back(&mut self, batch: Batch, now: Now) {
        let younger = std::mem::replace(&mut self.waiting, batch.events);
        self.waiting.extend(younger);
        let over = self.waiting.len().saturating_sub(MOST);
        self.waiting.drain(..over);
        self.dropped = self.dropped.saturating_add(over as u64);
        self.since.get_or_insert(now.0);
    }

    /// Milliseconds after which the batch will be old, from its first event.
    pub const fn longest_wait_ms() -> i64 {
        OLD_MS
    }

    /// Events that wait.
    pub const fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none waits.
    pub const fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Events dropped because the collector was away for too long.
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(n: usize) -> Vec<String> {
        (0..n).map(|i| format!("{{\"n\":{i}}}")).collect()
    }

    #[test]
    fn a_batch_goes_when_full_or_old() {
        let mut buffer = Exposures::new();
        assert_eq!(buffer.push(events(49), Now(0)), None);
        assert_eq!(buffer.push(events(1), Now(1)).map(|batch| batch.len()), Some(50));
        assert_eq!(buffer.push(events(1), Now(10)), None);
        assert_eq!(buffer.push(Vec::new(), Now(1_009)), None);
        assert_eq!(buffer.push(Vec::new(), Now(1_010)).map(|batch| batch.len()), Some(1));
        assert_eq!(buffer.take_all(), None);
    }

    #[test]
    fn what_could_not_be_sent_comes_back_first_and_is_bounded() {
        let mut buffer = Exposures::new();
        let batch = buffer.push(events(50), Now(0)).unwrap();
        buffer.push(vec!["{\"n\":99}".into()], Now(1));
        buffer.give_back(batch, Now(2));
        assert_eq!(buffer.len(), 51);
        let batch = buffer.take_all().unwrap();
        assert!(
            batch.body().starts_with("{\"events\":[{\"n\":0},") && batch.body().ends_with("{\"n\":99}]}")
        );
        buffer.give_back(Batch { events: events(10_050) }, Now(3));
        assert_eq!((buffer.len(), buffer.dropped()), (10_000, 50));
    }

    #[test]
    fn an_answer_says_whether_to_try_again() {
        for (status, body, reply) in [
            (200, r#"{"accepted":1,"rejected":0,"results":[]}"#, Reply::Taken),
            (200, r#"{"accepted":1,"rejected":2,"results":[]}"#, Reply::Rejected(2)),
            (204, "", Reply::Taken),
            (400, "", Reply::Refused),
            (422, r#"{"accepted":0,"rejected":1,"results":[]}"#, Reply::Refused),
            (401, "", Reply::Later),
            (429, "", Reply::Later),
            (503, "", Reply::Later),
        ] {
            assert_eq!(Reply::of(status, body.as_bytes()), reply, "{status} {body}");
        }
    }

    #[test]
    fn event_ids_are_uuids_of_version_7() {
        let id = uuid_v7(&mut Moment { now: Now(0x0123_4567_89ab), random: &mut |bytes| bytes.fill(0xff) });
        assert_eq!(id, "01234567-89ab-7fff-bfff-ffffffffffff");
    }
}
