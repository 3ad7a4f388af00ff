//! Bundles in the wire form and visits, drawn from a list of choices: a shorter list or smaller numbers make plainer ones, so that
//! proptest shrinks to what matters.

use serde_json::{Map, Value, json};

use crate::reference::Visit;

/// Choices that proptest made; where they end, every further one is 0.
pub(crate) struct Choices<'a>(pub(crate) std::slice::Iter<'a, u16>);

impl Choices<'_> {
    fn below(&mut self, end: usize) -> usize {
        self.0.next().map_or(0, |choice| usize::from(*choice) % end)
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == chances - 1
    }

    fn of<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())].clone()
    }

    fn some<T: Clone>(&mut self, list: &[T]) -> Vec<T> {
        (0..=self.below(3)).map(|_| self.of(list)).collect()
    }
}

const ATTRIBUTES: [&str; 5] = ["country", "age", "version", "moment", "address"];
const IDS: [&str; 6] = ["u1", "u2", "u3", "a1", "7", "Köln"];
const TEXTS: [&str; 8] = ["DE", "de", "Deutschland", "", "user@kerf.dev", "2.3.0-beta.2", "10.1.2.3", "Köln"];
const NUMBERS: [f64; 6] = [0.0, 7.0, 21.0, 21.5, -1.0, 1_795_579_200_000.0];
const VERSIONS: [&str; 6] = ["2.3.0", "v2.3", "2.3.0-beta.2", "2.3.0-beta.11", "2.10.0+b", "3"];
const RANGES: [&str; 6] = ["^2.3.0-beta.2", "~2.3", ">=2.3.0 <3 || 3.x", "1.0 - 2.3", "*", "<2.10.0"];
const MOMENTS: [&str; 4] = [
    "2026-11-25T04:00:00Z",
    "2026-11-25T05:00:00.5+01:00",
    "2026-11-24T22:30:00-05:30",
    "2026-12-01T00:00:00Z",
];
const BLOCKS: [&str; 5] = ["10.1.0.0/16", "10.0.0.0/8", "2001:db8::/32", "::ffff:10.1.2.3", "0.0.0.0/0"];
const PATTERNS: [&str; 5] = ["^D", r"\d+\.\d+", "(?i)de", "@kerf\\.dev$", "^$"];
/// 2026-11-25T04:00:00Z.
const NOW: i64 = 1_795_579_200_000;

/// A whole bundle, in which every entry compiles.
pub(crate) fn bundle(choices: &mut Choices<'_>) -> Value {
    let segments: Vec<Value> = (0..3).map(|index| segment(choices, index)).collect();
    let holdouts: Vec<Value> = (0..choices.below(4)).map(|index| holdout(choices, index)).collect();
    let mut experiments: Vec<Value> = Vec::new();
    let mut flags: Vec<Value> = Vec::new();
    // What the experiments of each layer have left of its buckets.
    let mut layers = [0, 0];
    for index in 0..5 {
        let experiment = experiment(choices, index, &flags, &holdouts, &mut layers);
        experiments.push(experiment);
        let flag = flag(choices, index, &flags, &experiments, &holdouts);
        flags.push(flag);
    }
    json!({
        "format": 1, "environment": "random", "version": 3, "created": "2026-11-25T04:00:00Z",
        "experiments": experiments, "flags": flags, "segments": segments, "holdouts": holdouts,
        "layers": [{"key": "l0"}, {"key": "l1", "unit": "city"}],
    })
}

fn segment(choices: &mut Choices<'_>, index: usize) -> Value {
    let mut segment = json!({"key": format!("s{index}")});
    if choices.one_in(3) {
        segment["unit"] = json!("city");
    }
    if choices.one_in(2) {
        segment["included"] = json!(choices.some(&IDS));
    }
    if choices.one_in(2) {
        segment["excluded"] = json!(choices.some(&IDS));
    }
    if !choices.one_in(4) {
        segment["when"] = condition(choices, 2, index);
    }
    segment
}

