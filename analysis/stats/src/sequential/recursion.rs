//! The joint distribution of the statistics at successive looks, by recursive numerical integration.
//!
//! Armitage, McPherson and Rowe (1969). With Z_k the statistic at information I_k, the score `S_k = Z_k √I_k` has
//! independent normal increments of variance I_k − I_{k−1}. The density of S_k among paths that went on is a mixture of
//! normals of the increment before, and is integrated against normals of the increment that follows. So nothing in the
//! integrand is narrower than both together, and Gauss-Legendre panels of a fixed multiple of that width are accurate
//! wherever the boundaries lie and however close the looks are.

use crate::{Inconclusive, dist::normal};

/// Width of a panel in standard deviations of the narrowest integrand.
const PANEL: f64 = 6.0;
/// Abscissae and weights of the Gauss-Legendre rule of 16 points, on the positive half; on a normal density its error
/// is about 1e-12 for a panel of six standard deviations.
const GAUSS: [(f64, f64); 8] = [
    (0.095_012_509_837_637_44, 0.189_450_610_455_068_5),
    (0.281_603_550_779_258_9, 0.182_603_415_044_923_6),
    (0.458_016_777_657_227_4, 0.169_156_519_395_002_54),
    (0.617_876_244_402_643_8, 0.149_595_988_816_576_74),
    (0.755_404_408_355_003, 0.124_628_971_255_533_88),
    (0.865_631_202_387_831_7, 0.095_158_511_682_492_79),
    (0.944_575_023_073_232_6, 0.062_253_523_938_647_894),
    (0.989_400_934_991_649_9, 0.027_152_459_411_754_096),
];
/// Beyond this many standard deviations the normal density is zero in double precision.
const REACH: f64 = 39.0;
/// Terms below this share of their sum are negligible.
const NEGLIGIBLE: f64 = 1e-20;

/// The probabilities of leaving at one look, having stayed inside before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exit {
    /// Below the lower boundary.
    pub lower: f64,
    /// Above the upper boundary.
    pub upper: f64,
}

/// The sub-density of the score at the latest look among paths that never left.
#[derive(Clone, Debug)]
pub struct Path {
    drift: f64,
    information: f64,
    /// Scores, increasing, with probability masses (density times weight).
    grid: Vec<(f64, f64)>,
}

impl Path {
    /// The start: no information. `drift` is the expected statistic at information 1.
    #[must_use]
    pub fn start(drift: f64) -> Self {
        Self { drift, information: 0.0, grid: vec![(0.0, 1.0)] }
    }

    /// The probability that the statistic at the look with this information is at least `z`, never having left.
    #[must_use]
    pub fn above(&self, information: f64, z: f64) -> f64 {
        let step = self.step(information);
        let score = z * information.sqrt();
        outwards(self.grid.iter().rev(), |from| step.deviate(from, score), normal::sf)
    }

    /// The probability that the statistic at the look with this information is at most `z`, never having left.
    #[must_use]
    pub fn below(&self, information: f64, z: f64) -> f64 {
        let step = self.step(information);
        let score = z * information.sqrt();
        outwards(self.grid.iter(), |from| -step.deviate(from, score), normal::sf)
    }

    /// The density of the statistic at `z` at the look with this information, never having left.
    #[must_use]
    pub fn density(&self, information: f64, z: f64) -> f64 {
        let root = information.sqrt();
        root * self.step(information).arriving(&self.grid, z * root)
    }

    /// Moves to the look with this information, keeping the paths strictly between the two boundaries.
    ///
    /// `next` is the information of the look after it, for which the grid is made: a look that is closer needs a finer
    /// one. With a boundary on one side only, the farthest of the other side's paths, 1e-20 of all, are left out; their
    /// share of what leaves over that boundary later is smaller still.
    #[must_use]
    pub fn advance(&self, information: f64, lower: f64, upper: f64, next: f64) -> Self {
        let step = self.step(information);
        let root = information.sqrt();
        let centre = self.drift * information;
        let (first, last) = self.grid.first().zip(self.grid.last()).map_or((0.0, 0.0), |(a, b)| (a.0, b.0));
        let reach = REACH * step.root_gap;
        let low = (lower * root).max(centre - REACH * root).max(first + step.shift - reach);
        let high = (upper * root).min(centre + REACH * root).min(last + step.shift + reach);
        let ratio = step.root_gap / (next - information).sqrt();
        let nodes = nodes(low, high, PANEL * step.root_gap / ratio.hypot(1.0));
        let masses =
            nodes.into_iter().map(|(score, weight)| (score, weight * step.arriving(&self.grid, score)));
        let grid = match (lower.is_finite(), upper.is_finite()) {
            (false, true) => {
                let mut grid = counting(masses.rev());
                grid.reverse();
                grid
            }
            (true, false) => counting(masses),
            _ => masses.collect(),
        };
        Self { grid, information, ..*self }
    }

    fn step(&self, information: f64) -> Step {
        let gap = information - self.information;
        Step { root_gap: gap.sqrt(), shift: self.drift * gap }
    }
}

