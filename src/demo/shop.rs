//! Simulated visitors of the sample shop: they come through the edge, and some of those who come buy.

use crate::development::USER_ID_HEADER;
use crate::event_sender::EventSender;
use anyhow::Result;
use jiff::Timestamp;
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use reqwest::Client;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{self, MissedTickBehavior};

/// The metric that decides.
pub(super) const CONVERSION: &str = "checkout_conversion_rate";
/// Guardrail: crashes per visitor.
pub(super) const CRASHES: &str = "crash_rate";
/// Guardrail: milliseconds of the slowest page, per visitor.
pub(super) const LATENCY: &str = "p95_latency";

/// Share of visitors whose page crashes, in every variant.
const CRASH_RATE: f64 = 0.01;
/// Visitors who were here already and come again.
const RETURNING: f64 = 0.2;
/// Time between two batches of events.
const FLUSH: Duration = Duration::from_millis(500);
/// Visitors whose events wait for the next batch; beyond it new ones are dropped, as a browser that leaves would.
const WAITING: usize = 10_000;

const COUNTRIES: [&str; 5] = ["DE", "FR", "GB", "US", "JP"];

/// The shop and its visitors.
pub(super) struct Shop {
    pub(super) edge: String,
    pub(super) sender: EventSender,
    /// Planted conversion rates of control and treatment.
    pub(super) rates: [f64; 2],
    pub(super) visitors_per_second: u32,
    pub(super) seed: u64,
}

/// What one visitor is going to do, drawn before the visit.
struct Plan {
    user: String,
    country: &'static str,
    /// Converts when this is below the rate of the variant that was served.
    inclination: f64,
    crashes: bool,
    latency: f64,
}

impl Shop {
    /// Lets visitors come until it is dropped.
    ///
    /// # Errors
    /// When the collector refuses their events.
    pub(super) async fn run(&self) -> Result<()> {
        let (events, waiting) = mpsc::channel(WAITING);
        tokio::select! {
            () = self.visitors(events) => Ok(()),
            outcome = self.deliver(waiting) => outcome,
        }
    }

    async fn visitors(&self, events: mpsc::Sender<Vec<Value>>) {
        let http = Client::new();
        let mut random = StdRng::seed_from_u64(self.seed);
        let mut ticks = time::interval(Duration::from_secs(1) / self.visitors_per_second);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut people = 0_u64;
        loop {
            ticks.tick().await;
            let plan = Plan::draw(&mut random, &mut people);
            let page = http.get(format!("{}/", self.edge)).header(USER_ID_HEADER, &plan.user);
            let page = page.header("cf-ipcountry", plan.country).timeout(Duration::from_secs(10));
            let (events, rates) = (events.clone(), self.rates);
            tokio::spawn(async move {
                if let Ok(answer) = page.send().await {
                    let saw =
                        answer.headers().get("x-saw-kerf-assignments").and_then(|value| value.to_str().ok());
                    // A full queue drops the visitor's events; the collector's absence is told by the sender.
                    let _ = events.try_send(plan.events(saw.unwrap_or_default(), rates));
                }
            });
        }
    }

    /// Sends what visitors did, in batches.
    async fn deliver(&self, mut waiting: mpsc::Receiver<Vec<Value>>) -> Result<()> {
        let mut ticks = time::interval(FLUSH);
        loop {
            ticks.tick().await;
            let mut batch = Vec::new();
            while let Ok(mut events) = waiting.try_recv() {
                batch.append(&mut events);
            }
            self.sender.send_all(&batch, |_| ()).await?;
        }
    }
}

impl Plan {
    fn draw(random: &mut StdRng, people: &mut u64) -> Self {
        let returning = *people > 0 && random.random_bool(RETURNING);
        let number = if returning {
            random.random_range(1..=*people)
        } else {
            *people += 1;
            *people
        };
        Self {
            user: format!("visitor-{number}"),
            country: COUNTRIES.choose(random).copied().unwrap_or("DE"),
            // Who comes again has decided before.
            inclination: if returning { 1.0 } else { random.random() },
            crashes: random.random_bool(CRASH_RATE),
            latency: random.random_range(80.0..240.0),
        }
    }

    /// What the visitor did, given the variant in the assignments that the page saw.
    fn events(&self, assignments: &str, [control, treatment]: [f64; 2]) -> Vec<Value> {
        let treated =
            assignments.split(',').any(|one| one.trim().starts_with("checkout_button_color=treatment"));
        let rate = if treated { treatment } else { control };
        let event = |metric: &str, value: f64| {
            json!({ "event_type": "metric", "user_id": self.user, "metric": metric, "value": value,
                    "event_id": uuid::Uuid::now_v7(), "timestamp": Timestamp::now() })
        };
        let mut events = vec![event(LATENCY, self.latency)];
        events.extend((self.inclination < rate).then(|| event(CONVERSION, 1.0)));
        events.extend(self.crashes.then(|| event(CRASHES, 1.0)));
        events
    }
}
