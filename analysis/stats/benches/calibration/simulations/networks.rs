//! Clusters, regions, switchbacks and the holdout.

use kerf_stats::networks::{
    Bin, Cluster, ClusterVariance, Correlation, Pair, Region, SwitchbackPlan, Weight, compare_clusters,
    compare_pairs, holdout_days, holdout_impact, randomisation_test, switchback,
};
use rand_distr::{Bernoulli, Distribution, Poisson};

use super::{
    draws::{alpha, normal_moments, standard},
    figure::{Claim, Rng, Study},
};

pub(crate) fn simulate(study: &mut Study) {
    of_clusters(study);
    of_regions(study);
    of_switchbacks(study);
    of_holdouts(study);
}

/// Twelve clusters of unequal size, four of them treated, with a shared part in every cluster.
fn clusters(rng: &mut Rng) -> Vec<Cluster> {
    (0..12)
        .map(|index| {
            let units = 5.0 + Poisson::new(20.0).unwrap().sample(rng);
            let outcome = units * (3.0 + 0.5 * standard(rng)) + units.sqrt() * standard(rng);
            Cluster::new(usize::from(index < 4), units, outcome)
        })
        .collect()
}

fn of_clusters(study: &mut Study) {
    let p = |rng: &mut Rng, variance| {
        Ok(compare_clusters(&clusters(rng), 0, 1, variance)?.difference.p_value(0.0)?.get())
    };
    // Satterthwaite's degrees of freedom rest on a working model without a shared part.
    let about: fn(f64) -> Claim = |level| Claim::About(level, 0.15 * level);
    study.a_a("12 clusters, CR2", about, |rng| p(rng, ClusterVariance::Cr2));
    study.share("12 clusters, CR1", "false positives at 5%: too many", Claim::Shown(0.06, 0.12), |rng| {
        Ok(p(rng, ClusterVariance::Cr1)? <= 0.05)
    });
}

fn of_regions(study: &mut Study) {
    let pairs = |rng: &mut Rng| -> Vec<Pair> {
        (0..10)
            .map(|_| {
                let shared = 3.0 * standard(rng);
                let mut region = || Region { outcome: shared + standard(rng), units: 100.0 };
                Pair { treatment: region(), control: region() }
            })
            .collect()
    };
    study.a_a("10 pairs of regions, t", Claim::Is, |rng| {
        Ok(compare_pairs(&pairs(rng))?.difference.p_value(0.0)?.get())
    });
    study
        .a_a("10 pairs of regions, exact", Claim::AtMost, |rng| Ok(compare_pairs(&pairs(rng))?.exact?.get()));
    study.a_a("regions drawn at random, exact", Claim::AtMost, |rng| {
        let mut regions = |count: usize| -> Vec<f64> { (0..count).map(|_| standard(rng).exp()).collect() };
        Ok(randomisation_test(&regions(5), &regions(5))?.get())
    });
}

/// 120 periods of four bins whose noise is correlated over two periods.
fn of_switchbacks(study: &mut Study) {
    let coin = Bernoulli::new(0.5).unwrap();
    let run = |rng: &mut Rng| {
        let (mut before, mut bins) = (standard(rng), Vec::new());
        for period in 0..120 {
            let now = standard(rng);
            let (noise, treated) = (now + 0.5 * before, coin.sample(rng));
            before = now;
            bins.extend((0..4).map(|bin| Bin {
                time: 4 * period + bin,
                period,
                treated,
                units: 10.0,
                outcome: 10.0 * (5.0 + noise) + 3.0 * standard(rng),
            }));
        }
        let plan = SwitchbackPlan {
            trimmed_bins: 1,
            weight: Weight::Block,
            correlation: Correlation::WithinMarket,
            kernel_lags: None,
        };
        Ok(switchback(&[bins], plan)?.difference.p_value(0.0)?.get())
    };
    // A kernel variance is too small in short series: the more, the fewer the periods (Newey and West 1994).
    let about: fn(f64) -> Claim = |level| Claim::About(level, (0.3 * level).min(0.015));
    study.a_a("switchback, 120 periods", about, run);
}

fn of_holdouts(study: &mut Study) {
    study.share("holdout, total impact", "interval holds the total", Claim::Is(0.95), |rng| {
        let (held, shipped) = (normal_moments(rng, 2_000, 5.0, 2.0), normal_moments(rng, 2_000, 5.2, 2.0));
        let found = holdout_impact(held.estimate()?, shipped.estimate()?, 1e6, alpha())?;
        Ok(found.total.interval.contains(0.2e6))
    });
    let claim = Claim::AtLeast(0.95);
    study.share("holdout, cumulated over 10 days", "interval of the sum holds it", claim, |rng| {
        let own = [0.05 * standard(rng), 0.05 * standard(rng)];
        let days: Vec<_> = (0..10)
            .map(|day| {
                let mut arm = |shared: f64, mean: f64| {
                    let value = mean + shared + 0.05 * standard(rng);
                    kerf_stats::Estimate::new(value, 2.0 * 0.05 * 0.05, 2_000).unwrap()
                };
                (day, arm(own[0], 5.0), arm(own[1], 5.2))
            })
            .collect();
        let last = *holdout_days(&days, alpha())?.last().unwrap();
        Ok(last.cumulative.interval.contains(2.0))
    });
}
