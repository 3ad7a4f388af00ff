//! What may change once units were dealt.

use crate::lifecycle::Phase;
use crate::spec::ExperimentSpec;
use crate::violation::Violations;

/// Every change that the phase does not allow.
///
/// While an experiment is live its traffic may only go up, because that adds units and moves nobody; everything else
/// that decides who sees what is frozen. After the end only the texts and the guardrails (exploratory) may change.
pub(crate) fn check(phase: Phase, before: &ExperimentSpec, after: &ExperimentSpec) -> Violations {
    let mut violations = Violations::new();
    match phase {
        Phase::Draft => {}
        Phase::Running | Phase::Paused => {
            frozen(before, after, "needs_new_experiment", "it would deal units anew", &mut violations);
            if after.traffic < before.traffic {
                let detail = format!(
                    "traffic of a live experiment only goes up: it is {}% and would be {}%",
                    before.traffic.percent(),
                    after.traffic.percent()
                );
                violations.add("/traffic_percent", "traffic_only_up", detail);
            }
        }
        Phase::Completed => {
            frozen(before, after, "completed", "the experiment is over", &mut violations);
            if after.traffic != before.traffic {
                violations.add("/traffic_percent", "completed", "cannot change: the experiment is over");
            }
            if after.primary_metric != before.primary_metric {
                violations.add("/primary_metric", "completed", "cannot change: the experiment is over");
            }
        }
        Phase::Archived => violations.add("", "archived", "an archived experiment cannot be changed"),
    }
    violations
}

fn frozen(
    before: &ExperimentSpec,
    after: &ExperimentSpec,
    code: &'static str,
    why: &str,
    violations: &mut Violations,
) {
    let fields = [
        ("/layer", before.layer != after.layer),
        ("/unit", before.unit != after.unit),
        ("/assignment", before.assignment != after.assignment),
        ("/variants", before.variants != after.variants),
        ("/targeting", before.targeting != after.targeting),
    ];
    for (pointer, changed) in fields {
        if changed {
            violations.add(pointer, code, format!("cannot change after the start: {why}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::{Value, json};

    use super::*;

    fn faults(phase: Phase, change: &Value) -> Vec<(String, &'static str)> {
        let before = json!({
            "name": "x", "traffic_percent": 20, "layer": "checkout_ui",
            "variants": [{"name": "a"}, {"name": "b"}], "primary_metric": "m",
        });
        let after = crate::merge_patch(before.clone(), change);
        let parse = |document: &Value| ExperimentSpec::parse(document, Timestamp::UNIX_EPOCH).unwrap();
        let violations = check(phase, &parse(&before), &parse(&after));
        violations.as_slice().iter().map(|v| (v.pointer.clone(), v.code)).collect()
    }

    #[test]
    fn each_field_in_each_phase() {
        let n = Some("needs_new_experiment");
        let c = Some("completed");
        #[rustfmt::skip]
        let rows = [
            // change                                              pointer             running                  completed
            (json!({"name": "y"}),                                 "/name",            None,                    None),
            (json!({"hypothesis": "y"}),                           "/hypothesis",      None,                    None),
            (json!({"guardrail_metrics": ["g"]}),                  "/guardrail_metrics", None,                  None),
            (json!({"primary_metric": "n"}),                       "/primary_metric",  None,                    c),
            (json!({"traffic_percent": 20.01}),                    "/traffic_percent", None,                    c),
            (json!({"traffic_percent": 19.99}),                    "/traffic_percent", Some("traffic_only_up"), c),
            (json!({"layer": null}),                               "/layer",           n,                       c),
            (json!({"unit": "device_id"}),                         "/unit",            n,                       c),
            (json!({"assignment": "external"}),                    "/assignment",      n,                       c),
            (json!({"variants": [{"name": "a"}, {"name": "c"}]}),  "/variants",        n,                       c),
            (json!({"targeting": {"attr": "a", "op": "exists"}}),  "/targeting",       n,                       c),
        ];
        for (change, pointer, running, completed) in rows {
            let expected = |code: Option<&'static str>| {
                code.map(|code| (pointer.to_owned(), code)).into_iter().collect::<Vec<_>>()
            };
            assert_eq!(faults(Phase::Draft, &change), [], "{change}");
            assert_eq!(faults(Phase::Running, &change), expected(running), "{change}");
            assert_eq!(faults(Phase::Paused, &change), expected(running), "{change}");
            assert_eq!(faults(Phase::Completed, &change), expected(completed), "{change}");
            assert_eq!(faults(Phase::Archived, &change), [(String::new(), "archived")], "{change}");
        }
    }
}
