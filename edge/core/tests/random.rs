//! Random bundles and visits: the binary form decides as a second evaluator reads the JSON form, and so does the JSON that is given
//! out, with hashed ids, when it is compiled again.
//!
//! `PROPTEST_CASES=100000 cargo test -p kerf-core --test random` for a long run.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests stop at what should not be"
)]

#[path = "support/random.rs"]
mod random;
mod reference;
mod support;

use kerf_core::{Bundle, compile, wire};
use proptest::prelude::*;
use random::Choices;
use reference::Reference;
use serde_json::Value;

/// The JSON that an SDK would get.
fn given_out(wire: &wire::Bundle) -> wire::Bundle {
    let mut public = wire.clone();
    public.hash_ids();
    serde_json::from_str(&serde_json::to_string(&public).unwrap()).unwrap()
}

fn keys(json: &Value) -> Vec<String> {
    let entries = ["experiments", "flags"].into_iter().flat_map(|list| json[list].as_array().unwrap());
    entries.map(|entry| entry["key"].as_str().unwrap().to_owned()).collect()
}

proptest! {
    #[test]
    fn binary_and_json_decide_alike(tape in prop::collection::vec(any::<u16>(), 0..1200)) {
        let mut choices = Choices(tape.iter());
        let json = random::bundle(&mut choices);
        let wire: wire::Bundle = serde_json::from_value(json.clone()).unwrap();
        let compiled = compile(&wire).unwrap();
        prop_assert_eq!(&compiled.invalid, &[], "{}", json);
        let again = compile(&given_out(&wire)).unwrap();
        let (bundle, again) = (Bundle::open(&compiled.bytes).unwrap(), Bundle::open(&again.bytes).unwrap());
        let reference = Reference::new(&json);
        for _ in 0..6 {
            let (visit, mut case) = random::visit(&mut choices);
            for key in keys(&json) {
                case["key"] = key.as_str().into();
                let (variant, reason) = reference.decide(&key, &visit);
                let decided = support::decide(&bundle, &case);
                let wanted = format!("{} {reason} ", variant.as_deref().unwrap_or("-"));
                prop_assert!(decided.starts_with(&wanted), "{key}: {decided} instead of {wanted}\n{case}\n{json}");
                prop_assert_eq!(&support::decide(&again, &case), &decided, "the JSON that is given out differs");
            }
        }
    }
}