/// Nodes and weights on equal panels at most `width` wide; none where `low` is not below `high`.
///
/// The first and the last panel are split at a quarter, for at an end the integrand may be steeper than inside: where
/// the next boundary is far out, it falls from there at once.
fn nodes(low: f64, high: f64, width: f64) -> Vec<(f64, f64)> {
    let range = if low < high { high - low } else { return Vec::new() };
    let panels = (range / width).ceil();
    let inner = (1..panels as u32).map(f64::from);
    let edges: Vec<f64> = [0.0, 0.25].into_iter().chain(inner).chain([panels - 0.25, panels]).collect();
    // From the middle out, so that the nodes of a symmetric range are symmetric to the last digit.
    let (middle, unit) = (0.5 * (low + high), range / panels);
    let panel = |(from, to): (&f64, &f64)| {
        let (centre, half) = (middle + unit * (0.5 * (from + to - panels)), 0.5 * unit * (to - from));
        let left = GAUSS.iter().rev().map(move |(x, weight)| (centre - half * x, half * weight));
        left.chain(GAUSS.iter().map(move |(x, weight)| (centre + half * x, half * weight)))
    };
    edges.iter().zip(edges.iter().skip(1)).flat_map(panel).collect()
}

/// The masses from a boundary on until what follows is negligible; the density is log-concave.
fn counting(masses: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let mut sum = 0.0;
    let counts = |&(_, mass): &(f64, f64)| {
        sum += mass;
        mass >= NEGLIGIBLE * sum
    };
    masses.take_while(counts).collect()
}

/// The sum of masses times a weight of their distance, from the nearest outwards until nothing more counts.
///
/// Density times weight is log-concave along the grid, for it is that of a normal vector in a convex set, so the terms
/// rise and then fall: once one is negligible, so are all that follow.
fn outwards<'a>(
    masses: impl Iterator<Item = &'a (f64, f64)>,
    distance: impl Fn(f64) -> f64,
    weight: impl Fn(f64) -> f64,
) -> f64 {
    let mut sum = 0.0;
    for &(from, mass) in masses {
        let distance = distance(from);
        let term = mass * weight(distance);
        if distance > REACH || term < NEGLIGIBLE * sum {
            break;
        }
        sum += term;
    }
    sum
}

/// The transition from one look to the next on the scale of the score.
struct Step {
    root_gap: f64,
    shift: f64,
}

impl Step {
    /// How many standard deviations of the increment lie between `from` and `to`.
    fn deviate(&self, from: f64, to: f64) -> f64 {
        (to - from - self.shift) / self.root_gap
    }

    /// The density at `to` over all starting points of the grid.
    fn arriving(&self, grid: &[(f64, f64)], to: f64) -> f64 {
        let (below, above) = grid.split_at(grid.partition_point(|&(from, _)| from < to - self.shift));
        let distance = |from| self.deviate(from, to).abs();
        let sum = outwards(below.iter().rev(), distance, normal::pdf)
            + outwards(above.iter(), distance, normal::pdf);
        sum / self.root_gap
    }
}

/// The probabilities of leaving at each look, for boundaries that are given.
///
/// `looks` holds the information of each look (increasing, positive), its lower and its upper boundary. `drift` is
/// the expected statistic at information 1: for an effect δ it is `δ / SE` at the look with information 1.
///
/// # Errors
/// [`Inconclusive::OutOfDomain`] unless the information increases by at least 1e-6 relative, the boundaries are
/// ordered and the drift is finite, [`Inconclusive::NotConverged`] for boundaries or drifts out of range.
pub fn exit_probabilities(looks: &[(f64, f64, f64)], drift: f64) -> Result<Vec<Exit>, Inconclusive> {
    if !drift.is_finite()
        || looks.iter().any(|(_, lower, upper)| lower.partial_cmp(upper) != Some(std::cmp::Ordering::Less))
    {
        return Err(Inconclusive::OutOfDomain { what: "boundaries" });
    }
    let information: Vec<f64> = looks.iter().map(|look| look.0).collect();
    apart(&information)?;
    let mut path = Path::start(drift);
    let mut exits = Vec::with_capacity(looks.len());
    for (k, &(now, lower, upper)) in looks.iter().enumerate() {
        let exit = Exit { lower: path.below(now, lower), upper: path.above(now, upper) };
        if !(exit.lower.is_finite() && exit.upper.is_finite()) {
            return Err(Inconclusive::NotConverged { what: "exit probabilities" });
        }
        exits.push(exit);
        if let Some(next) = information.get(k + 1) {
            path = path.advance(now, lower, upper, *next);
        }
    }
    Ok(exits)
}

