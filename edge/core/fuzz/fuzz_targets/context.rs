//! Any context against a bundle with every operator: deciding never panics, and one and all agree.
//!
//! The input is a list of attributes: name and value separated by `=`, ended by `\n`; a value that reads as a number is one.
#![no_main]

use kerf_core::sticky::{Kept, StickyEntry};
use kerf_core::{Attribute, Bundle, Context, Decision};
use libfuzzer_sys::fuzz_target;

static OPERATORS: &[u8] = include_bytes!("../../vectors/format-1/operators.krfb");
static EXPERIMENTS: &[u8] = include_bytes!("../../vectors/format-1/experiments.krfb");

fuzz_target!(|text: &str| {
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
    for bytes in [OPERATORS, EXPERIMENTS] {
        let bundle = Bundle::open(bytes).expect("a stored bundle");
        let context = Context::new(&attributes, now).consent(text.len() % 7 != 0).sticky(kept.entries());
        let (large, small) = (bundle.bind(&context), bundle.bind_with::<1>(&context));
        let mut all = [Decision::EMPTY; 128];
        let decided = large.decide_all(&mut all);
        for decision in all.iter().take(decided) {
            assert_eq!(large.decide(decision.handle()), *decision);
            assert_eq!(small.decide(decision.handle()), *decision);
        }
    }
});
