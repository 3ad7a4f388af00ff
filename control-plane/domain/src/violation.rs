//! What is wrong with a document, fault by fault.

use std::fmt;

/// One fault of a document: where, which, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// RFC 6901 pointer into the document that was sent.
    pub pointer: String,
    /// Stable name of the fault, snake_case.
    pub code: &'static str,
    /// One sentence for people.
    pub detail: String,
}

/// All faults that were found in one document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// No faults yet.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// One fault.
    pub fn one(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        let mut violations = Self::new();
        violations.add(pointer, code, detail);
        violations
    }

    /// Notes one more fault.
    pub fn add(&mut self, pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) {
        self.0.push(Violation { pointer: pointer.into(), code, detail: detail.into() });
    }

    /// Takes over the faults of a part.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The faults in the order in which they were found.
    pub fn as_slice(&self) -> &[Violation] {
        &self.0
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value if nothing is wrong.
    ///
    /// # Errors
    /// The faults themselves, if there are any.
    pub fn or_ok<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, violation) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(formatter, "{separator}{}: {}", violation.pointer, violation.detail)?;
        }
        Ok(())
    }
}

impl std::error::Error for Violations {}

/// The pointer of `name` below `parent`, escaped as RFC 6901 asks.
pub fn child_pointer(parent: &str, name: &str) -> String {
    format!("{parent}/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_escaped() {
        assert_eq!(child_pointer("/variants/0", "a/b~c"), "/variants/0/a~1b~0c");
    }

    #[test]
    fn violations_read_as_one_sentence_each() {
        let mut violations = Violations::one("/name", "required", "a name is required");
        violations.add("/unit", "bad", "no");
        assert_eq!(violations.to_string(), "/name: a name is required; /unit: no");
    }
}
