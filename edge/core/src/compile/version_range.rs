//! Version ranges in the notation of npm, as sets of comparisons.
//!
//! `||` separates alternatives, white space joins comparisons: `>=1.2.3 <2`, `1.2.x`, `~1.2.3`, `^1.2.3`, `1.2 - 2.3`, `*`.
//! Unlike npm, pre-releases are ordered like all other versions, so `>=1.0.0` holds `1.1.0-beta`. The upper ends of `^`, `~`,
//! `x` and partial versions exclude the pre-releases of the next version (`^1.2.3` is `>=1.2.3 <2.0.0-0`), as npm has it.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{Refusal, refuse};
use crate::bundle::layout::op;
use crate::context::Version;

/// A comparison with a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Comparison {
    /// `EQ_VERSION` to `LTE_VERSION`.
    pub(super) op: u8,
    /// The version, with three numbers.
    pub(super) version: String,
}

/// The alternatives of a range; each is the comparisons that must all hold. No comparison holds for every version.
pub(super) fn parse(range: &str) -> Result<Vec<Vec<Comparison>>, Refusal> {
    range
        .split("||")
        .map(|part| alternative(part).map_err(|refusal| refusal.within(&alloc::format!("{range:?}"))))
        .collect()
}

fn alternative(text: &str) -> Result<Vec<Comparison>, Refusal> {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    if let [from, "-", to] = words.as_slice() {
        let mut comparisons = lower(">=", &Partial::parse(from)?)?;
        comparisons.extend(upper("<=", &Partial::parse(to)?)?);
        return Ok(comparisons);
    }
    let mut comparisons = Vec::new();
    words.reverse();
    while let Some(word) = words.pop() {
        let end = word.find(|c: char| !"<>=~^".contains(c)).unwrap_or(word.len());
        let (operator, mut version) = word.split_at(end);
        if version.is_empty() && !operator.is_empty() {
            version = words.pop().ok_or_else(|| refuse!("{operator:?} has no version behind it"))?;
        }
        comparisons.extend(comparison(operator, &Partial::parse(version)?)?);
    }
    Ok(comparisons)
}

/// A version of which the last parts may be open.
struct Partial {
    /// Major, minor, patch as far as they are given.
    numbers: Vec<u32>,
    /// `-pre` or nothing.
    pre: String,
}

impl Partial {
    fn parse(text: &str) -> Result<Self, Refusal> {
        let plain = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let end = plain.find(['-', '+']).unwrap_or(plain.len());
        let (numbers, rest) = plain.split_at(end);
        let given: Vec<&str> =
            numbers.split('.').take_while(|part| !matches!(*part, "x" | "X" | "*")).collect();
        let open = given.len() < numbers.split('.').count();
        let after_open = numbers.split('.').skip(given.len()).all(|part| matches!(part, "x" | "X" | "*"));
        let wrong = || refuse!("{text:?} is no version");
        if open && (!after_open || !rest.is_empty() || numbers.split('.').count() > 3) {
            return Err(wrong());
        }
        if given.is_empty() {
            return Ok(Self { numbers: Vec::new(), pre: String::new() });
        }
        let whole = alloc::format!("{}{rest}", given.join("."));
        let version = Version::parse(&whole).ok_or_else(wrong)?;
        let pre = if version.pre.is_empty() { String::new() } else { alloc::format!("-{}", version.pre) };
        let numbers = given.iter().map(|part| part.parse().map_err(|_| wrong())).collect::<Result<_, _>>()?;
        Ok(Self { numbers, pre })
    }

    fn number(&self, place: usize) -> u32 {
        self.numbers.get(place).copied().unwrap_or(0)
    }

    /// The least version that fits.
    fn least(&self) -> String {
        alloc::format!("{}.{}.{}{}", self.number(0), self.number(1), self.number(2), self.pre)
    }

    fn is_whole(&self) -> bool {
        self.numbers.len() == 3
    }

    /// The first version after all whose first `kept` numbers are these; `None` when nothing comes after.
    fn after(&self, kept: usize) -> Result<Option<String>, Refusal> {
        let Some(last) = kept.checked_sub(1) else { return Ok(None) };
        let mut numbers = [0u32; 3];
        for (place, number) in numbers.iter_mut().enumerate().take(kept) {
            *number = self.number(place);
        }
        if let Some(number) = numbers.get_mut(last) {
            *number =
                number.checked_add(1).ok_or_else(|| refuse!("the version {} is too large", self.least()))?;
        }
        Ok(Some(alloc::format!("{}-0", numbers.map(|number| number.to_string()).join("."))))
    }
}

fn comparison(operator: &str, version: &Partial) -> Result<Vec<Comparison>, Refusal> {
    match operator {
        ">" | ">=" => lower(operator, version),
        "<" | "<=" => upper(operator, version),
        "" | "=" if version.is_whole() => {
            Ok(alloc::vec![Comparison { op: op::EQ_VERSION, version: version.least() }])
        }
        "" | "=" => between(version, version.numbers.len()),
        "~" => between(version, version.numbers.len().min(2)),
        "^" => {
            // The first number that is not 0 stays; of 0.0.0 all given numbers stay.
            let first = version.numbers.iter().position(|number| *number != 0);
            between(version, first.map_or(version.numbers.len(), |place| place + 1))
        }
        other => Err(refuse!("{other:?} is no comparison")),
    }
}

