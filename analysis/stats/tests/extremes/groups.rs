//! Methods of many arms, segments, clusters, batches and days.

use kerf_stats::{
    Alpha, Estimate, Inconclusive, Mean, PValue, Probability,
    bandits::{
        Policy, Rule,
        evaluate::{BatchWeight, LoggedArm, Score, arm_difference, arm_value},
    },
    bayes::{NormalPosterior, standings},
    decision::{Evidence, Primary, recommended_action},
    fixed::margin::Direction,
    health::{
        balance, multi_exposure,
        novelty::{DayEffect, trend},
        sequential_srm, srm,
    },
    heterogeneity::{
        Arms, Cell, Feature, TreePlan, TwoByTwo, heterogeneity, honest_tree, independence, interaction,
        screen, segments, table_interaction,
    },
    multiplicity::{Correction, adjust, adjust_families},
    networks::{
        Bin, Cluster, ClusterVariance, Correlation, Pair, Region, SmallSample, SwitchbackPlan, Weight,
        compare_clusters, compare_pairs, intracluster_correlation, lag_profile, randomisation_test,
        switchback,
    },
};

use crate::{
    assert_sound,
    inputs::{NUMBERS, alpha, means, some_estimates},
    report,
};

const COUNTS: [u64; 4] = [0, 1, 1_000_000_000_000, u64::MAX];

#[test]
fn splits() {
    for first in COUNTS {
        for second in COUNTS {
            for weight in NUMBERS {
                let given = (first, second, weight);
                let (units, weights) = ([first, second, 5], [weight, 1.0, 0.0]);
                assert_sound("srm", &given, &srm::chi_square(&units, &weights));
                for concentration in NUMBERS {
                    let found = sequential_srm::test(&units, &weights, concentration);
                    assert_sound("sequential srm", &(given, concentration), &found);
                }
            }
            let tolerance = Probability::new(0.01).unwrap();
            let found = multi_exposure::check(first, second, tolerance, alpha());
            assert_sound("multi exposure", &(first, second), &found);
            assert_sound("independence", &first, &independence(&[vec![first, second], vec![second, 7]]));
        }
    }
    assert_sound("srm of one", &0, &srm::chi_square(&[5], &[1.0]));
    assert_sound("independence of none", &0, &independence(&[]));
    report();
}

#[test]
fn sets_of_estimates() {
    let all = some_estimates();
    let plain = Estimate::new(1.0, 0.1, 100).unwrap();
    for one in &all {
        assert_sound("balance of one", one, &balance::pre_period(&[*one]));
        for other in &all {
            let given = (one, other);
            let three = [*one, *other, plain];
            assert_sound("balance", &given, &balance::pre_period(&three));
            assert_sound("carryover", &given, &balance::carryover(&[(*one, *other), (plain, plain)]));
            assert_sound("heterogeneity", &given, &heterogeneity(&three));
            let effects = [Ok(*one), Ok(*other), Err(Inconclusive::NoUnits), Ok(plain)];
            let report = segments(&effects, Correction::Holm, alpha());
            assert_sound("segments", &given, &report);
            let groups = TwoByTwo { neither: *one, first: *other, second: plain, both: plain };
            assert_sound("interaction", &given, &interaction(&groups, alpha()));
            assert_sound("screen", &given, &Ok(screen(&[groups, groups], Correction::Bonferroni, alpha())));
            let table = [vec![*one, plain], vec![*other, plain]];
            assert_sound("table", &given, &table_interaction(&table));
            for correlation in [0.0, 0.9, 1.0, f64::NAN] {
                let days: Vec<DayEffect> =
                    three.iter().zip(0..).map(|(effect, day)| DayEffect { day, effect: *effect }).collect();
                assert_sound("trend", &given, &trend(&days, correlation, alpha()));
            }
        }
    }
    assert_sound("segments of none", &0, &segments(&[], Correction::None, alpha()));
    report();
}

#[test]
fn trees() {
    let plan = TreePlan { depth: 2, minimum_units: 1, alpha_of_cut: alpha() };
    for one in means().iter().step_by(4) {
        for other in means().iter().step_by(7) {
            let arms = Arms { control: *one, treatment: *other };
            let cells = [0, 1].map(|level| Cell { levels: vec![level], training: arms, estimation: arms });
            for ordered in [true, false] {
                let tree = honest_tree(&[Feature { levels: 2, ordered }], &cells, &plan);
                assert_sound("tree", &(one, other), &tree);
                if let Ok(tree) = tree {
                    assert_sound("simultaneous", &(one, other), &Ok(tree.simultaneous_effects(alpha())));
                }
            }
        }
    }
    report();
}

#[test]
fn clusters_and_regions() {
    for x in NUMBERS {
        for y in NUMBERS {
            let given = (x, y);
            let clusters = [(0, 3.0, 5.0), (0, x, y), (1, 2.0, 7.0), (1, 4.0, y), (1, 3.0, 2.0)]
                .map(|(arm, units, outcome)| Cluster::new(arm, units, outcome));
            for correction in [ClusterVariance::Cr1, ClusterVariance::Cr2] {
                assert_sound("clusters", &given, &compare_clusters(&clusters, 0, 1, correction));
                assert_sound("few clusters", &given, &compare_clusters(&clusters[1..3], 0, 1, correction));
            }
            for squares in NUMBERS {
                let found = intracluster_correlation(&clusters, squares);
                assert_sound("intracluster correlation", &(given, squares), &found);
            }
            let region = |outcome, units| Region { outcome, units };
            let pairs = [Pair { treatment: region(y, x), control: region(1.0, 2.0) }; 2];
            assert_sound("pairs", &given, &compare_pairs(&pairs));
            let mixed = [pairs[0], Pair { treatment: region(3.0, 1.0), control: region(x, 1.0) }];
            assert_sound("pairs", &given, &compare_pairs(&mixed));
            assert_sound("randomisation", &given, &randomisation_test(&[x, y], &[1.0]));
        }
    }
    assert_sound("randomisation of none", &0, &randomisation_test(&[], &[1.0]));
    report();
}

