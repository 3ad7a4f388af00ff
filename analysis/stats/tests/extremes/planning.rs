//! Plans and sequential designs.

use kerf_stats::{
    Alpha, Estimate, Probability,
    bayes::NormalPrior,
    design::{
        Arrivals, Change, Hypothesis, Metric, MidwayPlan, NullVariance, Plan, PlanReference,
        always_valid_inflation, design_effect, duration, group_sequential_inflation, inflation_of_boundaries,
        midway,
    },
    fixed::margin::Direction,
    health::peeking,
    sequential::{
        adjusted::at_last_look,
        always_valid::Mixture,
        group::{Classical, Design, boundaries, boundaries_at_end, classical},
        recursion::exit_probabilities,
        spending::{Sides, Spending},
    },
};

use crate::{
    assert_sound,
    inputs::{NUMBERS, alpha, effects, estimates},
    report,
};

fn metrics() -> Vec<Metric> {
    let rate = |rate| Probability::new(rate).unwrap();
    let mut found: Vec<Metric> = [0.0, 5e-324, 1e-12, 0.5, 1.0]
        .iter()
        .map(|value| Metric::Proportion { rate: rate(*value) })
        .collect();
    for x in NUMBERS {
        for y in [0.0, 1e-200, 1.0, f64::MAX, f64::NAN, -1.0] {
            found.push(Metric::Mean { mean: x, variance: y, treatment_variance: None });
            found.push(Metric::Mean { mean: 1.0, variance: x, treatment_variance: Some(y) });
            found.push(Metric::Ratio { ratio: x, variance: y, treatment_variance: None });
            found.push(Metric::Count { rate: x, exposure: y, dispersion: 1.0 });
            found.push(Metric::Quantile { value: x, level: rate(0.9), density: y });
        }
    }
    found
}

#[test]
fn plans() {
    let hypotheses = [
        Hypothesis::TwoSided,
        Hypothesis::OneSided,
        Hypothesis::NonInferiority { margin: 0.1 },
        Hypothesis::Equivalence { margin: 0.1 },
    ];
    let power = Probability::new(0.8).unwrap();
    for metric in metrics() {
        for hypothesis in hypotheses {
            for (null_variance, reference) in [
                (NullVariance::Pooled, PlanReference::Normal),
                (NullVariance::Unpooled, PlanReference::Student),
            ] {
                let plan = Plan { hypothesis, null_variance, reference, ..Plan::even(alpha()) };
                for change in [0.0, 1e-6, -0.01, 0.5, 1e150, f64::NAN] {
                    for change in [Change::Absolute(change), Change::Relative(change)] {
                        let given = (plan, metric, change);
                        assert_sound("sample size", &given, &plan.sample_size(&metric, change, power));
                        for units in [0.0, 1.0, 4.0, 1e12, f64::MAX, f64::INFINITY] {
                            assert_sound("power", &(given, units), &plan.power(&metric, change, units));
                        }
                    }
                }
                for units in [0.0, 1.0, 4.0, 1e12, f64::MAX] {
                    for direction in [Direction::Increase, Direction::Decrease] {
                        let found = plan.minimum_detectable(&metric, units, power, direction);
                        assert_sound("minimum detectable", &(plan, metric, units), &found);
                    }
                }
            }
        }
    }
    report();
}

