//! What people write about an experiment. The server never changes it.

use std::fmt;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::document::Fields;
use crate::key::LayerKey;
use crate::metric::MetricName;
use crate::share::BasisPoints;
use crate::targeting::Targeting;
use crate::variant::Variants;
use crate::violation::{Violations, child_pointer};

/// The fields of the document, in the order in which they are shown.
pub const SPEC_FIELDS: [&str; 12] = [
    "name",
    "hypothesis",
    "layer",
    "unit",
    "traffic_percent",
    "assignment",
    "started_at",
    "ended_at",
    "variants",
    "targeting",
    "primary_metric",
    "guardrail_metrics",
];

const LONGEST_NAME: usize = 200;
const LONGEST_HYPOTHESIS: usize = 4_000;
const MOST_GUARDRAILS: usize = 50;

/// Attribute whose value is the unit, `user_id` unless said otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit(String);

impl Unit {
    /// Reads the name of an attribute: 1 to 64 of `A-Z a-z 0-9 _ . -`, beginning with a letter or `_`.
    ///
    /// # Errors
    /// A sentence that says what the form is.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if text.len() <= 64 && starts && text.chars().all(good) {
            return Ok(Self(text.to_owned()));
        }
        Err("an attribute has at most 64 of A-Z, a-z, 0-9, `_`, `.`, `-` and begins with a letter or `_`")
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Unit {
    fn default() -> Self {
        Self("user_id".to_owned())
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Who deals the units to variants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assignment {
    /// Kerf's edge.
    Kerf,
    /// Another system. Kerf only measures: no bundle, no layer range; dates may lie in the past.
    External {
        /// When the other system began; the moment of `start` when absent.
        started_at: Option<Timestamp>,
        /// When the other system ended; the moment of `complete` when absent.
        ended_at: Option<Timestamp>,
    },
}

/// What people write about an experiment. Drafts may be incomplete; [`start`](crate::Experiment::act) asks for the rest.
#[derive(Clone, Debug, PartialEq)]
pub struct ExperimentSpec {
    /// Name for people.
    pub name: String,
    /// What is expected to happen, and why.
    pub hypothesis: String,
    /// Layer whose experiments share no unit with this one.
    pub layer: Option<LayerKey>,
    /// Attribute that is dealt.
    pub unit: Unit,
    /// Share of units that take part, of the layer when there is one.
    pub traffic: BasisPoints,
    /// Who deals.
    pub assignment: Assignment,
    /// What units are dealt to.
    pub variants: Variants,
    /// Who may take part; everybody when absent.
    pub targeting: Option<Targeting>,
    /// What decides.
    pub primary_metric: Option<MetricName>,
    /// What must not get worse.
    pub guardrail_metrics: Vec<MetricName>,
}

impl ExperimentSpec {
    /// Reads a document. What is left out takes its default; what is unknown is a fault.
    ///
    /// # Errors
    /// Every fault of the document with its place.
    pub fn parse(document: &Value, now: Timestamp) -> Result<Self, Violations> {
        let mut fields = Fields::of(document, "")?;
        let name = read_name(&mut fields);
        let hypothesis = fields.text("hypothesis", LONGEST_HYPOTHESIS).unwrap_or_default().to_owned();
        let layer = fields.parsed("layer", "bad_key", LayerKey::parse);
        let unit = fields.parsed("unit", "bad_attribute", Unit::parse).unwrap_or_default();
        let traffic = read_traffic(&mut fields);
        let assignment = read_assignment(&mut fields, now);
        let variants = fields.array("variants", usize::MAX).map(|items| Variants::parse(items, "/variants"));
        let variants = variants.and_then(|read| fields.absorb(read)).unwrap_or_default();
        let targeting = fields.value("targeting").map(|value| Targeting::parse(value, "/targeting"));
        let targeting = targeting.and_then(|read| fields.absorb(read));
        let primary_metric = fields.parsed("primary_metric", "bad_metric", MetricName::parse);
        let guardrail_metrics = read_guardrails(&mut fields, primary_metric.as_ref());
        fields.finish().or_ok(Self {
            name,
            hypothesis,
            layer,
            unit,
            traffic,
            assignment,
            variants,
            targeting,
            primary_metric,
            guardrail_metrics,
        })
    }

    /// Reads a document that was checked when it was stored; dates are not held against the clock again.
    ///
    /// # Errors
    /// Every fault with its place, if the stored document was changed by other hands.
    pub fn parse_stored(document: &Value) -> Result<Self, Violations> {
        Self::parse(document, Timestamp::MAX)
    }

    /// The document with every default written out; it reads back as the same value.
    pub fn to_json(&self) -> Value {
        let mut document = Map::new();
        document.insert("name".into(), json!(self.name));
        document.insert("hypothesis".into(), json!(self.hypothesis));
        document.insert("layer".into(), json!(self.layer.as_ref().map(LayerKey::as_str)));
        document.insert("unit".into(), json!(self.unit.as_str()));
        document.insert("traffic_percent".into(), json!(self.traffic.percent()));
        document.insert("assignment".into(), json!(self.assignment_name()));
        if let Assignment::External { started_at, ended_at } = &self.assignment {
            document.insert("started_at".into(), json!(started_at));
            document.insert("ended_at".into(), json!(ended_at));
        }
        document.insert("variants".into(), self.variants.to_json());
        document.insert("targeting".into(), json!(self.targeting.as_ref().map(Targeting::as_json)));
        document.insert("primary_metric".into(), json!(self.primary_metric.as_ref().map(MetricName::as_str)));
        let guardrails: Vec<&str> = self.guardrail_metrics.iter().map(MetricName::as_str).collect();
        document.insert("guardrail_metrics".into(), json!(guardrails));
        Value::Object(document)
    }

    /// `kerf` or `external`.
    pub const fn assignment_name(&self) -> &'static str {
        match self.assignment {
            Assignment::Kerf => "kerf",
            Assignment::External { .. } => "external",
        }
    }

    /// Whether Kerf's edge deals the units.
    pub const fn dealt_by_kerf(&self) -> bool {
        matches!(self.assignment, Assignment::Kerf)
    }
}

fn read_name(fields: &mut Fields<'_>) -> String {
    match fields.text("name", LONGEST_NAME).map(str::trim) {
        Some("") => fields.refuse("name", "required", "the name is empty").unwrap_or_default(),
        Some(name) => name.to_owned(),
        // A name of another type has been refused by `text`; only a missing one is left.
        None if fields.value("name").is_none() => {
            fields.refuse("name", "required", "an experiment has a name").unwrap_or_default()
        }
        None => String::new(),
    }
}

fn read_traffic(fields: &mut Fields<'_>) -> BasisPoints {
    match fields.value("traffic_percent").map(BasisPoints::from_percent) {
        None => BasisPoints::ALL,
        Some(Ok(traffic)) => traffic,
        Some(Err(error)) => {
            fields.refuse("traffic_percent", error.code(), error.to_string()).unwrap_or(BasisPoints::NONE)
        }
    }
}

fn read_assignment(fields: &mut Fields<'_>, now: Timestamp) -> Assignment {
    let external = match fields.text("assignment", 20) {
        None | Some("kerf") => false,
        Some("external") => true,
        Some(other) => {
            let detail = format!("`{other}` is neither `kerf` nor `external`");
            fields.refuse("assignment", "unknown_assignment", detail).unwrap_or(false)
        }
    };
    let started_at = fields.time("started_at");
    let ended_at = fields.time("ended_at");
    for (name, time) in [("started_at", started_at), ("ended_at", ended_at)] {
        if time.is_some() && !external {
            let detail = "only an experiment with `assignment: external` brings its own dates";
            fields.refuse::<()>(name, "read_only", detail);
        } else if time.is_some_and(|time| time > now) {
            fields.refuse::<()>(
                name,
                "in_the_future",
                "an experiment of another system is recorded with past dates",
            );
        }
    }
    match (started_at, ended_at) {
        (Some(start), Some(end)) if end <= start => {
            fields.refuse::<()>("ended_at", "ends_before_start", "the end is not after the start");
        }
        (None, Some(_)) if external => {
            fields.refuse::<()>("started_at", "required", "an experiment that has an end has a start");
        }
        _ => {}
    }
    if external { Assignment::External { started_at, ended_at } } else { Assignment::Kerf }
}

fn read_guardrails(fields: &mut Fields<'_>, primary: Option<&MetricName>) -> Vec<MetricName> {
    let items = fields.array("guardrail_metrics", MOST_GUARDRAILS).unwrap_or_default();
    let mut metrics: Vec<MetricName> = Vec::with_capacity(items.len());
    let mut violations = Violations::new();
    for (index, item) in items.iter().enumerate() {
        let place = child_pointer("/guardrail_metrics", &index.to_string());
        match item.as_str().map(MetricName::parse) {
            None => violations.add(place, "not_a_string", "the name of a metric is expected here"),
            Some(Err(error)) => violations.add(place, "bad_metric", error.to_string()),
            Some(Ok(metric)) if metrics.contains(&metric) => {
                violations.add(place, "doubled", format!("`{metric}` stands in the list already"));
            }
            Some(Ok(metric)) if primary == Some(&metric) => {
                violations.add(place, "doubled", format!("`{metric}` is the primary metric already"));
            }
            Some(Ok(metric)) => metrics.push(metric),
        }
    }
    fields.absorb(violations.or_ok(metrics)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-25T04:00:00Z".parse().unwrap()
    }

    /// The body that the first customer sends.
    fn checkout() -> Value {
        json!({
            "name": "checkout_button_color", "hypothesis": "Green button increases conversion by 5%",
            "layer": "checkout_ui", "traffic_percent": 20,
            "variants": [
                {"name": "control", "weight": 50, "config": {"button_color": "blue"}},
                {"name": "treatment", "weight": 50, "config": {"button_color": "green"}},
            ],
            "primary_metric": "checkout_conversion_rate", "guardrail_metrics": ["crash_rate", "p95_latency"],
        })
    }

    fn faults(document: &Value) -> Vec<(String, &'static str)> {
        let violations = ExperimentSpec::parse(document, now()).unwrap_err();
        violations.as_slice().iter().map(|v| (v.pointer.clone(), v.code)).collect()
    }

    #[test]
    fn the_example_is_taken_as_it_stands() {
        let spec = ExperimentSpec::parse(&checkout(), now()).unwrap();
        assert_eq!(spec.traffic.get(), 2_000);
        assert_eq!(spec.unit.as_str(), "user_id");
        assert_eq!(spec.layer.as_ref().unwrap().as_str(), "checkout_ui");
        assert_eq!(spec.variants.as_slice().len(), 2);
        assert!(spec.dealt_by_kerf());
    }

    #[test]
    fn the_document_reads_back_as_the_same_value() {
        let mut external = checkout();
        external["assignment"] = json!("external");
        external["started_at"] = json!("2026-11-01T00:00:00Z");
        external["ended_at"] = json!("2026-11-24T00:00:00Z");
        external["targeting"] = json!({"attr": "country", "op": "eq", "value": "DE"});
        for document in [checkout(), external, json!({"name": "young"})] {
            let spec = ExperimentSpec::parse(&document, now()).unwrap();
            assert_eq!(ExperimentSpec::parse_stored(&spec.to_json()).unwrap(), spec);
        }
    }

    #[test]
    fn every_field_of_the_document_is_listed() {
        let mut external = checkout();
        external["assignment"] = json!("external");
        let written = ExperimentSpec::parse(&external, now()).unwrap().to_json();
        let mut names: Vec<&str> = written.as_object().unwrap().keys().map(String::as_str).collect();
        let mut listed = SPEC_FIELDS.to_vec();
        names.sort_unstable();
        listed.sort_unstable();
        assert_eq!(names, listed);
    }

    #[test]
    fn faults_are_collected_with_their_places() {
        let document = json!({
            "hypothesis": 1, "layer": "Checkout", "unit": "user id", "traffic_percent": 120, "assignment": "mine",
            "started_at": "2026-11-01T00:00:00Z", "traffic_precent": 5, "primary_metric": "a/b",
            "guardrail_metrics": ["ok", "ok", 3],
        });
        let mut found = faults(&document);
        found.sort();
        assert_eq!(
            found,
            [
                ("/assignment".into(), "unknown_assignment"),
                ("/guardrail_metrics/1".into(), "doubled"),
                ("/guardrail_metrics/2".into(), "not_a_string"),
                ("/hypothesis".into(), "not_a_string"),
                ("/layer".into(), "bad_key"),
                ("/name".into(), "required"),
                ("/primary_metric".into(), "bad_metric"),
                ("/started_at".into(), "read_only"),
                ("/traffic_percent".into(), "out_of_range"),
                ("/traffic_precent".into(), "unknown_field"),
                ("/unit".into(), "bad_attribute"),
            ]
        );
    }

    #[test]
    fn dates_of_another_system_lie_in_the_past_and_in_order() {
        let external = |start: &str, end: &str| json!({"name": "x", "assignment": "external", "started_at": start, "ended_at": end});
        let future = external("2026-11-25T05:00:00Z", "2026-11-26T05:00:00Z");
        assert_eq!(faults(&future).len(), 2);
        let reversed = external("2026-11-20T00:00:00Z", "2026-11-19T00:00:00Z");
        assert_eq!(faults(&reversed), [("/ended_at".into(), "ends_before_start")]);
        let no_start = json!({"name": "x", "assignment": "external", "ended_at": "2026-11-19T00:00:00Z"});
        assert_eq!(faults(&no_start), [("/started_at".into(), "required")]);
    }
}
