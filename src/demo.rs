//! `kerf demo`: the whole platform, a sample experiment, simulated visitors, and the results as they form.

mod chart;
mod shop;

use crate::api_client::{ApiClient, wait_until_served};
use crate::development::{self, Stack, StackOptions};
use crate::event_sender::EventSender;
use crate::service::ENDED;
use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::json;
use shop::Shop;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tokio::time;

/// The sample experiment.
const KEY: &str = "checkout_button_color";
/// Time between two looks at the results.
const LOOK: Duration = Duration::from_secs(2);

/// Options of `kerf demo`.
#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    stack: StackOptions,
    /// Visitors that come each second; a fifth of them takes part.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000), value_name = "NUMBER")]
    visitors_per_second: u32,
    /// Conversion rate that is planted for the control, percent.
    #[arg(long, default_value_t = 10.0, value_name = "PERCENT")]
    control_rate: f64,
    /// Conversion rate that is planted for the treatment, percent.
    #[arg(long, default_value_t = 16.0, value_name = "PERCENT")]
    treatment_rate: f64,
    /// Seed of the visitors' behaviour.
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    seed: u64,
    /// End by itself after this time; without figures by then it fails.
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<u64>,
}

/// Runs until Ctrl-C, or for the time that was asked for.
///
/// # Errors
/// When a part cannot be started or refuses what it should take.
pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    let Options { stack, visitors_per_second, control_rate, treatment_rate, seed, seconds } = options;
    for rate in [control_rate, treatment_rate] {
        if !(0.0..=100.0).contains(&rate) {
            bail!("a conversion rate is a percentage from 0 to 100, not {rate}");
        }
    }
    development::with_stack(stack, async |stack| {
        let api = ApiClient::new(&stack.urls.control_plane, &stack.admin_key);
        start_experiment(&api).await?;
        wait_until_served(&stack.urls.edge, KEY).await?;
        introduce(stack, &api, control_rate, treatment_rate);
        let shop = Shop {
            edge: stack.urls.edge.clone(),
            sender: EventSender::new(&stack.urls.collector, None),
            rates: [control_rate / 100.0, treatment_rate / 100.0],
            visitors_per_second,
            seed,
        };
        let limit = seconds.map(Duration::from_secs);
        tokio::select! {
            outcome = shop.run() => outcome?,
            outcome = watch(&api, limit) => outcome?,
        }
        ENDED
    })
    .await
}

/// The first customer's own experiment, created and started over the API.
async fn start_experiment(api: &ApiClient) -> Result<()> {
    let body = json!({
        "name": KEY, "hypothesis": "Green button increases conversion by 5%", "layer": "checkout_ui", "traffic_percent": 20,
        "variants": [
            { "name": "control", "weight": 50, "config": { "button_color": "blue" } },
            { "name": "treatment", "weight": 50, "config": { "button_color": "green" } },
        ],
        "primary_metric": shop::CONVERSION, "guardrail_metrics": [shop::CRASHES, shop::LATENCY],
    });
    let made = api.create_or_find(KEY, &body).await?;
    if made.text("status") == "draft" {
        api.act(&made, "start").await?;
    }
    Ok(())
}

fn introduce(stack: &Stack<'_>, api: &ApiClient, control_rate: f64, treatment_rate: f64) {
    println!("\nEverything is up. {KEY} runs on 20 % of the visitors of the sample shop;");
    println!(
        "simulated visitors convert at {control_rate} % (control) and {treatment_rate} % (treatment).\n"
    );
    print!("{}", stack.urls);
    println!("admin key      {}", stack.admin_key);
    println!("results        curl -H 'Authorization: Bearer {}' {}", stack.admin_key, api.results_url(KEY));
    println!("a decision     curl '{}/api/v1/experiments/{KEY}/assignment?user_id=you'", stack.urls.edge);
    println!("logs           {}\n", stack.logs.display());
    println!("Results as they form; Ctrl-C stops everything.");
}

/// Prints a row whenever the results have changed.
async fn watch(api: &ApiClient, limit: Option<Duration>) -> Result<()> {
    let started = Instant::now();
    let mut chart = chart::Chart::default();
    let mut why = String::new();
    loop {
        time::sleep(LOOK).await;
        match api.results(KEY, false).await? {
            Ok(answer) => chart.show(started.elapsed(), &answer),
            Err(away) => why = away,
        }
        if limit.is_some_and(|limit| started.elapsed() >= limit) {
            return chart
                .has_figures()
                .then_some(())
                .with_context(|| format!("no figures within the time given: {why}"));
        }
    }
}
