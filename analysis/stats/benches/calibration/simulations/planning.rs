//! Power as the planner promised, in experiments of the planned size with the planned effect.

use kerf_stats::{
    Count, Estimate, Inconclusive, Probability,
    bayes::NormalPrior,
    design::{
        Change, Hypothesis, Metric, MidwayPlan, NullVariance, Plan, PlanReference, always_valid_inflation,
        group_sequential_inflation, midway,
    },
    fixed::{
        Reference, compare,
        count::compare_rates,
        margin::{Direction, equivalence, non_inferiority},
        proportions::z_test,
    },
    sequential::{
        always_valid::{self, Mixture},
        group::{Design, boundaries},
    },
    variance_reduction::cuped::{ThetaFrom, adjust},
};
use rand_distr::{Distribution, Poisson};

use super::{
    draws::{alpha, conversions, normal, normal_moments, standard},
    figure::{Claim, Rng, Study},
    fixed::clicks,
};

const RATE: f64 = 0.1;

fn eighty() -> Probability {
    Probability::new(0.8).unwrap()
}

/// Checks a plan: the test at the planned size is significant with the planned power.
fn check(
    study: &mut Study,
    method: &'static str,
    (plan, metric, change): (Plan, Metric, f64),
    test: impl Fn(&mut Rng, u64, u64) -> Result<bool, Inconclusive>,
) {
    let change = Change::Absolute(change);
    let size = plan.sample_size(&metric, change, eighty()).unwrap();
    let promised = plan.power(&metric, change, (size.control + size.treatment) as f64).unwrap().get();
    let quantity = format!("power with {} and {} units", size.control, size.treatment);
    study.share(method, &quantity, Claim::Is(promised), |rng| test(rng, size.control, size.treatment));
}

pub(crate) fn simulate(study: &mut Study) {
    of_rates(study);
    of_means(study);
    of_margins(study);
    of_other_kinds(study);
    of_sequences(study);
    halfway(study);
}

fn of_rates(study: &mut Study) {
    let metric = Metric::Proportion { rate: Probability::new(RATE).unwrap() };
    let pooled = Plan { null_variance: NullVariance::Pooled, ..Plan::even(alpha()) };
    check(study, "plan of a rate, pooled", (pooled, metric, 0.02), |rng, c, t| {
        Ok(z_test(conversions(rng, c, RATE), conversions(rng, t, RATE + 0.02), alpha())?
            .p_value
            .is_significant(alpha()))
    });
    let uneven = Plan { control_share: 0.8, treatment_share: 0.2, ..pooled };
    check(study, "plan of a rate, 80 to 20", (uneven, metric, 0.02), |rng, c, t| {
        Ok(z_test(conversions(rng, c, RATE), conversions(rng, t, RATE + 0.02), alpha())?
            .p_value
            .is_significant(alpha()))
    });
}

fn of_means(study: &mut Study) {
    let metric = Metric::Mean { mean: 10.0, variance: 4.0, treatment_variance: None };
    let student = Plan { reference: PlanReference::Student, ..Plan::even(alpha()) };
    check(study, "plan of a mean, Student", (student, metric, 2.0), |rng, c, t| {
        let (c, t) = (normal(rng, c as usize, 10.0, 2.0), normal(rng, t as usize, 12.0, 2.0));
        let found = compare(c.estimate()?, t.estimate()?, alpha(), Reference::Welch)?;
        Ok(found.p_value.is_significant(alpha()))
    });
    // A covariate of correlation 0.7 leaves 51% of the variance.
    let adjusted = Plan { variance_factor: 0.51, ..Plan::even(alpha()) };
    check(study, "plan with CUPED", (adjusted, metric, 0.3), |rng, c, t| {
        let arm = |rng: &mut Rng, units: u64, mean: f64| {
            let mut pair = kerf_stats::Pair::empty();
            for _ in 0..units {
                let x = standard(rng);
                pair.push(mean + 2.0 * (0.7 * x + 0.51_f64.sqrt() * standard(rng)), x)?;
            }
            Ok::<_, Inconclusive>(pair)
        };
        let found = adjust(&arm(rng, c, 10.0)?, &arm(rng, t, 10.3)?, ThetaFrom::WithinArms)?;
        let found = compare(found.control, found.treatment, alpha(), Reference::Normal)?;
        Ok(found.p_value.is_significant(alpha()))
    });
}

fn of_margins(study: &mut Study) {
    let metric = Metric::Mean { mean: 10.0, variance: 4.0, treatment_variance: None };
    let with = |hypothesis| Plan { hypothesis, ..Plan::even(alpha()) };
    let found = |rng: &mut Rng, c, t, effect| {
        let (c, t) = (normal_moments(rng, c, 10.0, 2.0), normal_moments(rng, t, 10.0 + effect, 2.0));
        compare(c.estimate()?, t.estimate()?, alpha(), Reference::Normal)
    };
    let inferior = with(Hypothesis::NonInferiority { margin: 0.3 });
    check(study, "plan of non-inferiority", (inferior, metric, -0.05), |rng, c, t| {
        Ok(non_inferiority(&found(rng, c, t, -0.05)?, Direction::Increase, 0.3, alpha())?.shown)
    });
    let same = with(Hypothesis::Equivalence { margin: 0.3 });
    check(study, "plan of equivalence", (same, metric, 0.0), |rng, c, t| {
        Ok(equivalence(&found(rng, c, t, 0.0)?, 0.3, alpha())?.shown)
    });
}