/// A condition that names the first `segments` segments only.
fn condition(choices: &mut Choices<'_>, depth: usize, segments: usize) -> Value {
    let parts = |choices: &mut Choices<'_>| {
        (0..choices.below(7)).map(|_| condition(choices, depth - 1, segments)).collect::<Vec<_>>()
    };
    match choices.below(if depth == 0 { 6 } else { 10 }) {
        6 => json!({ "and": parts(choices) }),
        7 => json!({ "or": parts(choices) }),
        8 => json!({ "not": condition(choices, depth - 1, segments) }),
        9 if segments > 0 => json!({ "segment": format!("s{}", choices.below(segments)) }),
        _ => test(choices),
    }
}

fn test(choices: &mut Choices<'_>) -> Value {
    let attr = choices.of(&ATTRIBUTES);
    let mut test = json!({ "attr": attr });
    let (ops, operand): (&[&str], Value) = match choices.below(9) {
        0 => (&["exists"], Value::Null),
        1 => (&["eq", "neq"], scalar(choices)),
        2 => (&["in", "not_in"], operands(choices)),
        3 => (&["gt", "gte", "lt", "lte"], json!(choices.of(&NUMBERS))),
        4 => (&["starts_with", "ends_with", "contains"], json!(choices.some(&TEXTS))),
        5 => (
            &["semver_eq", "semver_gt", "semver_gte", "semver_lt", "semver_lte"],
            json!(choices.of(&VERSIONS)),
        ),
        6 => (&["date_gt", "date_gte", "date_lt", "date_lte"], json!(choices.of(&MOMENTS))),
        7 => (&["ip_in"], json!(choices.some(&BLOCKS))),
        _ if choices.one_in(2) => (&["semver_in"], json!(choices.some(&RANGES))),
        _ => (&["regex"], json!(choices.some(&PATTERNS))),
    };
    let op = choices.of(ops);
    test["op"] = json!(op);
    match operand {
        Value::Null => {}
        Value::Array(_) => test["values"] = operand,
        operand => test["value"] = operand,
    }
    let folds = ["eq", "neq", "in", "not_in", "starts_with", "ends_with", "contains"].contains(&op);
    if folds && choices.one_in(3) {
        test["ignore_case"] = json!(true);
    }
    test
}

/// A list of `in`: all texts or all numbers.
fn operands(choices: &mut Choices<'_>) -> Value {
    let (count, numbers) = (choices.below(12), choices.one_in(3));
    let operand = |choices: &mut Choices<'_>| {
        if numbers { json!(choices.of(&NUMBERS)) } else { json!(choices.of(&TEXTS)) }
    };
    (0..count).map(|_| operand(choices)).collect()
}

/// An operand of `eq`.
fn scalar(choices: &mut Choices<'_>) -> Value {
    match choices.below(4) {
        0 | 1 => json!(choices.of(&TEXTS)),
        2 => json!(choices.of(&NUMBERS)),
        _ => json!(choices.one_in(2)),
    }
}

fn holdout(choices: &mut Choices<'_>, index: usize) -> Value {
    let mut holdout = json!({"key": format!("h{index}"), "bp": choices.of(&[500, 0, 2500, 5000])});
    if choices.one_in(2) {
        holdout["mode"] = json!("paired");
    }
    // A scope of layers needs their unit.
    let (unit, layer) = if choices.one_in(4) { ("city", "l1") } else { ("user_id", "l0") };
    holdout["unit"] = json!(unit);
    holdout["scope"] = choices.of(&[json!("named"), json!("global"), json!({"layers": [layer]})]);
    if choices.one_in(4) {
        holdout["exclude"] = condition(choices, 1, 3);
    }
    holdout
}