#[test]
fn factors_of_plans() {
    let metric = Metric::Mean { mean: 1.0, variance: 1.0, treatment_variance: None };
    for factor in NUMBERS {
        for share in NUMBERS {
            let plan = Plan { variance_factor: factor, control_share: share, ..Plan::even(alpha()) };
            let power = Probability::new(0.8).unwrap();
            let given = (factor, share);
            assert_sound("units", &given, &plan.units(&metric, Change::Absolute(0.1), power));
            let correlation = Probability::new(0.1).unwrap();
            assert_sound("design effect", &given, &design_effect(factor, share, correlation));
            assert_sound("duration", &given, &duration(factor, &Arrivals::PerDay(share), 0.5));
            let curve = Arrivals::Distinct(vec![0.0, share, share]);
            assert_sound("duration", &given, &duration(factor, &curve, 1.0));
        }
    }
    for factor in [f64::INFINITY, f64::NAN, 0.0, -1.0] {
        for plan in [
            Plan { inflation: factor, ..Plan::even(alpha()) },
            Plan { variance_factor: factor, ..Plan::even(alpha()) },
        ] {
            let power = Probability::new(0.8).unwrap();
            let size = plan.sample_size(&metric, Change::Absolute(0.1), power);
            assert_eq!(size.unwrap_err().code(), "out_of_domain", "{plan:?}");
        }
    }
    for power in [0.0, 0.05, 0.06, 0.999_999, 1.0] {
        let power = Probability::new(power).unwrap();
        for rate in [1e-300, 0.05, 0.5, 0.999] {
            let alpha = Alpha::new(rate).unwrap();
            assert_sound("always valid inflation", &(rate, power), &always_valid_inflation(alpha, power));
            let design = Design::two_sided(alpha);
            for information in [vec![1.0], vec![0.5, 1.0], vec![1e-5, 1.0]] {
                let found = group_sequential_inflation(&design, &information, power);
                assert_sound("inflation", &(rate, power, &information), &found);
            }
        }
    }
    for limit in NUMBERS {
        let found = inflation_of_boundaries(
            &[limit, 2.0],
            Sides::Two,
            &[0.5, 1.0],
            alpha(),
            Probability::new(0.8).unwrap(),
        );
        assert_sound("inflation of boundaries", &limit, &found);
    }
    report();
}

#[test]
fn midways() {
    for seen in estimates() {
        for planned in [0.0, 1e-6, f64::MAX, f64::NAN] {
            for growth in [0.0, 1.0, 2.0, f64::INFINITY] {
                let plan = MidwayPlan {
                    alpha: alpha(),
                    power: Probability::new(0.8).unwrap(),
                    planned,
                    growth,
                    prior: NormalPrior::Flat,
                };
                assert_sound("midway", &(seen, planned, growth), &midway(&seen, &plan));
            }
        }
    }
    report();
}

#[test]
fn looks() {
    for spending in [
        Spending::OBrienFleming,
        Spending::OBrienFlemingTotal,
        Spending::Pocock,
        Spending::Power { rho: 3.0 },
    ] {
        for rate in [1e-300, 0.05] {
            for sides in [Sides::One, Sides::Two] {
                let cap = (sides == Sides::Two).then_some(2.5);
                let design = Design { alpha: Alpha::new(rate).unwrap(), spending, sides, cap };
                for information in [
                    vec![],
                    vec![1.0],
                    vec![1e-300, 1.0],
                    vec![1e-6, 0.5, 1.0, 5.0],
                    vec![0.5, 0.5],
                    vec![f64::NAN],
                ] {
                    assert_sound("boundaries at the end", &design, &boundaries_at_end(&design, &information));
                    let found = boundaries(&design, &information);
                    assert_sound("boundaries", &(design, &information), &found);
                    let Ok(looks) = found else { continue };
                    for effect in effects().into_iter().step_by(19) {
                        let found = at_last_look(&looks, &effect, &design);
                        assert_sound("adjusted", &(&looks, effect), &found);
                    }
                }
            }
        }
    }
    for x in NUMBERS {
        assert_sound("power family", &x, &Spending::Power { rho: x }.spent(0.5, alpha(), Sides::Two));
        assert_sound("tightest", &x, &Mixture::tightest_at(x, alpha()));
        assert_sound("tightest", &x, &Mixture::approximately_tightest_at(x, alpha()));
        assert_sound("peeking", &x, &peeking::inflation(&[1.0, x], alpha()));
        for drift in NUMBERS {
            assert_sound("exits", &(x, drift), &exit_probabilities(&[(0.5, -x, x), (1.0, -2.0, 2.0)], drift));
        }
    }
    for looks in [0, 1, 3, u32::MAX] {
        for kind in [Classical::Pocock, Classical::OBrienFleming] {
            assert_sound("classical", &looks, &classical(kind, looks, alpha()));
        }
    }
    assert_sound("an estimate", &0, &Estimate::new(0.0, 1.0, 1));
    report();
}
