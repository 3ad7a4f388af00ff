//! Health checks of experiments that are healthy.

use kerf_stats::{
    Estimate, Probability,
    health::{
        balance, multi_exposure,
        novelty::{DayEffect, trend},
        srm,
    },
};
use rand_distr::{Binomial, Distribution};

use super::{
    draws::{alpha, standard},
    figure::{Claim, Rng, Study},
};

fn seen(rng: &mut Rng, centre: f64, error: f64) -> Estimate {
    Estimate::new(centre + error * standard(rng), error * error, 1_000).unwrap()
}

/// Effects of fourteen days since exposure with this slope, any two of them correlated by one half.
fn days(rng: &mut Rng, slope: f64) -> Vec<DayEffect> {
    let shared = standard(rng);
    (0..14)
        .map(|day| {
            let error = 0.2 + 0.01 * f64::from(day);
            let noise = 0.5_f64.sqrt() * (shared + standard(rng));
            let value = 1.0 + slope * f64::from(day) + error * noise;
            DayEffect { day, effect: Estimate::new(value, error * error, 1_000).unwrap() }
        })
        .collect()
}

pub(crate) fn simulate(study: &mut Study) {
    study.a_a("SRM, 3 arms", Claim::Is, |rng| {
        let total = 30_000;
        let first = Binomial::new(total, 0.2).unwrap().sample(rng);
        let second = Binomial::new(total - first, 0.3 / 0.8).unwrap().sample(rng);
        Ok(srm::chi_square(&[first, second, total - first - second], &[0.2, 0.3, 0.5])?.p_value.get())
    });
    study.a_a("pre-period A/A, 3 arms", Claim::Is, |rng| {
        Ok(balance::pre_period(&[0.3, 0.4, 0.5].map(|error| seen(rng, 7.0, error)))?.p_value.get())
    });
    study.a_a("carryover", Claim::Is, |rng| {
        let effects = [0.3, 0.4].map(|error| (seen(rng, 7.0, error), seen(rng, 7.5, error)));
        Ok(balance::carryover(&effects)?.p_value.get())
    });
    study.a_a("novelty, days correlated by 0.5", Claim::Is, |rng| {
        Ok(trend(&days(rng, 0.0), 0.5, alpha())?.p_value.get())
    });
    study.share(
        "novelty, days correlated by 0.5",
        "interval of the slope holds it",
        Claim::Is(0.95),
        |rng| Ok(trend(&days(rng, -0.03), 0.5, alpha())?.slope.interval.contains(-0.03)),
    );
    let claim = Claim::AtLeast(0.95);
    study.share("multi-exposure (Clopper-Pearson)", "interval holds the share", claim, |rng| {
        let crossed = Binomial::new(5_000, 0.01).unwrap().sample(rng);
        let found = multi_exposure::check(crossed, 5_000, Probability::new(0.01)?, alpha())?;
        Ok(found.interval.contains(0.01))
    });
}
