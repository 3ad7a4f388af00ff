//! One value per unit and day, by day.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Mean;
use crate::Inconclusive;

/// The moments of a metric on each day, counted from any day the caller chooses (the start, or a unit's exposure).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DaySeries(BTreeMap<u32, Mean>);

impl DaySeries {
    /// Adds the moments of units seen on a day.
    pub fn add(&mut self, day: u32, moments: Mean) {
        let so_far = self.0.entry(day).or_default();
        *so_far = so_far.merge(moments);
    }

    /// Adds the value of one more unit on a day.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] if it is not finite.
    pub fn push(&mut self, day: u32, value: f64) -> Result<(), Inconclusive> {
        self.0.entry(day).or_default().push(value)
    }

    /// The days of this part and of another, disjoint one; a day that both have is merged.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        for (day, moments) in other.0 {
            self.add(day, moments);
        }
        self
    }

    /// The moments of each day that has any, ascending.
    pub fn days(&self) -> impl Iterator<Item = (u32, Mean)> {
        self.0.iter().map(|(day, moments)| (*day, *moments))
    }

    /// The moments of one day; those of no units for a day without any.
    #[must_use]
    pub fn on(&self, day: u32) -> Mean {
        self.0.get(&day).copied().unwrap_or_default()
    }
}

impl FromIterator<(u32, Mean)> for DaySeries {
    fn from_iter<I: IntoIterator<Item = (u32, Mean)>>(days: I) -> Self {
        let mut series = Self::default();
        days.into_iter().for_each(|(day, moments)| series.add(day, moments));
        series
    }
}
