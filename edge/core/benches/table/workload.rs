//! The workloads, as peers are measured, and the visitors they are measured with. Plain data without dependencies, so that the
//! same source runs natively and inside WebAssembly.

use std::fmt::Write;

/// Number of experiments of the large workloads.
pub(crate) const EXPERIMENTS: usize = 1000;
/// Number of different visitors that are taken in turn.
pub(crate) const VISITORS: usize = 1024;

/// A visitor.
pub(crate) struct Visitor {
    pub(crate) user_id: String,
    pub(crate) country: &'static str,
    pub(crate) app_version: String,
    pub(crate) age: f64,
}

const COUNTRIES: [&str; 8] = ["DE", "FR", "IT", "ES", "NL", "US", "GB", "JP"];
/// The countries that W2 takes.
pub(crate) const TARGETED: [&str; 5] = ["DE", "FR", "IT", "ES", "NL"];

/// Numbers that look random and are the same everywhere (Lehmer, modulus 2^64, upper half).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    /// The next number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// Visitors with ids such as `user-00001234`.
pub(crate) fn visitors() -> Vec<Visitor> {
    let mut numbers = Numbers(42);
    (0..VISITORS).map(|_| visitor(&mut numbers)).collect()
}

pub(crate) fn visitor(numbers: &mut Numbers) -> Visitor {
    Visitor {
        user_id: format!("user-{:08}", numbers.below(100_000_000)),
        country: COUNTRIES[numbers.below(COUNTRIES.len() as u64) as usize],
        app_version: format!("{}.{}.{}", 1 + numbers.below(3), numbers.below(10), numbers.below(20)),
        age: (15 + numbers.below(60)) as f64,
    }
}

/// Key of an experiment, 17 bytes.
pub(crate) fn key(experiment: usize) -> String {
    format!("experiment_{experiment:06}")
}

/// A bundle in the wire form.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Set {
    /// W1: one experiment, 50/50, all traffic, no targeting.
    W1,
    /// W2: one experiment, 20% traffic, three variants, country in a list of five and app_version >= 2.3.0.
    W2,
    /// W3: 1,000 experiments, half W1, half W2 whose second rule alternates with age > 21.
    W3,
    /// W4: W3 with 50 layers, a global holdout and 500 different predicates.
    W4,
    /// W3 with own names and values for every variant.
    W3Named,
}

/// The wire form of a set.
pub(crate) fn json(set: Set) -> String {
    let mut text = String::from(
        r#"{"format":1,"environment":"bench","version":1,"created":"2026-11-25T00:00:00Z","experiments":["#,
    );
    let count = if matches!(set, Set::W1 | Set::W2) { 1 } else { EXPERIMENTS };
    for index in 0..count {
        if index > 0 {
            text.push(',');
        }
        experiment(&mut text, set, index);
    }
    text.push(']');
    if set == Set::W4 {
        text.push_str(r#","layers":["#);
        for layer in 0..50 {
            let _ = write!(text, r#"{}{{"key":"layer_{layer}"}}"#, if layer == 0 { "" } else { "," });
        }
        text.push_str(r#"],"holdouts":[{"key":"global","bp":500,"scope":"global"}]"#);
    }
    text.push('}');
    text
}

fn experiment(text: &mut String, set: Set, index: usize) {
    let _ = write!(text, r#"{{"key":"{}""#, key(index));
    if set == Set::W4 {
        // 20 experiments a layer, 500 buckets each.
        let from = (index / 50) * 500;
        let _ = write!(text, r#","layer":"layer_{}","ranges":[[{from},{}]]"#, index % 50, from + 500);
    }
    let name = |variant: &str| {
        if set == Set::W3Named { format!("{variant}_of_{index}") } else { variant.to_owned() }
    };
    let value = |variant: &str| {
        if set == Set::W3Named { format!(r#","value":{{"c":"{variant}{index:04}"}}"#) } else { String::new() }
    };
    if is_w2(set, index) {
        if set != Set::W4 {
            text.push_str(r#","traffic_bp":2000"#);
        }
        let _ = write!(text, r#","when":{}"#, condition(set, index));
        let variants = [("control", 3334), ("first", 3333), ("second", 3333)];
        let variants =
            variants.map(|(key, bp)| format!(r#"{{"key":"{}","weight_bp":{bp}{}}}"#, name(key), value(key)));
        let _ = write!(text, r#","variants":[{}]}}"#, variants.join(","));
    } else {
        let variants = [("control", 5000), ("treatment", 5000)];
        let variants =
            variants.map(|(key, bp)| format!(r#"{{"key":"{}","weight_bp":{bp}{}}}"#, name(key), value(key)));
        let _ = write!(text, r#","variants":[{}]}}"#, variants.join(","));
    }
}

/// Whether an experiment of a set is like that of W2.
pub(crate) fn is_w2(set: Set, index: usize) -> bool {
    set == Set::W2 || (set != Set::W1 && index % 2 == 1)
}

fn condition(set: Set, index: usize) -> String {
    let country = r#"{"attr":"country","op":"in","values":["DE","FR","IT","ES","NL"]}"#;
    let by_version = set == Set::W2 || index % 4 == 1;
    let second = match (set, by_version) {
        (Set::W4, true) => format!(r#"{{"attr":"app_version","op":"semver_gte","value":"2.3.{index}"}}"#),
        (Set::W4, false) => format!(r#"{{"attr":"age","op":"gt","value":{}.{index:03}}}"#, 21),
        (_, true) => r#"{"attr":"app_version","op":"semver_gte","value":"2.3.0"}"#.to_owned(),
        (_, false) => r#"{"attr":"age","op":"gt","value":21}"#.to_owned(),
    };
    format!(r#"{{"and":[{country},{second}]}}"#)
}
