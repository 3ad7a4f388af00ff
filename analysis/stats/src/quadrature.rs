//! One-dimensional integrals: the trapezoidal rule where it converges, adaptive Gauss-Kronrod quadrature where it does
//! not, and fixed nodes for an expectation.
//!
//! Owns the integration rules and their stopping rules; knows no distribution. The caller names the points between
//! which the integrand is smooth, so a narrow peak is never stepped over. Nothing here is random: the same
//! integrand gives the same bits. An integral that does not reach its tolerance is an error, never a guess.

use crate::Inconclusive;

/// Panels after which an integral is given up; a posterior comparison needs 20 to 120.
const MOST_PANELS: usize = 2_000;
/// Step of the trapezoidal rule in standard deviations; its error on a normal density is `2·exp(-2π²/0.4²)`.
const STEP: f64 = 0.4;
/// Densities below this share of the greatest are left out of the trapezoidal rule.
const NEGLIGIBLE: f64 = 1e-20;
/// Most nodes on either side of a mode; some tens are usual.
const MOST_NODES: u32 = 4_000;
/// Most points of the trapezoidal rule on either side of the peak; two normal arms need about 40.
const MOST_POINTS: u32 = 400;
/// Terms of the trapezoidal rule below this share of their sum are negligible.
const SMALLEST_TERM: f64 = 1e-16;
/// How closely the two halves of the trapezoidal rule agree, relative; the error of the whole is about the square.
const AGREEMENT: f64 = 1e-8;
const NOT_CONVERGED: Inconclusive = Inconclusive::NotConverged { what: "an integral" };

/// Integrates a non-negative, analytic `f` over the whole line by the trapezoidal rule, to rounding; `None` where the
/// rule does not converge at this `step`.
///
/// It starts from the highest of `breaks` and goes on, both ways, past all at which `f` counts until its terms are
/// negligible. The error of an analytic integrand is exponential in the inverse of the step, so the sums over alternate
/// points, rules of twice the step, show it: halving the step squares it. A peak narrower than the step keeps them
/// apart. A kink is for [`integrate`].
///
/// Source: Trefethen and Weideman, SIAM Review 56 (2014), theorem 5.1.
///
/// # Errors
/// An error of the integrand is passed on.
pub(crate) fn trapezoid(
    f: impl Fn(f64) -> Result<f64, Inconclusive>,
    breaks: &[f64],
    step: f64,
) -> Result<Option<f64>, Inconclusive> {
    if breaks.iter().any(|point| !point.is_finite()) {
        return Ok(None);
    }
    let heights: Vec<(f64, f64)> =
        breaks.iter().map(|point| Ok((*point, f(*point)?))).collect::<Result<_, Inconclusive>>()?;
    let Some(&(peak, top)) = heights.iter().max_by(|one, other| one.1.total_cmp(&other.1)) else {
        return Ok(None);
    };
    let counts = heights.iter().filter(|(_, height)| *height > SMALLEST_TERM * top).map(|(point, _)| *point);
    let (low, high) = counts.fold((peak, peak), |(low, high), point| (low.min(point), high.max(point)));
    let Some(below) = outwards(&f, (peak, top), -step, peak - low)? else { return Ok(None) };
    let Some(above) = outwards(&f, (peak, top), step, high - peak)? else { return Ok(None) };
    let (even, odd) = (top + below.0 + above.0, below.1 + above.1);
    let agree = odd > 0.0 && (even - odd).abs() <= 0.5 * AGREEMENT * (even + odd);
    Ok(agree.then_some(step * (even + odd)))
}

