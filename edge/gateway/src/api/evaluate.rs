//! `POST /evaluate`: many decisions for a context that the caller states.

use std::collections::BTreeMap;

use kerf_core::{Bundle, Context, Decision, Subject};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{Answer, is_in, value};
use crate::gateway::{decide_all, exposures};
use crate::identity::consents;
use crate::problem::Problem;
use crate::{Gateway, Moment, Visit, attributes};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    #[serde(default)]
    context: Map<String, Value>,
    keys: Option<Vec<String>>,
    #[serde(default)]
    exposure: bool,
}

#[derive(Default, Serialize)]
struct Evaluation<'a> {
    bundle_version: Option<u64>,
    assignments: BTreeMap<&'a str, Evaluated<'a>>,
}

#[derive(Serialize)]
struct Evaluated<'a> {
    variant: Option<&'a str>,
    value: Option<Box<RawValue>>,
    in_experiment: bool,
    reason: &'a str,
}

impl Gateway {
    pub(super) fn evaluate(
        &self,
        visit: &Visit,
        body: &[u8],
        moment: &mut Moment<'_>,
    ) -> Result<Answer, Problem> {
        let request: Request = serde_json::from_slice(body).map_err(|error| {
            Problem::Malformed(format!(
                "{error}; a body is {{\"context\": {{…}}, \"keys\": […] (optional), \"exposure\": false (optional)}}"
            ))
        })?;
        let held = self.bundles.held();
        let Some(bundle) = held.as_deref().and_then(|held| held.bundle()) else {
            return Ok(Answer::ok(&Evaluation::default()));
        };
        let attributes: Vec<_> = request.context.iter().filter_map(attributes::of_json).collect();
        let context = Context::new(&attributes, moment.now.0).consent(consents(visit, &self.settings));
        let subject = bundle.bind(&context);
        let decisions = match &request.keys {
            Some(keys) => self.chosen(&subject, keys)?,
            None => decide_all(&subject),
        };
        let mut answer = Answer::ok(&evaluation(&bundle, &decisions));
        let user = request.context.get("user_id").or_else(|| request.context.get("anonymous_id"));
        if request.exposure
            && let Some(user) = user.and_then(Value::as_str)
        {
            answer.events = exposures(&subject, &decisions, user, visit, moment);
        }
        Ok(answer)
    }

    fn chosen(&self, subject: &Subject<'_>, keys: &[String]) -> Result<Vec<Decision>, Problem> {
        keys.iter()
            .map(|key| {
                let handle = subject.bundle().find(key).ok_or_else(|| self.unknown(key))?;
                Ok(subject.decide(handle))
            })
            .collect()
    }
}

fn evaluation<'a>(bundle: &'a Bundle<'a>, decisions: &[Decision]) -> Evaluation<'a> {
    let assignments = decisions.iter().filter_map(|decision| {
        let evaluated = Evaluated {
            variant: bundle.variant(decision).and_then(|variant| variant.key()),
            value: value(bundle, decision),
            in_experiment: is_in(decision),
            reason: decision.reason().as_str(),
        };
        Some((bundle.key(decision.handle())?, evaluated))
    });
    Evaluation { bundle_version: Some(bundle.version()), assignments: assignments.collect() }
}
