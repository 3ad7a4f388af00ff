//! What must hold for any input: merging is concatenation, symmetry, and an answer or a reason but never NaN.

#![expect(clippy::unwrap_used, reason = "inputs that are sound by construction")]

use kerf_stats::{
    Alpha, Count, DaySeries, Estimate, Inconclusive, Mean, Multivariate, PValue, Pair, PairSums, Probability,
    Proportion,
    fixed::{
        Comparison, Reference, compare,
        count::compare_rates,
        margin::{Direction, equivalence, non_inferiority},
        proportions::{chi_square, z_test},
    },
    guardrail,
    health::{sequential_srm, srm},
    multiplicity::{Correction, adjust},
    networks::Cluster,
    quantile::{Ordered, TDigest},
    sequential::always_valid::{self, Mixture},
    variance_reduction::{cuped, post_stratification},
};
use proptest::prelude::*;

fn close(a: f64, b: f64, scale: f64) -> bool {
    (a - b).abs() <= 1e-9 * scale.abs().max(1e-300)
}

/// Values around a large offset, where careless merging loses digits.
fn rows() -> impl Strategy<Value = Vec<(f64, f64)>> {
    (-1e6..1e6_f64, prop::collection::vec((-10.0..10.0_f64, -10.0..10.0_f64), 2..60))
        .prop_map(|(offset, rows)| rows.into_iter().map(|(a, b)| (a + offset, b)).collect())
}

fn pair(rows: &[(f64, f64)]) -> Pair {
    let mut pair = Pair::empty();
    for (a, b) in rows {
        pair.push(*a, *b).unwrap();
    }
    pair
}

/// Four values of a unit, the last two mixing the others.
fn values((a, b): (f64, f64)) -> [f64; 4] {
    [a, b, a - 3.0 * b, b * b]
}

fn multivariate(rows: &[(f64, f64)]) -> Multivariate {
    let mut moments = Multivariate::empty(4);
    for row in rows {
        moments.push(&values(*row)).unwrap();
    }
    moments
}

/// Numbers that break careless code: zeros, ones, huge, tiny, negative.
fn awkward() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(0.0),
        Just(1.0),
        Just(-1.0),
        Just(1e-300),
        Just(1e150),
        Just(-1e150),
        Just(f64::MAX),
        Just(f64::MIN_POSITIVE),
        Just(f64::NAN),
        Just(f64::INFINITY),
        -1e9..1e9_f64,
        0.0..1e-6_f64,
    ]
}

fn awkward_units() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just(1), Just(2), Just(1_000_000_000_000), Just(u64::MAX / 4), 0..1_000_u64]
}