/// The sums of `f` over the even and the odd multiples of `step` from the peak, at least as far as `reach` and until a
/// term is negligible.
fn outwards(
    f: &impl Fn(f64) -> Result<f64, Inconclusive>,
    (peak, top): (f64, f64),
    step: f64,
    reach: f64,
) -> Result<Option<(f64, f64)>, Inconclusive> {
    if reach > step.abs() * f64::from(MOST_POINTS) {
        return Ok(None);
    }
    let (mut even, mut odd) = (0.0, 0.0);
    for index in 1..=MOST_POINTS {
        let distance = step * f64::from(index);
        let term = f(peak + distance)?;
        if index % 2 == 0 {
            even += term;
        } else {
            odd += term;
        }
        if distance.abs() >= reach && term <= SMALLEST_TERM * (top + even + odd) {
            return Ok(Some((even, odd)));
        }
    }
    Ok(None)
}

/// Integrates `f` over the panels between consecutive `breaks` to a relative error of `tolerance`.
///
/// `breaks` need not be sorted; equal ones are merged. Panels are halved where the estimated error is greatest
/// until the sum of the errors is at most `tolerance` times the integral. Non-negative integrands keep their
/// relative precision however small the integral is.
///
/// Source: Piessens, de Doncker-Kapenga, Überhuber, Kahaner, *QUADPACK* (1983), routine QAGP with the 21-point
/// rule and its error estimate.
///
/// # Errors
/// [`Inconclusive::NotConverged`] when the tolerance is not reached or the integrand is not finite; an error of the
/// integrand itself is passed on.
pub(crate) fn integrate(
    f: impl Fn(f64) -> Result<f64, Inconclusive>,
    breaks: &[f64],
    tolerance: f64,
) -> Result<f64, Inconclusive> {
    let mut panels = panels_between(&f, breaks)?;
    loop {
        let total: f64 = panels.iter().map(|panel| panel.integral).sum();
        let error: f64 = panels.iter().map(|panel| panel.error).sum();
        if !total.is_finite() || !error.is_finite() {
            return Err(NOT_CONVERGED);
        }
        if error <= tolerance * total.abs() || error < f64::MIN_POSITIVE {
            return Ok(total);
        }
        if panels.len() >= MOST_PANELS {
            return Err(NOT_CONVERGED);
        }
        let cut = tolerance * total.abs() / (2.0 * panels.len() as f64);
        panels = halve_above(&f, panels, cut)?;
    }
}

/// One stretch of the axis with its integral and estimated error.
#[derive(Clone, Copy)]
struct Panel {
    low: f64,
    high: f64,
    integral: f64,
    error: f64,
}

fn panels_between(
    f: &impl Fn(f64) -> Result<f64, Inconclusive>,
    breaks: &[f64],
) -> Result<Vec<Panel>, Inconclusive> {
    if breaks.iter().any(|point| !point.is_finite()) {
        return Err(NOT_CONVERGED);
    }
    let mut points = breaks.to_vec();
    points.sort_by(f64::total_cmp);
    points.dedup();
    points.iter().zip(points.iter().skip(1)).map(|(low, high)| panel(f, *low, *high)).collect()
}

/// Halves every panel whose error is above `cut`; one that cannot be halved in floating point is kept as exact.
fn halve_above(
    f: &impl Fn(f64) -> Result<f64, Inconclusive>,
    panels: Vec<Panel>,
    cut: f64,
) -> Result<Vec<Panel>, Inconclusive> {
    let mut halved = Vec::with_capacity(panels.len() + 8);
    for whole in panels {
        if whole.error <= cut {
            halved.push(whole);
            continue;
        }
        let middle = whole.low + 0.5 * (whole.high - whole.low);
        if middle <= whole.low || middle >= whole.high {
            halved.push(Panel { error: 0.0, ..whole });
            continue;
        }
        halved.push(panel(f, whole.low, middle)?);
        halved.push(panel(f, middle, whole.high)?);
    }
    Ok(halved)
}

