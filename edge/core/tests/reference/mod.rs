//! A second evaluator, written to be plain: it reads the JSON of the wire form, builds every text of assignment version 1 as
//! a whole string and hashes it whole. It shares nothing with the core but this crate's name, so that both can disagree.

mod murmur3;
mod values;

use serde_json::Value;

use murmur3::bucket;
use values::{Moment, Version, address, cidr_holds, in_range, moment};

/// Everything a decision may depend on besides the bundle.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    pub(crate) attributes: Value,
    pub(crate) now_ms: i64,
    pub(crate) consent: bool,
    /// Kept assignments: salt and variant.
    pub(crate) sticky: Vec<(String, String)>,
}

/// Variant and reason.
pub(crate) type Answer = (Option<String>, &'static str);

/// What the keys of entries that cannot be compiled begin with.
pub(crate) const INVALID: &str = "invalid_";

pub(crate) struct Reference<'b> {
    bundle: &'b Value,
    /// The experiment that no holdout is asked about.
    exempt: Option<&'b Value>,
}

impl<'b> Reference<'b> {
    pub(crate) fn new(bundle: &'b Value) -> Self {
        Self { bundle, exempt: None }
    }

    /// Decides an experiment or flag; whether one can be compiled is not worked out here but said by its key.
    pub(crate) fn decide(&self, key: &str, visit: &Visit) -> Answer {
        if key.starts_with(INVALID) {
            return (None, "invalid");
        }
        if let Some(experiment) = self.named("experiments", key) {
            return self.experiment(experiment, visit);
        }
        let flag = self.named("flags", key).unwrap_or_else(|| panic!("no entry {key}"));
        self.flag(flag, visit)
    }

