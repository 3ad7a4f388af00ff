//! Tests of one attribute.

use alloc::string::String;
use alloc::vec::Vec;

use serde_json::Value;

use super::entries::Compiler;
use super::{Refusal, address, refuse, regex, version_range};
use crate::bundle::layout::{NONE, PredicateRecord, op, view};
use crate::context::{Version, pack, parse_date};
use crate::targeting::LONGEST_PART;
use crate::wire::{Operator, Test};

impl Compiler<'_> {
    /// The predicate of a test.
    pub(super) fn test(&mut self, test: &Test) -> Result<u16, Refusal> {
        if test.attr.is_empty() || test.attr.len() > 255 {
            return Err(refuse!("a name has 1 to 255 bytes"));
        }
        let folds = matches!(
            test.op,
            Operator::Eq
                | Operator::Neq
                | Operator::In
                | Operator::NotIn
                | Operator::StartsWith
                | Operator::EndsWith
                | Operator::Contains
        );
        if test.ignore_case && !folds {
            return Err(refuse!("\"ignore_case\" has no meaning for this operator"));
        }
        match test.op {
            Operator::Eq => self.equal(test),
            Operator::Neq => {
                let equal = self.equal(test)?;
                self.negation(equal)
            }
            Operator::In => self.one_of(test),
            Operator::NotIn => {
                let one_of = self.one_of(test)?;
                self.negation(one_of)
            }
            Operator::Gt => self.number(test, op::GT_NUMBER),
            Operator::Gte => self.number(test, op::GTE_NUMBER),
            Operator::Lt => self.number(test, op::LT_NUMBER),
            Operator::Lte => self.number(test, op::LTE_NUMBER),
            Operator::StartsWith => self.part(test, op::STARTS_WITH),
            Operator::EndsWith => self.part(test, op::ENDS_WITH),
            Operator::Contains => self.part(test, op::CONTAINS),
            Operator::Regex => self.pattern(test),
            Operator::SemverEq => self.version(test, op::EQ_VERSION),
            Operator::SemverGt => self.version(test, op::GT_VERSION),
            Operator::SemverGte => self.version(test, op::GTE_VERSION),
            Operator::SemverLt => self.version(test, op::LT_VERSION),
            Operator::SemverLte => self.version(test, op::LTE_VERSION),
            Operator::SemverIn => self.version_range(test),
            Operator::DateGt => self.date(test, op::GT_DATE),
            Operator::DateGte => self.date(test, op::GTE_DATE),
            Operator::DateLt => self.date(test, op::LT_DATE),
            Operator::DateLte => self.date(test, op::LTE_DATE),
            Operator::IpIn => self.addresses(test),
            Operator::Exists if !test.values.is_empty() => Err(refuse!("\"exists\" takes no value")),
            Operator::Exists => self.atom(test, view::ANY, op::EXISTS, (0, 0, 0)),
        }
    }

    /// A predicate over one view of the attribute, with the fields `n`, `a`, `b`.
    fn atom(&mut self, test: &Test, kind: u8, op: u8, (n, a, b): (u16, u32, u64)) -> Result<u16, Refusal> {
        let slot = self.sections.view(&test.attr, kind)?;
        self.intern(PredicateRecord { op, slot, n, a, b }, &[])
    }

    fn equal(&mut self, test: &Test) -> Result<u16, Refusal> {
        match one(test)? {
            Value::String(text) if test.ignore_case => self.text(test, op::EQ_ANY_CASE, text),
            Value::String(text) if text.len() <= 7 => {
                self.atom(test, view::TEXT, op::EQ_SHORT, (0, 0, pack(text.as_bytes())))
            }
            Value::String(text) => self.text(test, op::EQ_LONG, text),
            Value::Bool(value) => self.atom(test, view::BOOLEAN, op::EQ_BOOL, (0, 0, u64::from(*value))),
            value => {
                let bits = finite(value)?.to_bits();
                self.atom(test, view::NUMBER, op::EQ_NUMBER, (0, 0, bits))
            }
        }
    }

    /// A test against one text; `n` = 1 for any case.
    fn text(&mut self, test: &Test, op: u8, text: &str) -> Result<u16, Refusal> {
        let (start, len) = self.sections.string(text)?;
        self.atom(test, view::TEXT, op, (u16::from(test.ignore_case), start, u64::from(len)))
    }

    fn one_of(&mut self, test: &Test) -> Result<u16, Refusal> {
        if test.values.iter().any(Value::is_number) {
            return self.one_of_numbers(test);
        }
        let texts = texts(test)?;
        // An empty list is false of a text and unknown of all else, whatever the case.
        if test.ignore_case && !texts.is_empty() {
            let equal =
                texts.iter().map(|text| self.text(test, op::EQ_ANY_CASE, text)).collect::<Result<_, _>>()?;
            return self.junction(op::OR, equal);
        }
        let (short, mut long): (Vec<&str>, Vec<&str>) = texts.iter().partition(|text| text.len() <= 7);
        let mut words: Vec<u64> = short.iter().map(|text| pack(text.as_bytes())).collect();
        words.sort_unstable();
        words.dedup();
        let n = u16::try_from(words.len()).map_err(|_| refuse!("more than 65,535 values"))?;
        long.sort_unstable();
        long.dedup();
        for text in &long {
            words.push(self.sections.reference(text)?);
        }
        let first = self.words(&words)?;
        self.atom(test, view::TEXT, op::IN_TEXTS, (n, first, long.len() as u64))
    }

    fn one_of_numbers(&mut self, test: &Test) -> Result<u16, Refusal> {
        let mut numbers = test.values.iter().map(finite).collect::<Result<Vec<_>, _>>()?;
        numbers.sort_by(f64::total_cmp);
        numbers.dedup();
        let words: Vec<u64> = numbers.into_iter().map(f64::to_bits).collect();
        let first = self.words(&words)?;
        self.atom(test, view::NUMBER, op::IN_NUMBERS, (0, first, words.len() as u64))
    }

    fn words(&mut self, words: &[u64]) -> Result<u32, Refusal> {
        let run: Vec<_> = words.iter().map(|word| word.to_le_bytes()).collect();
        Ok(self.sections.words.run(&run)?)
    }

    fn number(&mut self, test: &Test, op: u8) -> Result<u16, Refusal> {
        let bits = finite(one(test)?)?.to_bits();
        self.atom(test, view::NUMBER, op, (0, 0, bits))
    }

    fn part(&mut self, test: &Test, op: u8) -> Result<u16, Refusal> {
        let texts = some_texts(test)?;
        if let Some(long) = texts.iter().find(|text| text.len() > LONGEST_PART) {
            return Err(refuse!("{long:?} is longer than {LONGEST_PART} bytes"));
        }
        let parts = texts.iter().map(|text| self.text(test, op, text)).collect::<Result<_, _>>()?;
        self.junction(op::OR, parts)
    }

    fn pattern(&mut self, test: &Test) -> Result<u16, Refusal> {
        let mut patterns = Vec::new();
        for pattern in some_texts(test)? {
            let program = regex::compile(pattern)?;
            let n = u16::try_from(program.len()).map_err(|_| refuse!("the pattern is too large"))?;
            let first = self.words(&program)?;
            let text = self.sections.reference(pattern)?;
            patterns.push(self.atom(test, view::TEXT, op::REGEX, (n, first, text))?);
        }
        self.junction(op::OR, patterns)
    }

    fn version(&mut self, test: &Test, op: u8) -> Result<u16, Refusal> {
        let text = text_of(one(test)?)?;
        self.compare_version(test, op, text)
    }

    fn compare_version(&mut self, test: &Test, op: u8, text: &str) -> Result<u16, Refusal> {
        let version = Version::parse(text).filter(|version| !version.is_too_large()).ok_or_else(|| {
            refuse!("{text:?} is no version such as 2.3.0 or 2.3.0-beta.1 with numbers below 2^32 - 1")
        })?;
        let n = if version.pre.is_empty() {
            NONE
        } else {
            let reference = self.sections.reference(version.pre)?;
            let word = self.sections.pre_releases.run(&[reference.to_le_bytes()])?;
            let word = u16::try_from(word).ok().filter(|word| *word != NONE);
            word.ok_or_else(|| refuse!("more than 65,535 different pre-releases: split the environment"))?
        };
        self.atom(test, view::VERSION, op, (n, version.patch, version.major_minor))
    }

    fn version_range(&mut self, test: &Test) -> Result<u16, Refusal> {
        let mut alternatives = Vec::new();
        for range in some_texts(test)? {
            for comparisons in version_range::parse(range)? {
                let mut all = comparisons
                    .iter()
                    .map(|comparison| self.compare_version(test, comparison.op, &comparison.version))
                    .collect::<Result<Vec<_>, _>>()?;
                if all.is_empty() {
                    // Every version, so that what is no version stays unknown.
                    all.push(self.compare_version(test, op::GTE_VERSION, "0.0.0-0")?);
                }
                alternatives.push(self.junction(op::AND, all)?);
            }
        }
        self.junction(op::OR, alternatives)
    }

    fn date(&mut self, test: &Test, op: u8) -> Result<u16, Refusal> {
        let text = text_of(one(test)?)?;
        let micros = parse_date(text).ok_or_else(|| {
            refuse!("{text:?} is no RFC 3339 date-time with a zone, such as 2026-11-25T04:00:00Z")
        })?;
        self.atom(test, view::DATE, op, (0, 0, micros.cast_unsigned()))
    }

    fn addresses(&mut self, test: &Test) -> Result<u16, Refusal> {
        let words = address::ranges(some_texts(test)?.into_iter())?;
        let first = self.words(&words)?;
        self.atom(test, view::ADDRESS, op::IN_ADDRESSES, (0, first, (words.len() / 4) as u64))
    }
}

/// The one value of a test that takes one.
fn one(test: &Test) -> Result<&Value, Refusal> {
    match test.values.as_slice() {
        [value] => Ok(value),
        values => Err(refuse!("the operator takes one value, and {} are given", values.len())),
    }
}

fn text_of(value: &Value) -> Result<&str, Refusal> {
    value.as_str().ok_or_else(|| refuse!("{value} is no string"))
}

fn texts(test: &Test) -> Result<Vec<&str>, Refusal> {
    test.values.iter().map(text_of).collect()
}

fn some_texts(test: &Test) -> Result<Vec<&str>, Refusal> {
    if test.values.is_empty() { Err(refuse!("the operator takes at least one value")) } else { texts(test) }
}

/// A number that is finite as a double; `-0` is `0`.
fn finite(value: &Value) -> Result<f64, Refusal> {
    let number = value.as_f64().filter(|number| number.is_finite());
    number.map(|number| number + 0.0).ok_or_else(|| {
        let hint: String = if value.is_string() {
            "; versions have semver_*, dates have date_*".into()
        } else {
            String::new()
        };
        refuse!("{value} is no number{hint}")
    })
}
