//! Planning against statsmodels and SciPy.

use kerf_stats::{
    Alpha, Estimate, Inconclusive, Probability,
    design::{
        Arrivals, Change, Metric, MidwayPlan, Plan, design_effect, duration, inflation_of_boundaries, midway,
    },
    sequential::spending::Sides,
};
use serde_json::Value;

use crate::check::{Input, check_documents};

#[test]
fn plans_are_those_of_the_oracles() {
    check_documents("design", run);
}

fn run(method: &str, input: &Input<'_>) -> Result<Value, Inconclusive> {
    let plan = || input.list::<Plan>("plan");
    let metric = || input.list::<Metric>("metric");
    let change = || input.list::<Change>("change");
    let power = || Probability::new(input.list("power"));
    let alpha = || Alpha::new(input.list("alpha"));
    let answer = match method {
        "power" => serde_json::to_value(plan().power(&metric(), change(), input.list("units"))?),
        "units" => serde_json::to_value(plan().units(&metric(), change(), power()?)?),
        "sample_size" => serde_json::to_value(plan().sample_size(&metric(), change(), power()?)?),
        "minimum_detectable" => serde_json::to_value(plan().minimum_detectable(
            &metric(),
            input.list("units"),
            power()?,
            input.list("direction"),
        )?),
        "midway" => {
            let error: f64 = input.list("standard_error");
            let seen = Estimate {
                degrees_of_freedom: None,
                ..Estimate::new(input.list("value"), error * error, 100)?
            };
            let plan = MidwayPlan {
                alpha: Alpha::new(0.05)?,
                power: power()?,
                planned: input.list("planned"),
                growth: input.list("growth"),
                prior: input.list("prior"),
            };
            serde_json::to_value(midway(&seen, &plan)?)
        }
        "inflation" => {
            let (limits, information): (Vec<f64>, Vec<f64>) =
                (input.list("limits"), input.list("information"));
            serde_json::to_value(inflation_of_boundaries(
                &limits,
                Sides::Two,
                &information,
                alpha()?,
                power()?,
            )?)
        }
        "duration" => serde_json::to_value(duration(
            input.number("units"),
            &input.list::<Arrivals>("arrivals"),
            input.number("traffic"),
        )?),
        "design_effect" => serde_json::to_value(design_effect(
            input.list("size"),
            input.list("variation"),
            input.list("correlation"),
        )?),
        other => panic!("no method {other}"),
    };
    Ok(answer.unwrap())
}
