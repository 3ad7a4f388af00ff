//! Which days have to be built again, as a pure function of block numbers.
//!
//! Every insert into a raw table takes the next block number, so a day whose newest number differs from the one that was
//! built has changed. Merges and expiry leave the number of a partition alone or take the partition away.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

/// Days that raw events are kept: the TTL of the raw tables, which the loader's schema sets.
const RAW_RETENTION_DAYS: i64 = 90;

/// Days before the first exposure that count as the time before: a week, so that every weekday is in it once.
pub(crate) const PRE_DAYS: i64 = 7;

/// The newest block of a day in each raw table; 0 where it has no rows of that day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Blocks {
    pub(crate) metric: u64,
    pub(crate) exposure: u64,
    pub(crate) diagnostic: u64,
}

/// The newest blocks of each day.
pub(crate) type Found = BTreeMap<Date, Blocks>;

/// The days to build, in the order in which they have to be built.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Days whose metrics changed: `unit_day`.
    pub(crate) metrics: Vec<Date>,
    /// Days whose diagnostics changed: `diagnostic_day`.
    pub(crate) diagnostics: Vec<Date>,
    /// Days whose join to the experiments changed, newest first. A day is recorded as built after it and every later day
    /// was joined again, so that a kill in between leaves its cause unrecorded and the next pass repeats it.
    pub(crate) joined: Vec<Date>,
}

/// The oldest day that may still be rebuilt at `now`.
///
/// What is older is about to expire from raw or has; a rebuild would replace two years of roll-ups by nothing.
/// An hour of margin keeps a rebuild that runs over midnight on the safe side.
pub(crate) fn oldest_rebuildable(now: Timestamp) -> Date {
    let day = TimeZone::UTC.to_datetime(now + 1.hour()).date();
    day.saturating_sub((RAW_RETENTION_DAYS - 1).days())
}

/// Compares what raw has with what was built.
pub(crate) fn plan(found: &Found, built: &Found, oldest: Date) -> Plan {
    let open: Found = found.range(oldest..).map(|(day, blocks)| (*day, *blocks)).collect();
    let changed = |of: fn(&Blocks) -> u64| -> Vec<Date> {
        let before = |day: &Date| built.get(day).map_or(0, of);
        open.iter().filter(|(day, blocks)| of(blocks) != before(day)).map(|(day, _)| *day).collect()
    };
    let metrics = changed(|blocks| blocks.metric);
    let diagnostics = changed(|blocks| blocks.diagnostic);
    let exposures = changed(|blocks| blocks.exposure);

    let mut joined: BTreeSet<Date> = diagnostics.iter().copied().collect();
    // A first exposure that moved changes every later day of its unit.
    if let Some(first) = exposures.first() {
        joined.extend(open.range(*first..).map(|(day, _)| *day));
    }
    // A day's metrics are in its own rows and in the week before the exposures of the days after it.
    for day in &metrics {
        joined.extend(open.range(*day..=day.saturating_add(PRE_DAYS.days())).map(|(day, _)| *day));
    }
    Plan { metrics, diagnostics, joined: joined.into_iter().rev().collect() }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn day(day: i8) -> Date {
        date(2026, 6, day)
    }

    fn days(rows: &[(i8, u64, u64, u64)]) -> Found {
        rows.iter()
            .map(|&(at, metric, exposure, diagnostic)| (day(at), Blocks { metric, exposure, diagnostic }))
            .collect()
    }

    #[test]
    fn nothing_changed_builds_nothing() {
        let state = days(&[(1, 4, 2, 0), (2, 5, 3, 1)]);
        assert_eq!(plan(&state, &state, day(1)), Plan::default());
    }

    #[test]
    fn a_late_exposure_joins_every_later_day_again_and_touches_no_metric() {
        let built = days(&[(1, 4, 2, 0), (2, 5, 3, 0), (20, 6, 4, 0)]);
        let found = days(&[(1, 4, 2, 0), (2, 5, 9, 0), (20, 6, 4, 0)]);
        let plan = plan(&found, &built, day(1));
        assert_eq!(plan, Plan { joined: vec![day(20), day(2)], ..Plan::default() });
    }

    #[test]
    fn a_late_metric_joins_its_day_and_the_week_that_looks_back_on_it() {
        let built = days(&[(1, 4, 0, 0), (2, 5, 3, 0), (8, 5, 3, 0), (9, 6, 4, 0)]);
        let mut found = built.clone();
        found.insert(day(1), Blocks { metric: 7, exposure: 0, diagnostic: 0 });
        let plan = plan(&found, &built, day(1));
        assert_eq!(
            plan,
            Plan { metrics: vec![day(1)], diagnostics: vec![], joined: vec![day(8), day(2), day(1)] }
        );
    }

    #[test]
    fn a_day_that_expired_from_raw_keeps_its_rollup() {
        let built = days(&[(1, 4, 2, 1), (2, 5, 3, 1)]);
        assert_eq!(plan(&days(&[(2, 5, 3, 1)]), &built, day(1)), Plan::default());
        // Half of it is gone: too old to be touched.
        assert_eq!(plan(&days(&[(1, 9, 0, 0), (2, 5, 3, 1)]), &built, day(2)), Plan::default());
    }

    #[test]
    fn the_oldest_day_is_the_last_that_raw_still_has_in_an_hour() {
        let oldest = |now: &str| oldest_rebuildable(now.parse().unwrap());
        // Rows of 2026-08-28 expire when 2026-11-26 begins.
        assert_eq!(oldest("2026-11-25T12:00:00Z"), date(2026, 8, 28));
        assert_eq!(oldest("2026-11-25T23:30:00Z"), date(2026, 8, 29));
    }
}
