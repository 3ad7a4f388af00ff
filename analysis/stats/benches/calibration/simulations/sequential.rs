//! Tests that are read every day.

use kerf_stats::{
    Alpha, Effect, Inconclusive, Interval,
    fixed::margin::Direction,
    guardrail::{self, Verdict},
    health::{peeking, sequential_srm},
    moments::Mean,
    sequential::{
        adjusted::at_last_look,
        always_valid::{self, AlwaysValid, Mixture, Running},
        group::{Classical, Design, Look, boundaries, classical},
        spending::{Sides, Spending},
    },
};
use rand_distr::{Binomial, Distribution};

use super::{
    draws::{alpha, conversions, normal_moments, standard},
    figure::{Claim, LEVELS, Rng, Study, share},
    fixed::clicks,
};

const DAYS: u32 = 14;
const UNITS_A_DAY: u64 = 200;

pub(crate) fn simulate(study: &mut Study) {
    fixed_read_daily(study);
    group_sequential(study);
    classical_constants(study);
    adjusted(study);
    always_valid_daily(study);
    ratios(study);
    split(study);
}

/// Statistics at successive looks with these information fractions.
fn path(rng: &mut Rng, information: &[f64], drift: f64) -> Vec<f64> {
    let (mut sum, mut before) = (0.0, 0.0);
    information
        .iter()
        .map(|now| {
            sum += drift * (now - before) + (now - before).sqrt() * standard(rng);
            before = *now;
            sum / now.sqrt()
        })
        .collect()
}

fn evenly(looks: u32) -> Vec<f64> {
    (1..=looks).map(|k| f64::from(k) / f64::from(looks)).collect()
}

fn fixed_read_daily(study: &mut Study) {
    let method = "fixed test read on 14 days";
    let largest = study.repeat(method, |rng| {
        Ok(path(rng, &evenly(DAYS), 0.0).into_iter().fold(0.0, |most: f64, z| most.max(z.abs())))
    });
    for level in LEVELS {
        let alpha = Alpha::new(level).unwrap();
        let exact = peeking::inflation(&evenly(DAYS), alpha).unwrap().actual.get();
        let found = share(largest.iter().map(|z| *z >= alpha.two_sided_z()));
        let quantity = format!("false positives at a nominal {}%, against the exact error", 100.0 * level);
        study.push(method, quantity, Claim::Is(exact), found);
    }
    let found = share(largest.iter().map(|z| *z >= 1.959_964));
    study.push(method, "false positives at a nominal 5%: 20 to 30%", Claim::Shown(0.2, 0.3), found);
}

fn group_sequential(study: &mut Study) {
    let uneven = vec![0.1, 0.15, 0.4, 0.41, 0.9, 1.0];
    let designs = [
        ("O'Brien-Fleming spending, 14 looks", Spending::OBrienFleming, Sides::Two, evenly(DAYS)),
        (
            "O'Brien-Fleming spending of the total, 14 looks",
            Spending::OBrienFlemingTotal,
            Sides::Two,
            evenly(DAYS),
        ),
        ("Pocock spending, 14 looks", Spending::Pocock, Sides::Two, evenly(DAYS)),
        ("power spending (ρ = 3), uneven looks", Spending::Power { rho: 3.0 }, Sides::Two, uneven.clone()),
        ("O'Brien-Fleming spending, one side, uneven looks", Spending::OBrienFleming, Sides::One, uneven),
    ];
    for (method, spending, sides, information) in designs {
        for level in LEVELS {
            let design = Design { alpha: Alpha::new(level).unwrap(), spending, sides, cap: None };
            let looks = boundaries(&design, &information).unwrap();
            let quantity = format!("false positives at {}%", 100.0 * level);
            study.share(method, &quantity, Claim::Is(level), |rng| {
                Ok(path(rng, &information, 0.0).iter().zip(&looks).any(|(z, look)| stops(*z, look, sides)))
            });
        }
    }
}

/// The constants of the tables, for looks that are evenly spaced.
fn classical_constants(study: &mut Study) {
    for (method, kind) in [
        ("O'Brien-Fleming constants, 5 looks", Classical::OBrienFleming),
        ("Pocock constants, 5 looks", Classical::Pocock),
    ] {
        for level in LEVELS {
            let bounds = classical(kind, 5, Alpha::new(level).unwrap()).unwrap();
            let quantity = format!("false positives at {}%", 100.0 * level);
            study.share(method, &quantity, Claim::Is(level), |rng| {
                Ok(path(rng, &evenly(5), 0.0).iter().zip(&bounds).any(|(z, bound)| z.abs() >= *bound))
            });
        }
    }
}