/// Abscissae and weights of the 21-point Kronrod rule on the positive half, from the outside in, each with its
/// weight in the embedded 10-point Gauss rule (zero where the point does not belong to it).
const KRONROD: [(f64, f64, f64); 10] = [
    (0.995_657_163_025_808_1, 0.011_694_638_867_371_874, 0.0),
    (0.973_906_528_517_171_7, 0.032_558_162_307_964_725, 0.066_671_344_308_688_14),
    (0.930_157_491_355_708_2, 0.054_755_896_574_351_995, 0.0),
    (0.865_063_366_688_984_5, 0.075_039_674_810_919_96, 0.149_451_349_150_580_6),
    (0.780_817_726_586_416_9, 0.093_125_454_583_697_6, 0.0),
    (0.679_409_568_299_024_4, 0.109_387_158_802_297_64, 0.219_086_362_515_982_04),
    (0.562_757_134_668_604_7, 0.123_491_976_262_065_84, 0.0),
    (0.433_395_394_129_247_2, 0.134_709_217_311_473_34, 0.269_266_719_309_996_35),
    (0.294_392_862_701_460_2, 0.142_775_938_577_060_09, 0.0),
    (0.148_874_338_981_631_22, 0.147_739_104_901_338_49, 0.295_524_224_714_752_87),
];
/// Weight of the middle point in the Kronrod rule.
const KRONROD_MIDDLE: f64 = 0.149_445_554_002_916_9;

fn panel(f: &impl Fn(f64) -> Result<f64, Inconclusive>, low: f64, high: f64) -> Result<Panel, Inconclusive> {
    let middle = low + 0.5 * (high - low);
    let half = 0.5 * (high - low);
    let at_middle = f(middle)?;
    let mut kronrod = KRONROD_MIDDLE * at_middle;
    let mut gauss = 0.0;
    let mut magnitude = kronrod.abs();
    let mut values = [(0.0, 0.0, 0.0); 10];
    for ((node, weight, gauss_weight), value) in KRONROD.iter().zip(values.iter_mut()) {
        let (left, right) = (f(middle - half * node)?, f(middle + half * node)?);
        kronrod += weight * (left + right);
        gauss += gauss_weight * (left + right);
        magnitude += weight * (left.abs() + right.abs());
        *value = (*weight, left, right);
    }
    let average = 0.5 * kronrod;
    let spread =
        values.iter().fold(KRONROD_MIDDLE * (at_middle - average).abs(), |sum, (weight, left, right)| {
            sum + weight * ((left - average).abs() + (right - average).abs())
        });
    let error = error_estimate((kronrod - gauss) * half, spread * half, magnitude * half);
    Ok(Panel { low, high, integral: kronrod * half, error })
}

/// QUADPACK's error estimate: the difference of the two rules, scaled by how rough the integrand is, and never
/// below what rounding leaves.
fn error_estimate(difference: f64, spread: f64, magnitude: f64) -> f64 {
    let raw = difference.abs();
    let scaled =
        if spread > 0.0 && raw > 0.0 { spread * (200.0 * raw / spread).powf(1.5).min(1.0) } else { raw };
    let rounding = 50.0 * f64::EPSILON * magnitude;
    // Rounding is a floor only where it can matter: tolerances below 1e-13 are not asked for.
    scaled.max(rounding * 1e-2)
}

/// Weights, normalised to one, and nodes of the trapezoidal rule for a single-peaked density on the whole line.
///
/// `scale` is the width of the peak as a normal's standard deviation. For analytic densities that fall off
/// exponentially the rule converges faster than any power of its step (Trefethen and Weideman, SIAM Review 56, 2014),
/// so the expectation of a smooth function under the density is the weighted sum of its values, to rounding.
pub(crate) fn density_nodes(mode: f64, scale: f64, density: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
    spaced_nodes(mode, STEP * scale, MOST_NODES, density)
}

