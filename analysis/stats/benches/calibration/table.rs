//! The figures as a Markdown table.

use crate::simulations::{Claim, Study};

pub(crate) fn markdown(study: &Study) -> String {
    let mut text = format!(
        "# Calibration\n\nWhat each method claims against simulated experiments whose truth is known: {} for each row. \
         Seeds are fixed, so a run repeats to the digit. Bounds are the claim with four \
         standard deviations of Monte-Carlo error, and the approximation error of the method where one is stated \
         (`about`). `shown` rows are failures that have to be seen.\n\nWritten by `cargo bench -p kerf-stats --bench \
         calibration`, which fails when a figure leaves its bounds. METHODS.md reads the plots.\n\n\
         | method | quantity | claim | found | bounds |\n|---|---|---|---|---|\n",
        study.runs
    );
    for figure in &study.figures {
        let (low, high) = figure.bounds();
        let claim = match figure.claim {
            Claim::Is(value) | Claim::Average(value, _) => format!("{value:.4}"),
            Claim::AtMost(value) => format!("≤ {value:.4}"),
            Claim::AtLeast(value) => format!("≥ {value:.4}"),
            Claim::About(value, allowance) => format!("about {value:.4} (± {allowance:.4})"),
            Claim::Shown(..) => "shown".to_owned(),
        };
        let mark = if figure.holds() { "" } else { " **outside**" };
        text.push_str(&format!(
            "| {} | {} | {claim} | {:.4}{mark} | {low:.4} to {high:.4} |\n",
            figure.method, figure.quantity, figure.found
        ));
    }
    text
}
