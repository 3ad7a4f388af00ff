//! Any bytes as a bundle: opening and deciding never panic, loop or disagree with each other.
#![no_main]

use kerf_core::{Attribute, Bundle, Context, Decision};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(bundle) = Bundle::open(bytes) else { return };
    let attributes = [
        Attribute::text("user_id", "user-00000001"),
        Attribute::text("country", "DE"),
        Attribute::text("x", "2.3.0-beta.2"),
        Attribute::text("city", "Berlin"),
        Attribute::number("age", 22.0),
    ];
    let context = Context::new(&attributes, 1_795_579_200_000);
    let subject = bundle.bind(&context);
    let mut all = [Decision::EMPTY; 256];
    let decided = subject.decide_all(&mut all);
    for decision in all.iter().take(decided) {
        assert_eq!(subject.decide(decision.handle()), *decision);
        if let Some(variant) = bundle.variant(decision) {
            let _ = (variant.key(), variant.value());
        }
        if let Some(entry) = bundle.entry(decision.handle()) {
            let _ = (entry.key(), entry.unit(), entry.layer(), entry.payload(), entry.variants().count());
            let _ = bundle.find(entry.key());
        }
    }
    let _ = (bundle.environment(), bundle.settings());
});
