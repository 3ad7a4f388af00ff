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
    let (exposed_until, after_until) = match experiment.last_day {
        Some(day) => {
            (format!(" and toDate(tupleElement(first, 'ts')) <= '{day}'"), format!("day <= '{day}'"))
        }
        None => (String::new(), "true".to_owned()),
    };
    include_str!("../sql/experiment_stats.sql")
        .replace("{exposed_until}", &exposed_until)
        .replace("{after_until}", &after_until)
        .replace("{of_day}", &each(&metrics, of_day))
        .replace("{before}", &each(&metrics, |at, _| format!(", sumIf(v{at}, phase = 'pre') as x{at}")))
        .replace("{entry}", &each(&metrics, |at, _| format!(", v{at}, hits{at}")))
        .replace("{covariates}", &each(&metrics, |at, _| format!(", x{at}")))
        .replace("{arrays}", &each(&metrics, |at, _| arrays(at)))
        .replace("{joined}", &each(&metrics, |at, _| format!(", ys{at}, yys{at}, firsts{at} as first{at}")))
        .replace("{adds}", &each(&metrics, |at, _| adds(at)))
        .replace("{statistics}", &statistics(&metrics))
        .replace("{key}", &literal(&experiment.key))
}

/// A unit's total and its number of non-zero events on one day.
fn of_day(at: usize, metric: &Metric) -> String {
    format!(", {} as v{at}, {} as hits{at}", total(metric, "sum"), total(metric, "nonzero"))
}

/// What each day adds to a unit's total, to the square of its total, and whether it converts the unit. The day of the
/// exposure comes first and adds nothing of these.
fn arrays(at: usize) -> String {
    let (v, hits) = (format!("days.{}", 2 * at + 2), format!("days.{}", 2 * at + 3));
    format!(
        ",
      arrayPushFront({v}, 0.) as ys{at},
      arrayPushFront(arrayMap((v, so_far) -> v * (2 * so_far - v), {v}, arrayCumSum({v})), 0.) as yys{at},
      arrayPushFront(arrayMap((hits, so_far) -> toUInt8(hits > 0 and so_far = hits), {hits}, arrayCumSum({hits})), 0) as firsts{at}"
    )
}

/// The columns of one metric: the exposure adds the covariate, a day with events what it changes.
fn adds(at: usize) -> String {
    format!(
        ", sum(first{at}) as converted{at}, sum(ys{at}) as y{at}, sum(yys{at}) as yy{at}, sum(is_exposure * x{at}) as added_x{at}, \
         sum(is_exposure * x{at} * x{at}) as added_xx{at}, sum(x{at} * ys{at}) as added_xy{at}"
    )
}

/// The arrays of a row of `experiment_stats`, in the order of its columns.
fn statistics(metrics: &[Metric]) -> String {
    let array = |item: &dyn Fn(usize, &Metric) -> String| {
        let items: Vec<String> = metrics.iter().enumerate().map(|(at, metric)| item(at, metric)).collect();
        format!("[{}]", items.join(", "))
    };
    let sums = ["y", "yy", "added_x", "added_xx", "added_xy"]
        .map(|column| array(&|at, _| format!("sum({column}{at})")));
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