fn of_other_kinds(study: &mut Study) {
    let count = Metric::Count { rate: 0.5, exposure: 2.0, dispersion: 1.0 };
    check(study, "plan of a count", (Plan::even(alpha()), count, 0.05), |rng, c, t| {
        let arm = |rng: &mut Rng, units: u64, rate: f64| {
            Count::new(
                Poisson::new(units as f64 * 2.0 * rate).unwrap().sample(rng) as u64,
                units as f64 * 2.0,
            )
        };
        let (c, t) = (arm(rng, c, 0.5)?, arm(rng, t, 0.55)?);
        Ok(compare_rates(c, t, alpha())?.p_value.is_significant(alpha()))
    });
    // Per user: Var(clicks − R·views)/mean(views)² with views v = 1 + Poisson(2) and rates p of Beta(2, 8):
    // (E[v]·E[p(1−p)] + E[v²]·Var(p))/E[v]². The planner has one variance for both arms: their average.
    let of_arm = |lift: f64| {
        let (rate, spread) = (0.2 * lift, 0.16 / 11.0 * lift * lift);
        (3.0 * (rate - rate * rate - spread) + 11.0 * spread) / 9.0
    };
    let variance = 0.5 * (of_arm(1.0) + of_arm(1.1));
    let metric = Metric::Ratio { ratio: 0.2, variance, treatment_variance: None };
    check(study, "plan of a ratio", (Plan::even(alpha()), metric, 0.02), |rng, c, t| {
        let (c, t) = (clicks(rng, c as usize, 0.0).ratio()?, clicks(rng, t as usize, 0.1).ratio()?);
        Ok(compare(c, t, alpha(), Reference::Normal)?.p_value.is_significant(alpha()))
    });
}

fn of_sequences(study: &mut Study) {
    let information = [0.25, 0.5, 0.75, 1.0];
    let design = Design::two_sided(alpha());
    let cost = group_sequential_inflation(&design, &information, eighty()).unwrap();
    let looks = boundaries(&design, &information).unwrap();
    let fixed = 1.959_963_985 + 0.841_621_234;
    let drift = fixed * cost.maximum.sqrt();
    let walks = study.repeat("plan of 4 looks, O'Brien-Fleming", |rng| {
        let mut sum = 0.0;
        let stop = looks.iter().position(|look| {
            sum += 0.25 * drift + 0.5 * standard(rng);
            (sum / look.information.sqrt()).abs() >= look.boundary.unwrap()
        });
        Ok(stop)
    });
    let found = walks.iter().filter(|stop| stop.is_some()).count() as f64 / walks.len() as f64;
    study.push("plan of 4 looks, O'Brien-Fleming", "power", Claim::Is(0.8), found);
    let used = walks.iter().map(|stop| {
        let share = stop.map_or(1.0, |look| information[look]);
        (cost.expected_with_effect, cost.maximum * share)
    });
    study.predictions("plan of 4 looks, O'Brien-Fleming", "units used over those of the fixed test", used);
    always_valid_plan(study, fixed);
}

fn always_valid_plan(study: &mut Study, fixed: f64) {
    let cost = always_valid_inflation(alpha(), eighty()).unwrap();
    let drift = fixed * cost.sqrt();
    let mixture = Mixture::tightest_at(100.0, alpha()).unwrap();
    let walks = study.repeat("plan of a confidence sequence, 100 looks", |rng| {
        let mut sum = 0.0;
        for look in 1..=100 {
            sum += 0.01 * drift + 0.1 * standard(rng);
            let share = f64::from(look) / 100.0;
            let seen = Estimate::new(sum / share, 1.0 / share, u64::from(look as u32))?;
            if !always_valid::interval(seen, alpha(), mixture)?.contains(0.0) {
                return Ok((true, share));
            }
        }
        Ok((false, 1.0))
    });
    let method = "plan of a confidence sequence, 100 looks";
    let found = walks.iter().filter(|walk| walk.0).count() as f64 / walks.len() as f64;
    study.push(method, "power", Claim::AtLeast(0.8), found);
    let used = cost * walks.iter().map(|walk| walk.1).sum::<f64>() / walks.len() as f64;
    study.push(
        method,
        format!("units used over those of the fixed test ({cost:.2} planned)"),
        Claim::Shown(1.0, cost),
        used,
    );
}

/// Half the units are in: how probable a significant end is, averaged over the prior that effects come from.
fn halfway(study: &mut Study) {
    let method = "midway";
    let runs = study.repeat(method, |rng| {
        let truth = 0.02 * standard(rng);
        let first = truth + 0.01 * 2.0_f64.sqrt() * standard(rng);
        let second = truth + 0.01 * 2.0_f64.sqrt() * standard(rng);
        let plan = MidwayPlan {
            alpha: alpha(),
            power: eighty(),
            planned: 0.02,
            growth: 2.0,
            prior: NormalPrior::Informative { mean: 0.0, standard_deviation: 0.02 },
        };
        let seen = Estimate { degrees_of_freedom: None, ..Estimate::new(first, 2e-4, 1_000)? };
        let end = 0.5 * (first + second);
        Ok((
            midway(&seen, &plan)?.predictive_power.get(),
            f64::from(u8::from((end / 0.01).abs() >= 1.959_963_985)),
        ))
    });
    study.predictions(method, "predictive power, average", runs.into_iter());
}
