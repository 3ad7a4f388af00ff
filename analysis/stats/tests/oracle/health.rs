use kerf_stats::{
    Alpha, Estimate, PValue, Probability,
    health::{
        balance, multi_exposure,
        novelty::{DayEffect, trend},
        sequential_srm, srm,
    },
    multiplicity::{Correction, adjust},
    quantile::{ClusteredQuantile, Ordered, Rule},
};

use crate::check::{Found, Input, check, ends};

#[test]
fn health_checks_agree_with_their_peers() {
    check("health", |kind, input| match kind {
        "srm" => {
            let result =
                srm::chi_square(&input.list::<Vec<u64>>("units"), &input.list::<Vec<f64>>("weights"))?;
            Ok(vec![
                ("statistic", Some(result.statistic)),
                ("p_value", Some(result.p_value.get())),
                ("df", Some(f64::from(result.degrees_of_freedom))),
            ])
        }
        "sequential_srm" => {
            let (units, weights): (Vec<u64>, Vec<f64>) = (input.list("units"), input.list("weights"));
            let result = sequential_srm::test(&units, &weights, input.number("concentration"))?;
            Ok(vec![("ln_bayes_factor", Some(result.ln_bayes_factor))])
        }
        "crossed" => {
            let tolerance = Probability::new(0.01)?;
            let (crossed, units) = (input.count("crossed"), input.count("units"));
            let result = multi_exposure::check(crossed, units, tolerance, Alpha::new(0.05)?)?;
            Ok(ends(&result.interval).to_vec())
        }
        "balance" => {
            let arms: Vec<(f64, f64)> = input.list("arms");
            let arms: Result<Vec<_>, _> =
                arms.into_iter().map(|(value, variance)| Estimate::new(value, variance, 100)).collect();
            let result = balance::pre_period(&arms?)?;
            Ok(vec![("statistic", Some(result.statistic)), ("p_value", Some(result.p_value.get()))])
        }
        "novelty" => novelty(input),
        "multiplicity" => {
            let p_values: Vec<f64> = input.list("p_values");
            let p_values: Result<Vec<_>, _> = p_values.into_iter().map(PValue::new).collect();
            let correction: Correction = input.list("correction");
            let adjusted: Vec<f64> = adjust(&p_values?, correction).iter().map(|p| p.get()).collect();
            Ok(vec![
                ("total", Some(adjusted.iter().sum())),
                ("least", adjusted.iter().copied().reduce(f64::min)),
                ("first", adjusted.first().copied()),
                ("last", adjusted.last().copied()),
                ("found", Some(adjusted.iter().filter(|p| **p <= 0.05).count() as f64)),
            ])
        }
        other => panic!("unknown kind {other}"),
    });
}

fn novelty(input: &Input<'_>) -> Found {
    let days: Vec<(u32, f64, f64)> = input.list("days");
    let days: Result<Vec<_>, _> = days
        .into_iter()
        .map(|(day, value, variance)| Ok(DayEffect { day, effect: Estimate::new(value, variance, 100)? }))
        .collect();
    let trend = trend(&days?, input.number("correlation"), Alpha::new(0.05)?)?;
    Ok(vec![
        ("slope", Some(trend.slope.estimate)),
        ("standard_error", Some(trend.slope.standard_error)),
        ("first", Some(trend.first)),
        ("p_value", Some(trend.p_value.get())),
        ("homogeneity", Some(trend.homogeneity.get())),
    ])
}

#[test]
fn quantiles_agree_with_their_peers() {
    check("quantile", |kind, input| {
        let values: Vec<f64> = input.list("values");
        let level = Probability::new(input.number("level"))?;
        match kind {
            "quantile" => {
                let rule: Rule = input.list("rule");
                Ok(vec![("value", Some(Ordered::new(values)?.quantile(level, rule)?))])
            }
            "clustered" => {
                let owners: Vec<u64> = input.list("owners");
                let events: Vec<(u64, f64)> = owners.into_iter().zip(values).collect();
                let estimate = ClusteredQuantile::of_events(&events, level, Alpha::new(0.05)?)?.estimate()?;
                Ok(vec![("value", Some(estimate.value)), ("variance", Some(estimate.variance))])
            }
            other => panic!("unknown kind {other}"),
        }
    });
}
