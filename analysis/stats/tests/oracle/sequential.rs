use kerf_stats::{
    Alpha, Effect, Estimate, Interval, Mean,
    fixed::relative::RelativeMethod,
    health::peeking,
    sequential::{
        adjusted::at_last_look,
        always_valid::{Mixture, compare},
        group::{Classical, Design, Look, boundaries, boundaries_at_end, classical},
        recursion::exit_probabilities,
        spending::{Sides, Spending},
    },
};

use crate::check::{Found, Input, check, ends};

const LOOKS: [&str; 6] = ["look1", "look2", "look3", "look4", "look5", "look6"];
const SPENT: [&str; 2] = ["spent1", "spent2"];

#[test]
fn sequential_methods_agree_with_tables_integrals_and_peers() {
    check("sequential", evaluate);
}

#[test]
fn one_sided_boundaries_agree_with_spotify_confidence() {
    check("sequential_spotify", evaluate);
}

fn evaluate(kind: &str, input: &Input<'_>) -> Found {
    match kind {
        "exits" => {
            let (information, bounds): (Vec<f64>, Vec<f64>) =
                (input.list("information"), input.list("bounds"));
            let looks: Vec<_> = information.iter().zip(bounds).map(|(t, b)| (*t, -b, b)).collect();
            let exits = exit_probabilities(&looks, input.number("drift"))?;
            Ok(LOOKS.into_iter().zip(exits.iter().map(|exit| Some(exit.lower + exit.upper))).collect())
        }
        "sequence_absolute" => {
            let result = compare(
                arm(input, "control")?,
                arm(input, "treatment")?,
                alpha(input)?,
                approximate(input)?,
            )?;
            let mut found = describe(&result.difference);
            found.push(("p_value", Some(result.p_value.get())));
            Ok(found)
        }
        "sequence_relative" => {
            let result = compare(
                arm(input, "control")?,
                arm(input, "treatment")?,
                alpha(input)?,
                approximate(input)?,
            )?;
            // gbstats has the delta method wherever the control is: our standard error with our reach.
            let (lift, difference) = (result.relative?, result.difference);
            let reach =
                (difference.interval.upper.unwrap() - difference.estimate) / difference.standard_error;
            let interval = Interval::around(lift.estimate, reach * lift.standard_error, 0.95);
            if lift.method == RelativeMethod::Delta {
                assert!(
                    (interval.upper.unwrap() / lift.set.interval().unwrap().upper.unwrap() - 1.0).abs()
                        < 1e-9
                );
            }
            let mut found = vec![("estimate", Some(lift.estimate))];
            found.extend(ends(&interval));
            Ok(found)
        }
        "exact_tuning" => match Mixture::tightest_at(input.number("units"), alpha(input)?)? {
            Mixture::PerUnit { rho_squared } => Ok(vec![("rho_squared", Some(rho_squared))]),
            Mixture::Prior { .. } => panic!("a prior"),
        },
        "msprt" => {
            let prior = Mixture::Prior { tau_squared: input.number("tau_squared") };
            let result = compare(arm(input, "control")?, arm(input, "treatment")?, Alpha::new(0.05)?, prior)?;
            let mut found = describe(&result.difference);
            found.push(("ln_e", Some(result.ln_e_value)));
            Ok(found)
        }
        other => group_sequential(other, input),
    }
}

fn group_sequential(kind: &str, input: &Input<'_>) -> Found {
    match kind {
        "boundaries" => spending(input, Sides::Two),
        "one_sided" => spending(input, Sides::One),
        "stagewise" => stagewise(input, Sides::Two),
        "stagewise_one_sided" => stagewise(input, Sides::One),
        "one_sided_at_end" => {
            let (design, information) = design(input, Sides::One)?;
            named(&boundaries_at_end(&design, &information)?)
        }
        "at_end" => {
            let (design, information) = design(input, Sides::Two)?;
            named(&boundaries_at_end(&design, &information)?)
        }
        "peeking" => {
            let information: Vec<f64> = input.list("information");
            let found = peeking::inflation(&information, alpha(input)?)?;
            Ok(vec![("actual", Some(found.actual.get()))])
        }
        "classical" => {
            let kind: Classical = input.list("kind");
            let bounds = classical(kind, input.count("looks") as u32, alpha(input)?)?;
            Ok(vec![("last", bounds.last().copied())])
        }
        other => panic!("unknown kind {other}"),
    }
}

fn alpha(input: &Input<'_>) -> Result<Alpha, kerf_stats::Inconclusive> {
    Alpha::new(input.number("alpha"))
}

fn approximate(input: &Input<'_>) -> Result<Mixture, kerf_stats::Inconclusive> {
    Mixture::approximately_tightest_at(input.number("tuning"), alpha(input)?)
}

fn arm(input: &Input<'_>, name: &str) -> Result<Estimate, kerf_stats::Inconclusive> {
    let (units, mean, variance) = input.list(name);
    Mean::from_variance(units, mean, variance)?.estimate()
}

fn describe(effect: &Effect) -> Vec<(&'static str, Option<f64>)> {
    let mut found = vec![("estimate", Some(effect.estimate))];
    found.extend(ends(&effect.interval));
    found
}

fn design(input: &Input<'_>, sides: Sides) -> Result<(Design, Vec<f64>), kerf_stats::Inconclusive> {
    let spending = match input.list::<serde_json::Value>("spending") {
        serde_json::Value::String(name) if name == "o_brien_fleming" => Spending::OBrienFleming,
        serde_json::Value::String(name) if name == "o_brien_fleming_total" => Spending::OBrienFlemingTotal,
        serde_json::Value::String(name) if name == "pocock" => Spending::Pocock,
        value => Spending::Power { rho: value["power"]["rho"].as_f64().unwrap() },
    };
    Ok((Design { alpha: alpha(input)?, spending, sides, cap: input.list("cap") }, input.list("information")))
}

fn spending(input: &Input<'_>, sides: Sides) -> Found {
    let (design, information) = design(input, sides)?;
    named(&boundaries(&design, &information)?)
}

fn named(looks: &[Look]) -> Found {
    let mut found: Vec<_> = LOOKS.into_iter().zip(looks.iter().map(|look| look.boundary)).collect();
    found.extend(SPENT.into_iter().zip(looks.iter().map(|look| Some(look.spent))));
    Ok(found)
}

fn stagewise(input: &Input<'_>, sides: Sides) -> Found {
    let (design, information) = design(input, sides)?;
    let looks = boundaries(&design, &information)?;
    let z = input.number("z");
    let effect = Effect { estimate: z, standard_error: 1.0, interval: Interval::around(z, 1.96, 0.95) };
    let result = at_last_look(&looks, &effect, &design)?;
    let mut found = vec![("p_value", Some(result.p_value.get())), ("median", Some(result.median_unbiased))];
    found.extend(ends(&result.interval));
    found.extend([("repeated_lower", result.repeated.lower), ("repeated_upper", result.repeated.upper)]);
    Ok(found)
}
