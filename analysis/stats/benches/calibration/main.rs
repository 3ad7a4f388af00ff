//! Calibration: what every method claims against 10,000 simulated experiments.
//!
//! `cargo bench -p kerf-stats --bench calibration` writes `CALIBRATION.md` and `plots/`, and fails if a figure leaves the
//! bounds of its claim. An argument changes the number of experiments.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a simulation that cannot be drawn must stop the run"
)]

mod plots;
mod simulations;
mod table;

use std::{fs, path::Path, process::ExitCode, time::Instant};

const RUNS: u32 = 10_000;

fn main() -> ExitCode {
    let runs = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(RUNS);
    let started = Instant::now();
    let mut study = simulations::Study::of(runs);
    simulations::ALL.iter().for_each(|(_, simulate)| simulate(&mut study));
    let peeking = simulations::looks(runs);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::create_dir_all(folder.join("plots")).unwrap();
    plots::draw(&folder.join("plots"), &study, &peeking);
    fs::write(folder.join("CALIBRATION.md"), table::markdown(&study)).unwrap();
    let wrong: Vec<_> = study.figures.iter().filter(|figure| !figure.holds()).collect();
    println!(
        "{} figures from {runs} experiments each in {:.0} s, {} outside their bounds",
        study.figures.len(),
        started.elapsed().as_secs_f64(),
        wrong.len()
    );
    for figure in &wrong {
        let (low, high) = figure.bounds();
        eprintln!(
            "{}: {} is {:.4}, not within {low:.4} to {high:.4}",
            figure.method, figure.quantity, figure.found
        );
    }
    if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
