//! Methods of one or two arms.

use kerf_stats::{
    Interval, Probability,
    bayes::{
        BetaPrior, LogMeanPosterior, NormalInverseGamma, NormalPosterior, NormalPrior, Posterior, contrast,
        effect_posterior, standings, unit_loss,
    },
    dist::{beta, chi_squared, normal, student},
    fixed::{
        Comparison, Reference, compare,
        count::compare_rates,
        critical_value, difference,
        margin::{Direction, Margin, equivalence, non_inferiority},
        proportions::{chi_square, z_test},
        relative::{RelativeMethod, fieller, lift, lift_by},
        welch_satterthwaite,
    },
    guardrail,
    networks::{holdout_days, holdout_impact, realised},
    quantile::{ClusteredQuantile, Limits, Ordered, OuterLevels, Rule, TDigest},
    sequential::always_valid::{self, Mixture, Running},
    variance_reduction::{
        cuped::{self, ThetaFrom},
        lin::{self, Cell, Robust},
        post_stratification,
    },
};

use crate::{
    assert_sound,
    inputs::{
        NUMBERS, alpha, counts, effects, estimates, means, multivariates, pairs, proportions, some_estimates,
    },
    note, report,
};

/// Everything that reads a comparison.
fn read(comparison: &Comparison) {
    for direction in [Direction::Increase, Direction::Decrease] {
        let given = (comparison, direction);
        assert_sound(
            "two_standard_deviations",
            &given,
            &guardrail::two_standard_deviations(comparison, direction),
        );
        for margin in [1e-300, 0.1, f64::MAX, f64::NAN, -1.0] {
            assert_sound("margin", &given, &guardrail::margin(comparison, direction, margin, alpha()));
            assert_sound("non_inferiority", &given, &non_inferiority(comparison, direction, margin, alpha()));
            let share = Margin::Relative(margin);
            assert_sound("margin", &given, &guardrail::margin(comparison, direction, share, alpha()));
            assert_sound("non_inferiority", &given, &non_inferiority(comparison, direction, share, alpha()));
        }
    }
    assert_sound("equivalence", comparison, &equivalence(comparison, 0.1, alpha()));
    assert_sound("equivalence", comparison, &equivalence(comparison, Margin::Relative(0.1), alpha()));
    let p = comparison.p_value.get();
    let within = comparison.difference.interval.contains(comparison.difference.estimate);
    if !(p > 0.0 && p <= 1.0 && comparison.difference.standard_error > 0.0 && within) {
        note("comparison", &format!("{comparison:?}"));
    }
}

#[test]
fn estimates_of_two_arms() {
    for control in estimates() {
        for treatment in estimates() {
            let given = (control, treatment);
            for reference in [Reference::Normal, Reference::Welch] {
                let found = compare(control, treatment, alpha(), reference);
                assert_sound("compare", &given, &found);
                if let Ok(comparison) = &found {
                    read(comparison);
                }
            }
            assert_sound("difference", &given, &difference(control, treatment));
            assert_sound("welch_satterthwaite", &given, &welch_satterthwaite(&control, &treatment));
            assert_sound("lift", &given, &lift(control, treatment, alpha(), None));
            for method in [RelativeMethod::Delta, RelativeMethod::Fieller] {
                let found = lift_by(method, control, treatment, alpha(), Some(3.0));
                assert_sound("lift_by", &given, &found);
                if found.is_ok_and(|found| found.p_value.is_significant(alpha()) == found.set.contains(0.0)) {
                    note("lift_by", &format!("{method:?} of {given:?} contradicts itself: {found:?}"));
                }
            }
            assert_sound("fieller", &given, &fieller(control, treatment, 1.96, 0.95));
            for mixture in [Mixture::PerUnit { rho_squared: 1e-4 }, Mixture::Prior { tau_squared: 1e-4 }] {
                let look = always_valid::compare(control, treatment, alpha(), mixture);
                assert_sound("always_valid::compare", &given, &look);
                if let Ok(look) = look {
                    assert_sound("running", &given, &Ok(Running::first(&look).then(&look)));
                }
            }
            assert_sound("holdout_impact", &given, &holdout_impact(control, treatment, 1e6, alpha()));
            assert_sound("holdout_days", &given, &holdout_days(&[(0, control, treatment); 2], alpha()));
        }
    }
    report();
}