    fn named(&self, list: &str, key: &str) -> Option<&'b Value> {
        self.bundle[list].as_array()?.iter().find(|item| item["key"] == key)
    }

    fn experiment(&self, experiment: &Value, visit: &Visit) -> Answer {
        let variants = experiment["variants"].as_array().unwrap();
        let control = experiment["control"].as_str().or(variants[0]["key"].as_str()).unwrap();
        let control = |reason| (Some(control.to_owned()), reason);
        let state = experiment["state"].as_str().unwrap_or("running");
        match state {
            "paused" => return control("paused"),
            "killed" => return control("killed"),
            "archived" => return control("archived"),
            _ => {}
        }
        if let Some(reason) = self.not_yet(experiment, visit) {
            return control(reason);
        }
        if state != "shipped" && experiment["consent"].as_bool().unwrap_or(true) && !visit.consent {
            return control("no_consent");
        }
        let Some(unit) = unit_of_experiment(experiment, visit) else { return control("no_unit") };
        let id = text_unit(visit, experiment["unit"].as_str().unwrap_or("user_id"));
        let id = if experiment["switchback"].is_object() { id } else { Some(unit.clone()) };
        if let Some(variant) = id.and_then(|id| overridden(experiment, &id)) {
            return (Some(variant), "override");
        }
        let key = experiment["key"].as_str().unwrap();
        let salt = experiment["salt"].as_str().unwrap_or(key);
        if state == "running" && experiment["sticky"] == true {
            // The newest stands last.
            let kept = visit.sticky.iter().rfind(|(kept, _)| kept == salt).map(|(_, variant)| variant);
            if let Some(variant) =
                kept.filter(|kept| variants.iter().any(|variant| variant["key"] == ***kept))
            {
                return (Some(variant.clone()), "sticky");
            }
        }
        match self.held(&self.holdouts_of(experiment), &unit, visit) {
            2 => return control("holdout"),
            1 if state != "shipped" => return control("holdout_paired"),
            _ => {}
        }
        if !self.targeted(&experiment["when"], visit) {
            return control("not_targeted");
        }
        if state == "shipped" {
            return (experiment["shipped"].as_str().map(str::to_owned), "shipped");
        }
        match assign(experiment, salt, &unit) {
            Ok(variant) => (Some(variant), "assigned"),
            Err(reason) => control(reason),
        }
    }

    /// Schedule and prerequisites.
    fn not_yet(&self, entry: &Value, visit: &Visit) -> Option<&'static str> {
        let now = i128::from(visit.now_ms) * 1000;
        let schedule = &entry["schedule"];
        // The schedule is kept in whole milliseconds.
        let limit =
            |name: &str| schedule[name].as_str().map(|text| moment(text).unwrap().0.div_euclid(1000) * 1000);
        if limit("start").is_some_and(|start| now < start) {
            return Some("not_started");
        }
        if limit("end").is_some_and(|end| now >= end) {
            return Some("ended");
        }
        for prerequisite in entry["prerequisites"].as_array().into_iter().flatten() {
            let (variant, _) = self.decide(prerequisite["flag"].as_str().unwrap(), visit);
            if variant.as_deref() != prerequisite["variant"].as_str() {
                return Some("prerequisite_failed");
            }
        }
        None
    }

    fn holdouts_of(&self, experiment: &Value) -> Vec<&'b Value> {
        if self.exempt == Some(&experiment["key"]) {
            return Vec::new();
        }
        let unit = experiment["unit"].as_str().unwrap_or("user_id");
        let all = self.bundle["holdouts"].as_array().map(Vec::as_slice).unwrap_or_default();
        let applies = |holdout: &&Value| {
            let by_scope = match &holdout["scope"] {
                Value::String(scope) if scope == "global" => {
                    holdout["unit"].as_str().unwrap_or("user_id") == unit
                        && experiment["switchback"].is_null()
                }
                Value::Object(scope) => scope["layers"].as_array().unwrap().contains(&experiment["layer"]),
                _ => false,
            };
            by_scope || names(&experiment["holdouts"], &holdout["key"])
        };
        all.iter().filter(usable).filter(applies).collect()
    }

    /// 2: held out of everything; 1: of running experiments; 0: of nothing.
    fn held(&self, holdouts: &[&Value], unit: &str, visit: &Visit) -> u8 {
        let held = |holdout: &&Value| {
            let bucket = bucket(&format!("holdout:{}:{unit}", holdout["key"].as_str().unwrap()));
            let bp = holdout["bp"].as_u64().unwrap();
            let held = if bucket < bp {
                2
            } else if holdout["mode"] == "paired" && bucket < 2 * bp {
                1
            } else {
                0
            };
            let excluded = !holdout["exclude"].is_null() && self.targeted(&holdout["exclude"], visit);
            if excluded { 0 } else { held }
        };
        holdouts.iter().map(held).max().unwrap_or(0)
    }

    fn flag(&self, flag: &Value, visit: &Visit) -> Answer {
        let off = |reason| (flag["off_variant"].as_str().map(str::to_owned), reason);
        if flag["enabled"] == false {
            return off("off");
        }
        if let Some(reason) = self.not_yet(flag, visit) {
            return off(reason);
        }
        let unit_name = flag["unit"].as_str().unwrap_or("user_id");
        let id = text_unit(visit, unit_name);
        if let Some(variant) = id.as_ref().and_then(|id| overridden(flag, id)) {
            return (Some(variant), "override");
        }
        for rule in flag["rules"].as_array().into_iter().flatten() {
            if let Some(answer) = self.rule(flag, rule, visit) {
                return answer;
            }
        }
        (flag["default"].as_str().map(str::to_owned), "default")
    }

    fn rule(&self, flag: &Value, rule: &Value, visit: &Visit) -> Option<Answer> {
        if !self.targeted(&rule["when"], visit) {
            return None;
        }
        let rollout = &rule["rollout"];
        let unit_name = rollout["unit"].as_str().or(flag["unit"].as_str()).unwrap_or("user_id");
        let unit = text_unit(visit, unit_name);
        if let Some(unit) = &unit {
            let all = self.bundle["holdouts"].as_array().map(Vec::as_slice).unwrap_or_default();
            let applies = |holdout: &&Value| {
                let shipped = rule["shipped"] == true
                    && holdout["scope"] == "global"
                    && holdout["unit"].as_str().unwrap_or("user_id") == unit_name;
                shipped || names(&rule["holdouts"], &holdout["key"])
            };
            if self.held(&all.iter().filter(usable).filter(applies).collect::<Vec<_>>(), unit, visit) == 2 {
                return None;
            }
        }
        if let Some(variant) = rule["serve"].as_str() {
            return Some((
                Some(variant.to_owned()),
                if rule["when"].is_null() { "static" } else { "targeted" },
            ));
        }
        if rollout.is_object() {
            let unit = unit?;
            let text = format!("{}:{}:{unit}", flag["key"].as_str()?, rule["id"].as_str()?);
            let taken = bucket(&text) < rollout["bp"].as_u64()?;
            return taken.then(|| (Some(split(&rollout["variants"], &format!("{text}:variant"))), "rollout"));
        }
        let key = rule["experiment"].as_str()?;
        let experiment = self.named("experiments", key)?;
        let answer = self.decide(key, visit);
        match answer.1 {
            "assigned" | "sticky" | "override" | "shipped" => Some(answer),
            // Whom only the pause or the holdout keeps out gets control; others go on to the next rule.
            "paused" | "holdout" | "holdout_paired" => {
                let mut freed = experiment.clone();
                if freed["state"] == "paused" {
                    freed["state"] = "running".into();
                }
                let free = Self { bundle: self.bundle, exempt: Some(&experiment["key"]) };
                let (_, reason) = free.experiment(&freed, visit);
                matches!(reason, "assigned" | "shipped" | "override" | "sticky").then_some(answer)
            }
            _ => None,
        }
    }

    fn targeted(&self, condition: &Value, visit: &Visit) -> bool {
        condition.is_null() || self.truth(condition, visit) == Some(true)
    }

    /// `None` is unknown.
    fn truth(&self, condition: &Value, visit: &Visit) -> Option<bool> {
        if let Some(all) = condition["and"].as_array() {
            return kleene(all.iter().map(|part| self.truth(part, visit)), false);
        }
        if let Some(any) = condition["or"].as_array() {
            return kleene(any.iter().map(|part| self.truth(part, visit)), true);
        }
        if condition["not"].is_object() {
            return self.truth(&condition["not"], visit).map(|holds| !holds);
        }
        if let Some(key) = condition["segment"].as_str() {
            return self.segment(self.named("segments", key).unwrap(), visit);
        }
        let value = &visit.attributes[condition["attr"].as_str().unwrap()];
        let op = condition["op"].as_str().unwrap();
        let operands: Vec<&Value> = match condition["values"].as_array() {
            Some(values) => values.iter().collect(),
            None => vec![&condition["value"]],
        };
        test(op, value, &operands, condition["ignore_case"] == true)
    }

    fn segment(&self, segment: &Value, visit: &Visit) -> Option<bool> {
        let id = text_unit(visit, segment["unit"].as_str().unwrap_or("user_id"));
        let listed = |name: &str| match segment[name].as_array().filter(|ids| !ids.is_empty()) {
            Some(ids) => id.as_ref().map(|id| ids.iter().any(|listed| listed == id.as_str())),
            None => Some(false),
        };
        let when = if segment["when"].is_null() { Some(false) } else { self.truth(&segment["when"], visit) };
        let others = kleene([listed("excluded").map(|excluded| !excluded), when].into_iter(), false);
        // Nobody is in by condition where there is none, whatever the lists say.
        let others = if segment["when"].is_null() { Some(false) } else { others };
        kleene([listed("included"), others].into_iter(), true)
    }
}