#[test]
fn switchbacks() {
    for x in NUMBERS {
        for y in NUMBERS {
            let bin = |time: i64, units, outcome| Bin {
                time,
                period: time,
                treated: time % 2 == 1,
                units,
                outcome,
            };
            let bins = vec![
                bin(0, 1.0, 2.0),
                bin(1, x, y),
                bin(2, 3.0, y),
                bin(3, 2.0, 2.0),
                bin(i64::MAX, 1.0, 1.0),
            ];
            for weight in [Weight::Unit, Weight::Block] {
                for correlation in [Correlation::WithinMarket, Correlation::AcrossMarkets] {
                    for (trimmed_bins, kernel_lags, small_sample) in [
                        (0, None, SmallSample::Satterthwaite),
                        (0, None, SmallSample::BlocksLessTwo),
                        (0, Some(0), SmallSample::Satterthwaite),
                        (1, Some(usize::MAX), SmallSample::Satterthwaite),
                        (1, Some(usize::MAX), SmallSample::BlocksLessTwo),
                    ] {
                        let plan =
                            SwitchbackPlan { trimmed_bins, weight, correlation, kernel_lags, small_sample };
                        assert_sound("switchback", &(x, y, plan), &switchback(&[bins.clone(), vec![]], plan));
                    }
                }
            }
            assert_sound("lag profile", &(x, y), &Ok(lag_profile(std::slice::from_ref(&bins), 3)));
        }
    }
    report();
}

#[test]
fn batches_and_posteriors() {
    for probability in NUMBERS {
        for rewards in means() {
            let arm = LoggedArm { probability, rewards };
            let other = LoggedArm { probability: 0.5, rewards: [1.0, 2.0].into_iter().collect::<Mean>() };
            let batches = vec![vec![arm, other], vec![other, arm]];
            for score in [Score::Ipw, Score::Aipw] {
                for weight in [BatchWeight::Uniform, BatchWeight::VarianceStabilising] {
                    assert_sound("arm value", &arm, &arm_value(&batches, 0, score, weight));
                    assert_sound("arm difference", &arm, &arm_difference(&batches, 0, 1, score, weight));
                }
            }
        }
    }
    let posteriors: Vec<NormalPosterior> = NUMBERS
        .iter()
        .flat_map(|mean| NUMBERS.iter().filter_map(|spread| NormalPosterior::new(*mean, *spread).ok()))
        .collect();
    for one in &posteriors {
        for other in &posteriors {
            let arms = [*one, *other];
            let direction = if one == other { Direction::Decrease } else { Direction::Increase };
            assert_sound("standings", &arms, &standings(&arms, direction));
            for rule in [Rule::Thompson, Rule::TopTwo { leader_share: Probability::new(0.5).unwrap() }] {
                for share in [0.0, 0.5, 1.0] {
                    let policy = Policy { rule, minimum_share: Probability::new(share).unwrap(), burn_in: 1 };
                    assert_sound("weights", &arms, &policy.weights(&arms, &[0, 5], direction));
                    assert_sound("weights", &arms, &policy.weights(&arms, &[5, u64::MAX], direction));
                }
            }
        }
    }
    report();
}

#[test]
fn corrections_and_decisions() {
    let p_values: Vec<PValue> =
        [f64::MIN_POSITIVE, 0.0, 1e-300, 0.5, 1.0].iter().flat_map(|p| PValue::new(*p)).collect();
    for correction in
        [Correction::None, Correction::Bonferroni, Correction::Holm, Correction::BenjaminiHochberg]
    {
        assert_sound("adjust", &correction, &Ok(adjust(&p_values, correction)));
        assert_sound("adjust none", &correction, &Ok(adjust(&[], correction)));
        let tests: Vec<(u8, PValue)> = p_values.iter().map(|p| (1, *p)).collect();
        assert_sound("families", &correction, &Ok(adjust_families(&tests, correction)));
    }
    for p in NUMBERS {
        assert_sound("p-value", &p, &PValue::new(p));
        assert_sound("alpha", &p, &Alpha::new(p));
        assert_sound("probability", &p, &Probability::new(p));
    }
    for change in NUMBERS {
        for days in NUMBERS {
            for p_value in &p_values {
                let primary = Primary {
                    change,
                    p_value: *p_value,
                    direction: Direction::Increase,
                    valid_at_any_time: days > 0.0,
                };
                let evidence = Evidence {
                    primary: Ok(primary),
                    alpha: alpha(),
                    split: Err(Inconclusive::NoUnits),
                    split_rate: alpha(),
                    guardrails: &[],
                    days,
                    minimum_days: -change,
                    units: 0,
                    planned_units: Some(0),
                    ended: false,
                };
                assert_sound("decision", &(change, days), &Ok(recommended_action(&evidence)));
            }
        }
    }
    report();
}