fn stops(z: f64, look: &Look, sides: Sides) -> bool {
    let z = if sides == Sides::Two { z.abs() } else { z };
    look.boundary.is_some_and(|boundary| z >= boundary)
}

/// Inference at the look that stops, or the last one, for an effect of 2 final standard errors.
fn adjusted(study: &mut Study) {
    let information = [0.3, 0.7, 1.0];
    let looks = boundaries(&Design::two_sided(alpha()), &information).unwrap();
    let drift = 2.0;
    let claims = [
        ("stagewise interval at the stop holds the effect", Claim::Is(0.95)),
        ("median-unbiased estimate is below the effect", Claim::Is(0.5)),
        ("repeated intervals hold the effect at every look", Claim::AtLeast(0.95)),
    ];
    study.shares("group-sequential inference", claims, |rng| {
        let statistics = path(rng, &information, drift);
        let seen = |k: usize| {
            let error = 1.0 / looks[k].information.sqrt();
            Effect {
                estimate: error * statistics[k],
                standard_error: error,
                interval: Interval::around(0.0, 1.0, 0.95),
            }
        };
        let stop = (0..looks.len())
            .find(|k| stops(statistics[*k], &looks[*k], Sides::Two))
            .unwrap_or(looks.len() - 1);
        let result = at_last_look(&looks[..=stop], &seen(stop), &Design::two_sided(alpha()))?;
        let repeated = |k: usize| {
            let (reach, effect) = (looks[k].boundary.unwrap_or(f64::INFINITY), seen(k));
            Interval::around(effect.estimate, reach * effect.standard_error, 0.95).contains(drift)
        };
        Ok([result.interval.contains(drift), result.median_unbiased <= drift, (0..looks.len()).all(repeated)])
    });
}

/// What a path of daily looks ended with.
struct Ended {
    p_value: f64,
    covered: bool,
    /// Whether the lift was held at every look.
    lift_covered: bool,
    breached: bool,
}

/// Follows two arms over the days; the truth is the difference and the lift, and `day` compares all that was seen so far.
fn follow(
    days: u32,
    truth: (f64, f64),
    mut day: impl FnMut() -> Result<AlwaysValid, Inconclusive>,
) -> Result<Ended, Inconclusive> {
    let (mut running, mut breached, mut lift_covered): (Option<Running>, bool, bool) = (None, false, true);
    for _ in 0..days {
        let look = day()?;
        let verdict = guardrail::always_valid(&look.difference.interval, Direction::Increase, 0.0);
        breached |= verdict == Verdict::Breached;
        // Early looks may have no lift yet.
        if let Ok(lift) = look.relative {
            lift_covered &= lift.set.contains(truth.1);
        }
        running = Some(running.map_or_else(|| Running::first(&look), |so_far| so_far.then(&look)));
    }
    let running = running.ok_or(Inconclusive::NoUnits)?;
    let covered = running.interval.is_some_and(|interval| interval.contains(truth.0));
    Ok(Ended { p_value: running.p_value.get(), covered, lift_covered, breached })
}

fn normal_days(rng: &mut Rng, mixture: Mixture, effect: f64) -> Result<Ended, Inconclusive> {
    let (mut control, mut treatment) = (Mean::empty(), Mean::empty());
    follow(DAYS, (effect, effect / 10.0), || {
        control = control.merge(normal_moments(rng, UNITS_A_DAY, 10.0, 2.0));
        treatment = treatment.merge(normal_moments(rng, UNITS_A_DAY, 10.0 + effect, 2.0));
        always_valid::compare(control.estimate()?, treatment.estimate()?, alpha(), mixture)
    })
}

