//! Tests that are read once.

use kerf_stats::{
    Count, Estimate, Inconclusive, Mean, Pair, Probability,
    fixed::{
        Comparison, Reference, compare,
        count::compare_rates,
        margin::{Direction, equivalence, non_inferiority},
        proportions::{chi_square, z_test},
    },
    guardrail::{self, Verdict},
    multiplicity::{Correction, adjust},
    quantile::ClusteredQuantile,
};
use rand_distr::{Beta, Binomial, Distribution, Exp, Poisson};

use super::{
    draws::{alpha, conversions, normal, standard, values},
    figure::{Claim, Rng, Study},
};

pub(crate) fn simulate(study: &mut Study) {
    rates(study);
    means(study);
    at_the_limit(study);
    ratios(study);
    counts(study);
    quantiles(study);
    margins(study);
    rare_guardrails(study);
    families(study);
}

/// Whether the intervals of difference and lift hold the truth.
fn covered(found: &Comparison, difference: f64, lift: f64) -> [bool; 2] {
    [found.difference.interval.contains(difference), found.relative.unwrap().set.contains(lift)]
}

const BOTH: [(&str, Claim); 2] = [
    ("interval of the difference holds it", Claim::Is(0.95)),
    ("interval of the lift holds it", Claim::Is(0.95)),
];

fn rates(study: &mut Study) {
    let two =
        |rng: &mut Rng, rate| z_test(conversions(rng, 20_000, 0.1), conversions(rng, 10_000, rate), alpha());
    study.a_a("two proportions", Claim::Is, |rng| Ok(two(rng, 0.1)?.p_value.get()));
    study.shares("two proportions", BOTH, |rng| Ok(covered(&two(rng, 0.12)?, 0.02, 0.2)));
    study.a_a("chi-square, 4 arms", Claim::Is, |rng| {
        let arms = [(); 4].map(|()| conversions(rng, 10_000, 0.1));
        Ok(chi_square(&arms)?.p_value.get())
    });
}

fn means(study: &mut Study) {
    let few = |rng: &mut Rng, effect| {
        let (control, treatment) = (normal(rng, 30, 10.0, 1.0), normal(rng, 90, 10.0 + effect, 3.0));
        compare(control.estimate()?, treatment.estimate()?, alpha(), Reference::Welch)
    };
    study.a_a("Welch, 30 and 90 units, SD 1 and 3", Claim::Is, |rng| Ok(few(rng, 0.0)?.p_value.get()));
    study.shares("Welch, 30 and 90 units, SD 1 and 3", BOTH, |rng| Ok(covered(&few(rng, 1.0)?, 1.0, 0.1)));
    let skewed = |rng: &mut Rng, rate: f64| {
        let arms = [1.0, rate].map(|rate| values(rng, 1_000, Exp::new(rate).unwrap()));
        compare(arms[0].estimate()?, arms[1].estimate()?, alpha(), Reference::Welch)
    };
    study.a_a("Welch, exponential values", Claim::Is, |rng| Ok(skewed(rng, 1.0)?.p_value.get()));
    study.shares("Welch, exponential values", BOTH, |rng| Ok(covered(&skewed(rng, 0.8)?, 0.25, 0.25)));
    study.share("Fieller, control 2 SE from zero", "set of the lift holds it", Claim::Is(0.95), |rng| {
        let arm = |centre: f64, noise: f64| Estimate::new(centre + noise, 1.0, 1_000);
        let (control, treatment) = (arm(2.0, standard(rng))?, arm(3.0, standard(rng))?);
        Ok(compare(control, treatment, alpha(), Reference::Normal)?.relative?.set.contains(0.5))
    });
}

/// The data choose between the delta method and Fieller's where the control is 30 standard errors from zero.
fn at_the_limit(study: &mut Study) {
    let method = "lift, control 30 SE from zero";
    study.share(method, "interval of the lift holds it", Claim::About(0.95, 0.007), |rng| {
        let arm = |centre: f64, noise: f64| Estimate::new(centre + noise, 1.0, 1_000);
        let (control, treatment) = (arm(30.0, standard(rng))?, arm(36.0, standard(rng))?);
        Ok(compare(control, treatment, alpha(), Reference::Normal)?.relative?.set.contains(0.2))
    });
}

