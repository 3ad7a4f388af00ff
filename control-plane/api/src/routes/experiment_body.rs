//! An experiment as the API shows it, and as it takes it.

use std::borrow::Cow;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kerf_control_domain::{Action, Decision, Experiment, LayerKey, MetricName, Targeting, Variant};
use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::http::etag;

/// An experiment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExperimentBody {
    /// The key again.
    #[schema(example = "checkout_button_color")]
    id: String,
    #[schema(example = "checkout_button_color")]
    key: String,
    name: String,
    hypothesis: String,
    #[schema(example = "running")]
    status: &'static str,
    version: i64,
    layer: Option<String>,
    /// Attribute that is dealt.
    #[schema(example = "user_id")]
    unit: String,
    #[schema(example = 20.0)]
    traffic_percent: f64,
    /// `kerf`, or `external` when another system deals the units.
    assignment: &'static str,
    variants: Vec<VariantBody>,
    /// Condition tree of the bundle's wire form.
    #[schema(value_type = Option<Object>)]
    targeting: Option<Value>,
    primary_metric: Option<String>,
    guardrail_metrics: Vec<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
    #[schema(format = DateTime)]
    started_at: Option<String>,
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    /// What was decided at the end.
    #[schema(value_type = Option<Object>)]
    decision: Option<Decision>,
    /// What is possible now.
    actions: Vec<&'static str>,
}

/// A variant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VariantBody {
    #[schema(example = "treatment")]
    name: String,
    /// Percent of the experiment's units.
    #[schema(example = 50.0)]
    weight: f64,
    config: Value,
}

/// A new experiment, or with `PATCH` the fields that change. The domain reads it; this describes it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExperimentInput {
    #[schema(example = "checkout_button_color", max_length = 200)]
    name: String,
    /// Made from the name when absent; never changes.
    #[schema(pattern = "^[a-z][a-z0-9_.-]{0,63}$")]
    key: Option<String>,
    #[schema(example = "Green button increases conversion by 5%", max_length = 4000)]
    hypothesis: Option<String>,
    #[schema(example = "checkout_ui")]
    layer: Option<String>,
    /// Attribute that is dealt, `user_id` when absent.
    unit: Option<String>,
    /// At most two decimals; 100 when absent.
    #[schema(minimum = 0, maximum = 100, example = 20)]
    traffic_percent: Option<f64>,
    /// `kerf` (default) or `external`.
    assignment: Option<String>,
    /// Only with `assignment: external`; not in the future.
    #[schema(format = DateTime)]
    started_at: Option<String>,
    /// Only with `assignment: external`; after `started_at`.
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    #[schema(max_items = 20)]
    variants: Option<Vec<VariantInput>>,
    /// Condition tree of the bundle's wire form.
    #[schema(value_type = Option<Object>)]
    targeting: Option<Value>,
    #[schema(example = "checkout_conversion_rate")]
    primary_metric: Option<String>,
    #[schema(max_items = 50)]
    guardrail_metrics: Option<Vec<String>>,
}

/// The fields of an experiment that change; `null` takes a field back to its default.
pub(crate) enum ExperimentPatch {}

impl PartialSchema for ExperimentPatch {
    /// Those of a new experiment, of which none is required and the key cannot be set.
    fn schema() -> RefOr<Schema> {
        let mut schema = ExperimentInput::schema();
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            object.required.clear();
            object.properties.remove("key");
            object.description =
                Some("The fields of an experiment that change; `null` takes one back.".to_owned());
        }
        schema
    }
}

impl ToSchema for ExperimentPatch {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("ExperimentPatch")
    }
}

/// A variant of a new experiment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VariantInput {
    #[schema(example = "treatment")]
    name: String,
    /// Percent; all variants have one or none has, and they add up to 100.
    #[schema(example = 50)]
    weight: Option<f64>,
    config: Option<Value>,
}

/// Body of a transition.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActionInput {
    /// Why, for the audit.
    #[schema(max_length = 1000)]
    reason: Option<String>,
}

/// Body of `complete`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CompleteInput {
    /// Why, for the audit.
    #[schema(max_length = 1000)]
    reason: Option<String>,
    /// `ship`, `iterate`, `kill` or `inconclusive`.
    decision: Option<String>,
    /// With `ship`: the variant.
    variant: Option<String>,
}

impl From<&Experiment> for ExperimentBody {
    fn from(experiment: &Experiment) -> Self {
        let spec = &experiment.spec;
        Self {
            id: experiment.key.to_string(),
            key: experiment.key.to_string(),
            name: spec.name.clone(),
            hypothesis: spec.hypothesis.clone(),
            status: experiment.status.phase.as_str(),
            version: experiment.version.get(),
            layer: spec.layer.as_ref().map(LayerKey::to_string),
            unit: spec.unit.to_string(),
            traffic_percent: spec.traffic.percent(),
            assignment: spec.assignment_name(),
            variants: spec.variants.as_slice().iter().map(VariantBody::from).collect(),
            targeting: spec.targeting.as_ref().map(Targeting::as_json).cloned(),
            primary_metric: spec.primary_metric.as_ref().map(MetricName::to_string),
            guardrail_metrics: spec.guardrail_metrics.iter().map(MetricName::to_string).collect(),
            created_at: experiment.created_at.to_string(),
            updated_at: experiment.updated_at.to_string(),
            started_at: experiment.started_at().map(|time| time.to_string()),
            ended_at: experiment.ended_at().map(|time| time.to_string()),
            decision: experiment.status.decision.clone(),
            actions: experiment.status.phase.actions().into_iter().map(Action::as_str).collect(),
        }
    }
}

impl From<&Variant> for VariantBody {
    fn from(variant: &Variant) -> Self {
        Self { name: variant.name.clone(), weight: variant.weight.percent(), config: variant.config.clone() }
    }
}

/// The experiment with its ETag.
pub(crate) fn answer(status: StatusCode, experiment: &Experiment) -> Response {
    let mut response =
        (status, etag::headers(experiment.version), Json(ExperimentBody::from(experiment))).into_response();
    if status == StatusCode::CREATED
        && let Ok(location) = HeaderValue::try_from(format!("/api/v1/experiments/{}", experiment.key))
    {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

#[cfg(test)]
mod tests {
    use kerf_control_domain::SPEC_FIELDS;

    use super::*;

    #[test]
    fn the_described_body_has_the_fields_that_the_domain_reads() {
        let schema = serde_json::to_value(ExperimentInput::schema()).unwrap();
        let mut described: Vec<&str> =
            schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        let mut read = [SPEC_FIELDS.as_slice(), &["key"]].concat();
        described.sort_unstable();
        read.sort_unstable();
        assert_eq!(described, read);
    }
}