fn always_valid_daily(study: &mut Study) {
    let total = (2 * UNITS_A_DAY * u64::from(DAYS)) as f64;
    let mixtures = [
        ("confidence sequence, read on 14 days", Mixture::tightest_at(total, alpha()).unwrap()),
        ("confidence sequence, tuned to the first day", Mixture::tightest_at(total / 14.0, alpha()).unwrap()),
        ("mSPRT, read on 14 days", Mixture::Prior { tau_squared: 0.01 }),
    ];
    for (method, mixture) in mixtures {
        study.a_a(method, Claim::AtMost, |rng| Ok(normal_days(rng, mixture, 0.0)?.p_value));
        let claims = [
            ("running intersection holds the effect", Claim::AtLeast(0.95)),
            ("interval of the lift holds it at every look", Claim::AtLeast(0.95)),
        ];
        study.shares(method, claims, |rng| {
            let ended = normal_days(rng, mixture, 0.2)?;
            Ok([ended.covered, ended.lift_covered])
        });
    }
    study.share("always-valid guardrail", "breached without an effect", Claim::AtMost(0.05), |rng| {
        Ok(normal_days(rng, mixtures[0].1, 0.0)?.breached)
    });
    let rates = |rng: &mut Rng, units: [u64; 2], rate, mixture| {
        let (mut control, mut treatment) = (conversions(rng, 0, rate), conversions(rng, 0, rate));
        follow(DAYS, (0.0, 0.0), || {
            control = control.merge(conversions(rng, units[0], rate));
            treatment = treatment.merge(conversions(rng, units[1], rate));
            always_valid::compare_proportions(control, treatment, alpha(), mixture)
        })
    };
    study.a_a("confidence sequence of a rate of 10%", Claim::AtMost, |rng| {
        Ok(rates(rng, [UNITS_A_DAY; 2], 0.1, mixtures[0].1)?.p_value)
    });
    // A hundredth of the traffic and one conversion a day: the treatment has none in more than a third of first looks.
    let early = Mixture::tightest_at(140_000.0, alpha()).unwrap();
    study.a_a("confidence sequence of a rate of 1%, 99:1", Claim::AtMost, |rng| {
        Ok(rates(rng, [9_900, 100], 0.01, early)?.p_value)
    });
    study.share(
        "always-valid guardrail of a rate of 1%, 99:1",
        "breached without an effect",
        Claim::AtMost(0.05),
        |rng| Ok(rates(rng, [9_900, 100], 0.01, early)?.breached),
    );
}

fn ratios(study: &mut Study) {
    let mixture = Mixture::tightest_at(2_800.0, alpha()).unwrap();
    study.a_a("confidence sequence of a ratio", Claim::AtMost, |rng| {
        let mut arms = [kerf_stats::Pair::empty(); 2];
        let ended = follow(DAYS, (0.0, 0.0), || {
            arms = arms.map(|arm| arm.merge(clicks(rng, 100, 0.0)));
            always_valid::compare(arms[0].ratio()?, arms[1].ratio()?, alpha(), mixture)
        });
        Ok(ended?.p_value)
    });
}

fn split(study: &mut Study) {
    study.a_a("sequential SRM, read on 14 days", Claim::AtMost, |rng| {
        let (mut first, mut total, mut running) = (0, 0, None::<sequential_srm::SequentialSplit>);
        for _ in 0..DAYS {
            first += Binomial::new(1_000, 0.5).unwrap().sample(rng);
            total += 1_000;
            let now = sequential_srm::test(&[first, total - first], &[1.0, 1.0], 10_000.0)?;
            running = Some(running.map_or(now, |earlier| now.after(&earlier)));
        }
        Ok(running.ok_or(Inconclusive::NoUnits)?.p_value.get())
    });
}

/// False positives up to each of 30 daily looks at 5%: simulated for four methods, exact for the fixed test.
pub(crate) struct Peeking {
    pub(crate) exact: Vec<f64>,
    pub(crate) methods: Vec<(&'static str, Vec<f64>)>,
}

/// Looks daily for 30 days.
pub(crate) fn looks(runs: u32) -> Peeking {
    let information = evenly(30);
    let group =
        |spending| boundaries(&Design { spending, ..Design::two_sided(alpha()) }, &information).unwrap();
    let limit = |looks: Vec<Look>| -> Vec<f64> {
        looks.iter().map(|look| look.boundary.unwrap_or(f64::INFINITY)).collect()
    };
    let tuned = Mixture::tightest_at(30.0, alpha()).unwrap();
    let sequence = (1..=30).map(|k| {
        let estimate = kerf_stats::Estimate::new(0.0, 1.0, k).unwrap();
        always_valid::interval(estimate, alpha(), tuned).unwrap().upper.unwrap()
    });
    let limits: [(&'static str, Vec<f64>); 4] = [
        ("fixed test, read daily", vec![alpha().two_sided_z(); 30]),
        ("Pocock spending", limit(group(Spending::Pocock))),
        ("O'Brien-Fleming spending", limit(group(Spending::OBrienFleming))),
        ("confidence sequence", sequence.collect()),
    ];
    let study = Study::of(runs);
    let paths = study.repeat("daily looks", |rng| Ok(path(rng, &information, 0.0)));
    let crossed = |limits: &[f64], k: usize| {
        share(paths.iter().map(|path| path.iter().zip(limits).take(k).any(|(z, limit)| z.abs() >= *limit)))
    };
    let exact = (1..=30).map(|k| peeking::inflation(&information[..k], alpha()).unwrap().actual.get());
    Peeking {
        exact: exact.collect(),
        methods: limits
            .into_iter()
            .map(|(name, limit)| (name, (1..=30).map(|k| crossed(&limit, k)).collect()))
            .collect(),
    }
}
