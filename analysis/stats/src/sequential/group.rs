//! Group-sequential boundaries by error spending, at looks that may fall anywhere.

use serde::{Deserialize, Serialize};

use super::{
    recursion::{Path, apart},
    spending::{Sides, Spending},
};
use crate::{Alpha, Inconclusive, dist::normal, inconclusive::positive};

/// How a group-sequential test spends its error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Design {
    /// The total error over all looks and sides.
    pub alpha: Alpha,
    /// The spending function.
    pub spending: Spending,
    /// One or two sides; of two, each has half of alpha.
    pub sides: Sides,
    /// The largest boundary that is used: an early look whose boundary would be higher (or that has none) stops here
    /// instead, and the error that this costs is taken from later looks. Where it would cost more than what is left of
    /// alpha, the look keeps the boundary of the spending function. `None` leaves the boundaries as they are.
    pub cap: Option<f64>,
}

impl Design {
    /// Two-sided Lan-DeMets O'Brien-Fleming without a cap: the default.
    #[must_use]
    pub const fn two_sided(alpha: Alpha) -> Self {
        Self { alpha, spending: Spending::OBrienFleming, sides: Sides::Two, cap: None }
    }
}

/// One look of a group-sequential test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Look {
    /// The information fraction of the plan; above 1 when the experiment ran over.
    pub information: f64,
    /// The error spent up to and with this look, over all sides.
    pub spent: f64,
    /// The statistic that stops (in absolute terms when two-sided), or `None` when no error is left to spend here.
    pub boundary: Option<f64>,
    /// The p-value that stops, in the same sidedness.
    pub nominal_p: Option<f64>,
}

/// The boundaries at all looks so far.
///
/// `information` holds the fractions of the planned information (for means and rates: units so far over units
/// planned), increasing. Boundaries of earlier looks do not depend on later ones, so this is called again with one
/// more look each time; the planned number of looks does not matter.
///
/// # Errors
/// [`Inconclusive::OutOfDomain`] unless the fractions increase by at least 1e-6 relative, and for a cap that costs more
/// than alpha at a single look; [`Inconclusive::NotConverged`] if a boundary is not found.
pub fn boundaries(design: &Design, information: &[f64]) -> Result<Vec<Look>, Inconclusive> {
    boundaries_until(design, information, None)
}

/// [`boundaries`] of a test that ends at the last of these looks, which spends all that is left of alpha there even
/// if less information came than was planned.
///
/// Valid only where the statistics so far had no part in the decision to end: otherwise the experiment would be ended
/// where the last boundary is within reach.
///
/// As rpact has it for a final look with less information than planned.
///
/// # Errors
/// As [`boundaries`].
pub fn boundaries_at_end(design: &Design, information: &[f64]) -> Result<Vec<Look>, Inconclusive> {
    boundaries_until(design, information, information.len().checked_sub(1))
}