fn experiment(
    choices: &mut Choices<'_>,
    index: usize,
    flags: &[Value],
    holdouts: &[Value],
    layers: &mut [u16; 2],
) -> Value {
    let key = format!("e{index}");
    let count = 2 + choices.below(4);
    let names = ["on", "off", "third", "fourth", "fifth"];
    let weights = [&[5000, 5000][..], &[3333, 3333, 3333], &[1, 0, 9998, 1], &[2000; 5]][count - 2];
    let variants: Vec<Value> = names
        .iter()
        .zip(weights)
        .map(|(name, weight)| json!({"key": name, "weight_bp": weight, "value": {"n": weight}}))
        .collect();
    let mut experiment = json!({"key": key, "variants": variants});
    common(choices, &mut experiment, flags, count.min(weights.len()));
    if choices.one_in(3) {
        experiment["salt"] = json!(format!("{key}:{}", 2 + choices.below(3)));
    }
    if choices.one_in(3) {
        experiment["control"] = json!("off");
    }
    let running = ["running"; 4];
    experiment["state"] =
        json!(choices.of(&[&running[..], &["paused", "killed", "archived", "shipped"]].concat()));
    if experiment["state"] == "shipped" {
        experiment["shipped"] = json!("off");
    }
    if choices.one_in(2) {
        experiment["when"] = condition(choices, 3, 3);
    }
    if choices.one_in(4) {
        experiment["consent"] = json!(false);
    }
    if choices.one_in(5) {
        let mut switchback = json!({ "period_ms": choices.of(&[3_600_000, 1, 86_400_000]) });
        if choices.one_in(2) {
            switchback["by"] = json!("city");
        }
        experiment["switchback"] = switchback;
        experiment["traffic_bp"] = json!(choices.of(&[10_000, 5000]));
        return experiment;
    }
    let mut unit = choices.of(&["user_id", "user_id", "city"]);
    match choices.below(4) {
        place @ (2 | 3) if layers[place - 2] < 9000 => {
            let (layer, from) = (place - 2, layers[place - 2]);
            let to = (from + choices.of(&[1000_u16, 3333, 5000])).min(10_000);
            layers[layer] = to;
            unit = ["user_id", "city"][layer];
            experiment["layer"] = json!(format!("l{layer}"));
            experiment["ranges"] = json!([[from, from + 1], [from + 1, to - 2], [to - 1, to]]);
        }
        _ => experiment["traffic_bp"] = json!(choices.of(&[10_000, 5000, 0, 9999])),
    }
    experiment["unit"] = json!(unit);
    if choices.one_in(3) {
        experiment["fallback_unit"] = json!("anonymous_id");
    }
    experiment["sticky"] = json!(choices.one_in(2));
    experiment["holdouts"] = named_holdouts(choices, holdouts, unit);
    experiment
}

fn named_holdouts(choices: &mut Choices<'_>, holdouts: &[Value], unit: &str) -> Value {
    let fitting = holdouts.iter().filter(|holdout| holdout["unit"] == unit);
    fitting.filter(|_| choices.one_in(3)).map(|holdout| holdout["key"].clone()).collect()
}

/// What experiments and flags share.
fn common(choices: &mut Choices<'_>, entry: &mut Value, flags: &[Value], variants: usize) {
    if choices.one_in(4) {
        let mut schedule = Map::new();
        if choices.one_in(2) {
            schedule.insert("start".to_owned(), json!(choices.of(&MOMENTS[..2])));
        }
        if choices.one_in(2) {
            schedule.insert("end".to_owned(), json!(MOMENTS[3]));
        }
        entry["schedule"] = schedule.into();
    }
    if choices.one_in(4) && !flags.is_empty() {
        let flag = choices.below(flags.len());
        entry["prerequisites"] = json!([{"flag": flags[flag]["key"], "variant": choices.of(&["on", "off"])}]);
    }
    if choices.one_in(4) {
        let variant = entry["variants"][choices.below(variants)]["key"].clone();
        entry["overrides"] = json!([{"ids": choices.some(&IDS), "variant": variant}, {"ids": choices.some(&IDS), "variant": "on"}]);
    }
}

