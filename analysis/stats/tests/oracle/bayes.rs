//! Bayesian comparison against mpmath, SciPy and gbstats.

use kerf_stats::{
    Alpha, Effect, Inconclusive, Interval, Mean, Proportion,
    bayes::{
        BetaPrior, LogMeanPosterior, NormalInverseGamma, NormalPrior, Posterior, contrast, effect_posterior,
        standings,
    },
    fixed::margin::Direction,
};
use serde_json::{Value, json};

use crate::check::{Input, check_documents};

#[test]
fn bayesian_answers_are_those_of_the_oracles() {
    check_documents("bayes", run);
}

fn run(method: &str, input: &Input<'_>) -> Result<Value, Inconclusive> {
    let alpha = Alpha::new(0.05)?;
    let beta = || {
        let (successes, failures): (f64, f64) = input.list("prior");
        BetaPrior::new(successes, failures)
    };
    let answer = match method {
        "standings_beta" => {
            let prior = beta()?;
            let arms: Vec<Proportion> = input.list("arms");
            let posteriors: Vec<_> = arms.into_iter().map(|seen| prior.update(seen)).collect();
            serde_json::to_value(standings(&posteriors, direction(input))?)
        }
        "contrast_beta" => {
            let prior = beta()?;
            let (control, treatment) =
                (prior.update(input.list("control")), prior.update(input.list("treatment")));
            serde_json::to_value(contrast(&control, &treatment, Direction::Increase, alpha)?)
        }
        "posterior_beta" => described(&beta()?.update(input.list("seen")), alpha)?,
        "contrast_normal" => {
            let prior: NormalPrior = input.list("prior");
            let control = prior.update_mean(&input.list("control"))?;
            let treatment = prior.update_mean(&input.list("treatment"))?;
            serde_json::to_value(contrast(&control, &treatment, Direction::Increase, alpha)?)
        }
        "contrast_student" => {
            let arm = |key| NormalInverseGamma::REFERENCE.update(&input.list::<Mean>(key))?.mean_posterior();
            serde_json::to_value(contrast(&arm("control")?, &arm("treatment")?, Direction::Increase, alpha)?)
        }
        "posterior_lognormal" => {
            let logs = NormalInverseGamma::REFERENCE.update(&input.list("logs"))?;
            let posterior = LogMeanPosterior::of_amounts(&logs)?;
            described(&posterior, alpha)?.map(|mut value| {
                value["mean_interval"] = json!(posterior.mean_interval(alpha).ok());
                value
            })
        }
        "effect" => {
            let effect = Effect {
                estimate: input.list("estimate"),
                standard_error: input.list("standard_error"),
                interval: Interval::between(f64::NEG_INFINITY, f64::INFINITY, 1.0),
            };
            serde_json::to_value(effect_posterior(&effect, input.list("prior"), Direction::Increase, alpha)?)
        }
        other => panic!("no method {other}"),
    };
    Ok(answer.unwrap())
}

/// More is better where a case does not say.
fn direction(input: &Input<'_>) -> Direction {
    input.optional("direction").unwrap_or(Direction::Increase)
}

fn described(posterior: &impl Posterior, alpha: Alpha) -> Result<serde_json::Result<Value>, Inconclusive> {
    Ok(Ok(json!({
        "mean": posterior.mean()?,
        "standard_deviation": posterior.standard_deviation()?,
        "interval": posterior.credible_interval(alpha)?,
    })))
}
