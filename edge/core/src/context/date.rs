//! Dates: RFC 3339 with a zone, as microseconds since 1970.

/// Reads an RFC 3339 date-time, years 0000 to 9999. `T` and `Z` may be small, a space may stand for `T`; digits of a
/// fraction after the sixth are dropped; second 60 is the first of the next minute.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let mut rest = Cursor(text.as_bytes());
    let year = rest.digits(4)?;
    rest.one_of(b"-")?;
    let month = rest.digits(2)?;
    rest.one_of(b"-")?;
    let day = rest.digits(2)?;
    rest.one_of(b"Tt ")?;
    let hour = rest.digits(2)?;
    rest.one_of(b":")?;
    let minute = rest.digits(2)?;
    rest.one_of(b":")?;
    let second = rest.digits(2)?;
    let micros = rest.fraction()?;
    let offset_minutes = rest.zone()?;
    let in_range = (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && hour <= 23
        && minute <= 59
        && second <= 60
        && rest.0.is_empty();
    if !in_range {
        return None;
    }
    let minutes = (days_since_epoch(year, month, day) * 24 + hour) * 60 + minute - offset_minutes;
    Some((minutes * 60 + second) * 1_000_000 + micros)
}

/// A number is milliseconds since 1970, within 285,000 years of it.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked before")]
pub(crate) fn from_milliseconds(milliseconds: f64) -> Option<i64> {
    let micros = milliseconds * 1000.0;
    (micros.abs() <= 9e18).then_some(micros as i64)
}

struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn one_of(&mut self, wanted: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        wanted.contains(first).then_some(*first)
    }

    fn digits(&mut self, count: usize) -> Option<i64> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        digits.iter().try_fold(0, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + i64::from(*digit - b'0'))
        })
    }

    /// Microseconds of an optional fraction.
    fn fraction(&mut self) -> Option<i64> {
        let Some((b'.', digits)) = self.0.split_first() else { return Some(0) };
        let len = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = digits.split_at_checked(len)?;
        self.0 = rest;
        if digits.is_empty() {
            return None;
        }
        let mut micros = 0;
        for place in 0..6 {
            micros = micros * 10 + digits.get(place).map_or(0, |digit| i64::from(*digit - b'0'));
        }
        Some(micros)
    }

    /// Minutes east of UTC.
    fn zone(&mut self) -> Option<i64> {
        let sign = match self.one_of(b"Zz+-")? {
            b'+' => 1,
            b'-' => -1,
            _ => return Some(0),
        };
        let hours = self.digits(2)?;
        self.one_of(b":")?;
        let minutes = self.digits(2)?;
        (hours <= 23 && minutes <= 59).then_some(sign * (hours * 60 + minutes))
    }
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar (Howard Hinnant, `days_from_civil`).
const fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of `date -u -d TEXT +%s%6N`, GNU coreutils 9.1.
    #[test]
    fn known_moments() {
        for (text, micros) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1969-12-31T23:59:59.5Z", -500_000),
            ("2026-11-25T04:00:00+01:00", 1_795_575_600_000_000),
            ("2024-02-29T12:00:00.123456789-05:30", 1_709_227_800_123_456),
            ("9999-12-31T23:59:59Z", 253_402_300_799_000_000),
            ("0000-01-01T00:00:00Z", -62_167_219_200_000_000),
            ("2016-12-31 23:59:60z", 1_483_228_800_000_000),
        ] {
            assert_eq!(parse(text), Some(micros), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_time_is_nothing() {
        for text in [
            "",
            "2026-11-25",
            "2026-11-25T04:00:00",
            "2026-11-25T04:00Z",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-11-25T24:00:00Z",
            "2026-11-25T04:60:00Z",
            "2026-11-25T04:00:61Z",
            "2026-11-25T04:00:00.Z",
            "2026-11-25T04:00:00+1:00",
            "2026-11-25T04:00:00+24:00",
            "2026-11-25T04:00:00Z ",
            "+026-11-25T04:00:00Z",
            "２026-11-25T04:00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
