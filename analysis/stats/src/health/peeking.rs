//! Peeking: the error that a fixed-horizon test really has when it is read at every look.

use serde::Serialize;

use crate::{Alpha, Inconclusive, Probability, sequential::recursion::exit_probabilities};

/// The true error of reading a fixed-horizon test repeatedly.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Peeking {
    /// Looks so far.
    pub looks: u32,
    /// The error that each look by itself has.
    pub nominal: f64,
    /// The probability that at least one of the looks is significant without any effect.
    pub actual: Probability,
}

/// The false-positive rate of a two-sided test at alpha that is read at each of these information levels.
///
/// Exact for normal statistics, by the recursion of Armitage, McPherson and Rowe (1969). `information` is the number
/// of units (or any multiple) at each look, increasing.
///
/// # Errors
/// [`Inconclusive::OutOfDomain`] unless the information increases by at least 1e-6 relative.
pub fn inflation(information: &[f64], alpha: Alpha) -> Result<Peeking, Inconclusive> {
    let z = alpha.two_sided_z();
    let looks: Vec<(f64, f64, f64)> = information.iter().map(|&units| (units, -z, z)).collect();
    let exits = exit_probabilities(&looks, 0.0)?;
    let actual: f64 = exits.iter().map(|exit| exit.lower + exit.upper).sum();
    Ok(Peeking {
        looks: u32::try_from(looks.len()).unwrap_or(u32::MAX),
        nominal: alpha.get(),
        actual: Probability::new(actual.clamp(0.0, 1.0))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn daily_looks_over_two_weeks_find_an_effect_in_a_fifth_of_all_cases() {
        let alpha = Alpha::new(0.05).unwrap();
        let days: Vec<f64> = (1..=14).map(f64::from).collect();
        let peeking = inflation(&days, alpha).unwrap();
        assert!((0.20..0.30).contains(&peeking.actual.get()), "{peeking:?}");
        let once = inflation(&[14.0], alpha).unwrap();
        assert!((once.actual.get() - 0.05).abs() < 1e-12);
        assert_eq!(inflation(&[], alpha).unwrap().actual.get(), 0.0);
    }
}
