use kerf_stats::{
    Alpha, Inconclusive, Mean, Multivariate,
    fixed::{Reference, compare},
    variance_reduction::{
        Adjusted,
        cuped::{ThetaFrom, adjust, adjust_by_several, adjust_ratio},
        lin::{self, Cell, Robust},
        post_stratification,
    },
};
use serde::Deserialize;

use crate::check::{Found, Input, check, ends};

#[derive(Deserialize)]
struct Sums {
    units: u64,
    sums: Vec<f64>,
    products: Vec<f64>,
}

#[test]
fn adjusted_effects_agree_with_their_peers() {
    check("variance_reduction", |kind, input| match kind {
        "cuped_merged" => {
            let pair = |name| moments(input, name)?.pair(0, 1).ok_or(Inconclusive::NoUnits);
            describe(&adjust(&pair("control")?, &pair("treatment")?, ThetaFrom::Merged)?)
        }
        "cuped_within" => describe(&adjust_by_several(
            &moments(input, "control")?,
            &moments(input, "treatment")?,
            ThetaFrom::WithinArms,
        )?),
        "cuped_ratio" => describe(&adjust_ratio(
            &moments(input, "control")?,
            &moments(input, "treatment")?,
            input.optional("theta").unwrap_or_default(),
        )?),
        "lin" => {
            let robust: Robust = input.list("robust");
            describe(&lin::adjust(&cells(input, "control"), &cells(input, "treatment"), robust)?)
        }
        "strata" => {
            describe(&post_stratification::adjust(&strata(input, "control")?, &strata(input, "treatment")?)?)
        }
        other => panic!("unknown kind {other}"),
    });
}

fn moments(input: &Input<'_>, name: &str) -> Result<Multivariate, Inconclusive> {
    let Sums { units, sums, products } = input.list(name);
    Multivariate::from_sums(units, &sums, &products)
}

fn cells(input: &Input<'_>, name: &str) -> Vec<Cell> {
    let rows: Vec<Vec<f64>> = input.list(name);
    rows.into_iter()
        .map(|row| Cell { covariates: row[1..].to_vec(), outcome: [row[0]].into_iter().collect() })
        .collect()
}

fn strata(input: &Input<'_>, name: &str) -> Result<Vec<Mean>, Inconclusive> {
    let strata: Vec<(u64, f64, f64)> = input.list(name);
    strata.into_iter().map(|(units, mean, variance)| Mean::from_variance(units, mean, variance)).collect()
}

fn describe(adjusted: &Adjusted) -> Found {
    let comparison = compare(adjusted.control, adjusted.treatment, Alpha::new(0.05)?, Reference::Welch)?;
    let mut found = vec![
        ("control", Some(adjusted.control.value)),
        ("difference", Some(comparison.difference.estimate)),
        ("variance", Some(comparison.difference.standard_error.powi(2))),
        ("p_value", Some(comparison.p_value.get())),
    ];
    found.extend(ends(&comparison.difference.interval));
    Ok(found)
}