/// Clicks over views of users who click at rates of their own.
pub(crate) fn clicks(rng: &mut Rng, users: usize, lift: f64) -> Pair {
    let mut pair = Pair::empty();
    for _ in 0..users {
        let views = 1.0 + Poisson::new(2.0).unwrap().sample(rng);
        let own: f64 = Beta::new(2.0, 8.0).unwrap().sample(rng);
        let clicks = Binomial::new(views as u64, (own * (1.0 + lift)).min(1.0)).unwrap().sample(rng);
        pair.push(clicks as f64, views).unwrap();
    }
    pair
}

fn ratios(study: &mut Study) {
    let two = |rng: &mut Rng, lift| {
        compare(
            clicks(rng, 1_000, 0.0).ratio()?,
            clicks(rng, 1_000, lift).ratio()?,
            alpha(),
            Reference::Welch,
        )
    };
    study.a_a("ratio by the delta method", Claim::Is, |rng| Ok(two(rng, 0.0)?.p_value.get()));
    study.shares("ratio by the delta method", BOTH, |rng| Ok(covered(&two(rng, 0.1)?, 0.02, 0.1)));
}

fn counts(study: &mut Study) {
    let two = |rng: &mut Rng, lift: f64| {
        let arm = |rng: &mut Rng, rate| {
            Count::new(Poisson::new(1_000.0 * rate).unwrap().sample(rng) as u64, 1_000.0)
        };
        let control = arm(rng, 0.1)?;
        compare_rates(control, arm(rng, 0.1 * (1.0 + lift))?, alpha())
    };
    study.a_a("event counts, exact", Claim::AtMost, |rng| Ok(two(rng, 0.0)?.p_value.get()));
    study.shares("event counts, exact", BOTH, |rng| Ok(covered(&two(rng, 0.2)?, 0.02, 0.2)));
}

fn quantiles(study: &mut Study) {
    let arm = |rng: &mut Rng, shift: f64| {
        let mut events = Vec::new();
        for user in 0..500 {
            let own = standard(rng);
            for _ in 0..1 + Poisson::new(4.0).unwrap().sample(rng) as usize {
                events.push((user, (shift + 0.7 * own + standard(rng)).exp()));
            }
        }
        ClusteredQuantile::of_events(&events, Probability::new(0.9)?, alpha())?.estimate()
    };
    let two =
        |rng: &mut Rng, shift: f64| compare(arm(rng, 0.0)?, arm(rng, shift)?, alpha(), Reference::Normal);
    study.a_a("90% quantile, clustered", Claim::Is, |rng| Ok(two(rng, 0.0)?.p_value.get()));
    // The quantile of the sum of the two normal parts; a shift of the logarithm multiplies it.
    let lift = 0.1_f64.exp_m1();
    study.share("90% quantile, clustered", "interval of the lift holds it", Claim::Is(0.95), |rng| {
        Ok(two(rng, 0.1)?.relative?.set.contains(lift))
    });
}

fn margins(study: &mut Study) {
    let at_edge = |rng: &mut Rng| {
        let (control, treatment) = (normal(rng, 200, 10.0, 1.0), normal(rng, 200, 9.7, 1.0));
        compare(control.estimate()?, treatment.estimate()?, alpha(), Reference::Welch)
    };
    let shown = [
        ("wrongly shown at the margin", Claim::Is(0.05)),
        ("equivalence wrongly shown at the margin", Claim::AtMost(0.05)),
        ("breached at the margin", Claim::Is(0.05)),
    ];
    study.shares("non-inferiority, equivalence, guardrail margin", shown, |rng| {
        let found = at_edge(rng)?;
        let rule = guardrail::margin(&found, Direction::Increase, 0.3, alpha())?;
        Ok([
            non_inferiority(&found, Direction::Increase, 0.3, alpha())?.shown,
            equivalence(&found, 0.3, alpha())?.shown,
            rule.verdict == Verdict::Breached,
        ])
    });
    let rate = Claim::Is(0.022_750_131_948_179_21);
    study.share("guardrail of two standard deviations", "breached without an effect", rate, |rng| {
        let arms = [(); 2].map(|()| normal(rng, 1_000, 10.0, 1.0));
        let found = compare(arms[0].estimate()?, arms[1].estimate()?, alpha(), Reference::Welch)?;
        Ok(guardrail::two_standard_deviations(&found, Direction::Increase)?.verdict == Verdict::Breached)
    });
}

