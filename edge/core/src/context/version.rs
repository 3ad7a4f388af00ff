//! Versions: Semantic Versioning 2.0.0, read leniently where users are.

use core::cmp::Ordering;

/// A version; build metadata is dropped, since it has no part in precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version<'a> {
    /// Major in the upper, minor in the lower half.
    pub(crate) major_minor: u64,
    pub(crate) patch: u32,
    /// Identifiers of the pre-release, separated by dots; empty for a release.
    pub(crate) pre: &'a str,
}

impl<'a> Version<'a> {
    /// What numbers of any size are read as that no condition may have.
    const LARGEST: u32 = u32::MAX;

    /// Reads `major[.minor[.patch]][-pre][+build]` with an optional leading `v`; missing parts are 0.
    ///
    /// As in the specification, numbers have no leading zeros and identifiers are not empty. Numbers of [`Self::LARGEST`] and more
    /// are read as that: conditions have smaller ones only, so the order is the same.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let (text, build) = text.split_once('+').map_or((text, None), |(text, build)| (text, Some(build)));
        let (numbers, pre) = text.split_once('-').map_or((text, None), |(numbers, pre)| (numbers, Some(pre)));
        let mut parts = numbers.split('.');
        let major = number(parts.next()?)?;
        let minor = parts.next().map_or(Some(0), number)?;
        let patch = parts.next().map_or(Some(0), number)?;
        let valid = parts.next().is_none()
            && pre.is_none_or(|pre| pre.split('.').all(is_pre_identifier))
            && build.is_none_or(|build| build.split('.').all(is_identifier));
        valid.then_some(Self {
            major_minor: u64::from(major) << 32 | u64::from(minor),
            patch,
            pre: pre.unwrap_or(""),
        })
    }

    /// Whether a number is so large that two such versions cannot be told apart.
    #[cfg(feature = "compile")]
    pub(crate) const fn is_too_large(&self) -> bool {
        let minor = self.major_minor & u32::MAX as u64;
        let largest = Self::LARGEST as u64;
        self.major_minor >> 32 == largest || minor == largest || self.patch == Self::LARGEST
    }

    /// The three numbers as one that orders like them.
    #[inline]
    pub(crate) const fn numbers(&self) -> u128 {
        (self.major_minor as u128) << 32 | self.patch as u128
    }

    /// Precedence (Semantic Versioning 2.0.0, item 11).
    #[inline]
    pub(crate) fn precedence(&self, other: &Version<'_>) -> Ordering {
        match self.major_minor.cmp(&other.major_minor).then(self.patch.cmp(&other.patch)) {
            Ordering::Equal if self.pre.is_empty() && other.pre.is_empty() => Ordering::Equal,
            Ordering::Equal => compare_pre(self.pre, other.pre),
            unequal => unequal,
        }
    }
}

/// A number without sign or leading zeros.
fn number(text: &str) -> Option<u32> {
    let plain = is_numeric(text) && !text.is_empty() && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().unwrap_or(Version::LARGEST))
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_pre_identifier(text: &str) -> bool {
    is_identifier(text) && !(is_numeric(text) && text.len() > 1 && text.starts_with('0'))
}

fn is_numeric(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A release is above its pre-releases; identifiers are compared one by one, then the longer list is above.
fn compare_pre(left: &str, right: &str) -> Ordering {
    match (left.is_empty(), right.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        match (left.next(), right.next()) {
            (Some(left), Some(right)) => match compare_identifier(left, right) {
                Ordering::Equal => {}
                unequal => return unequal,
            },
            (Some(_), None) => return Ordering::Greater,
            (None, Some(_)) => return Ordering::Less,
            (None, None) => return Ordering::Equal,
        }
    }
}

/// Numeric below alphanumeric; of two numeric ones, without leading zeros, more digits are larger.
fn compare_identifier(left: &str, right: &str) -> Ordering {
    match (is_numeric(left), is_numeric(right)) {
        (true, true) => left.len().cmp(&right.len()).then_with(|| left.cmp(right)),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => left.cmp(right),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The orders given in items 11.2 to 11.4 of the specification, and what follows from them.
    #[test]
    fn precedence_of_the_specification() {
        let ascending = [
            "0.9.9",
            "1.0.0-0",
            "1.0.0-9",
            "1.0.0-10",
            "1.0.0-99999999999999999999999",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.1",
            "1.2.0",
            "2.0.0",
            "2.1.0",
            "2.1.1",
            "10.0.0",
            "10.0.4294967294",
            "10.0.99999999999999999999999",
            "10.4294967295.0",
        ];
        for (i, left) in ascending.iter().enumerate() {
            for (j, right) in ascending.iter().enumerate() {
                let (left, right) = (Version::parse(left).unwrap(), Version::parse(right).unwrap());
                assert_eq!(left.precedence(&right), i.cmp(&j), "{left:?} {right:?}");
            }
        }
    }

    #[test]
    fn lenient_forms() {
        let full = Version::parse("2.3.0").unwrap();
        for text in ["2.3", "v2.3.0", "V2.3", "2.3.0+build.5", "v2.3+0"] {
            assert_eq!(Version::parse(text), Some(full), "{text}");
        }
        assert_eq!(Version::parse("2"), Version::parse("2.0.0"));
    }

    #[test]
    fn what_is_no_version_is_nothing() {
        for text in [
            "",
            "v",
            "a",
            "1.",
            "1..2",
            ".1",
            "01.2.3",
            "1.02.3",
            "1.2.3.4",
            "1.2.3-",
            "1.2.3-a..b",
            "1.2.3-01",
            "1.2.3+",
            "1.2.3-ä",
            "-1.2.3",
            "1.2.-3",
            "+1.2.3",
            " 1.2.3",
            "1.2.3 ",
            "vv1.2.3",
        ] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }
}
