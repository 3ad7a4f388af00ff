//! What a start asks for: a draft is easy, a start is hard.

use kerf_core::wire;

use crate::experiment::Experiment;
use crate::share::BasisPoints;
use crate::spec::ExperimentSpec;
use crate::violation::Violations;

/// Every reason why the experiment cannot be started as it is.
pub(crate) fn checks(experiment: &Experiment) -> Violations {
    let spec = &experiment.spec;
    let mut violations = Violations::new();
    if spec.variants.as_slice().len() < 2 {
        violations.add("/variants", "too_few_variants", "an experiment compares at least two variants");
    } else if weighted(spec) < 2 {
        violations.add("/variants", "too_few_variants", "at least two variants have a weight above 0");
    }
    if spec.primary_metric.is_none() {
        violations.add("/primary_metric", "required", "name the metric that decides");
    }
    if spec.dealt_by_kerf() && spec.traffic == BasisPoints::NONE {
        violations.add("/traffic_percent", "no_traffic", "with 0 percent nobody would take part");
    }
    if violations.is_empty() && spec.dealt_by_kerf() {
        refuse_what_does_not_compile(experiment, &mut violations);
    }
    violations
}

fn weighted(spec: &ExperimentSpec) -> usize {
    spec.variants.as_slice().iter().filter(|variant| variant.weight > BasisPoints::NONE).count()
}

/// The edge would serve control for an entry that the compiler disables; that must show here, not there.
fn refuse_what_does_not_compile(experiment: &Experiment, violations: &mut Violations) {
    let mut entry = crate::bundle::entry(experiment);
    // Ranges are handed out after this check; the gate is not what is looked at here.
    entry.layer = None;
    entry.ranges = Vec::new();
    let bundle = wire::Bundle {
        experiments: vec![entry.into()],
        ..crate::bundle::empty("check", 1, "1970-01-01T00:00:00Z")
    };
    match kerf_core::compile(&bundle) {
        Ok(compiled) => {
            for invalid in compiled.invalid {
                violations.add("/targeting", "does_not_compile", invalid.reason.to_string());
            }
        }
        Err(error) => violations.add("", "does_not_compile", error.to_string()),
    }
}