#[test]
fn single_estimates_and_effects() {
    for estimate in estimates() {
        assert_sound("effect", &estimate, &estimate.effect(alpha()));
        assert_sound("p_value", &estimate, &estimate.p_value(0.0));
        for tau_squared in NUMBERS {
            let mixture = Mixture::Prior { tau_squared };
            let given = (estimate, tau_squared);
            assert_sound(
                "always_valid::interval",
                &given,
                &always_valid::interval(estimate, alpha(), mixture),
            );
            let prior = NormalPrior::Informative { mean: tau_squared, standard_deviation: 1.0 };
            assert_sound("normal prior", &given, &prior.update(&estimate));
        }
        assert_sound("flat prior", &estimate, &NormalPrior::Flat.update(&estimate));
    }
    for effect in effects() {
        assert_sound(
            "effect_posterior",
            &effect,
            &effect_posterior(&effect, NormalPrior::Flat, Direction::Increase, alpha()),
        );
        let prior = NormalPrior::Informative { mean: 0.0, standard_deviation: 0.1 };
        assert_sound(
            "effect_posterior",
            &effect,
            &effect_posterior(&effect, prior, Direction::Decrease, alpha()),
        );
        assert_sound("realised", &effect, &realised(&[effect, effects()[12]], &effect, alpha()));
        let ends = [effect.estimate, effect.standard_error];
        let interval = Interval::between(ends[0], ends[1], 0.95);
        assert_sound("Interval::between", &ends, &Ok(interval));
        let verdict = guardrail::always_valid(&interval, Direction::Increase, f64::NAN);
        assert_eq!(verdict, guardrail::Verdict::Open);
    }
    report();
}

#[test]
fn conversions() {
    for control in proportions() {
        for treatment in proportions() {
            let given = (control, treatment);
            let found = z_test(control, treatment, alpha());
            assert_sound("z_test", &given, &found);
            if let Ok(comparison) = &found {
                read(comparison);
            }
            for mixture in [Mixture::PerUnit { rho_squared: 1e-4 }, Mixture::Prior { tau_squared: 1e-4 }] {
                let look = always_valid::compare_proportions(control, treatment, alpha(), mixture);
                assert_sound("compare_proportions", &given, &look);
            }
            assert_sound("chi_square", &given, &chi_square(&[control, treatment, control]));
            assert_sound("merge", &given, &control.merge(treatment).estimate());
        }
        assert_sound("chi_square of one", &control, &chi_square(&[control]));
        let wilson = control.wilson_interval(alpha());
        assert_sound("wilson", &control, &wilson);
        if wilson.is_ok_and(|ends| ends.lower > ends.upper || !ends.contains(control.rate().unwrap())) {
            note("wilson", &format!("{wilson:?} of {control:?}"));
        }
    }
    for control in counts() {
        assert_sound("rate", &control, &control.estimate());
        for treatment in counts() {
            let found = compare_rates(control, treatment, alpha());
            assert_sound("compare_rates", &(control, treatment), &found);
            if let Ok(comparison) = &found {
                read(comparison);
            }
        }
    }
    report();
}

#[test]
fn posteriors_of_rates() {
    let seen = proportions();
    for (i, control) in seen.iter().enumerate() {
        for other in [i, 4 * i + 1] {
            let treatment = seen[other % seen.len()];
            let prior = if i % 2 == 0 { BetaPrior::UNIFORM } else { BetaPrior::JEFFREYS };
            let arms = [prior.update(*control), prior.update(treatment)];
            let given = (control, treatment);
            assert_sound("contrast", &given, &contrast(&arms[0], &arms[1], Direction::Decrease, alpha()));
            assert_sound("standings", &given, &standings(&arms, Direction::Decrease));
            assert_sound("interval", &given, &arms[0].credible_interval(alpha()));
        }
    }
    assert_sound(
        "standings of one",
        &0,
        &standings(&[BetaPrior::UNIFORM.update(proportions()[0])], Direction::Increase),
    );
    report();
}

