//! The awkward inputs.

use kerf_stats::{Alpha, Count, Effect, Estimate, Interval, Mean, Multivariate, Pair, Proportion};

pub(crate) const NUMBERS: [f64; 11] =
    [0.0, 1.0, -1.0, 1e-6, 5e-324, 1e-200, -1e150, f64::MAX, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];

const UNITS: [u64; 5] = [0, 1, 2, 1_000_000_000_000, u64::MAX];

pub(crate) fn alpha() -> Alpha {
    Alpha::new(0.05).unwrap()
}

/// Built past the constructor, as a caller with public fields can.
pub(crate) fn estimates() -> Vec<Estimate> {
    let degrees = [None, Some(0.0), Some(1.0), Some(1e12), Some(f64::NAN)];
    let cross = NUMBERS.iter().flat_map(|value| NUMBERS.iter().map(move |variance| (*value, *variance)));
    cross
        .enumerate()
        .flat_map(|(i, (value, variance))| {
            [i, i + 2].map(|turn| Estimate {
                value,
                variance,
                units: UNITS[turn % UNITS.len()],
                degrees_of_freedom: degrees[(turn / 2) % degrees.len()],
            })
        })
        .collect()
}

/// A few estimates for methods of many arms.
pub(crate) fn some_estimates() -> Vec<Estimate> {
    let mut few: Vec<Estimate> = estimates().into_iter().step_by(11).collect();
    few.push(Estimate::new(1.0, 0.1, 100).unwrap());
    few.push(Estimate::new(1.0, 0.0, 100).unwrap());
    few
}

pub(crate) fn proportions() -> Vec<Proportion> {
    let trillion = 1_000_000_000_000;
    [
        (0, 0),
        (1, 0),
        (1, 1),
        (2, 1),
        (10, 0),
        (10, 10),
        (1_000, 1),
        (trillion, 0),
        (trillion, 1),
        (trillion, trillion / 2),
        (trillion, trillion / 2 + 500_000),
        (trillion, trillion),
        (u64::MAX, 0),
        (u64::MAX, 1),
        (u64::MAX, u64::MAX),
    ]
    .map(|(units, conversions)| Proportion::new(units, conversions).unwrap())
    .to_vec()
}

pub(crate) fn counts() -> Vec<Count> {
    let events = [0, 1, 5, 1_000_000_000_000, u64::MAX];
    let exposures = [0.0, 5e-324, 1e-200, 1.0, 1e12, f64::MAX];
    events.iter().flat_map(|e| exposures.iter().filter_map(|x| Count::new(*e, *x).ok())).collect()
}

pub(crate) fn means() -> Vec<Mean> {
    let mut found: Vec<Mean> = UNITS
        .iter()
        .flat_map(|units| NUMBERS.iter().map(move |mean| (*units, *mean)))
        .flat_map(|(units, mean)| {
            [0.0, 5e-324, 1.0, 1e150, f64::MAX].map(|squares| Mean::from_centred(units, mean, squares))
        })
        .flatten()
        .collect();
    // These leave the range of a double on the way.
    for values in
        [vec![f64::MAX, -f64::MAX, 1.0], vec![f64::NAN], vec![1e200, -1e200], vec![f64::INFINITY, 1.0]]
    {
        found.push(values.into_iter().collect());
    }
    found.push([2.0, 3.0, 5.0].into_iter().collect());
    found
}

pub(crate) fn pairs() -> Vec<Pair> {
    let mut found = vec![Pair::empty()];
    let columns: [&[f64]; 8] = [
        &[0.0, 0.0, 0.0],
        &[1.0, 1.0, 1.0],
        &[1.0, 2.0, 4.0],
        &[-1.0, 0.0, 1.0],
        &[1e-200, 2e-200, 0.0],
        &[1e200, -1e200, 3e200],
        &[1e150, 1e150, 2e150],
        &[f64::MAX, -f64::MAX, 1.0],
    ];
    for first in columns {
        for second in columns {
            for rows in 1..=3 {
                let mut pair = Pair::empty();
                for (x, y) in first.iter().zip(second).take(rows) {
                    let _ = pair.push(*x, *y);
                }
                found.push(pair);
            }
        }
    }
    found
}

/// Units with two values each, of the same extremes.
pub(crate) fn multivariates(values: usize) -> Vec<Multivariate> {
    let rows: [&[f64]; 7] = [
        &[0.0, 0.0, 0.0, 0.0],
        &[1.0, 1.0, 1.0, 1.0],
        &[1.0, 2.0, 4.0, 9.0],
        &[-1.0, 0.5, 3.0, 1.0],
        &[1e200, 1.0, -1e200, 2.0],
        &[1e-200, 1e-200, 2e-200, 0.0],
        &[f64::MAX, -f64::MAX, 1.0, f64::MAX],
    ];
    let mut found = vec![Multivariate::empty(values)];
    for start in 0..rows.len() {
        for count in [1, 2, 5] {
            let mut moments = Multivariate::empty(values);
            for row in rows.iter().cycle().skip(start).take(count) {
                let shifted: Vec<f64> = row.iter().cycle().skip(count % 2).take(values).copied().collect();
                let _ = moments.push(&shifted);
            }
            found.push(moments);
        }
    }
    found
}

pub(crate) fn effects() -> Vec<Effect> {
    let cross = NUMBERS.iter().flat_map(|value| NUMBERS.iter().map(move |error| (*value, *error)));
    cross
        .map(|(estimate, standard_error)| Effect {
            estimate,
            standard_error,
            interval: Interval { lower: Some(estimate), upper: None, level: 0.95 },
        })
        .collect()
}
