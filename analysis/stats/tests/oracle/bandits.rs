//! Bandits: selection by SciPy's quadrature, estimates by NumPy over single units.

use kerf_stats::{
    Inconclusive,
    bandits::{
        Policy,
        evaluate::{LoggedBatch, arm_difference, arm_value},
    },
    bayes::NormalPosterior,
    fixed::margin::Direction,
};
use serde_json::Value;

use crate::check::{Input, check_documents};

#[test]
fn bandits_choose_and_estimate_as_the_oracles_do() {
    check_documents("bandits", run);
}

fn run(method: &str, input: &Input<'_>) -> Result<Value, Inconclusive> {
    let batches = || input.list::<Vec<LoggedBatch>>("batches");
    let answer = match method {
        "weights" => {
            let (means, deviations): (Vec<f64>, Vec<f64>) = (input.list("means"), input.list("deviations"));
            let arms =
                means.iter().zip(&deviations).map(|(mean, spread)| NormalPosterior::new(*mean, *spread));
            let arms = arms.collect::<Result<Vec<_>, _>>()?;
            let policy: Policy = input.list("policy");
            serde_json::to_value(policy.weights(&arms, &vec![100; arms.len()], Direction::Increase)?)
        }
        "arm_value" => serde_json::to_value(arm_value(
            &batches(),
            input.list("arm"),
            input.list("score"),
            input.list("weight"),
        )?),
        "arm_difference" => serde_json::to_value(arm_difference(
            &batches(),
            input.list("control"),
            input.list("treatment"),
            input.list("score"),
            input.list("weight"),
        )?),
        other => panic!("no method {other}"),
    };
    Ok(answer.unwrap())
}
