//! The events of recorded visits: exposures, conversions, diagnostics; shuffled, and each of them twice.

use super::visits::{Shift, Visit};
use anyhow::Result;
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde_json::{Value, json};

/// The metric that a visit with `converted` = 1 is an event of.
pub(super) const METRIC: &str = "conversion";
/// The diagnostic of a visit whose page was not that of its arm.
pub(super) const MISMATCH: &str = "page_mismatch";

/// Every event of the visits, twice, in an order that only the seed knows.
///
/// Ids come from the lines of the file, so that sending the same file again adds nothing.
///
/// # Errors
/// When a moved time leaves the calendar.
pub(super) fn events(experiment: &str, visits: &[Visit], shift: Shift, seed: u64) -> Result<Vec<Value>> {
    let mut events = Vec::with_capacity(visits.len() * 3);
    for visit in visits {
        let Visit { line, user, variant, page, country, .. } = visit;
        let timestamp = shift.apply(visit.at)?.to_string();
        events.push(json!({
            "event_id": format!("{experiment}:exposure:{line}"), "event_type": "exposure", "user_id": user,
            "experiment_id": experiment, "variant": variant.name(), "timestamp": timestamp,
            "context": { "country": country },
        }));
        if visit.converted {
            events.push(json!({
                "event_id": format!("{experiment}:conversion:{line}"), "event_type": "metric", "user_id": user,
                "experiment_id": experiment, "metric": METRIC, "value": 1, "timestamp": timestamp,
            }));
        }
        if page != variant {
            events.push(json!({
                "event_id": format!("{experiment}:diagnostic:{line}"), "event_type": "diagnostic", "user_id": user,
                "experiment_id": experiment, "name": MISMATCH, "timestamp": timestamp,
                "properties": { "landing_page": page.page() },
            }));
        }
    }
    events.extend_from_within(..);
    events.shuffle(&mut StdRng::seed_from_u64(seed));
    Ok(events)
}
