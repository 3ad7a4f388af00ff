//! The variants of an experiment and how units are split over them.

use serde_json::{Value, json};

use crate::document::Fields;
use crate::share::BasisPoints;
use crate::violation::{Violations, child_pointer};

/// Most variants of one experiment.
const MOST: usize = 20;
/// Longest name, in characters.
const LONGEST_NAME: usize = 64;
/// Largest value of one variant, in bytes of JSON.
const LARGEST_CONFIG: usize = 65_536;

/// One variant.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// Name, unique in the experiment; it stands in a request header, so it is a short token.
    pub name: String,
    /// Share of the experiment's units.
    pub weight: BasisPoints,
    /// What the variant means to the application: any JSON, `null` when nothing is needed.
    pub config: Value,
}

/// Variants with different names whose weights add up to exactly 100 percent; none at all in a young draft.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Variants(Vec<Variant>);

impl Variants {
    /// Reads the array that stands at `pointer`.
    ///
    /// Weights are given for all variants or for none; without them the split is even, and the last takes the rest.
    ///
    /// # Errors
    /// Every fault with its place: form, doubled names, weights that do not add up.
    pub fn parse(items: &[Value], pointer: &str) -> Result<Self, Violations> {
        let mut violations = Violations::new();
        if items.len() > MOST {
            violations.add(pointer, "too_many", format!("at most {MOST} variants are allowed"));
            return Err(violations);
        }
        let mut read = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            match read_variant(item, &child_pointer(pointer, &index.to_string())) {
                Ok(variant) => read.push(variant),
                Err(found) => violations.extend(found),
            }
        }
        if !violations.is_empty() {
            return Err(violations);
        }
        refuse_doubled_names(&read, pointer, &mut violations);
        let weights = weights(&read, pointer);
        match (weights, violations.is_empty()) {
            (Ok(weights), true) => Ok(Self(
                read.into_iter()
                    .zip(weights)
                    .map(|((name, _, config), weight)| Variant { name, weight, config })
                    .collect(),
            )),
            (Err(found), _) => {
                violations.extend(found);
                Err(violations)
            }
            (Ok(_), false) => Err(violations),
        }
    }

    /// The variants in the order in which they were written, which is the order of the cumulative weights.
    pub fn as_slice(&self) -> &[Variant] {
        &self.0
    }

    /// The control: the variant named `control`, else the first.
    pub fn control(&self) -> Option<&Variant> {
        self.0.iter().find(|variant| variant.name == "control").or_else(|| self.0.first())
    }

    /// The JSON form, weights in percent.
    pub fn to_json(&self) -> Value {
        let one = |v: &Variant| json!({"name": v.name, "weight": v.weight.percent(), "config": v.config});
        Value::Array(self.0.iter().map(one).collect())
    }
}

type Read = (String, Option<BasisPoints>, Value);

fn read_variant(item: &Value, pointer: &str) -> Result<Read, Violations> {
    let mut fields = Fields::of(item, pointer)?;
    let name = match fields.text("name", LONGEST_NAME) {
        Some(name) if is_token(name) => Some(name.to_owned()),
        Some(name) => {
            let detail = format!("`{name}` is not a name: a letter, then letters, digits, `_`, `.` and `-`");
            fields.refuse("name", "bad_name", detail)
        }
        None if item.get("name").is_none_or(Value::is_null) => {
            fields.refuse("name", "required", "a variant has a name")
        }
        None => None,
    };
    let weight = match fields.value("weight").map(BasisPoints::from_percent) {
        Some(Err(error)) => fields.refuse("weight", error.code(), error.to_string()),
        Some(Ok(weight)) => Some(weight),
        None => None,
    };
    let config = fields.value("config").cloned().unwrap_or(Value::Null);
    if config.to_string().len() > LARGEST_CONFIG {
        fields.refuse::<()>(
            "config",
            "too_large",
            format!("at most {LARGEST_CONFIG} bytes of JSON are allowed"),
        );
    }
    fields.finish().or_ok((name.unwrap_or_default(), weight, config))
}

