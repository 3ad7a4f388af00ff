//! The attributes of a visitor, from a request or from a JSON context.

use kerf_core::Attribute;
use serde_json::Value;

use crate::{Identity, Visit};

/// The attributes of a proxied request; ARCHITECTURE.md lists them.
pub(crate) fn of_visit(visit: &Visit, identity: &Identity) -> Vec<(&'static str, String)> {
    let optional = [
        ("user_id", identity.user().map(str::to_owned)),
        ("anonymous_id", identity.anonymous.clone()),
        ("country", visit.country.clone()),
        ("user_agent", visit.user_agent.clone()),
        ("language", visit.language()),
        ("device", visit.device().map(str::to_owned)),
    ];
    let mut texts =
        vec![("path", visit.path.clone()), ("host", visit.host.clone()), ("platform", "web".to_owned())];
    texts.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
    texts
}

/// Texts as attributes.
pub(crate) fn borrow<'a>(texts: &'a [(&'static str, String)]) -> Vec<Attribute<'a>> {
    texts.iter().map(|(name, value)| Attribute::text(name, value)).collect()
}

/// A value of a JSON context; what is null, an array or an object is no attribute.
pub(crate) fn of_json<'a>((name, value): (&'a String, &'a Value)) -> Option<Attribute<'a>> {
    match value {
        Value::String(text) => Some(Attribute::text(name, text)),
        Value::Number(number) => number.as_f64().map(|number| Attribute::number(name, number)),
        Value::Bool(value) => Some(Attribute::boolean(name, *value)),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
