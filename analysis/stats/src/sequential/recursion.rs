//! The joint distribution of the statistics at successive looks, by recursive numerical integration.
//!
//! Armitage, McPherson and Rowe (1969); grid and weights of Jennison and Turnbull, "Group Sequential Methods" (2000),
//! section 19.2. With Z_k the statistic at information I_k, `Z_k √I_k` has independent normal increments.

use crate::{Inconclusive, dist::normal};

/// The `r` of 19.2, which finds 16 good to 1e-6; this is good to about 1e-8, and 1e-7 for looks close together.
const RESOLUTION: u32 = 32;
const MAX_RESOLUTION: u32 = 1_024;
/// Beyond this many standard deviations a transition contributes less than 1e-17 relative.
const REACH: f64 = 9.0;

/// The probabilities of leaving at one look, having stayed inside before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exit {
    /// Below the lower boundary.
    pub lower: f64,
    /// Above the upper boundary.
    pub upper: f64,
}

/// The sub-density of the statistic at the latest look among paths that never left.
#[derive(Clone, Debug)]
pub struct Path {
    drift: f64,
    resolution: u32,
    information: f64,
    /// Grid values with probability masses (density times weight); `None` before the first look.
    grid: Option<Vec<(f64, f64)>>,
}

impl Path {
    /// The start: no information. `drift` is the expected statistic at information 1.
    ///
    /// `gap` is the smallest relative increment `(I_k − I_{k−1}) / I_k` that will follow; a small one needs a finer
    /// grid.
    #[must_use]
    pub fn start(drift: f64, gap: f64) -> Self {
        let needed = 1.3 / gap.max(1e-9).sqrt();
        let resolution = (needed.min(f64::from(MAX_RESOLUTION)) as u32).max(RESOLUTION);
        Self { drift, resolution, information: 0.0, grid: None }
    }

    /// The probability that the statistic at the look with this information is at least `z`, never having left.
    #[must_use]
    pub fn above(&self, information: f64, z: f64) -> f64 {
        self.tail(information, z, 1.0)
    }

    /// The probability that the statistic at the look with this information is at most `z`, never having left.
    #[must_use]
    pub fn below(&self, information: f64, z: f64) -> f64 {
        self.tail(information, z, -1.0)
    }

    /// The density of the statistic at `z` at the look with this information, never having left.
    #[must_use]
    pub fn density(&self, information: f64, z: f64) -> f64 {
        let Some(grid) = &self.grid else {
            return normal::pdf(z - self.drift * information.sqrt());
        };
        let step = Step::between(self.information, information, self.drift);
        grid.iter().map(|&(from, mass)| mass * step.density(from, z)).sum()
    }

    /// Moves to the look with this information, keeping the paths strictly between the two boundaries.
    #[must_use]
    pub fn advance(&self, information: f64, lower: f64, upper: f64) -> Self {
        let nodes = self.nodes(self.drift * information.sqrt(), lower, upper);
        let step = Step::between(self.information, information, self.drift);
        let masses = nodes.iter().map(|&(z, weight)| {
            let density = match &self.grid {
                None => normal::pdf(z - self.drift * information.sqrt()),
                Some(grid) => step.arriving(grid, z),
            };
            (z, weight * density)
        });
        Self { grid: Some(masses.collect()), information, ..*self }
    }

    fn tail(&self, information: f64, z: f64, side: f64) -> f64 {
        let Some(grid) = &self.grid else {
            return normal::sf(side * (z - self.drift * information.sqrt()));
        };
        let step = Step::between(self.information, information, self.drift);
        grid.iter().map(|&(from, mass)| mass * normal::sf(side * step.deviate(from, z))).sum()
    }

    /// Simpson nodes and weights between the boundaries, dense around the centre and sparse far out.
    fn nodes(&self, centre: f64, lower: f64, upper: f64) -> Vec<(f64, f64)> {
        let mut edges = vec![lower.max(centre - far_out(self.resolution))];
        let last = upper.min(centre + far_out(self.resolution));
        edges.extend(odd_nodes(self.resolution).map(|x| x + centre).filter(|x| *x > lower && *x < last));
        edges.push(last);
        let mut nodes: Vec<(f64, f64)> = Vec::with_capacity(2 * edges.len());
        let mut carried = 0.0;
        for (from, to) in edges.iter().zip(edges.iter().skip(1)) {
            let width = to - from;
            nodes.push((*from, carried + width / 6.0));
            nodes.push((0.5 * (from + to), 4.0 * width / 6.0));
            carried = width / 6.0;
        }
        nodes.push((last, carried));
        nodes
    }
}

