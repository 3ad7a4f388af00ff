//! What is known about the visitor of one request, and its form for one bundle.
//!
//! A [`Context`] is what the caller has: attributes, the time, consent, assignments made before. [`Subject`] is the same
//! bound to a bundle: each attribute looked up and parsed once, in the form that the bundle's conditions ask for.

mod address;
mod date;
mod number;
mod slot;
mod subject;
mod version;

#[cfg(feature = "compile")]
pub(crate) use address::ordinal;
#[cfg(feature = "compile")]
pub(crate) use date::parse as parse_date;
pub(crate) use slot::Slot;
#[cfg(feature = "compile")]
pub(crate) use slot::pack;
pub(crate) use subject::Bound;
pub use subject::Subject;
pub(crate) use version::Version;

use core::fmt;

use crate::sticky::StickyEntry;
use crate::{Handle, evaluate::VariantIndex};

/// A named value of the context.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attribute<'a> {
    /// Name, compared byte by byte.
    pub name: &'a str,
    /// Value.
    pub value: Value<'a>,
}

/// Value of an attribute. What is null is left out of the context.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// A string.
    Text(&'a str),
    /// A number; one that is not finite is no value.
    Number(f64),
    /// `true` or `false`.
    Boolean(bool),
    /// An array or object: there, but no test other than `exists` knows it.
    Other,
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => write!(f, "{number}"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Other => f.write_str("an array or object"),
        }
    }
}

impl<'a> Attribute<'a> {
    /// A string attribute.
    pub const fn text(name: &'a str, value: &'a str) -> Self {
        Self { name, value: Value::Text(value) }
    }

    /// A number attribute.
    pub const fn number(name: &'a str, value: f64) -> Self {
        Self { name, value: Value::Number(value) }
    }

    /// A boolean attribute.
    pub const fn boolean(name: &'a str, value: bool) -> Self {
        Self { name, value: Value::Boolean(value) }
    }
}

/// Everything a decision may depend on besides the bundle. Of attributes with the same name the first counts.
///
/// ```
/// use kerf_core::{Attribute, Context};
/// let attributes = [Attribute::text("user_id", "user-00001234"), Attribute::number("age", 22.0)];
/// let context = Context::new(&attributes, 1_764_043_200_000).consent(true);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub(crate) attributes: &'a [Attribute<'a>],
    pub(crate) now_ms: i64,
    pub(crate) consent: bool,
    pub(crate) sticky: &'a [StickyEntry],
    pub(crate) forced: &'a [Forced],
}

/// A variant that a tester asked for in this request; decided with the reason `override`, never counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forced {
    /// The experiment or flag.
    pub handle: Handle,
    /// Its variant, from [`Entry::variant_index`](crate::Entry::variant_index).
    pub variant: VariantIndex,
}

impl<'a> Context<'a> {
    /// A context with consent given and nothing kept from before.
    ///
    /// `now_ms` is milliseconds since 1970-01-01T00:00:00Z.
    pub const fn new(attributes: &'a [Attribute<'a>], now_ms: i64) -> Self {
        Self { attributes, now_ms, consent: true, sticky: &[], forced: &[] }
    }

    /// Whether the visitor agreed to take part in experiments.
    #[must_use]
    pub const fn consent(mut self, given: bool) -> Self {
        self.consent = given;
        self
    }

    /// Assignments made earlier, read from a cookie or a profile.
    #[must_use]
    pub const fn sticky(mut self, entries: &'a [StickyEntry]) -> Self {
        self.sticky = entries;
        self
    }

    /// Variants asked for by a tester.
    #[must_use]
    pub const fn forced(mut self, forced: &'a [Forced]) -> Self {
        self.forced = forced;
        self
    }
}
