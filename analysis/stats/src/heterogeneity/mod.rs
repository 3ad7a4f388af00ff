//! For whom an effect differs: segments, interactions between experiments, and a learned partition of units.
//!
//! All of it asks one question first (does anything differ at all?) and corrects what it then points at. Reading
//! the largest of many segment effects as it stands is the surest way to be wrong.

mod interaction;
mod segment;
mod tree;
mod welch;

pub use interaction::{
    Interaction, PairScreen, TableTest, TwoByTwo, independence, interaction, screen, table_interaction,
};
pub use segment::{HeterogeneityTest, SegmentEffect, SegmentReport, heterogeneity, segments};
pub use tree::{Arms, Cell, Feature, HonestTree, Leaf, Step, TreePlan, honest_tree};