fn boundaries_until(
    design: &Design,
    information: &[f64],
    end: Option<usize>,
) -> Result<Vec<Look>, Inconclusive> {
    let (sides, alpha) = (design.sides.number(), design.alpha.get());
    if let Some(cap) = design.cap
        && sides * normal::sf(positive(cap, "cap on the boundary")?) > alpha * (1.0 + 1e-9)
    {
        return Err(Inconclusive::OutOfDomain {
            what: "cap on the boundary (one look at it costs more than alpha)",
        });
    }
    apart(information)?;
    let mut path = Path::start(0.0);
    let mut spent = 0.0;
    let mut looks = Vec::with_capacity(information.len());
    for (place, &fraction) in information.iter().enumerate() {
        let by_plan = design.spending.spent(fraction, design.alpha, design.sides)?;
        let may_spend = if end == Some(place) { alpha } else { by_plan };
        let left = may_spend - spent;
        // What is left after the last boundary is the rounding of that boundary, not error to spend.
        let by_spending = if left > 1e-10 * may_spend && left > 1e-300 {
            Some(boundary(&path, fraction, left / sides)?)
        } else {
            None
        };
        let affordable = |cap: &f64| sides * path.above(fraction, *cap) <= (alpha - spent) * (1.0 + 1e-9);
        let boundary = match (by_spending, design.cap.filter(affordable)) {
            (Some(boundary), Some(cap)) => Some(boundary.min(cap)),
            (boundary, cap) => boundary.or(cap.filter(|_| alpha - spent > 1e-10 * alpha)),
        };
        if let Some(boundary) = boundary {
            spent += sides * path.above(fraction, boundary);
        }
        if let Some(next) = information.get(place + 1) {
            let stop = boundary.unwrap_or(f64::INFINITY);
            let lower = if design.sides == Sides::Two { -stop } else { f64::NEG_INFINITY };
            path = path.advance(fraction, lower, stop, *next);
        }
        let nominal_p = boundary.map(|z| sides * normal::sf(z));
        looks.push(Look { information: fraction, spent, boundary, nominal_p });
    }
    Ok(looks)
}

/// The boundary whose exit probability on one side is the error given.
fn boundary(path: &Path, information: f64, error: f64) -> Result<f64, Inconclusive> {
    let target = error.ln();
    // The exit probability is at most the unconditional tail, so the boundary is at most its quantile.
    let mut z = normal::upper_quantile(error.min(0.5))?;
    let (mut below, mut above) = (-40.0_f64, z + 1e-9);
    for _ in 0..100 {
        let tail = path.above(information, z);
        let excess = tail.ln() - target;
        if excess > 0.0 {
            below = z;
        } else {
            above = z;
        }
        let newton = z + excess * tail / path.density(information, z);
        let next = if newton > below && newton < above { newton } else { 0.5 * (below + above) };
        if (next - z).abs() < 1e-11 {
            return Ok(next);
        }
        z = next;
    }
    Err(Inconclusive::NotConverged { what: "group-sequential boundary" })
}

/// The classical constants, for equally spaced looks whose number is fixed in advance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Classical {
    /// The same boundary at every look (Pocock 1977).
    Pocock,
    /// `C √(K/k)` at look k of K (O'Brien and Fleming 1979).
    OBrienFleming,
}