/// A rate of 1% in a hundredth of the traffic: more than a third of the treatment arms have no conversion at all.
fn rare_guardrails(study: &mut Study) {
    let two_sd = 0.022_750_131_948_179_21;
    let claims = [
        ("breached without an effect, more is better", Claim::AtMost(two_sd)),
        ("breached without an effect, less is better", Claim::AtMost(two_sd)),
    ];
    let breached = |found: &Comparison, direction| -> Result<bool, Inconclusive> {
        Ok(guardrail::two_standard_deviations(found, direction)?.verdict == Verdict::Breached)
    };
    let both = |found: &Comparison| -> Result<[bool; 2], Inconclusive> {
        Ok([breached(found, Direction::Increase)?, breached(found, Direction::Decrease)?])
    };
    let rare =
        |rng: &mut Rng, rate| z_test(conversions(rng, 9_900, 0.01), conversions(rng, 100, rate), alpha());
    study.shares("two standard deviations, rate of 1%, 99:1", claims, |rng| both(&rare(rng, 0.01)?));
    study.shares("two standard deviations, means of 0 and 1, 99:1", claims, |rng| {
        let arms = [9_900, 100].map(|units| conversions(rng, units, 0.01));
        let [control, treatment] = arms.map(|arm| {
            let ones = arm.conversions() as f64;
            Mean::from_sums(arm.units(), ones, ones).and_then(|mean| mean.estimate())
        });
        both(&compare(control?, treatment?, alpha(), Reference::Welch)?)
    });
    let margin = 0.002;
    for (method, rate, direction) in [
        ("guardrail margin, rate of 1%, 99:1, more is better", 0.01 - margin, Direction::Increase),
        ("guardrail margin, rate of 1%, 99:1, less is better", 0.01 + margin, Direction::Decrease),
    ] {
        let claims =
            [("breached at the margin", Claim::AtMost(0.05)), ("held at the margin", Claim::AtMost(0.05))];
        study.shares(method, claims, |rng| {
            let rule = guardrail::margin(&rare(rng, rate)?, direction, margin, alpha())?;
            Ok([rule.verdict == Verdict::Breached, rule.verdict == Verdict::Held])
        });
    }
}

/// Ten metrics, of which the first `real` move by four standard errors.
fn families(study: &mut Study) {
    let wrong_and_found = |rng: &mut Rng, real: usize, correction| -> Result<(usize, usize), Inconclusive> {
        let p_values = (0..10).map(|metric| {
            let effect = if metric < real { 4.0 } else { 0.0 };
            let seen =
                Estimate { degrees_of_freedom: None, ..Estimate::new(effect + standard(rng), 1.0, 1_000)? };
            seen.p_value(0.0)
        });
        let adjusted = adjust(&p_values.collect::<Result<Vec<_>, _>>()?, correction);
        let significant =
            |skip: usize| adjusted.iter().skip(skip).filter(|p| p.is_significant(alpha())).count();
        Ok((significant(real), significant(0)))
    };
    for (method, correction) in [("Bonferroni", Correction::Bonferroni), ("Holm", Correction::Holm)] {
        for (real, quantity) in
            [(0, "any of 10 wrongly found"), (5, "any of 5 wrongly found beside 5 real ones")]
        {
            study.share(method, quantity, Claim::AtMost(0.05), |rng| {
                Ok(wrong_and_found(rng, real, correction)?.0 > 0)
            });
        }
    }
    // Independent tests: the false discovery rate is exactly α times the share of metrics without an effect.
    let runs =
        study.repeat("Benjamini-Hochberg", |rng| wrong_and_found(rng, 5, Correction::BenjaminiHochberg));
    let shares = runs.into_iter().map(|(wrong, found)| (0.025, wrong as f64 / found.max(1) as f64));
    study.predictions("Benjamini-Hochberg", "false discoveries with 5 of 10 real", shares);
}
