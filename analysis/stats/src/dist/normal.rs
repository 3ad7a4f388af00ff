//! The standard normal distribution.

use std::f64::consts::{FRAC_1_SQRT_2, LN_2, SQRT_2};

use crate::Inconclusive;

/// `1 / sqrt(2 pi)`.
const INV_SQRT_2PI: f64 = 0.398_942_280_401_432_7;
/// `ln(sqrt(2 pi))`.
pub(crate) const LN_SQRT_2PI: f64 = 0.918_938_533_204_672_7;

/// The density at `z`.
#[must_use]
pub fn pdf(z: f64) -> f64 {
    INV_SQRT_2PI * (-0.5 * z * z).exp()
}

/// The probability of at most `z`.
#[must_use]
pub fn cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z * FRAC_1_SQRT_2)
}

/// The probability of more than `z`, relative precision about 1e-13 down to 1e-300.
#[must_use]
pub fn sf(z: f64) -> f64 {
    0.5 * libm::erfc(z * FRAC_1_SQRT_2)
}

/// The natural logarithm of [`sf`], exact also where that underflows.
///
/// From 10 standard deviations on by Laplace's continued fraction of Mills' ratio (Abramowitz and Stegun 26.2.14).
#[must_use]
pub fn ln_sf(z: f64) -> f64 {
    if z < -1.0 {
        return (-cdf(z)).ln_1p();
    }
    if z < 10.0 {
        return libm::erfc(z / SQRT_2).ln() - LN_2;
    }
    let mills = (1..=60).rev().fold(z, |tail, k| z + f64::from(k) / tail);
    -0.5 * z * z - LN_SQRT_2PI - mills.ln()
}

/// The value that is exceeded with probability `p`.
///
/// # Errors
/// [`Inconclusive::OutOfDomain`] unless `p` is strictly between 0 and 1.
pub fn upper_quantile(p: f64) -> Result<f64, Inconclusive> {
    Ok(-quantile(p)?)
}

/// The value that is not exceeded with probability `p`.
///
/// Wichura's PPND16 (Applied Statistics 37, 1988, algorithm AS 241), about 1e-16 relative. For a probability
/// near 1 ask [`upper_quantile`] of its complement, which a double can hold.
///
/// # Errors
/// [`Inconclusive::OutOfDomain`] unless `p` is strictly between 0 and 1.
pub fn quantile(p: f64) -> Result<f64, Inconclusive> {
    if !(p > 0.0 && p < 1.0) {
        return Err(Inconclusive::OutOfDomain { what: "probability of a quantile" });
    }
    let centred = p - 0.5;
    if centred.abs() <= 0.425 {
        let r = 0.180_625 - centred * centred;
        return Ok(centred * rational(r, &CENTRE));
    }
    let tail = if centred < 0.0 { p } else { 1.0 - p };
    let r = (-tail.ln()).sqrt();
    let magnitude = if r <= 5.0 { rational(r - 1.6, &MIDDLE) } else { rational(r - 5.0, &FAR) };
    Ok(magnitude.copysign(centred))
}

/// Numerator and denominator coefficients from the constant term up.
type Rational = ([f64; 8], [f64; 8]);

fn rational(r: f64, (numerator, denominator): &Rational) -> f64 {
    let horner = |coefficients: &[f64; 8]| coefficients.iter().rev().fold(0.0, |sum, c| sum * r + c);
    horner(numerator) / horner(denominator)
}

const CENTRE: Rational = (
    [
        3.387_132_872_796_366_5,
        1.331_416_678_917_843_8e2,
        1.971_590_950_306_551_3e3,
        1.373_169_376_550_946e4,
        4.592_195_393_154_987e4,
        6.726_577_092_700_87e4,
        3.343_057_558_358_813e4,
        2.509_080_928_730_122_7e3,
    ],
    [
        1.0,
        4.231_333_070_160_091e1,
        6.871_870_074_920_579e2,
        5.394_196_021_424_751e3,
        2.121_379_430_158_659_7e4,
        3.930_789_580_009_271e4,
        2.872_908_573_572_194_3e4,
        5.226_495_278_852_545e3,
    ],
);
const MIDDLE: Rational = (
    [
        1.423_437_110_749_683_5,
        4.630_337_846_156_546,
        5.769_497_221_460_691,
        3.647_848_324_763_204_5,
        1.270_458_252_452_368_4,
        2.417_807_251_774_506e-1,
        2.272_384_498_926_918_4e-2,
        7.745_450_142_783_414e-4,
    ],
    [
        1.0,
        2.053_191_626_637_759,
        1.676_384_830_183_803_8,
        6.897_673_349_851e-1,
        1.481_039_764_274_800_8e-1,
        1.519_866_656_361_645_7e-2,
        5.475_938_084_995_345e-4,
        1.050_750_071_644_416_9e-9,
    ],
);
const FAR: Rational = (
    [
        6.657_904_643_501_103,
        5.463_784_911_164_114,
        1.784_826_539_917_291_3,
        2.965_605_718_285_048_7e-1,
        2.653_218_952_657_612_4e-2,
        1.242_660_947_388_078_4e-3,
        2.711_555_568_743_487_6e-5,
        2.010_334_399_292_288_1e-7,
    ],
    [
        1.0,
        5.998_322_065_558_88e-1,
        1.369_298_809_227_358e-1,
        1.487_536_129_085_061_5e-2,
        7.868_691_311_456_133e-4,
        1.846_318_317_510_054_8e-5,
        1.421_511_758_316_446e-7,
        2.044_263_103_389_939_8e-15,
    ],
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantile_inverts_both_tails() {
        for p in [1e-300, 1e-100, 1e-20, 1e-5, 0.01, 0.07, 0.3, 0.5, 0.8, 0.95] {
            let back = cdf(quantile(p).unwrap());
            assert!((back / p - 1.0).abs() < 1e-12, "{p}: {back}");
        }
    }

    #[test]
    fn the_logarithm_joins_smoothly_where_the_method_changes() {
        let (below, above) = (ln_sf(10.0 - 1e-9), ln_sf(10.0));
        assert!((below - above - 1.01e-8).abs() < 1e-10, "{below} {above}");
        // mpmath 1.4.1: log(erfc(100/sqrt(2))/2)
        assert!((ln_sf(100.0) / -5_005.524_208_694_205 - 1.0).abs() < 1e-15);
    }

    #[test]
    fn the_ends_have_no_quantile() {
        for p in [0.0, 1.0, f64::NAN, -1.0] {
            assert!(quantile(p).is_err());
        }
    }
}