/// Whether the information of the looks is increasing and far enough apart.
///
/// # Errors
/// [`Inconclusive::OutOfDomain`] unless all are finite and each is at least 1e-6 larger, relatively, than the one
/// before.
pub fn apart(information: &[f64]) -> Result<(), Inconclusive> {
    let mut before = 0.0;
    for &now in information {
        if !(now.is_finite() && now > 0.0 && (now - before) / now >= 1e-6) {
            return Err(Inconclusive::OutOfDomain { what: "information of the looks" });
        }
        before = now;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_add_up_under_any_drift() {
        for drift in [0.0, 1.5, -3.0] {
            let looks = [(0.2, -2.5, 2.5), (0.21, -2.4, 2.6), (0.7, -2.3, 2.3), (1.0, 1.0, 1.0 + 1e-9)];
            let exits = exit_probabilities(&looks, drift).unwrap();
            let total: f64 = exits.iter().map(|exit| exit.lower + exit.upper).sum();
            assert!((total - 1.0).abs() < 1e-9, "{drift}: {total}");
        }
    }

    #[test]
    fn one_boundary_under_any_drift_is_that_of_a_finer_rule() {
        // NumPy 2: panels of 20 Gauss-Legendre points four times as narrow, full sums, 14 standard deviations down.
        let bounds = [(0.3, 3.0), (0.303, 2.9), (0.5, 2.7), (0.8, 2.2), (1.0, 2.0)];
        let expected = [
            (0.0, [1.349_898_031_630e-3, 5.580_416_203_470e-4, 2.769_922_154_532e-3, 0.011_548_680_666_97]),
            (6.0, [0.612_689_355_280_0, 0.045_979_273_776_05, 0.282_872_449_201_2, 0.057_721_231_862_55]),
            (-3.0, [1.715_538_397_137e-6, 1.046_689_559_082e-6, 5.994_235_075_848e-7, 4.607_773_683_907e-7]),
        ];
        let last = [0.012_660_646_110_06, 7.097_706_803_875e-4, 1.949_103_614_074e-7];
        for ((drift, expected), last) in expected.into_iter().zip(last) {
            let above: Vec<_> = bounds.iter().map(|&(t, z)| (t, f64::NEG_INFINITY, z)).collect();
            let below: Vec<_> = bounds.iter().map(|&(t, z)| (t, -z, f64::INFINITY)).collect();
            let found = exit_probabilities(&above, drift).unwrap();
            let mirrored = exit_probabilities(&below, -drift).unwrap();
            for ((found, mirrored), expected) in
                found.iter().zip(&mirrored).zip(expected.into_iter().chain([last]))
            {
                assert!((found.upper / expected - 1.0).abs() < 1e-10, "{drift}: {found:?}");
                assert_eq!((found.lower, found.upper), (mirrored.upper, mirrored.lower));
            }
        }
    }

    #[test]
    fn a_boundary_that_jumps_out_of_reach_keeps_its_digits() {
        // mpmath 1.4.1, 30 digits: P(|Z₁| < 2, Z₂ > z) at information 0.5 and 0.51.
        for (z, expected) in [
            (2.5, 2.015_118_313_821_706e-7),
            (3.0, 1.725_882_811_809_858e-16),
            (4.0, 9.832_194_630_574_65e-51),
            (5.0, 6.837_968_315_380_62e-107),
            (6.0, 4.248_743_763_346_93e-185),
        ] {
            let exits = exit_probabilities(&[(0.5, -2.0, 2.0), (0.51, -z, z)], 0.0).unwrap();
            assert!((exits[1].upper / expected - 1.0).abs() < 1e-8, "{z}: {exits:?}");
        }
    }

    #[test]
    fn boundaries_out_of_reach_of_every_path_are_never_left() {
        let looks = [(0.5, -50.0, f64::INFINITY), (0.500_001, f64::NEG_INFINITY, 60.0), (1.0, -1.0, 1.0)];
        let exits = exit_probabilities(&looks, 0.0).unwrap();
        assert_eq!((exits[0].lower, exits[1].upper), (0.0, 0.0));
        assert!((exits[2].upper / normal::sf(1.0) - 1.0).abs() < 1e-10, "{exits:?}");
    }

    #[test]
    fn daily_looks_at_the_fixed_boundary_inflate_as_tabulated() {
        // Armitage, McPherson and Rowe (1969), table 2: 1.96 at 2, 5, 10 and 50 equally spaced looks.
        for (count, expected) in [(1, 0.05), (2, 0.083), (5, 0.142), (10, 0.193), (50, 0.320)] {
            let looks: Vec<_> = (1..=count).map(|k| (f64::from(k), -1.959_964, 1.959_964)).collect();
            let exits = exit_probabilities(&looks, 0.0).unwrap();
            let total: f64 = exits.iter().map(|exit| exit.lower + exit.upper).sum();
            assert!((total - expected).abs() < 5e-4, "{count}: {total}");
        }
    }

    #[test]
    fn looks_must_move_forward() {
        assert!(apart(&[0.5, 0.5]).is_err());
        assert!(apart(&[0.0, 0.5]).is_err());
        assert!(apart(&[0.5, f64::NAN]).is_err());
        assert!(exit_probabilities(&[(1.0, 2.0, -2.0)], 0.0).is_err());
    }
}
