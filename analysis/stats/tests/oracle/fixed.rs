use kerf_stats::{
    Alpha, Count, Estimate, Inconclusive, Interval, Mean, Pair, PairSums, Proportion,
    fixed::{
        Comparison, Reference, compare,
        count::compare_rates,
        margin::{Direction, Margin, MarginTest, equivalence, non_inferiority},
        proportions::{chi_square, z_test},
        relative::{ConfidenceSet, RelativeMethod},
    },
    guardrail::{self, Guardrail, two_standard_deviations},
};

use crate::check::{Found, Input, check, ends};

#[test]
fn fixed_horizon_methods_agree_with_their_peers() {
    check("fixed", |kind, input| match kind {
        "z_test" => {
            let arm = |name| {
                let (units, conversions) = input.list(name);
                Proportion::new(units, conversions)
            };
            Ok(describe(&z_test(arm("control")?, arm("treatment")?, alpha(input)?)?))
        }
        "chi_square" => {
            let arms: Vec<(u64, u64)> = input.list("arms");
            let arms: Result<Vec<_>, _> = arms.into_iter().map(|(n, x)| Proportion::new(n, x)).collect();
            let result = chi_square(&arms?)?;
            Ok(vec![
                ("statistic", Some(result.statistic)),
                ("df", Some(f64::from(result.degrees_of_freedom))),
                ("p_value", Some(result.p_value.get())),
            ])
        }
        "welch" => Ok(describe(&of_means(input, Reference::Welch)?)),
        "normal" => Ok(describe(&of_means(input, Reference::Normal)?)),
        "lift" => lift(&of_means(input, Reference::Welch)?),
        "ratio" => {
            let arm = |name| Pair::from_sums(input.list::<PairSums>(name))?.ratio();
            Ok(describe(&compare(arm("control")?, arm("treatment")?, alpha(input)?, Reference::Welch)?))
        }
        "count" => {
            let arm = |name| {
                let (events, exposure) = input.list(name);
                Count::new(events, exposure)
            };
            Ok(describe(&compare_rates(arm("control")?, arm("treatment")?, Alpha::new(0.05)?)?))
        }
        "fieller" => fieller(input),
        other => against_a_limit(other, input),
    });
}

/// Margins and guardrails.
fn against_a_limit(kind: &str, input: &Input<'_>) -> Found {
    match kind {
        "non_inferior_increase" => margin(input, |comparison, margin, alpha| {
            non_inferiority(comparison, Direction::Increase, margin, alpha)
        }),
        "non_inferior_decrease" => margin(input, |comparison, margin, alpha| {
            non_inferiority(comparison, Direction::Decrease, margin, alpha)
        }),
        "equivalent" => margin(input, equivalence),
        "non_inferior_relative" => margin(input, |comparison, margin, alpha| {
            non_inferiority(comparison, Direction::Increase, Margin::Relative(margin), alpha)
        }),
        "wilson" => {
            let (units, conversions) = input.list("arm");
            Ok(ends(&Proportion::new(units, conversions)?.wilson_interval(alpha(input)?)?).to_vec())
        }
        "two_standard_deviations" => {
            let arm = |name| {
                let (units, conversions) = input.list(name);
                Proportion::new(units, conversions)
            };
            let comparison = z_test(arm("control")?, arm("treatment")?, Alpha::new(0.05)?)?;
            Ok(judged(&two_standard_deviations(&comparison, Direction::Increase)?))
        }
        "two_standard_deviations_of_means" => {
            let comparison = welch(input)?;
            Ok(judged(&two_standard_deviations(&comparison, Direction::Increase)?))
        }
        "guardrail_margin" => {
            let found = guardrail::margin(
                &welch(input)?,
                Direction::Increase,
                input.number("margin"),
                Alpha::new(0.05)?,
            )?;
            Ok(judged(&found))
        }
        other => panic!("unknown kind {other}"),
    }
}

fn judged(found: &Guardrail) -> Vec<(&'static str, Option<f64>)> {
    vec![("harm", Some(found.harm)), ("p_value", Some(found.p_value.get()))]
}

fn welch(input: &Input<'_>) -> Result<Comparison, Inconclusive> {
    let arm = |name| {
        let (units, mean, variance) = input.list(name);
        Mean::from_variance(units, mean, variance)?.estimate()
    };
    compare(arm("control")?, arm("treatment")?, Alpha::new(0.05)?, Reference::Welch)
}

fn alpha(input: &Input<'_>) -> Result<Alpha, Inconclusive> {
    Alpha::new(input.number("alpha"))
}

fn of_means(input: &Input<'_>, reference: Reference) -> Result<Comparison, Inconclusive> {
    let arm = |name| {
        let (units, mean, variance) = input.list(name);
        Mean::from_variance(units, mean, variance)?.estimate()
    };
    compare(arm("control")?, arm("treatment")?, alpha(input)?, reference)
}

fn describe(comparison: &Comparison) -> Vec<(&'static str, Option<f64>)> {
    let mut found = vec![
        ("control", Some(comparison.control.value)),
        ("difference", Some(comparison.difference.estimate)),
        ("statistic", Some(comparison.statistic)),
        ("p_value", Some(comparison.p_value.get())),
        ("df", comparison.degrees_of_freedom),
        ("lift", comparison.relative.ok().map(|relative| relative.estimate)),
    ];
    found.extend(ends(&comparison.difference.interval));
    found
}

fn lift(comparison: &Comparison) -> Found {
    let relative = comparison.relative?;
    let interval = relative.set.interval().unwrap();
    assert_eq!(relative.method, RelativeMethod::Delta);
    let mut found =
        vec![("lift", Some(relative.estimate)), ("standard_error", Some(relative.standard_error))];
    found.extend(ends(&interval));
    Ok(found)
}

fn fieller(input: &Input<'_>) -> Found {
    let arm = |name| {
        let (value, variance) = input.list(name);
        Estimate::new(value, variance, 100)
    };
    let relative =
        compare(arm("control")?, arm("treatment")?, Alpha::new(0.05)?, Reference::Normal)?.relative?;
    assert_eq!(relative.method, RelativeMethod::Fieller);
    let (shape, low, high) = match relative.set {
        ConfidenceSet::Interval(Interval { lower, upper, .. }) => (0.0, lower, upper),
        ConfidenceSet::Outside { below, above, .. } => (1.0, Some(below), Some(above)),
        ConfidenceSet::Everything { .. } => (2.0, None, None),
    };
    Ok(vec![("shape", Some(shape)), ("low", low), ("high", high)])
}

fn margin(
    input: &Input<'_>,
    test: impl Fn(&Comparison, f64, Alpha) -> Result<MarginTest, Inconclusive>,
) -> Found {
    let result = test(&of_means(input, Reference::Welch)?, input.number("margin"), alpha(input)?)?;
    let mut found = vec![("p_value", Some(result.p_value.get()))];
    found.extend(ends(&result.interval));
    Ok(found)
}
