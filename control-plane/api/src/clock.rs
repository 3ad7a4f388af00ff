//! The one place where the control plane looks at the clock.

use jiff::Timestamp;

/// Now, cut to microseconds: what Postgres keeps, so that what is written reads back as the same moment.
pub(crate) fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}