#[test]
fn moments_and_what_reads_them() {
    let moments = means();
    for one in &moments {
        assert_sound("variance", one, &one.variance());
        assert_sound("estimate", one, &one.estimate());
        assert_sound("normal update", one, &NormalPrior::Flat.update_mean(one));
        if let Ok(joint) = NormalInverseGamma::REFERENCE.update(one) {
            let posterior = joint.mean_posterior();
            assert_sound("student posterior", one, &posterior);
            if let Ok(posterior) = posterior {
                assert_sound("student interval", one, &posterior.credible_interval(alpha()));
                assert_sound(
                    "student contrast",
                    one,
                    &contrast(&posterior, &posterior, Direction::Increase, alpha()),
                );
            }
            let logs = LogMeanPosterior::of_amounts(&joint);
            if let Ok(logs) = &logs {
                assert_sound("log-normal mean", one, &logs.mean_interval(alpha()));
            }
            let rate = BetaPrior::UNIFORM.update(proportions()[6]);
            if let Ok(revenue) = LogMeanPosterior::of_revenue(&rate, &joint) {
                assert_sound("revenue", one, &revenue.mean_interval(alpha()));
            }
        }
        for other in moments.iter().step_by(3) {
            let given = (one, other);
            assert_sound("merge", &given, &one.merge(*other).estimate());
            assert_sound("strata", &given, &post_stratification::adjust(&[*one, *other], &[*other, *one]));
            let arm = [
                Cell { covariates: vec![0.0], outcome: *one },
                Cell { covariates: vec![1.0], outcome: *other },
            ];
            for robust in [Robust::Classical, Robust::Hc1, Robust::Hc2, Robust::Hc3] {
                assert_sound("lin", &given, &lin::adjust(&arm, &arm, robust));
            }
        }
    }
    for posterior in NUMBERS.iter().filter_map(|mean| NormalPosterior::new(*mean, 1.0).ok()) {
        assert_sound(
            "normal contrast",
            &posterior,
            &contrast(&posterior, &posterior, Direction::Increase, alpha()),
        );
        assert!(!unit_loss(posterior.probability_positive()).is_nan());
    }
    report();
}

#[test]
fn joint_moments_and_what_reads_them() {
    for control in pairs() {
        assert_sound("covariance", &control, &control.covariance());
        assert_sound("ratio", &control, &control.ratio());
        for treatment in pairs().iter().step_by(5) {
            for theta in [ThetaFrom::Merged, ThetaFrom::WithinArms] {
                assert_sound("cuped", &(control, treatment), &cuped::adjust(&control, treatment, theta));
            }
        }
    }
    for values in [1, 2, 4] {
        for control in multivariates(values) {
            for treatment in multivariates(values) {
                let given = (&control, &treatment);
                for theta in [ThetaFrom::Merged, ThetaFrom::WithinArms] {
                    let found = cuped::adjust_by_several(&control, &treatment, theta);
                    assert_sound("cuped of several", &given, &found);
                }
                assert_sound(
                    "cuped ratio",
                    &given,
                    &cuped::adjust_ratio(&control, &treatment, ThetaFrom::WithinArms),
                );
                assert_sound("lin by moments", &given, &lin::adjust_by_moments(&control, &treatment));
            }
        }
    }
    report();
}

#[test]
fn quantiles() {
    for values in [vec![], vec![0.0], vec![f64::MAX, -f64::MAX], vec![1.0; 500], vec![f64::NAN, 1.0]] {
        let mut digest = TDigest::new(100.0).unwrap();
        for value in &values {
            let _ = digest.push(*value);
        }
        for level in [0.0, 1e-300, 0.5, 1.0] {
            let level = Probability::new(level).unwrap();
            assert_sound("digest", &values, &digest.quantile(level));
            assert_sound("share", &values, &digest.share_at_most(level.get()));
            if let Ok(ordered) = Ordered::new(values.clone()) {
                for rule in [Rule::InverseDistribution, Rule::Linear] {
                    assert_sound("ordered", &values, &ordered.quantile(level, rule));
                    assert_sound(
                        "limits",
                        &values,
                        &Limits::at_percentiles(&ordered, Some(level), None, rule),
                    );
                }
            }
            let events: Vec<(usize, f64)> = values.iter().copied().enumerate().collect();
            let quantile = ClusteredQuantile::of_events(&events, level, alpha());
            assert_sound("clustered", &values, &quantile.and_then(|found| found.estimate()));
            for events in [0, 1, u64::MAX] {
                assert_sound("outer levels", &events, &OuterLevels::around(level, events, alpha()));
            }
        }
    }
    for edge in NUMBERS {
        assert_sound("absolute limits", &edge, &Limits::absolute(Some(edge), Some(edge)));
    }
    report();
}

#[test]
fn distributions() {
    for x in NUMBERS {
        for other in NUMBERS {
            let given = (x, other);
            assert_sound("student sf", &given, &student::sf(x, other));
            assert_sound("student quantile", &given, &student::upper_quantile(x, other));
            assert_sound("student pdf", &given, &student::pdf(x, other));
            assert_sound("critical value", &given, &critical_value(alpha(), Some(other)));
            assert_sound("beta tails", &given, &beta::tails(x, other, 0.3, 0.7));
            assert_sound("beta quantile", &given, &beta::quantile(0.3, x, other));
            assert_sound("beta tails", &given, &beta::tails(2.0, 3.0, x, 1.0 - x));
        }
        for degrees in [0, 1, 2, 1_000] {
            assert_sound("chi squared", &(x, degrees), &chi_squared::sf(x, degrees));
        }
        assert_sound("normal quantile", &x, &normal::upper_quantile(x));
    }
    assert!(some_estimates().len() > 10);
    report();
}
