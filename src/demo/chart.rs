//! The results as rows of a table, one whenever they have changed.

use crate::api_client::{Answer, Variant};
use std::time::Duration;

/// Rows between two headings.
const HEADING_EVERY: usize = 20;

/// The table so far.
#[derive(Default)]
pub(super) struct Chart {
    rows: usize,
    last: Option<(u64, u64, u64, u64)>,
}

impl Chart {
    /// Whether a row was shown.
    pub(super) const fn has_figures(&self) -> bool {
        self.rows > 0
    }

    /// Prints a row, unless nobody is in the results yet or nothing has changed.
    pub(super) fn show(&mut self, since: Duration, answer: &Answer) {
        let arm = |name: &str| answer.variants.get(name).cloned().unwrap_or_default();
        let (control, treatment) = (arm("control"), arm("treatment"));
        let counts = |arm: &Variant| (arm.impressions.unwrap_or(0), arm.conversions.unwrap_or(0));
        let ((n, x), (m, y)) = (counts(&control), counts(&treatment));
        if n + m == 0 || self.last == Some((n, x, m, y)) {
            return;
        }
        if self.rows.is_multiple_of(HEADING_EVERY) {
            println!(
                "\n{:>6}  {:>22}  {:>22}  {:>9}  {:<20}  {:>8}  {:<8}  what to do",
                "s", "control", "treatment", "lift", "95% of difference", "p", "split"
            );
        }
        println!(
            "{:>6}  {:>22}  {:>22}  {:>9}  {:<20}  {:>8}  {:<8}  {}",
            since.as_secs(),
            rate(&control),
            rate(&treatment),
            percent(answer.lift),
            interval(answer.confidence_interval),
            answer.p_value.map_or_else(|| "-".to_owned(), p_value),
            answer.srm.status,
            advice(answer),
        );
        self.rows += 1;
        self.last = Some((n, x, m, y));
    }
}

fn rate(arm: &Variant) -> String {
    let units = arm.impressions.unwrap_or(0);
    let conversions = arm.conversions.unwrap_or(0);
    let rate = arm.rate.map_or_else(|| "-".to_owned(), |rate| format!("{:.2} %", 100.0 * rate));
    format!("{conversions} / {units} = {rate}")
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:+.1} %", 100.0 * share))
}

fn interval(ends: Option<(f64, f64)>) -> String {
    ends.map_or_else(
        || "-".to_owned(),
        |(low, high)| format!("{:+.2} to {:+.2} %", 100.0 * low, 100.0 * high),
    )
}

/// The recommendation with the two reasons that weigh most.
fn advice(answer: &Answer) -> String {
    let because = answer.reasons.iter().filter(|reason| reason.pointer == "/recommended_action");
    let because: Vec<String> = because.take(2).map(|reason| reason.code.replace('_', " ")).collect();
    format!("{} ({})", answer.recommended_action.replace('_', " "), because.join(", "))
}
/// Four decimals; below that the order of magnitude, since no p-value is 0.
fn p_value(p: f64) -> String {
    if p < 0.0001 { format!("{p:.1e}") } else { format!("{p:.4}") }
}