/// `or` with `decisive` true, `and` with false.
fn kleene(parts: impl Iterator<Item = Option<bool>>, decisive: bool) -> Option<bool> {
    let parts: Vec<_> = parts.collect();
    if parts.contains(&Some(decisive)) {
        Some(decisive)
    } else if parts.contains(&None) {
        None
    } else {
        Some(!decisive)
    }
}

/// Whether a holdout holds anybody at all.
fn usable(holdout: &&Value) -> bool {
    !holdout["key"].as_str().unwrap().starts_with(INVALID)
}

fn names(list: &Value, key: &Value) -> bool {
    list.as_array().is_some_and(|list| list.contains(key))
}

fn overridden(entry: &Value, id: &str) -> Option<String> {
    let lists = entry["overrides"].as_array()?;
    let list = lists
        .iter()
        .find(|list| list["ids"].as_array().is_some_and(|ids| ids.iter().any(|other| other == id)))?;
    list["variant"].as_str().map(str::to_owned)
}

/// The text of a unit: a string that is not empty, or a number's shortest decimal text of up to 24 bytes.
fn text_unit(visit: &Visit, name: &str) -> Option<String> {
    match &visit.attributes[name] {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => {
            let number = number.as_f64()?;
            let text = if number == 0.0 { "0".to_owned() } else { format!("{number}") };
            (text.len() <= 24).then_some(text)
        }
        _ => None,
    }
}

fn unit_of_experiment(experiment: &Value, visit: &Visit) -> Option<String> {
    let switchback = &experiment["switchback"];
    if switchback.is_object() {
        let by = match switchback["by"].as_str() {
            Some(by) => text_unit(visit, by)?,
            None => "all".to_owned(),
        };
        return Some(format!("{by}:{}", visit.now_ms.div_euclid(switchback["period_ms"].as_i64()?)));
    }
    text_unit(visit, experiment["unit"].as_str().unwrap_or("user_id"))
        .or_else(|| text_unit(visit, experiment["fallback_unit"].as_str()?))
}

/// Gate and variant.
fn assign(experiment: &Value, salt: &str, unit: &str) -> Result<String, &'static str> {
    if let Some(layer) = experiment["layer"].as_str() {
        let place = bucket(&format!("layer:{layer}:{unit}"));
        let owns = |range: &Value| (range[0].as_u64().unwrap()..range[1].as_u64().unwrap()).contains(&place);
        if !experiment["ranges"].as_array().unwrap().iter().any(owns) {
            return Err("not_in_range");
        }
    } else if bucket(&format!("{salt}:{unit}")) >= experiment["traffic_bp"].as_u64().unwrap_or(10_000) {
        return Err("not_in_traffic");
    }
    Ok(split(&experiment["variants"], &format!("{salt}:{unit}:variant")))
}