fn between(version: &Partial, kept: usize) -> Result<Vec<Comparison>, Refusal> {
    let mut comparisons = lower(">=", version)?;
    if let Some(end) = version.after(kept)? {
        comparisons.push(Comparison { op: op::LT_VERSION, version: end });
    }
    Ok(comparisons)
}

/// `>` a partial version begins after all that fit it.
fn lower(operator: &str, version: &Partial) -> Result<Vec<Comparison>, Refusal> {
    if version.numbers.is_empty() {
        return if operator == ">" { Err(refuse!("nothing is above \"*\"")) } else { Ok(Vec::new()) };
    }
    let (op, version) = match operator {
        ">" if version.is_whole() => (op::GT_VERSION, version.least()),
        ">" => (op::GTE_VERSION, version.after(version.numbers.len())?.unwrap_or_default()),
        _ => (op::GTE_VERSION, version.least()),
    };
    Ok(alloc::vec![Comparison { op, version }])
}

/// `<=` a partial version ends after all that fit it; `<` ends before all of them and their pre-releases.
fn upper(operator: &str, version: &Partial) -> Result<Vec<Comparison>, Refusal> {
    if version.numbers.is_empty() {
        return if operator == "<" { Err(refuse!("nothing is below \"*\"")) } else { Ok(Vec::new()) };
    }
    let (op, version) = match operator {
        "<=" if version.is_whole() => (op::LTE_VERSION, version.least()),
        "<=" => (op::LT_VERSION, version.after(version.numbers.len())?.unwrap_or_default()),
        _ if version.is_whole() => (op::LT_VERSION, version.least()),
        _ => (op::LT_VERSION, alloc::format!("{}-0", version.least())),
    };
    Ok(alloc::vec![Comparison { op, version }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::cmp::Ordering;

    fn holds(range: &str, version: &str) -> bool {
        let version = Version::parse(version).unwrap();
        parse(range).unwrap().iter().any(|all| {
            all.iter().all(|comparison| {
                let order = version.precedence(&Version::parse(&comparison.version).unwrap());
                match comparison.op {
                    op::EQ_VERSION => order == Ordering::Equal,
                    op::GT_VERSION => order == Ordering::Greater,
                    op::GTE_VERSION => order != Ordering::Less,
                    op::LT_VERSION => order == Ordering::Less,
                    _ => order != Ordering::Greater,
                }
            })
        })
    }

    /// Inside and outside as node-semver 7.7 says with `includePrerelease`, but for lower ends, which keep the plain order.
    #[test]
    fn ranges_hold_what_they_should() {
        for (range, inside, outside) in [
            ("^1.2.3", &["1.2.3", "1.9.0", "1.9.0-beta"][..], &["2.0.0", "2.0.0-0", "1.2.2", "1.2.3-rc"][..]),
            ("^0.2.3", &["0.2.3", "0.2.9"], &["0.3.0", "0.3.0-0", "0.2.2"]),
            ("^0.0.3", &["0.0.3"], &["0.0.4", "0.0.2"]),
            ("^0.0", &["0.0.0", "0.0.9"], &["0.1.0"]),
            ("^0", &["0.0.0", "0.9.9"], &["1.0.0"]),
            ("~1.2.3", &["1.2.3", "1.2.9"], &["1.3.0", "1.3.0-0"]),
            ("~1", &["1.0.0", "1.9.9"], &["2.0.0"]),
            ("1.2.x", &["1.2.0", "1.2.99"], &["1.3.0", "1.1.9"]),
            ("1", &["1.0.0", "1.99.0"], &["2.0.0", "0.9.9"]),
            (">1.2", &["1.3.0"], &["1.2.9", "1.2.0"]),
            ("<=1.2", &["1.2.9", "0.1.0"], &["1.3.0"]),
            ("<1.2", &["1.1.9"], &["1.2.0", "1.2.0-0"]),
            (">=1.2.3 <2 || =3.0.0", &["1.2.3", "1.9.9", "3.0.0"], &["2.0.0", "3.0.1"]),
            ("1.2 - 2.3", &["1.2.0", "2.3.9"], &["2.4.0", "1.1.9"]),
            (">= 1.2.3-beta.2", &["1.2.3-beta.2", "1.2.3-beta.11", "1.2.3"], &["1.2.3-beta.1"]),
            ("*", &["0.0.0-0", "9.9.9"], &[]),
            ("v1.2.3", &["1.2.3", "1.2.3+b"], &["1.2.4"]),
        ] {
            for version in inside {
                assert!(holds(range, version), "{range} should hold {version}");
            }
            for version in outside {
                assert!(!holds(range, version), "{range} should not hold {version}");
            }
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for range in
            [">>1", ">=", "a", "1.2.3.4", "1.x.3", "=>1", "1.2.3 -", "!1", "^1.4294967295.0 <x.1", "<*"]
        {
            assert!(parse(range).is_err(), "{range}");
        }
    }
}
