//! The body of a request, split into its events.

use crate::limits::{BATCH_BYTES, BATCH_EVENTS};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Why a body as a whole was refused.
#[derive(Debug, thiserror::Error)]
pub enum BatchFault {
    /// The body is not JSON, or `events` is not an array.
    #[error(
        "the body is not a batch of events: {0}; send {{\"events\": [...]}}, an array of events, or one event"
    )]
    Malformed(#[from] serde_json::Error),
    /// More events than one batch may have.
    #[error("the batch has {0} events; send at most {BATCH_EVENTS} at a time")]
    TooManyEvents(usize),
    /// More bytes than one body may have.
    #[error("the body has more than {BATCH_BYTES} bytes; send fewer events at a time")]
    TooManyBytes,
    /// No event at all.
    #[error("the batch is empty; send at least one event")]
    Empty,
}

/// The JSON text of each event in `{"events": […]}`, in a bare array, or of one event standing alone.
///
/// Events are not looked into: a broken one must not spoil the others.
///
/// # Errors
/// [`BatchFault`] when the body holds no batch, or one beyond the limits.
pub fn split(body: &[u8]) -> Result<Vec<&RawValue>, BatchFault> {
    if body.len() > BATCH_BYTES {
        return Err(BatchFault::TooManyBytes);
    }
    let whole: &RawValue = serde_json::from_slice(body)?;
    let events = if whole.get().starts_with('{') {
        serde_json::from_str::<Envelope<'_>>(whole.get())?.events.unwrap_or_else(|| vec![whole])
    } else {
        serde_json::from_str(whole.get())?
    };
    match events.len() {
        0 => Err(BatchFault::Empty),
        1..=BATCH_EVENTS => Ok(events),
        more => Err(BatchFault::TooManyEvents(more)),
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    events: Option<Vec<&'a RawValue>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(body: &str) -> Vec<&str> {
        split(body.as_bytes()).unwrap().into_iter().map(RawValue::get).collect()
    }

    #[test]
    fn the_three_shapes_are_split_alike() {
        let expected = vec![r#"{"a":1}"#, "7"];
        assert_eq!(texts(r#"{"events": [{"a":1}, 7]}"#), expected);
        assert_eq!(texts(r#"  [{"a":1}, 7]  "#), expected);
        assert_eq!(texts(r#" {"a":1} "#), vec![r#"{"a":1}"#]);
    }

    #[test]
    fn what_is_no_batch_is_refused_as_a_whole() {
        for bad in ["", "null", "7", "\"x\"", "[", "{\"events\": 7}", "[{]", "[{\"a\":1},]", "{} {}"] {
            assert!(matches!(split(bad.as_bytes()), Err(BatchFault::Malformed(_))), "{bad}");
        }
        assert!(matches!(split(b"[\"\xff\"]"), Err(BatchFault::Malformed(_))));
        assert!(matches!(split(b"[]"), Err(BatchFault::Empty)));
        assert!(matches!(split(b"{\"events\": []}"), Err(BatchFault::Empty)));
    }

    #[test]
    fn the_limits_are_held() {
        let many = |n: usize| format!("[{}]", vec!["1"; n].join(","));
        assert_eq!(split(many(1_000).as_bytes()).unwrap().len(), 1_000);
        assert!(matches!(split(many(1_001).as_bytes()), Err(BatchFault::TooManyEvents(1_001))));
        let long = format!("[\"{}\"]", "x".repeat(BATCH_BYTES));
        assert!(matches!(split(long.as_bytes()), Err(BatchFault::TooManyBytes)));
    }
}
