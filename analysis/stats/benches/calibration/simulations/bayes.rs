//! Posteriors of parameters that were drawn from the prior: then every statement must be right on average.

use kerf_stats::{
    Effect, Inconclusive, Interval,
    bayes::{
        BetaPrior, Contrast, LogMeanPosterior, NormalInverseGamma, NormalPrior, Posterior, contrast,
        effect_posterior, standings,
    },
    fixed::margin::Direction,
};
use rand_distr::{Beta, Distribution, Gamma};

use super::{
    draws::{alpha, conversions, normal_moments, standard},
    figure::{Claim, Rng, Study, share},
};

pub(crate) fn simulate(study: &mut Study) {
    effects(study);
    rates(study);
    best_of_three(study);
    means(study);
    unknown_variance(study);
    log_normal(study);
}

fn effects(study: &mut Study) {
    let method = "normal prior on the effect";
    let prior = NormalPrior::Informative { mean: 0.01, standard_deviation: 0.02 };
    let runs = study.repeat(method, |rng| {
        let truth = 0.01 + 0.02 * standard(rng);
        let seen = Effect {
            estimate: truth + 0.03 * standard(rng),
            standard_error: 0.03,
            interval: Interval::around(0.0, 1.0, 0.95),
        };
        Ok((truth, effect_posterior(&seen, prior, Direction::Increase, alpha())?))
    });
    let covered = share(runs.iter().map(|(truth, found)| found.interval.contains(*truth)));
    study.push(method, "credible interval holds the effect", Claim::Is(0.95), covered);
    let better =
        runs.iter().map(|(truth, found)| (found.probability_better, f64::from(u8::from(*truth > 0.0))));
    study.predictions(method, "probability to be better, average", better);
    let loss = runs.iter().map(|(truth, found)| (found.loss_of_shipping, (-truth).max(0.0)));
    study.predictions(method, "expected loss of shipping, average", loss);
}

/// Checks a contrast of two arms whose parameters are known.
fn check(study: &mut Study, method: &'static str, runs: &[(f64, f64, Contrast)]) {
    let covered =
        share(runs.iter().map(|(control, treatment, found)| found.difference.contains(treatment - control)));
    study.push(method, "credible interval of the difference holds it", Claim::Is(0.95), covered);
    let lift = share(runs.iter().map(|(control, treatment, found)| {
        found.lift.is_ok_and(|interval| interval.contains(treatment / control - 1.0))
    }));
    study.push(method, "credible interval of the lift holds it", Claim::Is(0.95), lift);
    let better = runs.iter().map(|(c, t, found)| (found.probability_better, f64::from(u8::from(t > c))));
    study.predictions(method, "probability to be better, average", better);
    let loss = runs.iter().map(|(c, t, found)| (found.loss_of_shipping, (c - t).max(0.0)));
    study.predictions(method, "expected loss of shipping, average", loss);
}

fn rate(rng: &mut Rng) -> f64 {
    Beta::new(30.0, 270.0).unwrap().sample(rng)
}

fn rates(study: &mut Study) {
    let prior = BetaPrior::new(30.0, 270.0).unwrap();
    let runs = study.repeat("beta-binomial", |rng| {
        let (control, treatment) = (rate(rng), rate(rng));
        let [c, t] = [control, treatment].map(|rate| prior.update(conversions(rng, 500, rate)));
        Ok((control, treatment, contrast(&c, &t, Direction::Increase, alpha())?))
    });
    check(study, "beta-binomial", &runs);
}

fn best_of_three(study: &mut Study) {
    let method = "best of three rates";
    let prior = BetaPrior::new(30.0, 270.0).unwrap();
    let runs = study.repeat(method, |rng| {
        let truth = [(); 3].map(|()| rate(rng));
        let arms = truth.map(|rate| prior.update(conversions(rng, 500, rate)));
        Ok((truth, standings(&arms, Direction::Increase)?))
    });
    let best = |truth: &[f64; 3]| truth.iter().copied().fold(0.0, f64::max);
    let is_best = runs
        .iter()
        .map(|(truth, found)| (found[0].probability_best, f64::from(u8::from(truth[0] >= best(truth)))));
    study.predictions(method, "probability to be best, average", is_best);
    let loss = runs.iter().map(|(truth, found)| (found[0].expected_loss, best(truth) - truth[0]));
    study.predictions(method, "expected loss, average", loss);
}

fn means(study: &mut Study) {
    let prior = NormalPrior::Informative { mean: 20.0, standard_deviation: 1.0 };
    let runs = study.repeat("normal means", |rng| {
        let [control, treatment] = [(); 2].map(|()| 20.0 + standard(rng));
        let arm = |mean, rng: &mut Rng| prior.update_mean(&normal_moments(rng, 2_000, mean, 25.0));
        let (c, t) = (arm(control, rng)?, arm(treatment, rng)?);
        Ok((control, treatment, contrast(&c, &t, Direction::Increase, alpha())?))
    });
    check(study, "normal means", &runs);
}

/// Draws mean and variance from the prior that the posterior is given.
fn from_prior(rng: &mut Rng, mean: f64, strength: f64, deviation: f64, units: f64) -> (f64, f64) {
    let shape = 0.5 * units;
    let precision: f64 = Gamma::new(shape, 1.0 / (shape * deviation * deviation)).unwrap().sample(rng);
    let variance = precision.recip();
    (mean + (variance / strength).sqrt() * standard(rng), variance)
}

fn unknown_variance(study: &mut Study) {
    let prior = NormalInverseGamma::informative(10.0, 5.0, 1.0, 8.0).unwrap();
    let runs = study.repeat("means of unknown variance, 12 units", |rng| {
        let mut arm = || -> Result<_, Inconclusive> {
            let (mean, variance) = from_prior(rng, 10.0, 5.0, 1.0, 8.0);
            let seen = normal_moments(rng, 12, mean, variance.sqrt());
            Ok((mean, prior.update(&seen)?.mean_posterior()?))
        };
        let ((control, c), (treatment, t)) = (arm()?, arm()?);
        Ok((control, treatment, contrast(&c, &t, Direction::Increase, alpha())?))
    });
    check(study, "means of unknown variance, 12 units", &runs);
}

fn log_normal(study: &mut Study) {
    let prior = NormalInverseGamma::informative(3.0, 5.0, 0.8, 12.0).unwrap();
    let claim = Claim::Is(0.95);
    study.shares(
        "log-normal revenue",
        [("interval of the mean amount holds it", claim), ("interval of revenue per unit holds it", claim)],
        |rng| {
            let (mean, variance) = from_prior(rng, 3.0, 5.0, 0.8, 12.0);
            let rate = rate(rng);
            let buyers = conversions(rng, 600, rate);
            let logs =
                prior.update(&normal_moments(rng, buyers.conversions().max(2), mean, variance.sqrt()))?;
            let amount = (mean + 0.5 * variance).exp();
            let posterior = BetaPrior::new(30.0, 270.0)?.update(buyers);
            let found = LogMeanPosterior::of_revenue(&posterior, &logs)?.credible_interval(alpha())?;
            Ok([
                LogMeanPosterior::of_amounts(&logs)?.mean_interval(alpha())?.contains(amount),
                found.contains((rate * amount).ln()),
            ])
        },
    );
}
