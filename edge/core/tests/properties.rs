//! What must hold for every bundle and every unit.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "tests stop at what should not be"
)]

use kerf_core::{Attribute, Bundle, Compiled, Context, Decision, Reason, compile, wire};
use proptest::prelude::*;
use serde_json::{Value, json};

fn compiled(parts: Value) -> Compiled {
    let mut bundle = json!({"format":1,"environment":"test","version":1,"created":"2026-11-25T04:00:00Z"});
    for (name, value) in parts.as_object().unwrap() {
        bundle[name] = value.clone();
    }
    compile(&serde_json::from_value::<wire::Bundle>(bundle).unwrap()).unwrap()
}

fn halves() -> Value {
    json!([{"key":"control","weight_bp":5000},{"key":"treatment","weight_bp":5000}])
}

fn decide(bundle: &Bundle<'_>, key: &str, user: &str) -> Decision {
    let attributes = [Attribute::text("user_id", user)];
    let context = Context::new(&attributes, 0);
    bundle.bind(&context).decide(bundle.find(key).unwrap())
}

proptest! {
    #[test]
    fn raising_traffic_never_moves_or_drops_a_unit(low in 0u16..=10_000, more in 0u16..=10_000, user in "\\PC{1,60}") {
        let high = (low + more).min(10_000);
        let at = |bp: u16| compiled(json!({"experiments":[{"key":"ramp","traffic_bp":bp,"variants":halves()}]})).bytes;
        let (low, high) = (at(low), at(high));
        let before = decide(&Bundle::open(&low).unwrap(), "ramp", &user);
        let after = decide(&Bundle::open(&high).unwrap(), "ramp", &user);
        if before.exposure().is_some() {
            prop_assert_eq!(before.variant_index(), after.variant_index());
            prop_assert_eq!(after.reason(), Reason::Assigned);
        }
    }

    #[test]
    fn a_unit_is_in_at_most_one_experiment_of_a_layer(cuts in prop::collection::btree_set(1u16..10_000, 1..8), user in "\\PC{1,60}") {
        let mut edges = vec![0];
        edges.extend(cuts);
        let experiments: Vec<Value> = edges.windows(2).enumerate().map(|(index, range)| {
            json!({"key": format!("e{index}"), "layer": "l", "ranges": [range], "variants": halves()})
        }).collect();
        let compiled = compiled(json!({"layers":[{"key":"l"}], "experiments": experiments}));
        prop_assert!(compiled.invalid.is_empty());
        let bundle = Bundle::open(&compiled.bytes).unwrap();
        let attributes = [Attribute::text("user_id", &user)];
        let mut all = vec![Decision::EMPTY; bundle.len()];
        bundle.bind(&Context::new(&attributes, 0)).decide_all(&mut all);
        prop_assert!(all.iter().filter(|decision| decision.exposure().is_some()).count() <= 1);
    }

    #[test]
    fn a_held_out_unit_is_never_treated(bp in 0u16..=10_000, traffic in 0u16..=10_000, user in "\\PC{1,60}") {
        let compiled = compiled(json!({"holdouts":[{"key":"h","bp":bp,"scope":"global"}],
            "experiments":[{"key":"e","traffic_bp":traffic,"variants":halves()}]}));
        let decision = decide(&Bundle::open(&compiled.bytes).unwrap(), "e", &user);
        let held = kerf_core::hash::bucket(&format!("holdout:h:{user}")) < bp;
        prop_assert_eq!(held, decision.reason() == Reason::Holdout);
        prop_assert!(!held || (decision.exposure().is_none() && decision.variant_index().unwrap().index() == 0));
    }

    #[test]
    fn any_bytes_open_or_are_refused_and_decide_without_a_panic(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        cut in any::<prop::sample::Index>(),
    ) {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/flags.json");
        let vectors: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let mut bytes = compile(&serde_json::from_value(vectors["bundle"].clone()).unwrap()).unwrap().bytes;
        prop_assert!(Bundle::open(&bytes[..cut.index(bytes.len())]).is_err(), "a truncated bundle is refused");
        for (place, byte) in flips {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Ok(bundle) = Bundle::open(&bytes) {
            let attributes = [Attribute::text("user_id", "user-1"), Attribute::text("country", "DE"), Attribute::number("age", 20.0)];
            let mut all = vec![Decision::EMPTY; bundle.len().min(4096)];
            let context = Context::new(&attributes, 0);
            let subject = bundle.bind(&context);
            let decided = subject.decide_all(&mut all);
            for decision in &all[..decided] {
                prop_assert_eq!(subject.decide(decision.handle()), *decision, "one and all agree on damaged bytes too");
                let _ = bundle.variant(decision).map(|variant| (variant.key(), variant.value()));
            }
        }
    }
}

/// Chi-square of independence of two experiments' variants over 10^6 units, for 45 pairs: 10.83 is the 0.1% point with one
/// degree of freedom, corrected for 45 pairs 18.3 (p = 0.001 / 45, `scipy.stats.chi2.isf`).
#[test]
fn experiments_are_independent_and_variants_uniform_given_the_gate() {
    const UNITS: usize = 1_000_000;
    let keys: Vec<String> = (0..10).map(|index| format!("experiment_{index}")).collect();
    let experiments: Vec<Value> =
        keys.iter().map(|key| json!({"key": key, "traffic_bp": 5000, "variants": halves()})).collect();
    let bytes = compiled(json!({ "experiments": experiments })).bytes;
    let bundle = Bundle::open(&bytes).unwrap();
    let mut pairs = vec![[[0u32; 2]; 2]; 100];
    let mut arms = [[0u32; 2]; 10];
    let mut decisions = [Decision::EMPTY; 10];
    for unit in 0..UNITS {
        let user = format!("user-{unit:08}");
        let attributes = [Attribute::text("user_id", &user)];
        bundle.bind_with::<1>(&Context::new(&attributes, 0)).decide_all(&mut decisions);
        let arm = |decision: &Decision| decision.exposure().and(decision.variant_index()).map(|v| v.index());
        let drawn = decisions.map(|decision| arm(&decision));
        for (first, a) in drawn.iter().enumerate() {
            let Some(a) = a else { continue };
            arms[first][*a] += 1;
            for (second, b) in drawn.iter().enumerate().skip(first + 1) {
                if let Some(b) = b {
                    pairs[first * 10 + second][*a][*b] += 1;
                }
            }
        }
    }
    for arm in arms {
        let [a, b] = arm.map(f64::from);
        assert!((a - b).powi(2) / (a + b) < 18.3, "the split {arm:?} is not even");
        assert!(((a + b) - 500_000.0).powi(2) / 250_000.0 < 18.3, "the gate lets {} through", a + b);
    }
    for table in pairs.iter().filter(|table| table[0][0] > 0) {
        let [[a, b], [c, d]] = table.map(|row| row.map(f64::from));
        let chi = (a + b + c + d) * (a * d - b * c).powi(2) / ((a + b) * (c + d) * (a + c) * (b + d));
        assert!(chi < 18.3, "{table:?} gives {chi}");
    }
}
