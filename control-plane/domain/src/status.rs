//! What the system writes about an experiment.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::document::Fields;
use crate::layer::Range;
use crate::lifecycle::Phase;
use crate::spec::ExperimentSpec;
use crate::violation::Violations;

/// Where an experiment stands and how it got there.
#[derive(Clone, Debug, PartialEq)]
pub struct ExperimentStatus {
    /// Where it stands.
    pub phase: Phase,
    /// 0 before the first start, then 1; a later iteration has a salt of its own.
    pub iteration: u16,
    /// When it first assigned, or what another system said.
    pub started_at: Option<Timestamp>,
    /// When it was completed, or what another system said.
    pub ended_at: Option<Timestamp>,
    /// What was decided at the end.
    pub decision: Option<Decision>,
    /// Ranges of the layer that it owns now.
    pub ranges: Vec<Range>,
}

/// What was decided at the end of an experiment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "decision", deny_unknown_fields)]
pub enum Decision {
    /// This variant is for everybody from now on.
    Ship {
        /// Name of the variant.
        variant: String,
    },
    /// Another experiment follows.
    Iterate,
    /// The idea is given up.
    Kill,
    /// Nothing could be learnt.
    Inconclusive,
}

impl ExperimentStatus {
    /// What a new draft has.
    pub const fn draft() -> Self {
        Self {
            phase: Phase::Draft,
            iteration: 0,
            started_at: None,
            ended_at: None,
            decision: None,
            ranges: Vec::new(),
        }
    }

    /// The document that is kept with every version.
    pub fn to_json(&self) -> Value {
        let ranges: Vec<[u16; 2]> = self.ranges.iter().map(|range| [range.from(), range.to()]).collect();
        json!({
            "phase": self.phase.as_str(),
            "iteration": self.iteration,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "decision": self.decision,
            "ranges": ranges,
        })
    }

    /// Reads the document of [`to_json`](Self::to_json).
    ///
    /// # Errors
    /// Every fault with its place, if the stored document was changed by other hands.
    pub fn parse_stored(document: &Value) -> Result<Self, Violations> {
        let mut fields = Fields::of(document, "")?;
        let phase =
            fields.parsed("phase", "bad_phase", |text| Phase::parse(text).ok_or("no phase has this name"));
        let iteration = fields.value("iteration").and_then(Value::as_u64).and_then(|n| u16::try_from(n).ok());
        let started_at = fields.time("started_at");
        let ended_at = fields.time("ended_at");
        let decision = match fields.value("decision").map(Decision::deserialize) {
            Some(Err(error)) => fields.refuse("decision", "bad_decision", error.to_string()),
            Some(Ok(decision)) => Some(decision),
            None => None,
        };
        let mut ranges = Vec::new();
        for item in fields.array("ranges", usize::MAX).unwrap_or_default() {
            let bound = |index: usize| item.get(index).and_then(Value::as_i64).unwrap_or(-1);
            match Range::new(bound(0), bound(1)) {
                Ok(range) => ranges.push(range),
                Err(error) => {
                    fields.refuse::<()>("ranges", "bad_range", error.to_string());
                }
            }
        }
        let (Some(phase), Some(iteration)) = (phase, iteration) else {
            fields.refuse::<()>("phase", "required", "a status has a phase and an iteration");
            return fields.finish().or_ok(Self::draft());
        };
        fields.finish().or_ok(Self { phase, iteration, started_at, ended_at, decision, ranges })
    }
}

impl Decision {
    /// Reads `decision` and `variant` of a request to complete.
    ///
    /// # Errors
    /// Every fault with its place: an unknown decision, `ship` without a variant, a variant that is not there.
    pub fn read(fields: &mut Fields<'_>, spec: &ExperimentSpec) -> Option<Self> {
        let variant = fields.text("variant", 64);
        let decision = fields.text("decision", 20);
        if variant.is_some() && decision != Some("ship") {
            return fields.refuse(
                "variant",
                "not_shipped",
                "a variant is named with the decision `ship` alone",
            );
        }
        match (decision?, variant) {
            ("ship", Some(name)) if spec.variants.as_slice().iter().any(|v| v.name == name) => {
                Some(Self::Ship { variant: name.to_owned() })
            }
            ("ship", Some(name)) => {
                fields.refuse("variant", "unknown_variant", format!("the experiment has no variant `{name}`"))
            }
            ("ship", None) => fields.refuse("variant", "required", "`ship` says which variant is shipped"),
            ("iterate", _) => Some(Self::Iterate),
            ("kill", _) => Some(Self::Kill),
            ("inconclusive", _) => Some(Self::Inconclusive),
            (other, _) => {
                let detail = format!("`{other}` is none of `ship`, `iterate`, `kill`, `inconclusive`");
                fields.refuse("decision", "unknown_decision", detail)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_reads_back_as_the_same_value() {
        let status = ExperimentStatus {
            phase: Phase::Completed,
            iteration: 1,
            started_at: Some("2026-11-01T00:00:00Z".parse().unwrap()),
            ended_at: Some("2026-11-02T00:00:00.123456Z".parse().unwrap()),
            decision: Some(Decision::Ship { variant: "treatment".into() }),
            ranges: vec![Range::new(0, 5).unwrap(), Range::new(7, 10_000).unwrap()],
        };
        for status in [status, ExperimentStatus::draft()] {
            assert_eq!(ExperimentStatus::parse_stored(&status.to_json()).unwrap(), status);
        }
    }

    #[test]
    fn a_document_of_other_hands_is_refused() {
        let document = json!({"phase": "gone", "iteration": -1, "ranges": [[5, 1]], "extra": true});
        let violations = ExperimentStatus::parse_stored(&document).unwrap_err();
        let codes: Vec<_> = violations.as_slice().iter().map(|violation| violation.code).collect();
        assert_eq!(codes, ["bad_phase", "bad_range", "required", "unknown_field"]);
    }
}
