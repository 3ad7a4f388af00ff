//! An experiment: spec, status and version, and every way in which it changes.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::change;
use crate::document::Fields;
use crate::key::{Key, LayerKey};
use crate::layer::Layer;
use crate::lifecycle::{Action, IllegalTransition, Phase};
use crate::merge_patch::{changed_pointers, merge_patch};
use crate::share::BasisPoints;
use crate::spec::{Assignment, ExperimentSpec};
use crate::start;
use crate::status::{Decision, ExperimentStatus};
use crate::version::Version;
use crate::violation::Violations;

const LONGEST_REASON: usize = 1_000;

/// Fields of the answer that a request cannot set.
const READ_ONLY: [&str; 8] =
    ["id", "key", "status", "version", "iteration", "decision", "created_at", "updated_at"];

/// One experiment at one version.
#[derive(Clone, Debug, PartialEq)]
pub struct Experiment {
    /// The one public identity; salt of the assignment.
    pub key: Key,
    /// Version of the resource.
    pub version: Version,
    /// What people wrote.
    pub spec: ExperimentSpec,
    /// What the system wrote.
    pub status: ExperimentStatus,
    /// When it was made.
    pub created_at: Timestamp,
    /// When this version was made.
    pub updated_at: Timestamp,
}

/// Why a change is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The document is wrong, or the phase does not allow the change.
    #[error("{0}")]
    Invalid(Violations),
    /// The draft is not ready.
    #[error("not ready to start: {0}")]
    StartChecks(Violations),
    /// The lifecycle has no such move.
    #[error("cannot {action} a {phase} experiment: {why}")]
    Transition {
        /// Where it stands.
        phase: Phase,
        /// What was asked.
        action: Action,
        /// The reason of the table's cell.
        why: IllegalTransition,
    },
}

/// What a request to act says beside the action.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActionRequest {
    /// Why, for the audit.
    pub reason: Option<String>,
    /// What was decided; `complete` only.
    pub decision: Option<Decision>,
}

impl ActionRequest {
    /// Reads the body of an action: `reason`, and for `complete` also `decision` and `variant`. No body is an empty one.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn parse(body: &Value, action: Action, spec: &ExperimentSpec) -> Result<Self, Violations> {
        let nothing = Value::Object(Map::new());
        let mut fields = Fields::of(if body.is_null() { &nothing } else { body }, "")?;
        let reason = fields.text("reason", LONGEST_REASON).map(str::to_owned);
        let decision = match action {
            Action::Complete => Decision::read(&mut fields, spec),
            _ => None,
        };
        fields.finish().or_ok(Self { reason, decision })
    }
}

