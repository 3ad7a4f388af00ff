//! The plots of METHODS.md, as SVG.

use std::{error::Error, path::Path};

use kerf_stats::{
    Alpha, Estimate, Probability,
    design::{Change, Metric, NullVariance, Plan},
    fixed::proportions::z_test,
    sequential::always_valid::{self, Mixture},
};
use plotters::prelude::*;

use crate::simulations::{Claim, Figure, Peeking, Study, conversions};

const COLOURS: [RGBColor; 5] = [
    RGBColor(31, 119, 180),
    RGBColor(214, 39, 40),
    RGBColor(44, 160, 44),
    RGBColor(148, 103, 189),
    RGBColor(120, 120, 120),
];

type Drawn = Result<(), Box<dyn Error>>;

pub(crate) fn draw(folder: &Path, study: &Study, peeking: &Peeking) {
    false_positives(&folder.join("false_positives.svg"), study).unwrap();
    coverage(&folder.join("coverage.svg"), study).unwrap();
    uniform(&folder.join("p_values.svg"), study).unwrap();
    daily(&folder.join("peeking.svg"), peeking).unwrap();
    power(&folder.join("power.svg"), study).unwrap();
    width(&folder.join("width.svg")).unwrap();
}

/// A series with the name that the legend shows.
struct Line {
    name: String,
    points: Vec<(f64, f64)>,
    dots: bool,
}

/// A chart of lines and dots with a legend.
fn lines(
    path: &Path,
    title: &str,
    (x_title, x): (&str, std::ops::Range<f64>),
    (y_title, y): (&str, std::ops::Range<f64>),
    series: &[Line],
) -> Drawn {
    let area = SVGBackend::new(path, (720, 440)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 17))
        .margin(12)
        .x_label_area_size(42)
        .y_label_area_size(58)
        .build_cartesian_2d(x, y)?;
    chart.configure_mesh().light_line_style(WHITE).x_desc(x_title).y_desc(y_title).draw()?;
    for (line, colour) in series.iter().zip(COLOURS.iter().cycle()) {
        let style = colour.stroke_width(2);
        let mark = move |(x, y): (i32, i32)| Rectangle::new([(x, y - 2), (x + 16, y + 2)], colour.filled());
        if line.dots {
            let dots = line.points.iter().map(|point| Circle::new(*point, 3, colour.filled()));
            chart.draw_series(dots)?.label(line.name.as_str()).legend(mark);
        } else {
            chart
                .draw_series(LineSeries::new(line.points.iter().copied(), style))?
                .label(line.name.as_str())
                .legend(mark);
        }
    }
    chart
        .configure_series_labels()
        .background_style(WHITE.mix(0.85))
        .border_style(BLACK.mix(0.3))
        .position(SeriesLabelPosition::UpperLeft)
        .draw()?;
    area.present()?;
    Ok(())
}

/// One row for each figure: the bounds of its claim as a bar, what was found as a dot.
fn rows(path: &Path, title: &str, range: std::ops::Range<f64>, figures: &[(String, &Figure)]) -> Drawn {
    let count = figures.len() as i32;
    let area = SVGBackend::new(path, (900, 90 + 17 * figures.len() as u32)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 17))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(420)
        .build_cartesian_2d(range.clone(), (0..count).into_segmented())?;
    let name = |place: &SegmentValue<i32>| match place {
        SegmentValue::CenterOf(row) => {
            figures.get((count - 1 - row) as usize).map(|row| row.0.clone()).unwrap_or_default()
        }
        _ => String::new(),
    };
    chart
        .configure_mesh()
        .disable_y_mesh()
        .light_line_style(WHITE)
        .y_labels(figures.len())
        .y_label_formatter(&name)
        .y_label_style(("sans-serif", 11))
        .x_label_formatter(&|x| format!("{:.1}%", 100.0 * x))
        .draw()?;
    for (place, (_, figure)) in figures.iter().enumerate() {
        let row = SegmentValue::CenterOf(count - 1 - place as i32);
        let (low, high) = figure.bounds();
        let ends = [low.max(range.start), high.min(range.end)].map(|end| (end, row.clone()));
        chart.draw_series(LineSeries::new(ends, RGBColor(170, 190, 215).stroke_width(7)))?;
        let colour = if figure.holds() { COLOURS[0] } else { COLOURS[1] };
        let at = figure.found.clamp(range.start, range.end);
        chart.draw_series([Circle::new((at, row), 4, colour.filled())])?;
    }
    area.present()?;
    Ok(())
}

fn false_positives(path: &Path, study: &Study) -> Drawn {
    let at_five =
        |figure: &&Figure| figure.quantity.starts_with("false positives") && figure.quantity.contains(" 5%");
    let known = |figure: &&Figure| {
        !matches!(figure.claim, Claim::Shown(..)) && !figure.method.starts_with("fixed test")
    };
    let figures: Vec<_> = (study.figures.iter().filter(at_five).filter(known))
        .map(|figure| (figure.method.to_owned(), figure))
        .collect();
    let title = "False positives at 5%: found (dot), and what the claim allows at this number of runs (bar)";
    rows(path, title, 0.0..0.07, &figures)
}

