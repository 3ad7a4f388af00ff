//! A recorded landing-page experiment: the published answer for all users and for each country.
//!
//! Source: the table beside the data set `landing_page`, computed with statsmodels 0.15.0 `proportions_ztest`
//! (pooled), an unpooled 95% interval, and SciPy 1.17.1 `chisquare` against 50/50.

use kerf_stats::{Alpha, Proportion, fixed::proportions::z_test, health::srm};

struct Row {
    control: (u64, u64),
    treatment: (u64, u64),
    difference: f64,
    lift: f64,
    z: f64,
    p: f64,
    interval: (f64, f64),
    srm: f64,
}

const ROWS: [(&str, Row); 4] = [
    (
        "all",
        Row {
            control: (28_792, 3_509),
            treatment: (28_817, 3_431),
            difference: -0.002_812_47,
            lift: -0.023_077,
            z: -1.036_912,
            p: 0.299_777,
            interval: (-0.008_128_55, 0.002_503_61),
            srm: 0.917_044,
        },
    ),
    (
        "US",
        Row {
            control: (20_192, 2_427),
            treatment: (20_195, 2_384),
            difference: -0.002_147_10,
            lift: -0.017_863,
            z: -0.666_020,
            p: 0.505_398,
            interval: (-0.008_465_53, 0.004_171_34),
            srm: 0.988_090,
        },
    ),
    (
        "UK",
        Row {
            control: (7_181, 906),
            treatment: (7_178, 895),
            difference: -0.001_479_73,
            lift: -0.011_728,
            z: -0.267_684,
            p: 0.788_943,
            interval: (-0.012_314_19, 0.009_354_73),
            srm: 0.980_027,
        },
    ),
    (
        "CA",
        Row {
            control: (1_419, 176),
            treatment: (1_444, 152),
            difference: -0.018_767_85,
            lift: -0.151_316,
            z: -1.576_428,
            p: 0.114_927,
            interval: (-0.042_106_21, 0.004_570_51),
            srm: 0.640_336,
        },
    ),
];

#[test]
fn the_published_table_is_reproduced() {
    let alpha = Alpha::new(0.05).unwrap();
    for (name, row) in &ROWS {
        let arm = |(units, conversions)| Proportion::new(units, conversions).unwrap();
        let result = z_test(arm(row.control), arm(row.treatment), alpha).unwrap();
        let split = srm::chi_square(&[row.control.0, row.treatment.0], &[0.5, 0.5]).unwrap();
        let interval = result.difference.interval;
        // Half a unit of the last digit that the table prints.
        for (what, value, expected, digit) in [
            ("difference", result.difference.estimate, row.difference, 1e-8),
            ("lift", result.relative.unwrap().estimate, row.lift, 1e-6),
            ("z", result.statistic, row.z, 1e-6),
            ("p", result.p_value.get(), row.p, 1e-6),
            ("lower end", interval.lower.unwrap(), row.interval.0, 1e-8),
            ("upper end", interval.upper.unwrap(), row.interval.1, 1e-8),
            ("srm", split.p_value.get(), row.srm, 1e-6),
        ] {
            assert!(
                (value - expected).abs() <= 0.5001 * digit,
                "{name} {what}: {value}, published {expected}"
            );
        }
        assert!(result.interval_agrees && !result.small_counts);
    }
}
