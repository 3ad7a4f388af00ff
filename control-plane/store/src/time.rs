//! `jiff` in the domain, `time` in sqlx, microseconds in Postgres.

use jiff::Timestamp;
use sqlx::types::time::OffsetDateTime;

use crate::error::StoreError;

/// For Postgres. Finer than microseconds is cut off; callers pass microseconds already.
pub(crate) fn to_sql(time: Timestamp) -> OffsetDateTime {
    // Every jiff timestamp lies within the years that `time` knows.
    OffsetDateTime::from_unix_timestamp_nanos(time.as_nanosecond()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// From Postgres.
pub(crate) fn from_sql(time: OffsetDateTime) -> Result<Timestamp, StoreError> {
    Timestamp::from_nanosecond(time.unix_timestamp_nanos())
        .map_err(|error| StoreError::corrupt("(any)", "timestamptz", &time.to_string(), &error))
}

/// From Postgres, where there may be none.
pub(crate) fn from_sql_opt(time: Option<OffsetDateTime>) -> Result<Option<Timestamp>, StoreError> {
    time.map(from_sql).transpose()
}
