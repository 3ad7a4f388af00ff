//! The people of the recorded visits as visitors of the edge: each visit a request, each decision checked.

use super::Options;
use super::progress::Progress;
use super::visits::{Group, Visit};
use crate::api_client::{Answer, ApiClient, wait_until_served};
use anyhow::{Context, Result, bail, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use kerf_core::{Attribute, Bundle, Handle};
use reqwest::Client;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use tokio::time;

/// Requests in flight at a time.
const IN_FLIGHT: usize = 16;
/// Longest wait for the control plane to publish the new experiment.
const PUBLISH_LIMIT: Duration = Duration::from_secs(60);
/// The path that visitors ask for.
const PATH: &str = "/landing";
/// How the site behind the edge repeats the assignments that it was sent.
const SAW_ASSIGNMENTS: &str = "x-saw-kerf-assignments";

/// Sends each visit through the edge, compares every decision with the core's own, and waits for the results.
///
/// # Errors
/// When a decision differs, a part stays away, a person is not counted exactly once, or the split is not the promised.
pub(super) async fn replay(options: &Options, edge: &str, visits: &[Visit]) -> Result<()> {
    let key = options.key.as_deref().unwrap_or("landing_page_edge");
    let visits = of_one_arm(visits);
    let people: BTreeSet<&str> = visits.iter().map(|visit| visit.user.as_str()).collect();
    let api = ApiClient::new(&options.control_plane_url, &options.api_key);
    start(&api, key).await?;
    let bundle = served_bundle(&api, &options.environment, key).await?;
    let visitors = Visitors {
        http: Client::new(),
        edge: edge.trim_end_matches('/'),
        header: &options.user_id_header,
        key,
    };
    wait_until_served(visitors.edge, key).await?;

    eprintln!("{} people come {} times", people.len(), visits.len());
    let decisions = visitors.visit(&visits).await?;
    let checked = compare(&bundle, key, &decisions)?;
    println!("{checked} decisions of the edge for {} people equal the core's", people.len());
    let answer = wait(&api, key, people.len() as u64, Duration::from_secs(options.wait_seconds)).await?;
    report(&answer)
}

/// The visits of people that were seen in one arm only.
fn of_one_arm(visits: &[Visit]) -> Vec<&Visit> {
    let mut groups: BTreeMap<&str, BTreeSet<Group>> = BTreeMap::new();
    for visit in visits {
        groups.entry(&visit.user).or_default().insert(visit.variant);
    }
    visits
        .iter()
        .filter(|visit| groups.get(visit.user.as_str()).is_some_and(|seen| seen.len() == 1))
        .collect()
}

/// Makes an experiment that takes everybody, and starts it.
async fn start(api: &ApiClient, key: &str) -> Result<()> {
    let body = json!({
        "key": key, "name": key, "hypothesis": "The edge splits recorded visitors as promised",
        "traffic_percent": 100, "primary_metric": "conversion",
        "variants": [{ "name": "control", "weight": 50, "config": {} }, { "name": "treatment", "weight": 50, "config": {} }],
    });
    let made = api.create_or_find(key, &body).await?;
    if made.text("status") == "draft" {
        api.act(&made, "start").await?;
    }
    Ok(())
}

/// The bundle that holds the experiment, as the control plane publishes it.
async fn served_bundle(api: &ApiClient, environment: &str, key: &str) -> Result<Vec<u8>> {
    let started = Instant::now();
    loop {
        if let Ok(pointer) = api.config(&format!("kerf/{environment}/current")).await {
            let name = bundle_name(&String::from_utf8_lossy(&pointer))?;
            let bytes = api.config(&format!("kerf/{environment}/bundle/{name}")).await?;
            if find(&Bundle::open(&bytes).context("the published bundle cannot be opened")?, key).is_ok() {
                return Ok(bytes);
            }
        }
        ensure!(started.elapsed() < PUBLISH_LIMIT, "no bundle of {environment} with {key} was published");
        time::sleep(Duration::from_millis(200)).await;
    }
}

/// `{version}-{first 12 hex digits of the SHA-256}`, from the text of the pointer.
fn bundle_name(pointer: &str) -> Result<String> {
    let field = |name: &str| pointer.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let hash = field("sha256").and_then(|hash| hash.get(..12)).context("the pointer has no hash")?;
    Ok(format!("{}-{hash}", field("version").context("the pointer has no version")?))
}

fn find(bundle: &Bundle<'_>, key: &str) -> Result<Handle> {
    bundle.find(key).with_context(|| format!("the bundle has no experiment {key}"))
}

struct Visitors<'a> {
    http: Client,
    edge: &'a str,
    header: &'a str,
    key: &'a str,
}

