//! Points in time, to the millisecond.

use crate::limits;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A point in time as whole milliseconds since 1970-01-01 UTC, the precision that ClickHouse stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub i64);

/// Where a time lies relative to what may be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Window {
    Inside,
    TooOld,
    TooNew,
}

impl Millis {
    /// Reads RFC 3339 text with an offset (`2026-11-25T10:00:00.123Z`); what is finer than a millisecond is cut off.
    pub(crate) fn from_rfc3339(text: &str) -> Option<Self> {
        let instant: jiff::Timestamp = text.parse().ok()?;
        Some(Self(instant.as_nanosecond().div_euclid(1_000_000).try_into().ok()?))
    }

    /// RFC 3339 text in UTC, or the number of milliseconds when it lies outside the calendar.
    pub fn to_rfc3339(self) -> String {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(instant) => format!("{instant:.3}"),
            Err(_) => format!("{} ms", self.0),
        }
    }

    /// This time, moved by `by` into the past.
    pub(crate) fn before(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(millis(by)))
    }

    /// This time, moved by `by` into the future.
    pub(crate) fn after(self, by: Duration) -> Self {
        Self(self.0.saturating_add(millis(by)))
    }

    /// Compares this time of an event with the time at which it was received.
    pub(crate) fn window(self, received: Self) -> Window {
        if self < received.before(limits::OLDEST) {
            Window::TooOld
        } else if self > received.after(limits::NEWEST) {
            Window::TooNew
        } else {
            Window::Inside
        }
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3339_is_cut_to_the_millisecond() {
        // GNU date 9.1: date -u -d 2026-11-25T10:00:00 +%s
        assert_eq!(Millis::from_rfc3339("2026-11-25T10:00:00Z"), Some(Millis(1_795_600_800_000)));
        assert_eq!(Millis::from_rfc3339("2026-11-25T11:00:00.123999+01:00"), Some(Millis(1_795_600_800_123)));
        assert_eq!(Millis::from_rfc3339("1969-12-31T23:59:59.9995Z"), Some(Millis(-1)));
        assert_eq!(Millis(1_795_600_800_123).to_rfc3339(), "2026-11-25T10:00:00.123Z");
    }

    #[test]
    fn a_time_without_an_offset_is_refused() {
        assert_eq!(Millis::from_rfc3339("2026-11-25T10:00:00"), None);
        assert_eq!(Millis::from_rfc3339("2026-11-25"), None);
        assert_eq!(Millis::from_rfc3339(""), None);
    }

    #[test]
    fn the_window_includes_both_ends() {
        let received = Millis(1_795_600_800_000);
        let day = 86_400_000;
        assert_eq!(Millis(received.0 - 90 * day).window(received), Window::Inside);
        assert_eq!(Millis(received.0 - 90 * day - 1).window(received), Window::TooOld);
        assert_eq!(Millis(received.0 + 3_600_000).window(received), Window::Inside);
        assert_eq!(Millis(received.0 + 3_600_001).window(received), Window::TooNew);
        assert_eq!(Millis(i64::MIN).window(Millis(i64::MIN)), Window::Inside);
    }
}
