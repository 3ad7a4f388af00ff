//! Simulated experiments whose truth is known, and what each method made of them.

mod bayes;
mod draws;
mod figure;
mod fixed;
mod groups;
mod health;
mod networks;
mod planning;
mod sequential;
mod variance_reduction;

pub(crate) use figure::{Claim, Figure, Study};

pub(crate) use draws::conversions;
pub(crate) use sequential::{Peeking, looks};

/// Adds the figures of one area.
type Simulate = fn(&mut Study);

/// Every simulation, of as many experiments for each method as the study has runs.
pub(crate) const ALL: [(&str, Simulate); 8] = [
    ("fixed", fixed::simulate),
    ("variance_reduction", variance_reduction::simulate),
    ("sequential", sequential::simulate),
    ("bayes", bayes::simulate),
    ("health", health::simulate),
    ("planning", planning::simulate),
    ("groups", groups::simulate),
    ("networks", networks::simulate),
];
