//! The statement that turns the unit rows of one experiment into its sufficient statistics.
//!
//! It is written per experiment, a column for each metric: looking a metric up in the arrays of a unit row is several
//! times cheaper than taking the arrays apart into rows.

use crate::{
    clickhouse::literal,
    experiment::{Experiment, Metric},
};

/// Writes the insert into the stage of `experiment_stats`.
pub(crate) fn insert_stats(experiment: &Experiment) -> String {
    let metrics = experiment.metrics();
    let until = |column: &str| match experiment.last_day {
        Some(day) => format!(" and {column} <= '{day}'"),
        None => String::new(),
    };
    include_str!("../sql/experiment_stats.sql")
        .replace("{exposed_until}", &until("toDate(tupleElement(first, 'ts'))"))
        .replace("{after_until}", &until("day"))
        .replace(
            "{before}",
            &each(&metrics, |at, metric| format!(", sum({}) as x{at}", total(metric, "sum"))),
        )
        .replace("{of_day}", &each(&metrics, of_day))
        .replace("{day_adds}", &each(&metrics, |at, _| day_adds(at)))
        .replace("{from_exposure}", &each(&metrics, |at, _| from_exposure(at)))
        .replace("{from_day}", &each(&metrics, |at, _| from_day(at)))
        .replace("{statistics}", &statistics(&metrics))
        .replace("{key}", &literal(&experiment.key))
}

/// A unit's total and its number of non-zero events on one day.
fn of_day(at: usize, metric: &Metric) -> String {
    format!(", {} as v{at}, {} as hits{at}", total(metric, "sum"), total(metric, "nonzero"))
}

/// What a day adds to a unit's total, to the square of its total, and whether it converts the unit.
fn day_adds(at: usize) -> String {
    format!(
        ", v{at} as y{at}, v{at} * (2 * sum(v{at}) over so_far - v{at}) as yy{at}, \
         hits{at} > 0 and sum(hits{at}) over so_far = hits{at} as first{at}"
    )
}

/// The day of the first exposure adds the unit and its covariate.
fn from_exposure(at: usize) -> String {
    format!(
        ", 0 as converted{at}, 0. as y{at}, 0. as yy{at}, x{at} as x{at}, x{at} * x{at} as xx{at}, 0. as xy{at}"
    )
}

/// A day with events adds to the totals, and to the product with the covariate.
fn from_day(at: usize) -> String {
    format!(", first{at}, after.y{at}, after.yy{at}, 0., 0., x{at} * after.y{at}")
}

/// The arrays of a row of `experiment_stats`, in the order of its columns.
fn statistics(metrics: &[Metric]) -> String {
    let array = |item: &dyn Fn(usize, &Metric) -> String| {
        let items: Vec<String> = metrics.iter().enumerate().map(|(at, metric)| item(at, metric)).collect();
        format!("[{}]", items.join(", "))
    };
    let sums = ["y", "yy", "x", "xx", "xy"].map(|column| array(&|at, _| format!("sum({column}{at})")));
    [array(&|_, metric| literal(&metric.name)), array(&|at, _| format!("toUInt64(sum(converted{at}))"))]
        .into_iter()
        .chain(sums)
        .collect::<Vec<_>>()
        .join(",\n  ")
}

/// The sum of one array of a unit row over all names of a metric.
fn total(metric: &Metric, array: &str) -> String {
    let terms: Vec<String> = metric
        .event_names
        .iter()
        .map(|name| format!("`m.{array}`[indexOf(`m.metric`, {})]", literal(name)))
        .collect();
    terms.join(" + ")
}

fn each(metrics: &[Metric], columns: impl Fn(usize, &Metric) -> String) -> String {
    metrics.iter().enumerate().map(|(at, metric)| columns(at, metric)).collect()
}