impl Experiment {
    /// A draft from the body of a request: a spec, with a `key` or a name that gives one.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn create(body: &Value, now: Timestamp) -> Result<Self, Violations> {
        let mut rest = body.clone();
        let written = rest.as_object_mut().and_then(|fields| fields.remove("key"));
        let mut violations = refuse_read_only(&rest);
        let key = read_key(written.as_ref(), &rest).map_err(|found| violations.extend(found));
        let spec =
            ExperimentSpec::parse(&without_read_only(rest), now).map_err(|found| violations.extend(found));
        match (key, spec) {
            (Ok(key), Ok(spec)) => violations.or_ok(Self {
                key,
                version: Version::FIRST,
                spec,
                status: ExperimentStatus::draft(),
                created_at: now,
                updated_at: now,
            }),
            _ => Err(violations),
        }
    }

    /// The experiment after a JSON Merge Patch on its spec.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with every fault of the new document, or every change that the phase does not allow.
    pub fn patched(&self, patch: &Value, now: Timestamp) -> Result<Self, Refusal> {
        if !patch.is_object() {
            let detail = "a merge patch is a JSON object with the fields that change";
            return Err(Refusal::Invalid(Violations::one("", "not_an_object", detail)));
        }
        let mut violations = refuse_read_only(patch);
        let document = merge_patch(self.spec.to_json(), &without_read_only(patch.clone()));
        match ExperimentSpec::parse(&document, now) {
            Ok(spec) => {
                violations.extend(change::check(self.status.phase, &self.spec, &spec));
                violations.or_ok(self.next(spec, self.status.clone(), now)).map_err(Refusal::Invalid)
            }
            Err(found) => {
                violations.extend(found);
                Err(Refusal::Invalid(violations))
            }
        }
    }

    /// The experiment after an action.
    ///
    /// # Errors
    /// [`Refusal::Transition`] where the lifecycle has no such move, [`Refusal::StartChecks`] for a draft that is not ready.
    pub fn act(&self, action: Action, request: &ActionRequest, now: Timestamp) -> Result<Self, Refusal> {
        let phase = self.status.phase;
        let after = phase.after(action).map_err(|why| Refusal::Transition { phase, action, why })?;
        let mut status = self.status.clone();
        status.phase = after;
        let (external_start, external_end) = match self.spec.assignment {
            Assignment::External { started_at, ended_at } => (started_at, ended_at),
            Assignment::Kerf => (None, None),
        };
        match action {
            Action::Start => {
                start::checks(self).or_ok(()).map_err(Refusal::StartChecks)?;
                status.iteration = 1;
                status.started_at = Some(external_start.unwrap_or(now));
            }
            Action::Complete => {
                status.ended_at = Some(external_end.unwrap_or(now));
                status.decision.clone_from(&request.decision);
            }
            Action::Pause | Action::Resume | Action::Archive => {}
        }
        Ok(self.next(self.spec.clone(), status, now))
    }

    /// Layer and share that the experiment must own as it stands; `None` when it owns nothing.
    pub fn claim(&self) -> Option<(&LayerKey, BasisPoints)> {
        let layer = self.spec.layer.as_ref()?;
        (self.status.phase.is_live() && self.spec.dealt_by_kerf()).then_some((layer, self.spec.traffic))
    }

    /// What it must still be given to own what it claims.
    pub fn missing_share(&self, claimed: BasisPoints) -> BasisPoints {
        let owned = self.status.ranges.iter().map(|range| range.width()).fold(0, u16::saturating_add);
        claimed.less(owned)
    }

    /// Whether the layer fits: the same unit is dealt in all its experiments.
    ///
    /// # Errors
    /// A fault at `/unit`.
    pub fn fits(&self, layer: &Layer) -> Result<(), Violations> {
        if !self.spec.dealt_by_kerf() || self.spec.unit == layer.unit {
            return Ok(());
        }
        let detail =
            format!("layer `{}` deals `{}`, the experiment `{}`", layer.key, layer.unit, self.spec.unit);
        Err(Violations::one("/unit", "unit_of_the_layer_differs", detail))
    }

    /// The fault of naming a layer that does not exist.
    pub fn unknown_layer(layer: &LayerKey) -> Violations {
        let detail = format!("there is no layer `{layer}`; make it with POST /api/v1/layers");
        Violations::one("/layer", "unknown_layer", detail)
    }

    /// First part of the assignment texts: the key, from the second iteration on `{key}:{iteration}`.
    pub fn salt(&self) -> String {
        match self.status.iteration {
            0 | 1 => self.key.to_string(),
            iteration => format!("{}:{iteration}", self.key),
        }
    }

    /// When it began: known to the system, or said by another one in a draft.
    pub fn started_at(&self) -> Option<Timestamp> {
        let said = match self.spec.assignment {
            Assignment::External { started_at, .. } => started_at,
            Assignment::Kerf => None,
        };
        self.status.started_at.or(said)
    }

    /// When it ended: known to the system, or said by another one.
    pub fn ended_at(&self) -> Option<Timestamp> {
        let said = match self.spec.assignment {
            Assignment::External { ended_at, .. } => ended_at,
            Assignment::Kerf => None,
        };
        self.status.ended_at.or(said)
    }

    /// What is kept of this version for ever.
    pub fn snapshot(&self) -> Value {
        json!({"spec": self.spec.to_json(), "status": self.status.to_json(), "created_at": self.created_at})
    }

    /// The experiment as it was at a version.
    ///
    /// # Errors
    /// Every fault with its place, if the snapshot was changed by other hands.
    pub fn from_snapshot(
        key: Key,
        version: Version,
        snapshot: &Value,
        updated_at: Timestamp,
    ) -> Result<Self, Violations> {
        let mut fields = Fields::of(snapshot, "")?;
        let null = Value::Null;
        let spec = ExperimentSpec::parse_stored(fields.value("spec").unwrap_or(&null));
        let status = ExperimentStatus::parse_stored(fields.value("status").unwrap_or(&null));
        let (spec, status) = (fields.absorb(spec), fields.absorb(status));
        let created_at = fields.time("created_at");
        match (spec, status, created_at) {
            (Some(spec), Some(status), Some(created_at)) => {
                fields.finish().or_ok(Self { key, version, spec, status, created_at, updated_at })
            }
            _ => {
                fields.refuse::<()>("created_at", "required", "a snapshot has spec, status and created_at");
                Err(fields.finish())
            }
        }
    }

    /// Places of the answer in which two snapshots differ.
    pub fn changes(before: &Value, after: &Value) -> Vec<String> {
        let shown =
            |pointer: String| match pointer.strip_prefix("/spec").or_else(|| pointer.strip_prefix("/status"))
            {
                Some("/phase") => "/status".to_owned(),
                Some(rest) => rest.to_owned(),
                None => pointer,
            };
        let mut places: Vec<String> = changed_pointers(before, after).into_iter().map(shown).collect();
        places.dedup();
        places
    }

    fn next(&self, spec: ExperimentSpec, status: ExperimentStatus, now: Timestamp) -> Self {
        Self {
            key: self.key.clone(),
            version: self.version.next(),
            spec,
            status,
            created_at: self.created_at,
            updated_at: now,
        }
    }
}

fn read_key(written: Option<&Value>, rest: &Value) -> Result<Key, Violations> {
    let from_name = "no key can be made from the name, so give one";
    match (written, rest.get("name")) {
        (Some(Value::String(text)), _) => {
            Key::parse(text).map_err(|error| Violations::one("/key", "bad_key", error.to_string()))
        }
        (Some(value), _) if !value.is_null() => {
            Err(Violations::one("/key", "not_a_string", "a string is expected here"))
        }
        (_, Some(Value::String(name))) if !name.trim().is_empty() => Key::from_name(name)
            .map_err(|error| Violations::one("/key", "required", format!("{from_name}: {error}"))),
        // The missing name is a fault of its own.
        _ => Err(Violations::new()),
    }
}

fn refuse_read_only(document: &Value) -> Violations {
    let mut violations = Violations::new();
    for name in READ_ONLY {
        if document.get(name).is_some() {
            let detail = format!("`{name}` is written by the server alone");
            violations.add(format!("/{name}"), "read_only", detail);
        }
    }
    violations
}

fn without_read_only(mut document: Value) -> Value {
    if let Some(fields) = document.as_object_mut() {
        fields.retain(|name, _| !READ_ONLY.contains(&name.as_str()));
    }
    document
}
