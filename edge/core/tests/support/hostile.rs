//! What must hold for any input: the bodies of the fuzz targets, which the tests run over committed seeds and over mutants of them.

use kerf_core::adopt::{self, SigningKey, cookie};
use kerf_core::sticky::{self, Kept, StickyEntry};
use kerf_core::{Attribute, Bundle, Context, Decision, Reason};

/// Any bytes as a bundle: opening and deciding never panic or loop, and give a variant or say that the entry is invalid. Whether
/// they open. One and all may disagree here: a set remembers, so it may come to an end where a decision alone gives up.
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
        for decision in [*decision, subject.decide(decision.handle())] {
            assert_eq!(
                decision.variant_index().is_none(),
                decision.reason() == Reason::Invalid,
                "{decision:?}"
            );
            if let Some(variant) = bundle.variant(&decision) {
                let _ = (variant.key(), variant.value());
            }
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

/// Any bytes as a pointer and as a signed cookie: neither panics, and a pointer that is accepted is the one that was signed, the
/// case of the signature's hex digits aside.
pub(crate) fn signed(bytes: &[u8], genuine: &str) {
    let keys = [SigningKey::from_bytes(&[7; 32]).public()];
    let verified = adopt::verify_pointer(bytes, &keys, "production", None, i64::MAX);
    assert!(
        verified.is_err() || bytes.eq_ignore_ascii_case(genuine.as_bytes()),
        "a forged pointer is accepted"
    );
    let Ok(text) = str::from_utf8(bytes) else { return };
    let mut entries = [StickyEntry::from_bits(0); 8];
    if let Ok(read) = cookie::read(text, b"key", "user-1", &mut entries) {
        let mut again = String::new();
        assert!(cookie::write(&mut again, b"key", "user-1", &entries[..read]).is_ok());
    }
    if let Some(read) = sticky::read(text, &mut entries) {
        let mut again = String::new();
        assert!(sticky::write(&mut again, &entries[..read]).is_ok());
    }
}
