//! Adjustments by covariates, where the noise grows with the covariate.

use kerf_stats::{
    Inconclusive, Mean, Multivariate,
    fixed::{Comparison, Reference, compare},
    variance_reduction::{
        Adjusted,
        cuped::{self, ThetaFrom},
        lin::{self, Cell, Robust},
        post_stratification,
    },
};
use rand_distr::{Distribution, Poisson};

use super::{
    draws::{alpha, standard},
    figure::{Claim, Rng, Study},
};

/// Units with (outcome, first covariate, second covariate).
fn units(rng: &mut Rng, count: usize, effect: f64) -> Vec<[f64; 3]> {
    (0..count)
        .map(|_| {
            let (x, z) = (standard(rng), standard(rng));
            [5.0 + effect + 0.8 * x + 0.4 * z + 0.6 * (1.0 + 0.3 * x.abs()) * standard(rng), x, z]
        })
        .collect()
}

fn moments(units: &[[f64; 3]], values: usize) -> Multivariate {
    let mut moments = Multivariate::empty(values);
    units.iter().for_each(|unit| moments.push(&unit[..values]).unwrap());
    moments
}

fn cells(units: &[[f64; 3]]) -> Vec<Cell> {
    units
        .iter()
        .map(|[y, x, z]| Cell { covariates: vec![*x, *z], outcome: [*y].into_iter().collect() })
        .collect()
}

/// Strata are the quarters of the first covariate's distribution.
fn strata(units: &[[f64; 3]]) -> Vec<Mean> {
    let mut strata = vec![Mean::empty(); 4];
    for [y, x, _] in units {
        strata[[-0.6745, 0.0, 0.6745].iter().filter(|edge| x > edge).count()].push(*y).unwrap();
    }
    strata
}

fn read(adjusted: &Adjusted) -> Result<Comparison, Inconclusive> {
    compare(adjusted.control, adjusted.treatment, alpha(), Reference::Welch)
}

type Adjust = fn(&[[f64; 3]], &[[f64; 3]]) -> Result<Adjusted, Inconclusive>;

pub(crate) fn simulate(study: &mut Study) {
    let methods: [(&str, usize, Adjust); 6] = [
        ("CUPED, θ over both arms", 300, |c, t| {
            let pair = |units| moments(units, 2).pair(0, 1).unwrap();
            cuped::adjust(&pair(c), &pair(t), ThetaFrom::Merged)
        }),
        ("CUPED, θ within arms", 300, |c, t| {
            let pair = |units| moments(units, 2).pair(0, 1).unwrap();
            cuped::adjust(&pair(c), &pair(t), ThetaFrom::WithinArms)
        }),
        ("CUPED, two covariates", 300, |c, t| {
            cuped::adjust_by_several(&moments(c, 3), &moments(t, 3), ThetaFrom::Merged)
        }),
        ("Lin, HC2, 40 units an arm", 40, |c, t| lin::adjust(&cells(c), &cells(t), Robust::Hc2)),
        ("Lin from moments", 300, |c, t| lin::adjust_by_moments(&moments(c, 3), &moments(t, 3))),
        ("post-stratification, 4 strata", 300, |c, t| post_stratification::adjust(&strata(c), &strata(t))),
    ];
    for (method, count, adjust) in methods {
        let run = |rng: &mut Rng, effect| read(&adjust(&units(rng, count, 0.0), &units(rng, count, effect))?);
        study.a_a(method, Claim::Is, |rng| Ok(run(rng, 0.0)?.p_value.get()));
        let claims = [
            ("interval of the difference holds it", Claim::Is(0.95)),
            ("interval of the lift holds it", Claim::Is(0.95)),
        ];
        study.shares(method, claims, |rng| {
            let found = run(rng, 0.5)?;
            let lift = found.relative?.set.interval();
            Ok([found.difference.interval.contains(0.5), lift.is_some_and(|it| it.contains(0.1))])
        });
    }
    robust(study);
    ratio(study);
}

/// The other variances of Lin's estimator, where few units make them differ.
fn robust(study: &mut Study) {
    for (method, robust, claim) in [
        ("Lin, HC0, 40 units an arm", Robust::Hc0, Claim::Shown(0.045, 0.08)),
        ("Lin, HC1, 40 units an arm", Robust::Hc1, Claim::Shown(0.04, 0.07)),
        ("Lin, HC3, 40 units an arm", Robust::Hc3, Claim::AtMost(0.05)),
        ("Lin, classical, 40 units an arm", Robust::Classical, Claim::Shown(0.04, 0.09)),
    ] {
        study.share(method, "false positives at 5%", claim, |rng| {
            let arms = [cells(&units(rng, 40, 0.0)), cells(&units(rng, 40, 0.0))];
            Ok(read(&lin::adjust(&arms[0], &arms[1], robust)?)?.p_value.get() <= 0.05)
        });
    }
}

fn ratio(study: &mut Study) {
    let arm = |rng: &mut Rng| {
        let mut moments = Multivariate::empty(4);
        for _ in 0..400 {
            let own = standard(rng);
            let part = |rng: &mut Rng| {
                let views = 1.0 + Poisson::new(3.0).unwrap().sample(rng);
                (views * (2.0 + 0.5 * own) + views.sqrt() * standard(rng), views)
            };
            let ((now, views), (before, views_before)) = (part(rng), part(rng));
            moments.push(&[now, views, before, views_before]).unwrap();
        }
        moments
    };
    study.a_a("CUPED of a ratio", Claim::Is, |rng| {
        Ok(read(&cuped::adjust_ratio(&arm(rng), &arm(rng), ThetaFrom::Merged)?)?.p_value.get())
    });
}