fn coverage(path: &Path, study: &Study) -> Drawn {
    let at_95 = |figure: &&Figure| matches!(figure.claim, Claim::Is(p) | Claim::AtLeast(p) | Claim::About(p, _) if (p - 0.95).abs() < 1e-9);
    let figures: Vec<_> = (study.figures.iter().filter(at_95))
        .map(|figure| (format!("{}: {}", figure.method, figure.quantity), figure))
        .collect();
    rows(path, "Coverage of 95% intervals: found (dot), and what the claim allows (bar)", 0.92..1.0, &figures)
}

/// Shares of p-values at most p, for methods whose p is uniform without an effect.
fn uniform(path: &Path, study: &Study) -> Drawn {
    let names = [
        "two proportions",
        "Welch, exponential values",
        "ratio by the delta method",
        "Lin, HC2, 40 units an arm",
    ];
    let series: Vec<Line> = (study.p_values.iter().filter(|(method, _)| names.contains(method)))
        .map(|(method, p_values)| {
            let below =
                |p: f64| p_values.iter().filter(|found| **found <= p).count() as f64 / p_values.len() as f64;
            let points =
                (1..=100).map(|i| (0.001 * f64::from(i), below(0.001 * f64::from(i)) - 0.001 * f64::from(i)));
            Line { name: (*method).to_owned(), points: points.collect(), dots: false }
        })
        .collect();
    let title = "Share of A/A experiments with a p-value of at most p, less p";
    lines(path, title, ("p", 0.0..0.1), ("excess", -0.012..0.02), &series)
}

fn daily(path: &Path, peeking: &Peeking) -> Drawn {
    let days = |shares: &[f64]| shares.iter().zip(1..).map(|(share, day)| (f64::from(day), *share)).collect();
    let mut series: Vec<Line> = (peeking.methods.iter())
        .map(|(name, shares)| Line { name: format!("{name} (simulated)"), points: days(shares), dots: true })
        .collect();
    let name = "fixed test, read daily (exact)".to_owned();
    series.push(Line { name, points: days(&peeking.exact), dots: false });
    let title = "Experiments without an effect that were found significant on or before a day, at 5%";
    lines(path, title, ("day", 0.0..31.0), ("share", 0.0..0.45), &series)
}

/// Two proportions with 10,000 and 10,000 units, 10% in the control.
fn power(path: &Path, study: &Study) -> Drawn {
    let alpha = Alpha::new(0.05)?;
    let metric = Metric::Proportion { rate: Probability::new(0.1)? };
    let plan = Plan { null_variance: NullVariance::Pooled, ..Plan::even(alpha) };
    let effect = |i: u32| 0.001 * f64::from(i);
    let planned =
        (0..=20).map(|i| Ok((effect(i), plan.power(&metric, Change::Absolute(effect(i)), 20_000.0)?.get())));
    let found = (0..=20).step_by(2).map(|i| {
        let significant = study.repeat("a curve of power", |rng| {
            let (control, treatment) =
                (conversions(rng, 10_000, 0.1), conversions(rng, 10_000, 0.1 + effect(i)));
            Ok(z_test(control, treatment, alpha)?.p_value.is_significant(alpha))
        });
        (effect(i), significant.iter().filter(|yes| **yes).count() as f64 / significant.len() as f64)
    });
    let series = [
        Line {
            name: "planned".to_owned(),
            points: planned.collect::<Result<_, Box<dyn Error>>>()?,
            dots: false,
        },
        Line { name: "simulated".to_owned(), points: found.collect(), dots: true },
    ];
    let title = "Power of two proportions, 10,000 units an arm, control 10%";
    lines(path, title, ("difference", 0.0..0.021), ("share significant", 0.0..1.05), &series)
}

/// Half widths in standard errors: what reading at any time costs, and what tuning moves.
fn width(path: &Path) -> Drawn {
    let alpha = Alpha::new(0.05)?;
    let reach = |tuned: f64, units: u64| -> Result<f64, Box<dyn Error>> {
        let seen = Estimate::new(0.0, 1.0, units)?;
        let interval = always_valid::interval(seen, alpha, Mixture::tightest_at(tuned, alpha)?)?;
        Ok(interval.upper.unwrap_or(f64::INFINITY))
    };
    let units = |i: u32| 10_f64.powf(2.0 + 0.05 * f64::from(i));
    let mut series = Vec::new();
    for tuned in [1_000.0, 10_000.0, 100_000.0] {
        let points = (0..=80).map(|i| Ok((units(i).log10(), reach(tuned, units(i) as u64)?)));
        let name = format!("confidence sequence, tightest at {tuned} units");
        series.push(Line { name, points: points.collect::<Result<_, Box<dyn Error>>>()?, dots: false });
    }
    let name = "fixed test".to_owned();
    series.push(Line {
        name,
        points: vec![(2.0, alpha.two_sided_z()), (6.0, alpha.two_sided_z())],
        dots: false,
    });
    let title = "Half width of a 95% interval in standard errors";
    lines(path, title, ("units, power of 10", 2.0..6.0), ("standard errors", 1.5..6.5), &series)
}