fn flag(
    choices: &mut Choices<'_>,
    index: usize,
    flags: &[Value],
    experiments: &[Value],
    holdouts: &[Value],
) -> Value {
    let variants: Vec<Value> = ["on", "off", "third", "fourth", "fifth"]
        .iter()
        .map(|name| json!({"key": name, "value": format!("value of {name}")}))
        .collect();
    let mut flag = json!({
        "key": format!("f{index}"), "type": "string", "variants": variants,
        "off_variant": choices.of(&["off", "third"]), "default": choices.of(&["off", "on"]),
        "enabled": !choices.one_in(8), "unit": choices.of(&["user_id", "user_id", "city"]),
    });
    common(choices, &mut flag, flags, 5);
    let unit = flag["unit"].as_str().unwrap().to_owned();
    let rules: Vec<Value> =
        (0..choices.below(5)).map(|place| rule(choices, place, &unit, experiments, holdouts)).collect();
    flag["rules"] = json!(rules);
    flag
}

fn rule(
    choices: &mut Choices<'_>,
    place: usize,
    flag_unit: &str,
    experiments: &[Value],
    holdouts: &[Value],
) -> Value {
    let mut rule = json!({"id": format!("r{place}"), "shipped": choices.one_in(4)});
    if !choices.one_in(3) {
        rule["when"] = condition(choices, 2, 3);
    }
    let mut unit = flag_unit.to_owned();
    match choices.below(3) {
        0 => rule["serve"] = json!(choices.of(&["on", "off", "third"])),
        1 => {
            let shares = choices.of(&[
                json!([{"key":"on","weight_bp":10000}]),
                json!([{"key":"on","weight_bp":3333},{"key":"off","weight_bp":3333},{"key":"third","weight_bp":3333}]),
            ]);
            rule["rollout"] = json!({"bp": choices.of(&[5000, 0, 10_000, 1000]), "variants": shares});
            if choices.one_in(3) {
                unit = choices.of(&["device_id", "city", "user_id"]).to_owned();
                rule["rollout"]["unit"] = json!(unit);
            }
        }
        _ => rule["experiment"] = experiments[choices.below(experiments.len())]["key"].clone(),
    }
    rule["holdouts"] = named_holdouts(choices, holdouts, &unit);
    rule
}

/// A visit, and what a case of a vector file would say of it.
pub(crate) fn visit(choices: &mut Choices<'_>) -> (Visit, Value) {
    let mut attributes = Map::new();
    for name in ["user_id", "anonymous_id", "device_id", "city"] {
        let id = match choices.below(6) {
            0 | 1 => json!(format!("user-{}", choices.below(1000))),
            2 => json!(choices.of(&IDS)),
            3 => json!(choices.of(&NUMBERS)),
            4 => choices.of(&[json!(""), json!(true), json!(null), json!(7)]),
            _ => continue,
        };
        attributes.insert(name.to_owned(), id);
    }
    for name in ATTRIBUTES {
        let value = match choices.below(8) {
            0 => continue,
            1 => json!(choices.of(&NUMBERS)),
            2 => choices.of(&[json!(true), json!(false), json!([1]), json!({"a": 1}), json!(null)]),
            3 => json!(choices.of(&TEXTS)),
            4 => json!(choices.of(&VERSIONS)),
            5 => json!(choices.of(&MOMENTS)),
            6 => json!(choices.of(&["10.1.2.3", "::ffff:10.9.9.9", "2001:db8::1", "1.2.3"])),
            _ => json!(choices.of(&["3.1.0", "2.3.1-rc.1", "0.9", "Deutsch"])),
        };
        attributes.insert(name.to_owned(), value);
    }
    let mut sticky = Vec::new();
    for experiment in 0..choices.below(3) {
        let salt = format!("e{experiment}{}", choices.of(&["", ":2", ":3"]));
        sticky.push((salt, choices.of(&["on", "off", "gone"]).to_owned()));
    }
    let now_ms = choices.of(&[NOW, NOW - 1, NOW + 3_600_500, 0, -1]);
    let consent = !choices.one_in(4);
    let case = json!({"context": attributes, "now_ms": now_ms, "consent": consent, "sticky": sticky});
    (Visit { attributes: attributes.into(), now_ms, consent, sticky }, case)
}