/// The classical two-sided boundaries at `looks` equally spaced looks.
///
/// Tabulated by Jennison and Turnbull (2000), tables 2.1 and 2.3. They need the number of looks in advance; error
/// spending does not.
///
/// # Errors
/// [`Inconclusive::OutOfDomain`] for no look or more than 1,000, [`Inconclusive::NotConverged`] if the constant is
/// not found.
pub fn classical(kind: Classical, looks: u32, alpha: Alpha) -> Result<Vec<f64>, Inconclusive> {
    if looks == 0 || looks > 1_000 {
        return Err(Inconclusive::OutOfDomain { what: "number of looks" });
    }
    let shape = |k: u32| match kind {
        Classical::Pocock => 1.0,
        Classical::OBrienFleming => (f64::from(looks) / f64::from(k)).sqrt(),
    };
    let error = |constant: f64| {
        let mut path = Path::start(0.0);
        let mut total = 0.0;
        for k in 1..=looks {
            let (information, z) = (f64::from(k), constant * shape(k));
            total += 2.0 * path.above(information, z);
            path = path.advance(information, -z, z, information + 1.0);
        }
        total
    };
    let (mut below, mut above) = (alpha.two_sided_z() - 1e-9, alpha.two_sided_z() + 4.0);
    let (mut excess_below, mut excess_above) = (error(below) - alpha.get(), error(above) - alpha.get());
    // Illinois variant of the false position: keeps the bracket, converges fast.
    for _ in 0..100 {
        let middle = above - excess_above * (above - below) / (excess_above - excess_below);
        let excess = error(middle) - alpha.get();
        if excess.abs() < 1e-12 || (above - below).abs() < 1e-11 {
            return Ok((1..=looks).map(|k| middle * shape(k)).collect());
        }
        if excess * excess_above < 0.0 {
            (below, excess_below) = (above, excess_above);
        } else {
            excess_below *= 0.5;
        }
        (above, excess_above) = (middle, excess);
    }
    Err(Inconclusive::NotConverged { what: "classical group-sequential constant" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alpha() -> Alpha {
        Alpha::new(0.05).unwrap()
    }

    fn equally_spaced(k: u32) -> Vec<f64> {
        (1..=k).map(|i| f64::from(i) / f64::from(k)).collect()
    }

    fn check(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 6e-5, "{found} instead of {expected}");
        }
    }

    fn spent_at(spending: Spending, information: &[f64]) -> Vec<f64> {
        let looks = boundaries(&Design { spending, ..Design::two_sided(alpha()) }, information).unwrap();
        looks.iter().map(|look| look.boundary.unwrap()).collect()
    }

    #[test]
    fn published_spending_boundaries_are_reproduced() {
        // gsDesign and rpact, two-sided 0.05, equal spacing.
        let four = equally_spaced(4);
        check(&spent_at(Spending::OBrienFleming, &four), &[4.3326, 2.9631, 2.3590, 2.0141]);
        check(&spent_at(Spending::Pocock, &four), &[2.3683, 2.3675, 2.3582, 2.3500]);
        let five = equally_spaced(5);
        check(&spent_at(Spending::OBrienFleming, &five), &[4.8769, 3.3570, 2.6803, 2.2898, 2.0310]);
    }

    #[test]
    fn published_classical_constants_are_reproduced() {
        // Jennison and Turnbull (2000), tables 2.1 and 2.3, two-sided 0.05, K = 4.
        check(&classical(Classical::OBrienFleming, 4, alpha()).unwrap(), &[4.0486, 2.8628, 2.3375, 2.0243]);
        check(&classical(Classical::Pocock, 4, alpha()).unwrap(), &[2.3613; 4]);
        check(&classical(Classical::Pocock, 1, alpha()).unwrap(), &[1.959_96]);
    }

    fn relative(found: f64, expected: f64) -> f64 {
        (found / expected - 1.0).abs()
    }

    #[test]
    fn close_looks_and_small_errors_keep_their_digits() {
        // mpmath 1.4.1, 30 digits: the boundary at the second of two looks, and its exit probability on one side, from
        // the integral of φ(u/√t₁)/√t₁ · (1 − Φ((z√t₂ − u)/√(t₂ − t₁))) over the scores that go on.
        let (obf, pocock) = (Spending::OBrienFleming, Spending::Pocock);
        for (spending, total, looks, first, second, error) in [
            (obf, 0.05, [0.2, 0.202], 4.876_884_948_790_763, 4.900_330_096_148_523, 7.419_295_850_159_031e-8),
            (obf, 0.001, [0.2, 0.202], 7.695_070_165_295_409, 7.685_342_903_926_938, 2.518_900_673_965_4e-15),
            (pocock, 1e-6, [0.2, 0.2002], 5.126_361_911_956_881, 5.193_332_107_468_16, 1.278_646_962_205e-10),
            (obf, 0.05, [0.2, 0.200_02], 4.876_884_948_790_763, 4.892_288_398_379_61, 7.023_280_366_798e-10),
            (obf, 0.001, [0.1, 0.105], 10.944_477_574_111_15, 10.679_496_603_710_394, 6.120_461_368_933e-27),
            (obf, 0.05, [0.05, 0.051], 9.955_145_577_455_843, 9.868_011_437_681_386, 2.040_481_165_803e-23),
            (obf, 0.001, [0.05, 0.051], 15.522_006_191_409_662, 15.370_304_057_003_526, 1.214_391_444_1e-53),
            (pocock, 1e-6, [0.9, 0.91], 4.904_910_043_281_112, 5.077_119_678_455_083, 3.362_540_126_787e-9),
            (obf, 0.001, [0.2, 0.21], 7.695_070_165_295_409, 7.515_570_553_505_16, 2.355_827_370_512e-14),
            (
                pocock,
                0.05,
                [0.5, 0.500_000_6],
                2.156_999_218_344_682,
                2.160_334_545_717_696,
                1.386_351_087e-8,
            ),
            (obf, 0.05, [0.5, 0.500_000_6], 2.962_588_042_727_567, 2.965_355_433_472_968, 9.983_459_838e-9),
        ] {
            let design = Design { spending, ..Design::two_sided(Alpha::new(total).unwrap()) };
            let found = boundaries(&design, &looks).unwrap();
            let at = |look: &Look| look.boundary.unwrap();
            assert!(relative(at(&found[0]), first) < 1e-12);
            assert!(relative(at(&found[1]), second) < 1e-9, "{looks:?}, {total}: {found:?}");
            let given = [(looks[0], -first, first), (looks[1], -second, second)];
            let exits = super::super::recursion::exit_probabilities(&given, 0.0).unwrap();
            assert!(relative(exits[1].upper, error) < 1e-8, "{looks:?}, {total}: {exits:?}");
            assert_eq!(exits[1].lower, exits[1].upper);
        }
    }

    #[test]
    fn a_hundred_looks_spend_what_they_claim() {
        // NumPy 2: the same recursion with panels of 20 Gauss-Legendre points four times as narrow and full sums;
        // boundaries at a quarter, at half and at the end.
        let hundred = equally_spaced(100);
        for (spending, total, expected) in [
            (
                Spending::OBrienFleming,
                0.05,
                [4.389_095_926_633_446, 3.094_845_172_410_633, 2.185_421_454_272_365],
            ),
            (
                Spending::OBrienFleming,
                0.001,
                [6.881_712_789_039_08, 4.852_624_003_887_49, 3.426_611_595_970_61],
            ),
            (Spending::Pocock, 1e-4, [4.588_118_895_690_32, 4.522_057_708_708_17, 4.470_128_260_857_03]),
        ] {
            let design = Design { spending, ..Design::two_sided(Alpha::new(total).unwrap()) };
            let looks = boundaries(&design, &hundred).unwrap();
            for (place, expected) in [24, 49, 99].into_iter().zip(expected) {
                let found = looks[place].boundary.unwrap();
                assert!(relative(found, expected) < 1e-9, "{total}, {place}: {found}");
            }
        }
        for (boundary, total) in [(2.5, 0.127_839_856_636_577_6), (5.0, 1.427_031_973_555_504e-5)] {
            let given: Vec<_> = hundred.iter().map(|t| (*t, -boundary, boundary)).collect();
            let exits = super::super::recursion::exit_probabilities(&given, 0.0).unwrap();
            let found: f64 = exits.iter().map(|exit| exit.lower + exit.upper).sum();
            assert!(relative(found, total) < 1e-9, "{boundary}: {found}");
        }
    }

    #[test]
    fn a_look_that_did_not_happen_leaves_its_error_to_the_next() {
        let looks = boundaries(&Design::two_sided(alpha()), &[0.5, 1.0]).unwrap();
        let with_early = boundaries(&Design::two_sided(alpha()), &[0.1, 0.5, 1.0]).unwrap();
        assert!((looks[1].spent - 0.05).abs() < 1e-10 && (with_early[2].spent - 0.05).abs() < 1e-10);
        assert!(looks[0].boundary.unwrap() <= with_early[1].boundary.unwrap());
    }

    #[test]
    fn running_over_spends_the_rest_once() {
        let looks = boundaries(&Design::two_sided(alpha()), &[0.6, 1.2, 1.5]).unwrap();
        assert!((looks[1].spent - 0.05).abs() < 1e-10);
        assert_eq!((looks[2].boundary, looks[2].nominal_p), (None, None));
    }

    #[test]
    fn a_cap_never_spends_more_than_alpha() {
        let information = equally_spaced(5);
        let capped = |cap| boundaries(&Design { cap: Some(cap), ..Design::two_sided(alpha()) }, &information);
        assert_eq!(capped(1.9).unwrap_err().code(), "out_of_domain");
        assert_eq!(capped(f64::NAN).unwrap_err().code(), "out_of_domain");
        for cap in [1.96, 1.97, 2.0, 2.2, 2.5, 3.0, 4.0, 10.0] {
            let looks = capped(cap).unwrap();
            assert!(looks.iter().all(|look| look.spent <= 0.05 * (1.0 + 1e-8)), "{cap}: {looks:?}");
            assert!((looks[0].boundary.unwrap() - cap.min(4.876_884_948_790_762)).abs() < 1e-6, "{cap}");
            let bounds: Vec<_> = looks
                .iter()
                .map(|look| (look.information, look.boundary.unwrap_or(40.0)))
                .map(|(information, stop)| (information, -stop, stop))
                .collect();
            let exits = super::super::recursion::exit_probabilities(&bounds, 0.0).unwrap();
            let total: f64 = exits.iter().map(|exit| exit.lower + exit.upper).sum();
            assert!(total <= 0.05 * (1.0 + 1e-7), "{cap}: {total}");
        }
        // Two looks at 1.97 would cost 0.07: the second has what the first left.
        let tight = capped(1.97).unwrap();
        assert!(tight[1].boundary.is_none_or(|boundary| boundary > 1.97));
    }

    #[test]
    fn a_cap_stops_also_where_the_spending_function_has_nothing_left() {
        let capped =
            boundaries(&Design { cap: Some(3.0), ..Design::two_sided(alpha()) }, &equally_spaced(5)).unwrap();
        assert_eq!((capped[0].boundary, capped[1].boundary), (Some(3.0), Some(3.0)));
    }

    #[test]
    fn an_early_end_spends_the_rest_of_alpha() {
        let design = Design::two_sided(alpha());
        let (running, ended) =
            (boundaries(&design, &[0.3, 0.7]).unwrap(), boundaries_at_end(&design, &[0.3, 0.7]).unwrap());
        assert_eq!(running[0], ended[0]);
        assert!((ended[1].spent - 0.05).abs() < 1e-9 && running[1].spent < 0.02);
        assert!(ended[1].boundary.unwrap() < running[1].boundary.unwrap());
        let single = boundaries_at_end(&design, &[0.4]).unwrap();
        assert!((single[0].boundary.unwrap() - alpha().two_sided_z()).abs() < 1e-9);
        assert_eq!(boundaries_at_end(&design, &[]).unwrap(), []);
        let over = boundaries_at_end(&design, &[1.0, 1.2]).unwrap();
        assert_eq!(over[1].boundary, None);
    }

    #[test]
    fn a_cap_takes_its_error_from_the_next_look() {
        let information = equally_spaced(5);
        let free = boundaries(&Design::two_sided(alpha()), &information).unwrap();
        let capped =
            boundaries(&Design { cap: Some(3.0), ..Design::two_sided(alpha()) }, &information).unwrap();
        assert_eq!(capped[0].boundary, Some(3.0));
        assert!(capped[4].boundary.unwrap() > free[4].boundary.unwrap());
        assert!((capped[4].spent - 0.05).abs() < 1e-9);
    }

    #[test]
    fn a_very_early_look_has_a_boundary_or_none_but_never_a_wrong_one() {
        let looks = boundaries(&Design::two_sided(alpha()), &[1e-6, 0.02, 1.0]).unwrap();
        assert_eq!(looks[0].boundary, None);
        assert!(looks[1].boundary.unwrap() > 15.0);
        assert!((looks[2].boundary.unwrap() - 1.959_964).abs() < 1e-5);
    }
}