/// As [`density_nodes`] with a step of the caller's, for functions that vary on a shorter length than the density does.
///
/// The nodes begin with the mode. They reach to where the density is negligible, or end after `most` of them on
/// either side.
pub(crate) fn spaced_nodes(
    mode: f64,
    spacing: f64,
    most: u32,
    density: impl Fn(f64) -> f64,
) -> Vec<(f64, f64)> {
    let at_mode = density(mode);
    let mut nodes = vec![(at_mode, mode)];
    for direction in [-spacing, spacing] {
        for step in 1..=most {
            let point = mode + direction * f64::from(step);
            let height = density(point);
            if height.is_nan() || height <= NEGLIGIBLE * at_mode {
                break;
            }
            nodes.push((height, point));
        }
    }
    let total: f64 = nodes.iter().map(|(height, _)| height).sum();
    nodes.into_iter().map(|(height, point)| (height / total, point)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(actual: f64, expected: f64, tolerance: f64) {
        assert!(((actual - expected) / expected).abs() <= tolerance, "{actual} against {expected}");
    }

    #[test]
    fn integrates_polynomials_exactly() {
        close(integrate(|x| Ok(3.0 * x * x), &[0.0, 2.0], 1e-12).unwrap(), 8.0, 1e-14);
    }

    #[test]
    fn the_trapezoidal_rule_is_exact_or_silent() {
        let found = |f: fn(f64) -> f64, breaks: &[f64], step| trapezoid(|x| Ok(f(x)), breaks, step).unwrap();
        let normal = |x: f64| (-0.5 * x * x).exp();
        let two = |x: f64| (-0.5 * x * x).exp() + (-0.5 * (x - 60.0).powi(2)).exp();
        let root = (2.0 * std::f64::consts::PI).sqrt();
        close(found(normal, &[0.0], 0.25).unwrap(), root, 1e-14);
        close(found(normal, &[-3.0, 2.0], 0.25).unwrap(), root, 1e-14);
        close(found(two, &[0.0, 60.0], 0.25).unwrap(), 2.0 * root, 1e-14);
        assert_eq!(found(normal, &[0.0], 1.5), None);
        assert_eq!(found(normal, &[0.0], 1e-9), None);
        assert_eq!(found(two, &[0.0, 60.0], 0.1), None);
        assert_eq!(found(|x| (1.0 + x * x).recip(), &[0.0], 0.1), None);
        assert_eq!(found(|_| 0.0, &[0.0], 0.5), None);
        assert_eq!(found(|_| f64::NAN, &[0.0], 0.5), None);
        assert_eq!(found(normal, &[], 0.5), None);
        assert_eq!(found(normal, &[0.0, f64::INFINITY], 0.25), None);
    }

    #[test]
    fn finds_a_narrow_peak_between_named_points() {
        let width = 1e-7;
        let peak = |x: f64| Ok((-0.5 * ((x - 0.3) / width).powi(2)).exp());
        let breaks = [0.0, 0.3 - 8.0 * width, 0.3, 0.3 + 8.0 * width, 1.0];
        close(integrate(peak, &breaks, 1e-12).unwrap(), width * (2.0 * std::f64::consts::PI).sqrt(), 1e-12);
    }

    #[test]
    fn keeps_relative_precision_of_a_tiny_integral() {
        // ∫ from 30 to infinity of exp(-x^2/2): sqrt(2 pi) * 4.906713927148187059e-198 (SciPy 1.17 norm.sf(30)).
        let value = integrate(|x| Ok((-0.5 * x * x).exp()), &[30.0, 31.0, 38.0], 1e-12).unwrap();
        close(value, 4.906_713_927_148_187e-198 * (2.0 * std::f64::consts::PI).sqrt(), 1e-10);
    }

    #[test]
    fn refuses_what_does_not_converge() {
        assert_eq!(integrate(|x| Ok(1.0 / x), &[0.0, 1.0], 1e-10), Err(NOT_CONVERGED));
        assert_eq!(integrate(|_| Ok(f64::NAN), &[0.0, 1.0], 1e-10), Err(NOT_CONVERGED));
        assert_eq!(integrate(Ok, &[0.0, f64::INFINITY], 1e-10), Err(NOT_CONVERGED));
    }
}
