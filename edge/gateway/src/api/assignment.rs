//! `GET /api/v1/experiments/{key}/assignment`: one decision, for a unit that the caller names.
//!
//! Query parameters: `user_id` (else the visitor's own id), `exposure=false` (do not count it), `context` (a JSON object,
//! for attributes that are not text); any other parameter is a text attribute of its name.

use kerf_core::{Attribute, Bundle, Context, Decision};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{Answer, is_in, value};
use crate::exposure::{self, Segments};
use crate::identity::consents;
use crate::problem::Problem;
use crate::{Gateway, Identity, Moment, Visit, attributes};

#[derive(Serialize)]
struct Assignment<'a> {
    experiment_id: &'a str,
    user_id: &'a str,
    variant: &'a str,
    in_experiment: bool,
    config: Option<Box<RawValue>>,
    reason: &'a str,
    bundle_version: Option<u64>,
}

/// The query, parsed.
struct Query {
    user: String,
    texts: Vec<(String, String)>,
    typed: Map<String, Value>,
    counts: bool,
}

impl Gateway {
    pub(super) fn assignment(
        &self,
        key: &str,
        visit: &Visit,
        moment: &mut Moment<'_>,
    ) -> Result<Answer, Problem> {
        let identity = Identity::of(visit, &self.settings, moment);
        let query = Query::parse(visit, &identity)?;
        let held = self.bundles.held();
        let Some(bundle) = held.as_deref().and_then(|held| held.bundle()) else {
            return Ok(without_bundle(key, &query.user));
        };
        let attributes = query.attributes(visit);
        let context = Context::new(&attributes, moment.now.0).consent(consents(visit, &self.settings));
        let handle = bundle.find(key).ok_or_else(|| self.unknown(key))?;
        let decision = bundle.bind(&context).decide(handle);
        let mut answer = Answer::ok(&assignment(&bundle, key, &query.user, &decision));
        if query.counts
            && let Some(counted) = counted(&bundle, &decision)
        {
            answer.events.extend(exposure::event(&query.user, counted, Segments::of(visit), moment));
        }
        Ok(answer)
    }
}

impl Query {
    fn parse(visit: &Visit, identity: &Identity) -> Result<Self, Problem> {
        let mut query = Self { user: String::new(), texts: Vec::new(), typed: Map::new(), counts: true };
        for (name, value) in form_urlencoded::parse(visit.query.as_bytes()).into_owned() {
            match name.as_str() {
                "user_id" => query.user = value,
                "exposure" => query.counts = value != "false",
                "context" => query.typed = serde_json::from_str(&value).map_err(no_context)?,
                _ => query.texts.push((name, value)),
            }
        }
        if query.user.is_empty() {
            // An id made for this very request is nobody's yet.
            let own = identity.user().filter(|_| identity.signed_in.is_some() || !identity.fresh);
            query.user = own.ok_or(Problem::Missing("user_id"))?.to_owned();
        }
        Ok(query)
    }

    fn attributes<'a>(&'a self, visit: &'a Visit) -> Vec<Attribute<'a>> {
        let mut attributes = vec![Attribute::text("user_id", &self.user)];
        attributes.extend(self.typed.iter().filter_map(attributes::of_json));
        attributes.extend(self.texts.iter().map(|(name, value)| Attribute::text(name, value)));
        attributes.extend(visit.country.as_deref().map(|country| Attribute::text("country", country)));
        attributes
    }
}

#[expect(clippy::needless_pass_by_value, reason = "map_err hands the error over")]
fn no_context(error: serde_json::Error) -> Problem {
    Problem::Malformed(format!("the query parameter `context` is no JSON object: {error}"))
}

fn assignment<'a>(
    bundle: &'a Bundle<'a>,
    key: &'a str,
    user_id: &'a str,
    decision: &Decision,
) -> Assignment<'a> {
    Assignment {
        experiment_id: key,
        user_id,
        variant: bundle.variant(decision).and_then(|variant| variant.key()).unwrap_or("control"),
        in_experiment: is_in(decision),
        config: value(bundle, decision),
        reason: decision.reason().as_str(),
        bundle_version: Some(bundle.version()),
    }
}

/// Control, as the proxy has it without a bundle.
fn without_bundle(key: &str, user_id: &str) -> Answer {
    Answer::ok(&Assignment {
        experiment_id: key,
        user_id,
        variant: "control",
        in_experiment: false,
        config: None,
        reason: "no_bundle",
        bundle_version: None,
    })
}

/// Experiment and variant of a decision that counts as an exposure.
fn counted<'a>(bundle: &'a Bundle<'a>, decision: &Decision) -> Option<(&'a str, &'a str)> {
    let experiment = decision.exposure()?;
    Some((bundle.key(experiment)?, bundle.variant(decision)?.key()?))
}