/// Fails on the first number of a serialised result that is no number: JSON has null for those, and so do unbounded
/// ends, so this looks at the fields that may not be null.
fn assert_sound(comparison: &Comparison) {
    let numbers = [
        comparison.control.value,
        comparison.treatment.variance,
        comparison.difference.estimate,
        comparison.difference.standard_error,
        comparison.statistic,
        comparison.p_value.get(),
    ];
    assert!(numbers.iter().all(|number| !number.is_nan()), "{comparison:?}");
    if let Ok(relative) = comparison.relative {
        assert!(relative.estimate.is_finite() && relative.standard_error.is_finite(), "{relative:?}");
        assert!((0.0..=1.0).contains(&relative.p_value.get()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn merging_two_parts_is_taking_the_whole(rows in rows(), at in 0.0..1.0_f64) {
        let (left, right) = rows.split_at((at * rows.len() as f64) as usize);
        let (whole, merged) = (pair(&rows), pair(left).merge(pair(right)));
        prop_assert_eq!(whole.units(), merged.units());
        prop_assert!(close(whole.first().mean(), merged.first().mean(), whole.first().mean()));
        prop_assert!(close(whole.first().squares(), merged.first().squares(), whole.first().squares().max(1e-3)));
        prop_assert!(close(whole.second().squares(), merged.second().squares(), whole.second().squares()));
        let scale = (whole.first().squares() * whole.second().squares()).sqrt().max(1e-3);
        prop_assert!(close(whole.covariance().unwrap(), merged.covariance().unwrap(), scale));
        let several = multivariate(left).merge(&multivariate(right)).unwrap();
        prop_assert_eq!(several.units(), whole.units());
        for i in 0..4 {
            for j in 0..=i {
                let chosen: Vec<_> = rows.iter().map(|row| (values(*row)[i], values(*row)[j])).collect();
                let whole = pair(&chosen);
                let bound = (whole.first().squares() * whole.second().squares()).sqrt().max(1e-3);
                let product = whole.covariance().unwrap() * (rows.len() - 1) as f64;
                prop_assert!(close(several.product(i, j).unwrap(), product, bound), "{i} {j}");
                prop_assert!(close(several.means()[i], whole.first().mean(), whole.first().mean().abs().max(1.0)));
            }
        }
    }

    #[test]
    fn every_input_merges_to_the_whole(rows in rows(), at in 0.0..1.0_f64) {
        let place = (at * rows.len() as f64) as usize;
        let (left, right) = rows.split_at(place);
        let rate = |rows: &[(f64, f64)]| {
            Proportion::new(rows.len() as u64, rows.iter().filter(|row| row.1 > 0.0).count() as u64).unwrap()
        };
        prop_assert_eq!(rate(left).merge(rate(right)), rate(&rows));
        let count = |rows: &[(f64, f64)]| Count::new(rows.len() as u64, 0.5 * rows.len() as f64).unwrap();
        prop_assert_eq!(count(left).merge(count(right)), count(&rows));
        let cluster = |rows: &[(f64, f64)]| {
            let mut cluster = Cluster::with_covariates(0, 2);
            rows.iter().for_each(|(y, x)| cluster.push(*y, &[*x, x * x - y]).unwrap());
            cluster
        };
        let (whole, merged) = (cluster(&rows), cluster(left).merge(&cluster(right)).unwrap());
        prop_assert_eq!(whole.units, merged.units);
        // Rounding is small against the sum of the terms' sizes, which a sum of mixed signs may be far below.
        let size = |of: &dyn Fn(f64, f64) -> f64| rows.iter().map(|(y, x)| of(*y, *x).abs()).sum::<f64>();
        let second = |y: f64, x: f64| x * x - y;
        for (a, b, scale) in [
            (whole.outcome, merged.outcome, size(&|y, _| y)),
            (whole.covariates[0], merged.covariates[0], size(&|_, x| x)),
            (whole.covariates[1], merged.covariates[1], size(&second)),
            (whole.covariate_products[0], merged.covariate_products[0], size(&|_, x| x * x)),
            (whole.covariate_products[1], merged.covariate_products[1], size(&|y, x| x * second(y, x))),
            (whole.covariate_products[2], merged.covariate_products[2], size(&|y, x| second(y, x).powi(2))),
            (whole.covariate_outcomes[0], merged.covariate_outcomes[0], size(&|y, x| y * x)),
            (whole.covariate_outcomes[1], merged.covariate_outcomes[1], size(&|y, x| y * second(y, x))),
        ] {
            prop_assert!((a - b).abs() <= 1e-13 * scale, "{a} {b} of {scale}");
        }
        let series = |rows: &[(f64, f64)]| {
            let mut series = DaySeries::default();
            rows.iter().for_each(|(x, y)| series.push((y + 10.0) as u32 / 5, *x).unwrap());
            series
        };
        let (whole, merged) = (series(&rows), series(left).merge(series(right)));
        for (day, mean) in whole.days() {
            prop_assert_eq!(mean.units(), merged.on(day).units());
            prop_assert!(close(mean.mean(), merged.on(day).mean(), mean.mean()));
            prop_assert!(close(mean.squares(), merged.on(day).squares(), mean.squares().max(1e-3)));
        }
        prop_assert_eq!(whole.days().count(), merged.days().count());
    }

    #[test]
    fn a_digest_of_parts_ranks_like_the_whole(values in prop::collection::vec(-1e3..1e3_f64, 2..400), at in 0.0..1.0_f64, level in 0.01..0.99_f64) {
        let digest = |values: &[f64]| {
            let mut digest = TDigest::new(200.0).unwrap();
            values.iter().for_each(|value| digest.push(*value).unwrap());
            digest
        };
        let (left, right) = values.split_at((at * values.len() as f64) as usize);
        let mut merged = digest(left);
        merged.merge(&digest(right));
        prop_assert_eq!(merged.count(), values.len() as u64);
        let found = merged.quantile(Probability::new(level).unwrap()).unwrap();
        let rank = values.iter().filter(|value| **value <= found).count() as f64 / values.len() as f64;
        prop_assert!((rank - level).abs() <= 0.01 + 1.0 / values.len() as f64, "{rank} for {level}");
    }

    #[test]
    fn merging_is_commutative_and_associative(a in rows(), b in rows(), c in rows()) {
        let (a, b, c) = (pair(&a).first(), pair(&b).first(), pair(&c).first());
        let (left, right) = (a.merge(b).merge(c), c.merge(b.merge(a)));
        prop_assert!(close(left.mean(), right.mean(), left.mean().abs().max(1e3)));
        prop_assert!(close(left.squares(), right.squares(), left.squares()));
        prop_assert_eq!(left.units(), right.units());
    }

    #[test]
    fn sums_and_single_units_give_the_same_moments(rows in prop::collection::vec((-10.0..10.0_f64, -10.0..10.0_f64), 2..60)) {
        let by_unit = pair(&rows);
        let sum = |f: &dyn Fn(&(f64, f64)) -> f64| rows.iter().map(f).sum::<f64>();
        let by_sums = Pair::from_sums(PairSums {
            units: rows.len() as u64,
            first: sum(&|row| row.0),
            second: sum(&|row| row.1),
            first_squared: sum(&|row| row.0 * row.0),
            second_squared: sum(&|row| row.1 * row.1),
            product: sum(&|row| row.0 * row.1),
        }).unwrap();
        prop_assert!(close(by_unit.first().squares(), by_sums.first().squares(), sum(&|row| row.0 * row.0)));
        prop_assert!(close(by_unit.covariance().unwrap(), by_sums.covariance().unwrap(), 1e3));
    }

    #[test]
    fn sorted_parts_merge_into_the_sorted_whole(a in prop::collection::vec(-1e3..1e3_f64, 0..50), b in prop::collection::vec(-1e3..1e3_f64, 0..50)) {
        let merged = Ordered::new(a.clone()).unwrap().merge(Ordered::new(b.clone()).unwrap());
        prop_assert_eq!(merged, Ordered::new([a, b].concat()).unwrap());
    }

    #[test]
    fn a_digest_is_monotone_and_stays_in_the_range(values in prop::collection::vec(-1e3..1e3_f64, 1..400)) {
        let mut digest = TDigest::new(20.0).unwrap();
        for value in &values {
            digest.push(*value).unwrap();
        }
        digest.compress();
        let levels = (0..=50).map(|i| Probability::new(f64::from(i) / 50.0).unwrap());
        let read: Vec<f64> = levels.map(|level| digest.quantile(level).unwrap()).collect();
        prop_assert!(read.windows(2).all(|two| two[0] <= two[1] + 1e-9));
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        prop_assert!(read[0] >= least - 1e-9);
    }

    #[test]
    fn swapping_the_arms_mirrors_the_result(x in 1..500_u64, y in 1..500_u64) {
        let alpha = Alpha::new(0.05).unwrap();
        let (a, b) = (Proportion::new(1_000, x).unwrap(), Proportion::new(700, y).unwrap());
        let (forward, backward) = (z_test(a, b, alpha).unwrap(), z_test(b, a, alpha).unwrap());
        prop_assert!(close(forward.p_value.get(), backward.p_value.get(), forward.p_value.get()));
        prop_assert!(close(forward.difference.estimate, -backward.difference.estimate, forward.difference.estimate));
    }

    #[test]
    fn any_counts_give_an_answer_or_a_reason(n in awkward_units(), x in awkward_units(), m in awkward_units(), y in awkward_units()) {
        let alpha = Alpha::new(0.05).unwrap();
        if let (Ok(a), Ok(b)) = (Proportion::new(n, x), Proportion::new(m, y)) {
            if let Ok(comparison) = z_test(a, b, alpha) {
                assert_sound(&comparison);
            }
            if let Ok(result) = chi_square(&[a, b, a]) {
                prop_assert!(!result.statistic.is_nan());
            }
        }
        if let Ok(split) = srm::chi_square(&[n, m, x], &[1.0, 2.0, 1.0]) {
            prop_assert!(!split.statistic.is_nan());
        }
        if let Ok(split) = sequential_srm::test(&[n, m, x], &[1.0, 2.0, 1.0], 100.0) {
            prop_assert!(!split.ln_bayes_factor.is_nan());
        }
    }

    #[test]
    fn any_moments_give_an_answer_or_a_reason(
        (n, m) in (awkward_units(), awkward_units()),
        (mean, other) in (awkward(), awkward()),
        (variance, spread) in (awkward(), awkward()),
        margin in awkward(),
    ) {
        let alpha = Alpha::new(0.05).unwrap();
        let arm = |n, mean, variance| Mean::from_variance(n, mean, variance)?.estimate();
        let arms = arm(n, mean, variance).and_then(|a| Ok((a, arm(m, other, spread)?)));
        let Ok((a, b)) = arms else { return Ok(()) };
        for reference in [Reference::Normal, Reference::Welch] {
            let Ok(comparison) = compare(a, b, alpha, reference) else { continue };
            assert_sound(&comparison);
            for direction in [Direction::Increase, Direction::Decrease] {
                if let Ok(test) = non_inferiority(&comparison, direction, margin, alpha) {
                    prop_assert!((0.0..=1.0).contains(&test.p_value.get()));
                }
                if let Ok(guard) = guardrail::two_standard_deviations(&comparison, direction) {
                    prop_assert!(!guard.harm.is_nan());
                }
            }
            if let Ok(test) = equivalence(&comparison, margin, alpha) {
                prop_assert!((0.0..=1.0).contains(&test.p_value.get()));
            }
        }
        let mixture = Mixture::tightest_at(10_000.0, alpha).unwrap();
        if let Ok(look) = always_valid::compare(a, b, alpha, mixture) {
            prop_assert!(!look.ln_e_value.is_nan() && (0.0..=1.0).contains(&look.p_value.get()));
        }
    }

    #[test]
    fn any_rates_give_an_answer_or_a_reason(x in 0..200_u64, y in 0..200_u64, e in awkward(), f in awkward()) {
        let alpha = Alpha::new(0.05).unwrap();
        let result = Count::new(x, e).and_then(|a| compare_rates(a, Count::new(y, f)?, alpha));
        if let Ok(comparison) = result {
            assert_sound(&comparison);
        }
    }

    #[test]
    fn any_sums_give_moments_or_a_reason(n in awkward_units(), numbers in prop::array::uniform5(awkward())) {
        let [first, second, first_squared, second_squared, product] = numbers;
        let sums = PairSums { units: n, first, second, first_squared, second_squared, product };
        if let Ok(pair) = Pair::from_sums(sums) {
            if let Ok(ratio) = pair.ratio() {
                prop_assert!(ratio.value.is_finite() && ratio.variance >= 0.0);
            }
            if let Ok(adjusted) = cuped::adjust(&pair, &pair, cuped::ThetaFrom::Merged) {
                prop_assert!(adjusted.control.variance >= 0.0 && !adjusted.variance_removed.is_nan());
            }
            if let Ok(adjusted) = post_stratification::adjust(&[pair.first()], &[pair.second()]) {
                prop_assert!(adjusted.control.variance >= 0.0);
            }
        }
    }

    #[test]
    fn corrections_never_help_and_keep_the_order(values in prop::collection::vec(1e-12..1.0_f64, 1..30)) {
        let p_values: Vec<PValue> = values.iter().map(|p| PValue::new(*p).unwrap()).collect();
        let by = |correction| adjust(&p_values, correction);
        let (bonferroni, holm, fdr) =
            (by(Correction::Bonferroni), by(Correction::Holm), by(Correction::BenjaminiHochberg));
        for (i, p) in p_values.iter().enumerate() {
            // An ulp of room: m (p / m) is not always p.
            let ordered = |a: PValue, b: PValue| a.get() <= b.get() * (1.0 + 1e-15);
            prop_assert!(ordered(*p, fdr[i]) && ordered(fdr[i], holm[i]) && ordered(holm[i], bonferroni[i]));
            for (j, q) in p_values.iter().enumerate() {
                prop_assert!(p > q || (holm[i] <= holm[j] && fdr[i] <= fdr[j]));
            }
        }
    }
}

#[test]
fn a_control_near_zero_gives_a_set_or_a_reason_but_no_wild_interval() {
    let alpha = Alpha::new(0.05).unwrap();
    let arm = |value| Estimate::new(value, 0.01, 1_000).unwrap();
    for value in [1e-12, -1e-12, 1e-3, 0.05] {
        let relative = compare(arm(value), arm(0.3), alpha, Reference::Normal).unwrap().relative.unwrap();
        assert_eq!(relative.set.interval(), None, "{value}");
    }
    let none = compare(arm(0.0), arm(0.3), alpha, Reference::Normal).unwrap();
    assert_eq!(none.relative, Err(Inconclusive::ZeroControl));
}