/// Equation (19.4): `−3 − 4 ln(r/i)`, then even steps from −3 to 3, then the mirror image.
fn odd_nodes(r: u32) -> impl Iterator<Item = f64> {
    let size = f64::from(r);
    (1..6 * r).map(move |i| {
        let i = f64::from(i);
        if i < size {
            -3.0 - 4.0 * (size / i).ln()
        } else if i <= 5.0 * size {
            -3.0 + 3.0 * (i - size) / (2.0 * size)
        } else {
            3.0 + 4.0 * (size / (6.0 * size - i)).ln()
        }
    })
}

fn far_out(r: u32) -> f64 {
    3.0 + 4.0 * f64::from(r).ln()
}

/// The transition from one look to the next on the scale of the statistic.
struct Step {
    root_from: f64,
    root_to: f64,
    root_gap: f64,
    shift: f64,
}

impl Step {
    fn between(from: f64, to: f64, drift: f64) -> Self {
        let gap = to - from;
        Self { root_from: from.sqrt(), root_to: to.sqrt(), root_gap: gap.sqrt(), shift: drift * gap }
    }

    /// How many standard deviations of the increment lie between `from` and `to`.
    fn deviate(&self, from: f64, to: f64) -> f64 {
        (to * self.root_to - from * self.root_from - self.shift) / self.root_gap
    }

    fn density(&self, from: f64, to: f64) -> f64 {
        self.root_to / self.root_gap * normal::pdf(self.deviate(from, to))
    }

    /// The density at `to` over all starting points of the sorted grid, skipping those out of reach.
    fn arriving(&self, grid: &[(f64, f64)], to: f64) -> f64 {
        if self.root_from == 0.0 {
            return grid.iter().map(|&(from, mass)| mass * self.density(from, to)).sum();
        }
        let centre = (to * self.root_to - self.shift) / self.root_from;
        let reach = REACH.max(to.abs() + REACH) * self.root_gap / self.root_from;
        let first = grid.partition_point(|&(from, _)| from < centre - reach);
        (grid.iter().skip(first).take_while(|&&(from, _)| from <= centre + reach))
            .map(|&(from, mass)| mass * self.density(from, to))
            .sum()
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
    let mut path = Path::start(drift, smallest_gap(&information)?);
    let mut exits = Vec::with_capacity(looks.len());
    for (k, &(information, lower, upper)) in looks.iter().enumerate() {
        let exit = Exit { lower: path.below(information, lower), upper: path.above(information, upper) };
        if !(exit.lower.is_finite() && exit.upper.is_finite()) {
            return Err(Inconclusive::NotConverged { what: "exit probabilities" });
        }
        exits.push(exit);
        if k + 1 < looks.len() {
            path = path.advance(information, lower, upper);
        }
    }
    Ok(exits)
}

/// The smallest relative increment of information between looks.
///
/// # Errors
/// [`Inconclusive::OutOfDomain`] unless all are finite and each is at least 1e-6 larger, relatively, than the one
/// before.
pub fn smallest_gap(information: &[f64]) -> Result<f64, Inconclusive> {
    let mut smallest = 1.0_f64;
    let mut before = 0.0;
    for &now in information {
        let gap = (now - before) / now;
        if !(now.is_finite() && now > 0.0 && gap >= 1e-6) {
            return Err(Inconclusive::OutOfDomain { what: "information of the looks" });
        }
        smallest = smallest.min(gap);
        before = now;
    }
    Ok(smallest)
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
            assert!((total - 1.0).abs() < 1e-7, "{drift}: {total}");
        }
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
        assert!(smallest_gap(&[0.5, 0.5]).is_err());
        assert!(smallest_gap(&[0.0, 0.5]).is_err());
        assert!(smallest_gap(&[0.5, f64::NAN]).is_err());
        assert!(exit_probabilities(&[(1.0, 2.0, -2.0)], 0.0).is_err());
    }
}
