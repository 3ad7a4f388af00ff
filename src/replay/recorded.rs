//! Visits as an experiment that another system assigned: recorded with its past dates, sent through the collector.

use super::Options;
use super::events::{METRIC, MISMATCH, events};
use super::progress::Progress;
use super::table::{Expected, Table};
use super::visits::{Counts, Shift, Visit, count};
use crate::api_client::{Answer, ApiClient, Versioned};
use crate::event_sender::EventSender;
use anyhow::{Result, bail};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio::time;

/// Sends the visits and prints what the results API makes of them.
///
/// # Errors
/// When a part refuses or stays away, or the results are not what was sent or expected.
pub(super) async fn replay(options: &Options, visits: Vec<Visit>) -> Result<()> {
    let key = options.key.as_deref().unwrap_or("landing_page");
    let expected = options.expect.as_deref().map(Expected::read).transpose()?;
    let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
    let shift = Shift::to_end_yesterday(&visits, today)?;
    let api = ApiClient::new(&options.control_plane_url, &options.api_key);
    record(&api, key, shift.period(&visits)?).await?;

    let events = events(key, &visits, shift, options.seed)?;
    eprintln!(
        "{} visits make {} events; each is sent twice, in random order",
        visits.len(),
        events.len() / 2
    );
    let mut progress = Progress::begin("acknowledged events", events.len());
    let sender = EventSender::new(&options.collector_url, options.ingest_key.clone())
        .at_most(options.events_per_second);
    sender.send_all(&events, |acknowledged| progress.at(acknowledged)).await?;

    let sent = Sent::of(&visits);
    let answer = sent.wait(&api, key, Duration::from_secs(options.wait_seconds)).await?;
    let table = Table::of(&answer);
    print!("{table}");
    match expected {
        Some(expected) => expected.compare(&table, &answer),
        None => Ok(()),
    }
}

/// Makes the experiment and moves it to its end; one that an earlier replay made is used as it is.
async fn record(api: &ApiClient, key: &str, (from, to): (Timestamp, Timestamp)) -> Result<()> {
    let body = json!({
        "key": key, "name": key, "hypothesis": "The new landing page converts better than the old one",
        "assignment": "external", "started_at": from, "ended_at": to, "primary_metric": METRIC,
        "variants": [
            { "name": "control", "weight": 50, "config": { "page": "old_page" } },
            { "name": "treatment", "weight": 50, "config": { "page": "new_page" } },
        ],
    });
    let mut made: Versioned = api.create_or_find(key, &body).await?;
    if made.text("assignment") != "external" {
        bail!("the experiment {key} is assigned by Kerf; choose another key with --key");
    }
    for (status, action) in [("draft", "start"), ("running", "complete")] {
        if made.text("status") == status {
            made = api.act(&made, action).await?;
        }
    }
    Ok(())
}

/// What was sent, counted from the file: results are complete when they hold all of it.
struct Sent {
    all: Counts,
    countries: BTreeMap<String, Counts>,
    mismatches: u64,
}

impl Sent {
    fn of(visits: &[Visit]) -> Self {
        let (all, countries) = count(visits);
        let mismatches = visits.iter().filter(|visit| visit.page != visit.variant).count() as u64;
        Self { all, countries, mismatches }
    }

    /// Asks for the results until they hold everything.
    async fn wait(&self, api: &ApiClient, key: &str, limit: Duration) -> Result<Answer> {
        let started = Instant::now();
        let mut progress = Progress::wait("units in the results", usize::try_from(self.all.units())?);
        loop {
            let missing = match api.results(key, true).await? {
                Ok(answer) => {
                    progress.at(usize::try_from(units(&answer))?);
                    match self.missing(&answer) {
                        None => return Ok(answer),
                        Some(missing) => missing,
                    }
                }
                Err(away) => away,
            };
            if started.elapsed() > limit {
                bail!("the results are not complete after {} s: {missing}", limit.as_secs());
            }
            time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// What the results lack, or have too much of.
    fn missing(&self, answer: &Answer) -> Option<String> {
        let slices = std::iter::once(("all", &self.all, Some(answer))).chain(
            self.countries
                .iter()
                .map(|(country, counts)| (country.as_str(), counts, answer.segments.get(country))),
        );
        for (name, counts, found) in slices {
            let found = found.map(found_counts).unwrap_or_default();
            if found != *counts {
                return Some(format!("{name} has {found:?}, sent were {counts:?}"));
            }
        }
        let found = answer.diagnostics.get(MISMATCH).copied().unwrap_or(0);
        (found != self.mismatches).then(|| format!("{found} diagnostics, sent were {}", self.mismatches))
    }
}

fn found_counts(answer: &Answer) -> Counts {
    let arm = |name: &'static str| {
        let variant = answer.variants.get(name)?;
        let units = variant.impressions.filter(|units| *units > 0)?;
        Some((name, (units, variant.conversions.unwrap_or(0))))
    };
    let arms = ["control", "treatment"].into_iter().filter_map(arm).collect();
    Counts { arms, both: answer.multi_exposed.unwrap_or(0) }
}

fn units(answer: &Answer) -> u64 {
    found_counts(answer).units()
}
