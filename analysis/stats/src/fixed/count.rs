//! Rates of independent events over exposure: the exact conditional test and a normal interval.
//!
//! Only for events that come independently (a Poisson process). Events of the same unit usually do not: count them
//! per unit and use [`super::compare`] on the means, which needs no such assumption.

use super::{Comparison, compare_rates_of};
use crate::{Alpha, Count, Inconclusive, PValue, dist::beta};

/// Compares two event rates.
///
/// The p-value is exact and conditional on the total number of events (Przyborowski and Wilenski 1940): the
/// treatment's events are binomial with its share of the exposure; the smaller tail is doubled and cut at 1. The
/// interval of the difference is Wald's, `± z sqrt(x_t / e_t² + x_c / e_c²)`; an arm without an event has the variance of
/// the pooled rate r, `r / e`, and so has the other arm where that is more cautious.
///
/// # Errors
/// [`Inconclusive::NoUnits`] without exposure, [`Inconclusive::NoVariance`] without any event.
pub fn compare_rates(control: Count, treatment: Count, alpha: Alpha) -> Result<Comparison, Inconclusive> {
    let (c, t) = (control.estimate()?, treatment.estimate()?);
    if control.events() == 0 && treatment.events() == 0 {
        return Err(Inconclusive::NoVariance);
    }
    let rate = control.merge(treatment).estimate()?.value;
    let pooled = (rate / control.exposure(), rate / treatment.exposure());
    let comparison = compare_rates_of((c, t), pooled, t.value - c.value, alpha)?;
    let p_value = conditional_p_value(control, treatment)?;
    let excludes_zero = !comparison.difference.interval.contains(0.0);
    let interval_agrees = excludes_zero == p_value.is_significant(alpha);
    Ok(Comparison { p_value, interval_agrees, ..comparison })
}

fn conditional_p_value(control: Count, treatment: Count) -> Result<PValue, Inconclusive> {
    let exposure = control.exposure() + treatment.exposure();
    let (share, rest) = (treatment.exposure() / exposure, control.exposure() / exposure);
    let (x, others) = (treatment.events() as f64, control.events() as f64);
    // P(X ≥ x) = I_share(x, n − x + 1) and P(X ≤ x) = I_rest(n − x, x + 1).
    let at_least = if x == 0.0 { 1.0 } else { beta::lower(x, others + 1.0, share, rest)? };
    let at_most = if others == 0.0 { 1.0 } else { beta::lower(others, x + 1.0, rest, share)? };
    Ok(PValue::clamped(2.0 * at_least.min(at_most)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exact_p_value_is_the_doubled_binomial_tail() {
        let alpha = Alpha::new(0.05).unwrap();
        let count = |events, exposure| Count::new(events, exposure).unwrap();
        // Of 5 events with equal exposure, all in one arm: 2 / 2^5.
        let result = compare_rates(count(0, 10.0), count(5, 10.0), alpha).unwrap();
        assert!((result.p_value.get() - 0.0625).abs() < 1e-14);
        // Wald's error would be √5/10; the pooled rate of 5/20 has √(0.25/10 + 0.25/10), the same for equal exposure.
        assert!((result.difference.standard_error - 0.05_f64.sqrt()).abs() < 1e-12);
        let uneven = compare_rates(count(99, 9_900.0), count(0, 100.0), alpha).unwrap();
        assert!(uneven.difference.interval.contains(0.0) && uneven.difference.standard_error > 0.009);
        assert_eq!(compare_rates(count(0, 1.0), count(0, 1.0), alpha), Err(Inconclusive::NoVariance));
        assert_eq!(compare_rates(count(0, 0.0), count(1, 1.0), alpha), Err(Inconclusive::NoUnits));
    }
}