impl Visitors<'_> {
    /// The variant that each visit's origin was told of, with the visitor.
    async fn visit(&self, visits: &[&Visit]) -> Result<Vec<(String, String)>> {
        let mut progress = Progress::begin("visits", visits.len());
        let mut answers =
            stream::iter(visits.iter().map(|visit| self.one(visit))).buffer_unordered(IN_FLIGHT);
        let mut decisions = Vec::with_capacity(visits.len());
        while let Some(decision) = answers.try_next().await? {
            decisions.push(decision);
            progress.at(decisions.len());
        }
        Ok(decisions)
    }

    async fn one(&self, visit: &Visit) -> Result<(String, String)> {
        let request = self.http.get(format!("{}{PATH}", self.edge)).header(self.header, &visit.user);
        let response = request
            .header("cf-ipcountry", &visit.country)
            .send()
            .await
            .context("the edge does not answer")?;
        ensure!(
            response.status().is_success(),
            "the edge answers {} to user {}",
            response.status(),
            visit.user
        );
        let saw = response.headers().get(SAW_ASSIGNMENTS).and_then(|value| value.to_str().ok());
        let saw = saw.with_context(|| {
            format!("the site behind the edge does not repeat the assignments in {SAW_ASSIGNMENTS}; use `kerf sample-site`")
        })?;
        let own = saw.split(',').find_map(|one| one.trim().strip_prefix(self.key)?.strip_prefix('='));
        let variant =
            own.with_context(|| format!("user {} got no assignment of {}: {saw}", visit.user, self.key))?;
        Ok((visit.user.clone(), variant.to_owned()))
    }
}

/// Decides for every visitor with the core itself and fails at the first difference.
fn compare(bytes: &[u8], key: &str, decisions: &[(String, String)]) -> Result<usize> {
    let bundle = Bundle::open(bytes).context("the published bundle cannot be opened")?;
    let handle = find(&bundle, key)?;
    let now = Timestamp::now().as_millisecond();
    for (user, variant) in decisions {
        let attributes = [Attribute::text("user_id", user)];
        let context = kerf_core::Context::new(&attributes, now);
        let decision = bundle.bind(&context).decide(handle);
        let own = bundle.variant(&decision).and_then(|variant| variant.key()).unwrap_or_default();
        ensure!(own == variant, "user {user}: the edge decided {variant}, the core decides {own}");
    }
    Ok(decisions.len())
}

/// Asks for the results until everybody is in them.
async fn wait(api: &ApiClient, key: &str, people: u64, limit: Duration) -> Result<Answer> {
    let started = Instant::now();
    let mut progress = Progress::wait("people in the results", usize::try_from(people)?);
    loop {
        let state = match api.results(key, true).await? {
            Ok(answer) => {
                let exposed: u64 = answer.variants.values().filter_map(|variant| variant.impressions).sum();
                progress.at(usize::try_from(exposed)?);
                ensure!(exposed <= people, "{exposed} people are in the results, {people} came");
                if exposed == people {
                    return Ok(answer);
                }
                format!("{exposed} of {people} people")
            }
            Err(away) => away,
        };
        if started.elapsed() > limit {
            bail!("the results are not complete after {} s: {state}", limit.as_secs());
        }
        time::sleep(Duration::from_secs(1)).await;
    }
}

fn report(answer: &Answer) -> Result<()> {
    for (name, variant) in &answer.variants {
        println!("{name:<12}{:>9} people", variant.impressions.unwrap_or(0));
    }
    let p_value = answer.srm.p_value.context("the split was not tested")?;
    println!("split         p = {p_value:.6} ({})", answer.srm.status);
    ensure!(
        answer.multi_exposed == Some(0),
        "{:?} people were seen in more than one variant",
        answer.multi_exposed
    );
    ensure!(answer.srm.status == "ok", "the split is not the promised one");
    Ok(())
}