/// Cumulative weights in basis points; rounding falls to the last.
fn split(variants: &Value, text: &str) -> String {
    let variants = variants.as_array().unwrap();
    let bucket = bucket(text);
    let mut total = 0;
    for variant in variants {
        total += variant["weight_bp"].as_u64().unwrap();
        if bucket < total {
            return variant["key"].as_str().unwrap().to_owned();
        }
    }
    variants.last().unwrap()["key"].as_str().unwrap().to_owned()
}

fn test(op: &str, value: &Value, operands: &[&Value], ignore_case: bool) -> Option<bool> {
    let fold = |text: &str| if ignore_case { text.to_ascii_lowercase() } else { text.to_owned() };
    let first = operands.first().copied().unwrap_or(&Value::Null);
    let texts = || operands.iter().map(|operand| fold(operand.as_str().unwrap()));
    let same = |operand: &Value| match (value, operand) {
        (Value::String(value), Value::String(operand)) => Some(fold(value) == fold(operand)),
        (Value::Number(value), Value::Number(operand)) => Some(value.as_f64() == operand.as_f64()),
        (Value::Bool(value), Value::Bool(operand)) => Some(value == operand),
        _ => None,
    };
    match op {
        "exists" => Some(!value.is_null()),
        "eq" => same(first),
        "neq" => same(first).map(|same| !same),
        // Nothing is in an empty list of texts; of what is no text it is unknown, as with every list of texts.
        "in" | "not_in" if operands.is_empty() => value.as_str().map(|_| op == "not_in"),
        "in" => kleene(operands.iter().map(|operand| same(operand)), true),
        "not_in" => kleene(operands.iter().map(|operand| same(operand)), true).map(|found| !found),
        "gt" => Some(value.as_f64()? > first.as_f64()?),
        "gte" => Some(value.as_f64()? >= first.as_f64()?),
        "lt" => Some(value.as_f64()? < first.as_f64()?),
        "lte" => Some(value.as_f64()? <= first.as_f64()?),
        "starts_with" => value.as_str().map(|text| texts().any(|part| fold(text).starts_with(&part))),
        "ends_with" => value.as_str().map(|text| texts().any(|part| fold(text).ends_with(&part))),
        "contains" => value.as_str().map(|text| texts().any(|part| fold(text).contains(&part))),
        "semver_eq" | "semver_gt" | "semver_gte" | "semver_lt" | "semver_lte" => {
            let (value, operand) =
                (Version::parse(value.as_str()?)?, Version::parse(first.as_str()?).unwrap());
            Some(ordered(op.trim_start_matches("semver_"), value.cmp(&operand)))
        }
        "date_gt" | "date_gte" | "date_lt" | "date_lte" => {
            let value = match value {
                Value::Number(milliseconds) => {
                    let micros = milliseconds.as_f64()? * 1000.0;
                    if micros.abs() > 9e18 {
                        return None;
                    }
                    Moment(micros as i128)
                }
                value => moment(value.as_str()?)?,
            };
            Some(ordered(op.trim_start_matches("date_"), value.cmp(&moment(first.as_str()?).unwrap())))
        }
        "ip_in" => {
            let address = address(value.as_str()?)?;
            Some(operands.iter().any(|block| cidr_holds(block.as_str().unwrap(), address)))
        }
        "semver_in" => {
            let value = Version::parse(value.as_str()?)?;
            Some(operands.iter().any(|range| in_range(range.as_str().unwrap(), &value)))
        }
        "regex" => {
            let text = value.as_str().filter(|text| text.len() <= 1024)?;
            Some(operands.iter().any(|pattern| matches(pattern.as_str().unwrap(), text)))
        }
        other => panic!("the reference does not know {other}"),
    }
}

/// What the `regex` crate says, with the short classes written out as what they mean here.
fn matches(pattern: &str, text: &str) -> bool {
    let pattern = pattern
        .replace(r"\d", "[0-9]")
        .replace(r"\w", "[0-9A-Za-z_]")
        .replace(r"\s", r"[\t\n\v\f\r ]")
        .replace(r"\b", r"(?-u:\b)");
    regex::Regex::new(&pattern).unwrap().is_match(text)
}

fn ordered(op: &str, order: std::cmp::Ordering) -> bool {
    match op {
        "eq" => order.is_eq(),
        "gt" => order.is_gt(),
        "gte" => order.is_ge(),
        "lt" => order.is_lt(),
        _ => order.is_le(),
    }
}
