//! Clusters, regions, switchbacks and the holdout.

use kerf_stats::networks::{
    Bin, Cluster, ClusterVariance, Correlation, Pair, Region, SmallSample, SwitchbackPlan, Weight,
    compare_clusters, compare_pairs, holdout_days, holdout_impact, randomisation_test, realised, switchback,
};
use kerf_stats::{Effect, Interval};
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

/// Clusters of unequal size, a third of them treated, with a shared part in every cluster.
fn clusters(rng: &mut Rng, count: usize) -> Vec<Cluster> {
    (0..count)
        .map(|index| {
            let units = 5.0 + Poisson::new(20.0).unwrap().sample(rng);
            let outcome = units * (3.0 + 0.5 * standard(rng)) + units.sqrt() * standard(rng);
            Cluster::new(usize::from(index < count / 3), units, outcome)
        })
        .collect()
}

fn of_clusters(study: &mut Study) {
    let p = |rng: &mut Rng, count, variance| {
        Ok(compare_clusters(&clusters(rng, count), 0, 1, variance)?.difference.p_value(0.0)?.get())
    };
    // Satterthwaite's degrees of freedom rest on a working model without a shared part: few clusters show it.
    let about: fn(f64) -> Claim = |level| Claim::About(level, 0.005);
    for (method, count, claim) in [("12 clusters, CR2", 12, about), ("48 clusters, CR2", 48, Claim::Is)] {
        study.a_a(method, claim, |rng| p(rng, count, ClusterVariance::Cr2));
        study.share(method, "interval of the lift holds it", claim(0.95), |rng| {
            let lift = compare_clusters(&clusters(rng, count), 0, 1, ClusterVariance::Cr2)?.lift?;
            Ok(lift.effect(alpha())?.set.contains(0.0))
        });
    }
    study.a_a("24 clusters with a covariate, CR2", Claim::Is, |rng| {
        let found = compare_clusters(&clusters_with_covariate(rng), 0, 1, ClusterVariance::Cr2)?;
        Ok(found.difference.p_value(0.0)?.get())
    });
    study.share("12 clusters, CR1", "false positives at 5%: too many", Claim::Shown(0.06, 0.12), |rng| {
        Ok(p(rng, 12, ClusterVariance::Cr1)? <= 0.05)
    });
}

/// Twenty-four clusters whose units have a covariate, which varies within and between them.
fn clusters_with_covariate(rng: &mut Rng) -> Vec<Cluster> {
    (0..24)
        .map(|index| {
            let (shared, level) = (0.5 * standard(rng), standard(rng));
            let mut cluster = Cluster::with_covariates(usize::from(index < 12), 1);
            for _ in 0..10 + index % 6 {
                let x = level + standard(rng);
                cluster.push(3.0 + shared + 0.8 * x + standard(rng), &[x]).unwrap();
            }
            cluster
        })
        .collect()
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

/// Markets of four bins a period, whose noise is correlated over two periods; all of it is shared by the markets, and
/// so is the schedule, if `shared`.
fn markets(rng: &mut Rng, count: usize, periods: i64, shared: bool) -> Vec<Vec<Bin>> {
    let coin = Bernoulli::new(0.5).unwrap();
    let series = |rng: &mut Rng| -> Vec<(f64, bool)> {
        let mut before = standard(rng);
        (0..periods)
            .map(|_| {
                let now = standard(rng);
                let noise = now + 0.5 * before;
                before = now;
                (noise, coin.sample(rng))
            })
            .collect()
    };
    let common = series(rng);
    (0..count)
        .map(|_| {
            let own = if shared { common.clone() } else { series(rng) };
            let period = |(period, (noise, treated)): (i64, (f64, bool))| -> [Bin; 4] {
                [0, 1, 2, 3].map(|bin| Bin {
                    time: 4 * period + bin,
                    period,
                    treated,
                    units: 10.0,
                    outcome: 10.0 * (5.0 + noise) + 3.0 * standard(rng),
                })
            };
            (0..).zip(own).flat_map(period).collect()
        })
        .collect()
}

fn of_switchbacks(study: &mut Study) {
    let plan = |correlation| SwitchbackPlan {
        trimmed_bins: 1,
        weight: Weight::Block,
        correlation,
        kernel_lags: None,
        small_sample: SmallSample::Satterthwaite,
    };
    let p = |rng: &mut Rng, count, periods, plan: SwitchbackPlan| {
        let shared = plan.correlation == Correlation::AcrossMarkets;
        Ok(switchback(&markets(rng, count, periods, shared), plan)?.difference.p_value(0.0)?.get())
    };
    let within = plan(Correlation::WithinMarket);
    study.a_a("switchback, 120 periods", Claim::Is, |rng| p(rng, 1, 120, within));
    // A short series has few lags and Satterthwaite's t, which is cautious far out.
    let about: fn(f64) -> Claim = |level| Claim::About(level, 0.004);
    study.a_a("switchback, 30 periods", about, |rng| p(rng, 1, 30, within));
    study.a_a("switchback, 3 markets of 40 periods", Claim::Is, |rng| p(rng, 3, 40, within));
    study.a_a("switchback, 3 markets with shared shocks, 40 periods", Claim::Is, |rng| {
        p(rng, 3, 40, plan(Correlation::AcrossMarkets))
    });
    let conventional = SwitchbackPlan { small_sample: SmallSample::BlocksLessTwo, ..within };
    let claim = Claim::Shown(0.055, 0.1);
    study.share("switchback, 30 periods, B - 2", "false positives at 5%: too many", claim, |rng| {
        Ok(p(rng, 1, 30, conventional)? <= 0.05)
    });
    study.share("switchback, 120 periods", "interval of the lift holds it", Claim::Is(0.95), |rng| {
        let found = switchback(&markets(rng, 1, 120, false), within)?;
        Ok(found.lift?.effect(alpha())?.set.contains(0.0))
    });
}

fn of_holdouts(study: &mut Study) {
    study.share("holdout, total impact", "interval holds the total", Claim::Is(0.95), |rng| {
        let (held, shipped) = (normal_moments(rng, 2_000, 5.0, 2.0), normal_moments(rng, 2_000, 5.2, 2.0));
        let found = holdout_impact(held.estimate()?, shipped.estimate()?, 1e6, alpha())?;
        Ok(found.total.interval.contains(0.2e6))
    });
    // Three launches whose announced lifts are unbiased, and a holdout that measures their product.
    let launches = |rng: &mut Rng| {
        let mut seen = |lift: f64, error: f64| Effect {
            estimate: lift + error * standard(rng),
            standard_error: error,
            interval: Interval::around(lift, error, 0.95),
        };
        let announced = [seen(0.02, 0.008), seen(0.05, 0.015), seen(-0.01, 0.01)];
        realised(&announced, &seen(1.02 * 1.05 * 0.99 - 1.0, 0.012), alpha())
    };
    study.a_a("holdout against announced lifts", Claim::Is, |rng| Ok(launches(rng)?.p_value.get()));
    let claim = Claim::Is(0.95);
    study.share("holdout against announced lifts", "interval of the product holds it", claim, |rng| {
        Ok(launches(rng)?.announced.interval.contains(1.02 * 1.05 * 0.99 - 1.0))
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
