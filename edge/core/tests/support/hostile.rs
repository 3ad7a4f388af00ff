//! What must hold for any input: the bodies of the fuzz targets, which the tests run over committed seeds and over mutants of them.

use kerf_core::sticky::{Kept, StickyEntry};
use kerf_core::{Attribute, Bundle, Context, Decision};

/// Any bytes as a bundle: opening and deciding never panic, loop or disagree with each other. Whether they open.
pub(crate) fn bundle(bytes: &[u8]) -> bool {
    let Ok(bundle) = Bundle::open(bytes) else { return false };
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
    true
}

/// Any context against a bundle with every operator: deciding never panics, and one and all agree.
///
/// The input is a list of attributes: name and value separated by `=`, ended by `\n`; a value that reads as a number is one. A line
/// without `=` is kept assignments.
pub(crate) fn context(bundles: &[&[u8]], text: &str) {
    let mut attributes = Vec::new();
    let mut kept = Kept::<8>::default();
    for line in text.split('\n') {
        let Some((name, value)) = line.split_once('=') else {
            kept = Kept::read(line);
            continue;
        };
        attributes.push(match (value.parse(), value) {
            (Ok(number), _) => Attribute::number(name, number),
            (_, "true") => Attribute::boolean(name, true),
            _ => Attribute::text(name, value),
        });
    }
    kept.keep(StickyEntry::of("kept:3", text));
    let now = i64::from_le_bytes(text.as_bytes().first_chunk().copied().unwrap_or_default());
    for bytes in bundles {
        let Ok(bundle) = Bundle::open(bytes) else { panic!("a stored bundle opens") };
        let context =
            Context::new(&attributes, now).consent(!text.len().is_multiple_of(7)).sticky(kept.entries());
        let (large, small) = (bundle.bind(&context), bundle.bind_with::<1>(&context));
        let mut all = [Decision::EMPTY; 128];
        let decided = large.decide_all(&mut all);
        for decision in all.iter().take(decided) {
            assert_eq!(large.decide(decision.handle()), *decision);
            assert_eq!(small.decide(decision.handle()), *decision);
        }
    }
}
