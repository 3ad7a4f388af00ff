//! From experiments to what the edge reads.

use jiff::Timestamp;
use kerf_core::wire;

use crate::experiment::Experiment;
use crate::layer::Layer;
use crate::lifecycle::Phase;
use crate::targeting::Targeting;

/// Number of the JSON form.
const FORMAT: u16 = 1;

/// The bundle of one environment: every experiment that runs or pauses and that Kerf deals, with the layers they are in.
///
/// Drafts, what is over, and what another system deals are left out; the edge knows nothing of them.
pub fn wire_bundle(
    environment: &str,
    version: u64,
    created: Timestamp,
    experiments: &[Experiment],
    layers: &[Layer],
) -> wire::Bundle {
    let live: Vec<&Experiment> =
        experiments.iter().filter(|e| e.status.phase.is_live() && e.spec.dealt_by_kerf()).collect();
    let used =
        |layer: &&Layer| live.iter().any(|experiment| experiment.spec.layer.as_ref() == Some(&layer.key));
    let layers = layers
        .iter()
        .filter(used)
        .map(|layer| wire::Layer { key: layer.key.to_string(), unit: layer.unit.to_string() }.into());
    wire::Bundle {
        experiments: live.iter().map(|experiment| entry(experiment).into()).collect(),
        layers: layers.collect(),
        ..empty(environment, version, &created.to_string())
    }
}

/// A bundle that decides nothing.
pub(crate) fn empty(environment: &str, version: u64, created: &str) -> wire::Bundle {
    wire::Bundle {
        format: FORMAT,
        environment: environment.to_owned(),
        version,
        created: created.to_owned(),
        id_key: None,
        settings: None,
        experiments: Vec::new(),
        flags: Vec::new(),
        segments: Vec::new(),
        layers: Vec::new(),
        holdouts: Vec::new(),
    }
}

/// One experiment as the edge reads it.
pub(crate) fn entry(experiment: &Experiment) -> wire::Experiment {
    let spec = &experiment.spec;
    let variants = spec.variants.as_slice().iter().map(|variant| wire::Variant {
        key: variant.name.clone(),
        weight_bp: variant.weight.get(),
        value: Some(variant.config.clone()).filter(|config| !config.is_null()),
    });
    wire::Experiment {
        key: experiment.key.to_string(),
        salt: Some(experiment.salt()),
        unit: spec.unit.to_string(),
        fallback_unit: None,
        state: if experiment.status.phase == Phase::Paused {
            wire::State::Paused
        } else {
            wire::State::Running
        },
        layer: spec.layer.as_ref().map(ToString::to_string),
        ranges: experiment.status.ranges.iter().map(|range| [range.from(), range.to()]).collect(),
        traffic_bp: spec.layer.is_none().then(|| spec.traffic.get()),
        variants: variants.collect(),
        control: spec.variants.control().map(|variant| variant.name.clone()),
        shipped: None,
        when: spec.targeting.as_ref().map(Targeting::condition).cloned(),
        schedule: None,
        prerequisites: Vec::new(),
        overrides: Vec::new(),
        holdouts: Vec::new(),
        switchback: None,
        sticky: false,
        consent: true,
        payload: None,
    }
}
