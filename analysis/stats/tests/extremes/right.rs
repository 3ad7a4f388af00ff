//! Extreme inputs whose right answer is known. Numbers: mpmath 1.4.1, 40 digits.

use kerf_stats::{
    Alpha, Count, Estimate, Inconclusive, Mean, Pair, Probability, Proportion,
    bandits::{Policy, Rule},
    bayes::{BetaPrior, NormalInverseGamma, contrast, standings},
    design::{Change, Metric, Plan, PlanReference},
    fixed::{
        Reference, compare,
        count::compare_rates,
        margin::Direction,
        proportions::{chi_square, z_test},
        relative::{ConfidenceSet, LiftEstimate, RelativeMethod},
    },
    health::{balance, multi_exposure, srm},
    heterogeneity::heterogeneity,
    networks::{
        Bin, Cluster, ClusterVariance, Correlation, SmallSample, SwitchbackPlan, Weight, compare_clusters,
        randomisation_test, switchback,
    },
    quantile::{Ordered, Rule as QuantileRule},
    sequential::always_valid::{self, Mixture},
    variance_reduction::cuped::{ThetaFrom, adjust},
};

use crate::inputs::alpha;

const TRILLION: u64 = 1_000_000_000_000;

fn rate(units: u64, conversions: u64) -> Proportion {
    Proportion::new(units, conversions).unwrap()
}

fn mean(values: &[f64]) -> Mean {
    values.iter().copied().collect()
}

fn estimate(value: f64, variance: f64) -> Estimate {
    Estimate::new(value, variance, 1_000).unwrap()
}

