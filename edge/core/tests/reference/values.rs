//! Versions, dates and addresses, read in the plainest way.

use std::cmp::Ordering;
use std::net::IpAddr;

/// A version with every number as text, so that nothing can overflow.
#[derive(PartialEq, Eq)]
pub(crate) struct Version {
    numbers: [u128; 3],
    pre: Vec<Identifier>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Numeric(u128),
    Text(String),
}

impl Version {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let (text, build) = text.split_once('+').unwrap_or((text, "0"));
        let (text, pre) = match text.split_once('-') {
            Some((text, pre)) => (text, Some(pre)),
            None => (text, None),
        };
        let is_word =
            |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        let is_number = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_digit());
        let no_leading_zero = |word: &str| word == "0" || !word.starts_with('0');
        let parts: Vec<&str> = text.split('.').collect();
        if parts.len() > 3 || !build.split('.').all(is_word) {
            return None;
        }
        let mut numbers = [0; 3];
        for (number, part) in numbers.iter_mut().zip(parts) {
            if !is_number(part) || !no_leading_zero(part) {
                return None;
            }
            *number = part.parse().unwrap_or(u128::MAX);
        }
        let mut identifiers = Vec::new();
        for word in pre.into_iter().flat_map(|pre| pre.split('.')) {
            if !is_word(word) || (is_number(word) && !no_leading_zero(word)) {
                return None;
            }
            identifiers.push(match is_number(word) {
                true => Identifier::Numeric(word.parse().unwrap_or(u128::MAX)),
                false => Identifier::Text(word.to_owned()),
            });
        }
        Some(Self { numbers, pre: identifiers })
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| match (self.pre.is_empty(), other.pre.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => self.pre.cmp(&other.pre),
        })
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Whether a version lies in a range of npm's notation, pre-releases ordered like all other versions.
///
/// A partial version stands for all versions that begin with its numbers, which is asked for directly here: nothing is rewritten
/// into other comparisons.
pub(crate) fn in_range(range: &str, version: &Version) -> bool {
    range.split("||").any(|alternative| {
        let words: Vec<&str> = alternative.split_whitespace().collect();
        if let [from, "-", to] = words.as_slice() {
            return compares(">=", from, version) && compares("<=", to, version);
        }
        words.iter().all(|word| {
            let end = word.find(|c: char| !"<>=~^".contains(c)).unwrap();
            compares(&word[..end], &word[end..], version)
        })
    })
}

fn compares(operator: &str, text: &str, version: &Version) -> bool {
    let plain = text.strip_prefix('v').unwrap_or(text);
    let numbers = plain.split(['-', '+']).next().unwrap();
    let given = numbers.split('.').take_while(|part| !matches!(*part, "x" | "X" | "*")).count();
    let least = match given {
        0 => Version { numbers: [0; 3], pre: Vec::new() },
        3 => Version::parse(plain).unwrap(),
        _ => Version::parse(&numbers.split('.').take(given).collect::<Vec<_>>().join(".")).unwrap(),
    };
    let begins = |count: usize| version.numbers[..count].cmp(&least.numbers[..count]);
    let first = least.numbers[..given].iter().position(|number| *number != 0);
    match operator {
        _ if given == 0 => true,
        "" | "=" if given == 3 => *version == least,
        "" | "=" => begins(given).is_eq() && *version >= least,
        ">" if given < 3 => begins(given).is_gt(),
        ">" => *version > least,
        ">=" => *version >= least,
        "<" if given < 3 => begins(given).is_lt(),
        "<" => *version < least,
        "<=" if given < 3 => begins(given).is_le(),
        "<=" => *version <= least,
        "~" => begins(given.min(2)).is_eq() && *version >= least,
        "^" => begins(first.map_or(given, |place| place + 1)).is_eq() && *version >= least,
        other => panic!("{other}"),
    }
}

/// Microseconds since 1970.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(pub(crate) i128);

/// An RFC 3339 date-time; days are counted year by year and month by month.
pub(crate) fn moment(text: &str) -> Option<Moment> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| {
        let digits = text.get(from..to)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<i128>().ok())?
    };
    let is = |place: usize, wanted: &[u8]| bytes.get(place).is_some_and(|byte| wanted.contains(byte));
    let separated = is(4, b"-") && is(7, b"-") && is(10, b"Tt ") && is(13, b":") && is(16, b":");
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let mut place = 19;
    let mut micros = 0;
    if is(place, b".") {
        let digits: String = text.get(20..)?.chars().take_while(char::is_ascii_digit).collect();
        place = 20 + digits.len();
        let padded = format!("{digits:0<6}");
        micros = if digits.is_empty() { return None } else { padded.get(..6)?.parse().ok()? };
    }
    let offset = if is(place, b"Zz") && text.len() == place + 1 {
        0
    } else if is(place, b"+-") && is(place + 3, b":") && text.len() == place + 6 {
        let (hours, minutes) = (number(place + 1, place + 3)?, number(place + 4, place + 6)?);
        if hours > 23 || minutes > 59 {
            return None;
        }
        (hours * 60 + minutes) * if is(place, b"-") { -1 } else { 1 }
    } else {
        return None;
    };
    let leap = |year: i128| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let lengths = [31, if leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let length = *lengths.get(usize::try_from(month - 1).ok()?)?;
    if !separated || day < 1 || day > length || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let year_length = |year: i128| if leap(year) { 366 } else { 365 };
    let years: i128 = if year >= 1970 {
        (1970..year).map(year_length).sum()
    } else {
        -(year..1970).map(year_length).sum::<i128>()
    };
    let months: i128 = lengths.iter().take(usize::try_from(month - 1).ok()?).sum();
    let minutes = ((years + months + day - 1) * 24 + hour) * 60 + minute - offset;
    Some(Moment((minutes * 60 + second) * 1_000_000 + micros))
}

/// An address as 128 bits, IPv4 mapped into IPv6.
pub(crate) fn address(text: &str) -> Option<u128> {
    Some(match text.parse().ok()? {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    })
}

pub(crate) fn cidr_holds(block: &str, wanted: u128) -> bool {
    let (start, prefix) = block.split_once('/').unwrap_or((block, ""));
    let width = if start.contains(':') { 128 } else { 32 };
    let prefix: u32 = if prefix.is_empty() { width } else { prefix.parse().unwrap() };
    // IPv4 addresses are in blocks of IPv6 only where these speak of nothing else.
    if width == 128 && prefix < 96 && wanted >> 32 == 0xffff {
        return false;
    }
    let prefix = prefix + 128 - width;
    (0..prefix).all(|bit| {
        let mask = 1 << (127 - bit);
        address(start).unwrap() & mask == wanted & mask
    })
}
