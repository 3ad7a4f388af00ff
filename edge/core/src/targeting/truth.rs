//! Three-valued logic (Kleene).

use core::ops::Not;

/// Truth of a condition.
///
/// A test of an attribute that is missing, has another type, or cannot be read as what the test compares is `Unknown`; only
/// `exists` is never unknown. A rule takes a unit only when its condition is `True`.
///
/// | `a` | `b` | `a and b` | `a or b` | `not a` |
/// |---|---|---|---|---|
/// | true | true | true | true | false |
/// | true | unknown | unknown | true | false |
/// | true | false | false | true | false |
/// | unknown | unknown | unknown | unknown | unknown |
/// | unknown | false | false | unknown | unknown |
/// | false | false | false | false | true |
///
/// ```
/// use kerf_core::Truth;
/// assert_eq!(Truth::Unknown.and(Truth::False), Truth::False);
/// assert_eq!(!Truth::Unknown, Truth::Unknown);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Truth {
    /// It does not hold.
    False,
    /// It cannot be said.
    Unknown,
    /// It holds.
    True,
}

impl Truth {
    /// Conjunction: the lesser of both.
    #[must_use]
    #[inline]
    pub fn and(self, other: Self) -> Self {
        self.min(other)
    }

    /// Disjunction: the greater of both.
    #[must_use]
    #[inline]
    pub fn or(self, other: Self) -> Self {
        self.max(other)
    }

    /// Stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::False => "false",
            Self::Unknown => "unknown",
            Self::True => "true",
        }
    }
}

impl From<bool> for Truth {
    #[inline]
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

impl Not for Truth {
    type Output = Self;

    #[inline]
    fn not(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
            Self::True => Self::False,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Truth::{self, False, True, Unknown};

    #[test]
    fn the_documented_table() {
        for (a, b, both, either, not_a) in [
            (True, True, True, True, False),
            (True, Unknown, Unknown, True, False),
            (True, False, False, True, False),
            (Unknown, Unknown, Unknown, Unknown, Unknown),
            (Unknown, False, False, Unknown, Unknown),
            (False, False, False, False, True),
        ] {
            assert_eq!((a.and(b), a.or(b), !a), (both, either, not_a));
            assert_eq!((b.and(a), b.or(a)), (both, either));
        }
        assert_eq!([Truth::from(false), Truth::from(true)], [False, True]);
    }
}