fn close(found: f64, expected: f64) {
    assert!((found / expected - 1.0).abs() < 1e-9, "{found} instead of {expected}");
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn what_has_no_answer_says_why() {
    let code =
        |answer: Result<(), Inconclusive>| answer.map_or_else(|reason| reason.code(), |()| "an answer");
    let of_rates = |control, treatment| code(z_test(control, treatment, alpha()).map(drop));
    let of_means = |control: &[f64], treatment: &[f64]| {
        let arms = mean(control).estimate().and_then(|c| Ok((c, mean(treatment).estimate()?)));
        code(arms.and_then(|(c, t)| compare(c, t, alpha(), Reference::Welch)).map(drop))
    };
    let pair = |rows: &[(f64, f64)]| {
        let mut pair = Pair::empty();
        rows.iter().for_each(|(x, y)| pair.push(*x, *y).unwrap());
        pair
    };
    let events = |events, exposure| Count::new(events, exposure).unwrap();
    let uniform = BetaPrior::UNIFORM;
    let policy = Policy { rule: Rule::Thompson, minimum_share: 0.0.try_into().unwrap(), burn_in: 0 };
    let flat = [
        Cluster::new(0, 3.0, 0.3),
        Cluster::new(0, 2.0, 0.2),
        Cluster::new(1, 1.0, 0.1),
        Cluster::new(1, 7.0, 0.7),
    ];
    let table = [
        ("no conversion", of_rates(rate(10, 0), rate(20, 0)), "no_variance"),
        ("all converted", of_rates(rate(10, 10), rate(20, 20)), "no_variance"),
        ("an empty arm", of_rates(rate(0, 0), rate(20, 5)), "no_units"),
        ("one unit", of_rates(rate(1, 1), rate(1, 1)), "no_variance"),
        ("one unit a mean", of_means(&[1.0], &[1.0, 2.0]), "too_few_units"),
        ("no unit a mean", of_means(&[], &[1.0, 2.0]), "too_few_units"),
        ("constant means", of_means(&[1.0; 5], &[2.0; 5]), "no_variance"),
        (
            "Welch of counts",
            code(
                events(4, 5.0)
                    .estimate()
                    .and_then(|arm| compare(arm, arm, alpha(), Reference::Welch))
                    .map(drop),
            ),
            "out_of_domain",
        ),
        ("infinite values", of_means(&[f64::INFINITY, 1.0], &[1.0, 2.0]), "out_of_domain"),
        ("a NaN", of_means(&[f64::NAN, 1.0], &[1.0, 2.0]), "out_of_domain"),
        ("beyond doubles", of_means(&[1e200, -1e200], &[1.0, 2.0]), "out_of_domain"),
        ("no events", code(compare_rates(events(0, 5.0), events(0, 5.0), alpha()).map(drop)), "no_variance"),
        ("no exposure", code(compare_rates(events(0, 0.0), events(3, 5.0), alpha()).map(drop)), "no_units"),
        ("no denominator", code(pair(&[(1.0, 1.0), (2.0, -1.0)]).ratio().map(drop)), "zero_denominator"),
        ("ratio of one unit", code(pair(&[(1.0, 1.0)]).ratio().map(drop)), "too_few_units"),
        (
            "constant covariate",
            {
                let arm = pair(&[(1.0, 3.0), (2.0, 3.0), (5.0, 3.0)]);
                code(adjust(&arm, &arm, ThetaFrom::Merged).map(drop))
            },
            "singular_covariates",
        ),
        ("chi-square of one arm", code(chi_square(&[rate(10, 3)]).map(drop)), "too_few_arms"),
        (
            "chi-square, one arm with units",
            code(chi_square(&[rate(10, 3), rate(0, 0)]).map(drop)),
            "too_few_arms",
        ),
        ("split of one arm", code(srm::chi_square(&[10], &[1.0]).map(drop)), "too_few_arms"),
        ("split of nobody", code(srm::chi_square(&[0, 0], &[1.0, 1.0]).map(drop)), "no_units"),
        ("balance of one arm", code(balance::pre_period(&[estimate(1.0, 1.0)]).map(drop)), "too_few_arms"),
        ("one segment", code(heterogeneity(&[estimate(1.0, 1.0)]).map(drop)), "too_few_arms"),
        (
            "the best of one",
            code(standings(&[uniform.update(rate(5, 2))], Direction::Increase).map(drop)),
            "too_few_arms",
        ),
        (
            "a bandit with one arm",
            code(policy.weights(&[uniform.update(rate(5, 2))], &[5], Direction::Increase).map(drop)),
            "too_few_arms",
        ),
        (
            "posterior of one unit",
            code(NormalInverseGamma::REFERENCE.update(&mean(&[1.0])).map(drop)),
            "too_few_units",
        ),
        (
            "constant clusters",
            code(compare_clusters(&flat, 0, 1, ClusterVariance::Cr2).map(drop)),
            "no_variance",
        ),
        ("a region without a rival", code(randomisation_test(&[], &[1.0]).map(drop)), "no_units"),
        (
            "a quantile of nothing",
            code(Ordered::default().quantile(0.5.try_into().unwrap(), QuantileRule::Linear).map(drop)),
            "no_units",
        ),
        (
            "crossed of nobody",
            code(multi_exposure::check(0, 0, 0.01.try_into().unwrap(), alpha()).map(drop)),
            "no_units",
        ),
    ];
    for (what, found, expected) in table {
        assert_eq!(found, expected, "{what}");
    }
}

#[test]
fn a_trillion_units_with_a_lift_of_a_millionth() {
    let tenth = TRILLION / 10;
    let result = z_test(rate(TRILLION, tenth), rate(TRILLION, tenth + 100_000), alpha()).unwrap();
    close(result.statistic, 0.235_702_208_017_672_56);
    close(result.p_value.get(), 0.813_663_756_413_688_3);
    close(result.relative.unwrap().estimate, 1e-6);
    let half = z_test(rate(TRILLION, TRILLION / 2), rate(TRILLION, TRILLION / 2 + 500_000), alpha()).unwrap();
    close(half.p_value.get(), 0.479_500_122_186_898_5);
    // The same units seen by chi-square, and by the posterior: P(better) is Φ(z) to the order of 1/n.
    let arms = [rate(TRILLION, tenth), rate(TRILLION, tenth + 100_000)];
    close(chi_square(&arms).unwrap().p_value.get(), 0.813_663_756_413_688_3);
    let [control, treatment] = arms.map(|arm| BetaPrior::UNIFORM.update(arm));
    let better = contrast(&control, &treatment, Direction::Increase, alpha()).unwrap().probability_better;
    assert!((better - (1.0 - 0.5 * 0.813_663_756_413_688_3)).abs() < 1e-7, "{better}");
    // As means: 10^12 values of variance 0.09, lift 1e-6 of 0.1.
    let arm = |mean| Mean::from_variance(TRILLION, mean, 0.09).unwrap().estimate().unwrap();
    let means = compare(arm(0.1), arm(0.1 + 1e-7), alpha(), Reference::Welch).unwrap();
    assert!((means.statistic - 0.235_702_26).abs() < 1e-7, "{}", means.statistic);
    let look = always_valid::compare(
        arm(0.1),
        arm(0.1 + 1e-7),
        alpha(),
        Mixture::tightest_at(2e12, alpha()).unwrap(),
    );
    assert!(look.unwrap().p_value.get() > 0.9);
}

#[test]
fn a_planned_lift_of_a_millionth_has_its_size() {
    let metric = Metric::Proportion { rate: 0.1.try_into().unwrap() };
    let plan = Plan::even(alpha());
    let size = plan.sample_size(&metric, Change::Relative(1e-6), 0.8.try_into().unwrap()).unwrap();
    let power = plan.power(&metric, Change::Relative(1e-6), size.total as f64).unwrap();
    assert!((power.get() - 0.8).abs() < 1e-9 && size.total > 282_000_000_000_000, "{size:?}");
}

#[test]
fn a_split_of_ten_to_the_minus_forty_is_that() {
    let half = TRILLION / 2;
    let result = srm::chi_square(&[half + 6_600_000, half - 6_600_000], &[1.0, 1.0]).unwrap();
    close(result.p_value.get(), 8.773_505_426_148_413e-40);
}

#[test]
fn a_control_at_zero_has_a_difference_but_no_lift() {
    let result = compare(estimate(0.0, 1.0), estimate(5.0, 1.0), alpha(), Reference::Normal).unwrap();
    assert_eq!(result.relative.unwrap_err().code(), "zero_control");
    close(result.statistic, 5.0 / 2.0_f64.sqrt());
    let near = compare(estimate(1e-12, 1.0), estimate(9.0, 1.0), alpha(), Reference::Normal).unwrap();
    let lift = near.relative.unwrap();
    assert!(matches!(lift.set, ConfidenceSet::Outside { .. }), "{:?}", lift.set);
    let lost = compare(estimate(1e-12, 1.0), estimate(0.1, 1.0), alpha(), Reference::Normal).unwrap();
    assert!(matches!(lost.relative.unwrap().set, ConfidenceSet::Everything { .. }));
}

#[test]
fn a_lift_of_groups_near_zero_is_no_false_interval() {
    let check = |lift: LiftEstimate, near: bool| {
        let found = lift.effect(alpha()).unwrap();
        let method = if near { RelativeMethod::Fieller } else { RelativeMethod::Delta };
        assert_eq!((found.method, found.set.interval().is_none()), (method, near), "{found:?}");
        assert_eq!(found.set.contains(0.0), !found.p_value.is_significant(alpha()), "{found:?}");
    };
    let outcomes = [(0, 3.0), (0, -3.0), (0, 1.0), (0, -1.000_001), (1, 2.0), (1, 5.0), (1, -1.0), (1, 4.0)];
    for (shift, near) in [(0.0, true), (1_000.0, false)] {
        let clusters = outcomes.map(|(arm, outcome)| Cluster::new(arm, 10.0, outcome + shift));
        for correction in [ClusterVariance::Cr1, ClusterVariance::Cr2] {
            check(compare_clusters(&clusters, 0, 1, correction).unwrap().lift.unwrap(), near);
        }
        let bins: Vec<Bin> = (0..40_i32)
            .map(|time| {
                let (_, outcome) = outcomes[usize::from(time % 2 == 1) * 4 + (time / 2 % 4) as usize];
                let (time, treated) = (i64::from(time), time % 2 == 1);
                Bin { time, period: time, treated, units: 1.0, outcome: outcome + shift }
            })
            .collect();
        let plan = SwitchbackPlan {
            trimmed_bins: 0,
            weight: Weight::Unit,
            correlation: Correlation::WithinMarket,
            kernel_lags: Some(0),
            small_sample: SmallSample::default(),
        };
        check(switchback(&[bins], plan).unwrap().lift.unwrap(), near);
    }
}

#[test]
fn arms_without_a_mixture_are_tested_but_never_certain() {
    let result = z_test(rate(1, 1), rate(1, 0), alpha()).unwrap();
    close(result.statistic, -(2.0_f64.sqrt()));
    close(result.p_value.get(), 0.157_299_207_050_285_13);
    let ten = z_test(rate(10, 0), rate(10, 10), alpha()).unwrap();
    close(ten.p_value.get(), 7.744_216_431_044_084e-6);
    assert!(ten.difference.standard_error > 0.0 && !ten.difference.interval.contains(0.0));
    // One arm without a conversion, the other with some: the pooled error, not that of the other alone.
    let one_sided = z_test(rate(1_000, 0), rate(1_000, 20), alpha()).unwrap();
    close(one_sided.difference.standard_error, (0.01_f64 * 0.99 * 2.0 / 1_000.0).sqrt());
    assert_eq!(one_sided.relative.unwrap_err().code(), "zero_control");
}

#[test]
fn a_posterior_answers_without_data() {
    let nothing = BetaPrior::UNIFORM.update(rate(0, 0));
    let found = contrast(&nothing, &nothing, Direction::Increase, alpha()).unwrap();
    close(found.probability_better, 0.5);
    close(found.loss_of_shipping, 1.0 / 6.0);
    let certain = contrast(
        &BetaPrior::UNIFORM.update(rate(10_000, 0)),
        &BetaPrior::UNIFORM.update(rate(10_000, 10_000)),
        Direction::Increase,
        alpha(),
    );
    close(certain.unwrap().probability_better, 1.0);
}

#[test]
fn a_share_of_all_ends_at_one() {
    for units in [1, 1_000, 1 << 53, u64::MAX] {
        for alpha in [0.31, 0.05, 1e-9] {
            let ends =
                Proportion::new(units, units).unwrap().wilson_interval(Alpha::new(alpha).unwrap()).unwrap();
            assert_eq!(ends.upper, Some(1.0));
            assert!(ends.lower <= ends.upper, "{units} {alpha}: {ends:?}");
        }
    }
}

#[test]
fn a_segment_without_spread_leaves_no_number_out_of_the_others() {
    let with = |variance: f64| {
        let segment = |value, variance| Estimate::new(value, variance, 500).unwrap();
        heterogeneity(&[segment(0.4, variance), segment(0.4, 1.0), segment(0.4, 2.0)])
    };
    assert_eq!(with(1e-18).unwrap().between_variance, 0.0);
    assert_eq!(with(5e-324).map(|test| test.statistic).unwrap_err().code(), "out_of_domain");
}

#[test]
fn a_handful_of_units_is_a_plan_of_students_test() {
    let plan = Plan { reference: PlanReference::Student, ..Plan::even(Alpha::new(0.3).unwrap()) };
    let metric = Metric::Mean { mean: 1.0, variance: 1e-9, treatment_variance: None };
    let units = plan.units(&metric, Change::Absolute(0.5), Probability::new(0.5).unwrap()).unwrap();
    assert!((units - 3.0).abs() < 1e-6, "{units}");
}
