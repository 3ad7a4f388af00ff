//! The workloads that the core is measured with: the same source as the native benchmark's.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "programs that measure; they may stop at their own mistakes"
)]

#[path = "../../benches/table/cases.rs"]
mod cases;
#[path = "../../benches/table/floor.rs"]
mod floor;
#[path = "../../benches/table/workload.rs"]
mod workload;

use kerf_core::{Attribute, Bundle, Context};

/// One thing that is measured.
pub struct Workload {
    /// What it is.
    pub name: &'static str,
    /// Runs once over all visitors and says how many decisions that were.
    pub run: Box<dyn FnMut() -> usize>,
}

/// All workloads, ready to run.
pub fn all() -> Vec<Workload> {
    cases::all().into_iter().map(|case| Workload { name: case.name, run: case.run }).collect()
}

/// The bundle of the 1,000 experiments.
pub fn large_bundle() -> Vec<u8> {
    cases::bytes(workload::Set::W3)
}

/// Opens a bundle, binds a context and decides one of the 1,000 experiments: the variant's place, and the reason times 256.
///
/// # Panics
/// If the bytes are not the bundle of the 1,000.
pub fn first_decision(bytes: &[u8]) -> u32 {
    let bundle = Bundle::open(bytes).expect("a bundle");
    let attributes = [
        Attribute::text("user_id", "user-00001234"),
        Attribute::text("country", "DE"),
        Attribute::text("app_version", "2.3.1"),
        Attribute::number("age", 22.0),
    ];
    let subject = bundle.bind(&Context::new(&attributes, 0));
    let decision = subject.decide(bundle.find("experiment_000501").expect("the key"));
    let variant = decision.variant_index().map_or(255, |variant| variant.index());
    u32::from(decision.reason() as u8) * 256 + u32::try_from(variant).unwrap_or(255)
}