fn is_token(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

fn refuse_doubled_names(read: &[Read], pointer: &str, violations: &mut Violations) {
    for (index, (name, ..)) in read.iter().enumerate() {
        if read.iter().take(index).any(|(other, ..)| other == name) {
            let place = child_pointer(&child_pointer(pointer, &index.to_string()), "name");
            violations.add(place, "doubled", format!("another variant is named `{name}` already"));
        }
    }
}

fn weights(read: &[Read], pointer: &str) -> Result<Vec<BasisPoints>, Violations> {
    let given: Vec<BasisPoints> = read.iter().filter_map(|(_, weight, _)| *weight).collect();
    if given.is_empty() {
        return Ok(even_split(read.len()));
    }
    if given.len() != read.len() {
        let detail = "either every variant has a weight or none has";
        return Err(Violations::one(pointer, "weights_incomplete", detail));
    }
    let sum: u32 = given.iter().map(|weight| u32::from(weight.get())).sum();
    if sum == u32::from(BasisPoints::ALL.get()) {
        return Ok(given);
    }
    let detail = format!("the weights add up to {} and not to 100", f64::from(sum) / 100.0);
    Err(Violations::one(pointer, "weights_do_not_add_up", detail))
}

fn even_split(count: usize) -> Vec<BasisPoints> {
    let all = usize::from(BasisPoints::ALL.get());
    let share = all.checked_div(count).unwrap_or_default();
    let rest = all.saturating_sub(share * count);
    (0..count)
        .map(|index| if index + 1 == count { share + rest } else { share })
        .filter_map(|basis_points| u16::try_from(basis_points).ok().and_then(BasisPoints::new))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(variants: &Value) -> Vec<(String, &'static str)> {
        let violations = Variants::parse(variants.as_array().unwrap(), "/variants").unwrap_err();
        violations.as_slice().iter().map(|v| (v.pointer.clone(), v.code)).collect()
    }

    fn weights_of(variants: &Value) -> Vec<u16> {
        let variants = Variants::parse(variants.as_array().unwrap(), "/variants").unwrap();
        variants.as_slice().iter().map(|variant| variant.weight.get()).collect()
    }

    #[test]
    fn weights_add_up_or_are_shared_out() {
        assert_eq!(
            weights_of(&json!([{"name": "a", "weight": 33.33}, {"name": "b", "weight": 66.67}])),
            [3_333, 6_667]
        );
        assert_eq!(weights_of(&json!([{"name": "a"}, {"name": "b"}, {"name": "c"}])), [3_333, 3_333, 3_334]);
        assert_eq!(weights_of(&json!([])), [] as [u16; 0]);
        let short = json!([{"name": "a", "weight": 50}, {"name": "b", "weight": 49.99}]);
        assert_eq!(faults(&short), [("/variants".into(), "weights_do_not_add_up")]);
        let half = json!([{"name": "a", "weight": 50}, {"name": "b"}]);
        assert_eq!(faults(&half), [("/variants".into(), "weights_incomplete")]);
    }

    #[test]
    fn every_fault_has_its_place() {
        let variants = json!([{"name": "a b", "weight": 50}, {"weight": "x"}, {"name": "c", "wieght": 1}, 7]);
        assert_eq!(
            faults(&variants),
            [
                ("/variants/0/name".into(), "bad_name"),
                ("/variants/1/name".into(), "required"),
                ("/variants/1/weight".into(), "not_a_number"),
                ("/variants/2/wieght".into(), "unknown_field"),
                ("/variants/3".into(), "not_an_object"),
            ]
        );
        assert_eq!(faults(&json!([{"name": "a"}, {"name": "a"}])), [("/variants/1/name".into(), "doubled")]);
    }

    #[test]
    fn the_control_is_named_so_or_stands_first() {
        let control = |variants: &Value| {
            let variants = Variants::parse(variants.as_array().unwrap(), "").unwrap();
            variants.control().map(|variant| variant.name.clone())
        };
        assert_eq!(control(&json!([{"name": "new"}, {"name": "control"}])).as_deref(), Some("control"));
        assert_eq!(control(&json!([{"name": "old"}, {"name": "new"}])).as_deref(), Some("old"));
        assert_eq!(control(&json!([])), None);
    }

    #[test]
    fn the_json_form_reads_back() {
        let variants = json!([{"name": "a", "weight": 0.5, "config": {"x": [1]}}, {"name": "b", "weight": 99.5, "config": null}]);
        let read = Variants::parse(variants.as_array().unwrap(), "").unwrap();
        assert_eq!(read.to_json(), variants);
    }
}
