//! What is compiled and decided at the limits, and what lies beyond them.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "tests stop at what should not be, and bundles are written in place"
)]

use kerf_core::{Attribute, Bundle, Compiled, Context, Decision, Forced, Reason, compile};
use serde_json::{Value, json};

fn compiled(mut parts: Value) -> Compiled {
    parts["format"] = json!(1);
    parts["environment"] = json!("production");
    parts["version"] = json!(1);
    parts["created"] = json!("2026-11-25T04:00:00Z");
    compile(&serde_json::from_value(parts).unwrap()).unwrap()
}

fn experiment(key: &str, more: Value) -> Value {
    let mut experiment = json!({"key": key, "variants": [{"key":"control","weight_bp":10000}]});
    for (name, value) in more.as_object().unwrap() {
        experiment[name] = value.clone();
    }
    experiment
}

fn reason(bytes: &[u8], key: &str, attributes: &[Attribute<'_>]) -> Reason {
    let bundle = Bundle::open(bytes).unwrap();
    bundle.bind(&Context::new(attributes, 0)).decide(bundle.find(key).unwrap()).reason()
}

const USER: Attribute<'_> = Attribute::text("user_id", "user-1");

#[test]
fn a_chain_of_prerequisites_has_sixteen_links() {
    let tests: Vec<Value> = (0..200).map(|n| json!({"attr":"x","op":"eq","value":format!("{n}")})).collect();
    let flags: Vec<Value> = (0..18)
        .map(|n| {
            let mut flag = json!({"key": format!("f{n:02}"), "type":"boolean", "off_variant":"off", "default":"off",
                "variants":[{"key":"on","value":true},{"key":"off","value":false}],
                "rules":[{"id":"never","when":{"or":tests},"serve":"off"},{"id":"all","serve":"on"}]});
            if n < 17 {
                flag["prerequisites"] = json!([{"flag": format!("f{:02}", n + 1), "variant": "on"}]);
            }
            flag
        })
        .collect();
    let compiled = compiled(json!({"flags": flags}));
    let refused: Vec<&str> = compiled.invalid.iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(refused, ["f00"], "{:?}", compiled.invalid);
    let attributes = [USER, Attribute::text("x", "none")];
    assert_eq!(reason(&compiled.bytes, "f01", &attributes), Reason::Static);
    assert_eq!(reason(&compiled.bytes, "f17", &attributes), Reason::Static);
}

#[test]
fn segments_are_nested_sixteen_deep() {
    let segments: Vec<Value> = (0..5000)
        .map(|n| {
            let within = json!({"and":[{"segment": format!("s{}", n + 1)},{"attr":"x","op":"exists"}]});
            let when = if n % 18 == 17 { json!({"attr":"x","op":"exists"}) } else { within };
            json!({"key": format!("s{n}"), "included":["a"], "excluded":["b"], "when": when})
        })
        .collect();
    let experiments: Vec<Value> =
        (0..18).map(|n| experiment(&format!("e{n}"), json!({"when":{"segment": format!("s{n}")}}))).collect();
    let compiled = compiled(json!({"segments": segments, "experiments": experiments}));
    let refused = compiled.invalid.iter().filter(|entry| entry.kind == "experiment");
    assert_eq!(refused.map(|entry| entry.key.as_str()).collect::<Vec<_>>(), ["e0"]);
    let deepest = compiled.invalid.iter().find(|entry| entry.kind == "segment").unwrap();
    assert_eq!((&*deepest.key, &*deepest.reason), ("s0", "a chain of more than 16 segments"));
    let attributes = [USER, Attribute::text("x", "")];
    assert_eq!(reason(&compiled.bytes, "e1", &attributes), Reason::Assigned);
    assert_eq!(reason(&compiled.bytes, "e1", &[USER]), Reason::NotTargeted);
}

#[test]
fn what_leads_to_a_circle_of_segments_is_refused_used_or_not() {
    let segment = |key: &str, within: &str| json!({"key": key, "when": {"segment": within}});
    let segments =
        json!([segment("a", "b"), segment("b", "a"), segment("unused", "a"), segment("used", "unused")]);
    for experiments in [json!([]), json!([experiment("e", json!({"when":{"segment":"used"}}))])] {
        let compiled = compiled(json!({"segments": segments, "experiments": experiments}));
        let refused = compiled.invalid.iter().filter(|entry| entry.kind == "segment");
        let refused: Vec<&str> = refused.map(|entry| entry.key.as_str()).collect();
        assert_eq!(refused, ["a", "b", "unused", "used"], "{:?}", compiled.invalid);
    }
}

#[test]
fn groups_that_are_wrong_are_reported_once() {
    let compiled = compiled(json!({
        "segments": [{"key":"unused","when":{"attr":"x","op":"regex","value":"("}}, {"key":"fine","included":["a"]}],
        "layers": [{"key":"a:b"}],
        "holdouts": [{"key":"large","bp":6000,"mode":"paired","scope":"global"},
            {"key":"unit","unit":"city","bp":1,"scope":{"layers":["l"]}}, {"key":"odd","bp":1,"scope":"global","more":1}],
        "experiments": [experiment("one", json!({})), experiment("two", json!({}))],
    }));
    let invalid: Vec<_> = compiled.invalid.iter().map(|entry| (entry.kind, entry.key.as_str())).collect();
    assert_eq!(
        invalid,
        [("layer", "a:b"), ("holdout", "odd"), ("holdout", "large"), ("segment", "unused")],
        "{:?}",
        compiled.invalid
    );
    assert_eq!(reason(&compiled.bytes, "one", &[USER]), Reason::Assigned);
}

#[test]
fn pre_releases_stand_beside_any_number_of_values() {
    for count in [65_534, 65_535, 65_536, 70_000] {
        let values: Vec<String> = (0..count).map(|n| format!("{n:x}")).collect();
        let many: Vec<&[String]> = values.chunks(40_000).collect();
        let lists: Vec<Value> =
            many.iter().map(|values| json!({"attr":"list","op":"in","values":values})).collect();
        let version = |op: &str, value: &str| json!({"attr":"version","op":op,"value":value});
        let compiled = compiled(json!({"experiments": [
            experiment("listed", json!({"when":{"or": lists}})),
            experiment("beta", json!({"when": version("semver_gte", "2.3.0-beta.2")})),
            experiment("range", json!({"when": version("semver_in", "^2.3.0-beta.2")})),
            experiment("pattern", json!({"when":{"attr":"list","op":"regex","value":"^a+$"}})),
        ]}));
        assert_eq!(compiled.invalid, []);
        for (version, wanted) in [
            ("2.3.0-beta.1", Reason::NotTargeted),
            ("2.3.0-beta.11", Reason::Assigned),
            ("2.3.0", Reason::Assigned),
        ] {
            let attributes = [USER, Attribute::text("version", version), Attribute::text("list", "aaa")];
            for key in ["beta", "range"] {
                assert_eq!(reason(&compiled.bytes, key, &attributes), wanted, "{key} {version}");
            }
            assert_eq!(reason(&compiled.bytes, "listed", &attributes), Reason::Assigned);
            assert_eq!(reason(&compiled.bytes, "pattern", &attributes), Reason::Assigned);
        }
    }
}

#[test]
fn versions_of_any_size_are_compared_with_those_that_conditions_may_have() {
    let when = |op: &str, value: &str| json!({"when":{"attr":"x","op":op,"value":value}});
    let compiled = compiled(json!({"experiments": [
        experiment("above", when("semver_gt", "1.0.4294967294")),
        experiment("beyond", when("semver_gt", "1.0.4294967295")),
        experiment("range", when("semver_in", "1.0.20240115093000")),
    ]}));
    let refused: Vec<&str> = compiled.invalid.iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(refused, ["beyond", "range"]);
    assert!(compiled.invalid[0].reason.contains("below 2^32 - 1"), "{}", compiled.invalid[0]);
    for (version, wanted) in [
        ("1.0.4294967294", Reason::NotTargeted),
        ("1.0.4294967295", Reason::Assigned),
        ("1.0.99999999999999999999", Reason::Assigned),
        ("0.99999999999999999999.0", Reason::NotTargeted),
    ] {
        let attributes = [USER, Attribute::text("x", version)];
        assert_eq!(reason(&compiled.bytes, "above", &attributes), wanted, "{version}");
    }
}

#[test]
fn further_ranges_hold_their_buckets() {
    let ranges: Vec<[u16; 2]> = (0..1000).map(|n| [n * 10, n * 10 + 3]).collect();
    let layered = json!({"layer": "l", "ranges": ranges});
    let compiled = compiled(json!({"layers": [{"key":"l"}], "experiments": [experiment("e", layered)]}));
    let bundle = Bundle::open(&compiled.bytes).unwrap();
    let inside = |id: &str| kerf_core::hash::bucket(&format!("layer:l:{id}")) % 10 < 3;
    for id in (0..5000).map(|n| format!("user-{n}")) {
        let attributes = [Attribute::text("user_id", &id)];
        let decided = bundle.bind(&Context::new(&attributes, 0)).decide(bundle.find("e").unwrap());
        let wanted = if inside(&id) { Reason::Assigned } else { Reason::NotInRange };
        assert_eq!(decided.reason(), wanted, "{id}");
    }
}

#[test]
fn exclusions_of_a_holdout_count_for_all_that_it_applies_to() {
    let tests: Vec<Value> =
        (0..16_000).map(|n| json!({"attr":"x","op":"eq","value":format!("{n}")})).collect();
    let holdouts: Vec<Value> = (0..4)
        .map(|n| {
            json!({"key": format!("h{n}"), "bp": 5000, "scope": "global",
            "exclude": {"and": [{"or": tests}, {"attr":"y","op":"eq","value": format!("{n}")}]}})
        })
        .collect();
    let compiled = compiled(json!({"holdouts": holdouts,
        "experiments": [experiment("one", json!({})), experiment("two", json!({}))]}));
    let refused: Vec<&str> = compiled.invalid.iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(refused, ["one", "two"], "each of them could need four times 16,000 tests");
}

#[test]
fn what_a_tester_asks_for_needs_no_unit() {
    let two = json!({"variants": [{"key":"a","weight_bp":5000},{"key":"b","weight_bp":5000}]});
    let compiled = compiled(json!({"experiments": [experiment("e", two)]}));
    let bundle = Bundle::open(&compiled.bytes).unwrap();
    let handle = bundle.find("e").unwrap();
    let second = bundle.entry(handle).unwrap().variant_index("b").unwrap();
    let forced = [Forced { handle, variant: second }];
    let decision = bundle.bind(&Context::new(&[], 0).forced(&forced)).decide(handle);
    assert_eq!((decision.reason(), decision.variant_index()), (Reason::Override, Some(second)));
    assert_eq!(decision.exposure(), None);
}

/// A pause serves control to whom the experiment would take, a tester without a unit included.
#[test]
fn a_pause_changes_nothing_for_a_tester_without_a_unit() {
    for (state, reason) in [("running", Reason::Override), ("paused", Reason::Paused)] {
        let variants = json!([{"key":"off","weight_bp":5000},{"key":"on","weight_bp":5000}]);
        let compiled = compiled(json!({
            "experiments": [{"key":"e","state":state,"control":"off","variants":variants}],
            "flags": [{"key":"f","type":"boolean","off_variant":"off","default":"off",
                "variants":[{"key":"on","value":true},{"key":"off","value":false}],
                "rules":[{"id":"test","experiment":"e"},{"id":"all","serve":"on"}]}]}));
        assert_eq!(compiled.invalid, []);
        let bundle = Bundle::open(&compiled.bytes).unwrap();
        let handle = bundle.find("e").unwrap();
        let variant = bundle.entry(handle).unwrap().variant_index("off").unwrap();
        let forced = [Forced { handle, variant }];
        let decision = bundle.bind(&Context::new(&[], 0).forced(&forced)).decide(bundle.find("f").unwrap());
        assert_eq!((decision.reason(), decision.rule()), (reason, Some(0)), "{state}");
    }
}

/// What an entry that is refused would have needed is no work for those that need it.
#[test]
fn the_work_of_a_refused_entry_counts_for_nobody() {
    let many: Vec<Value> =
        (0..16_000).map(|n| json!({"attr":"x","op":"eq","value":format!("{n}")})).collect();
    let rule = |n: usize| json!({"id": format!("r{n}"), "when": {"not": {"and": many}}, "serve": "off"});
    let flag = |key: &str, rules: Vec<Value>, prerequisites: Value| {
        json!({"key":key,"type":"boolean","off_variant":"off","default":"off","rules":rules,"prerequisites":prerequisites,
            "variants":[{"key":"on","value":true},{"key":"off","value":false}]})
    };
    let mut rules: Vec<Value> = (0..3).map(rule).collect();
    rules.push(json!({"id":"last","serve":"nope"}));
    let bad = flag("bad", rules, json!([]));
    let good = flag("good", vec![rule(0)], json!([{"flag":"bad","variant":"on"}]));
    let compiled = compiled(json!({"flags": [bad, good]}));
    let refused: Vec<&str> = compiled.invalid.iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(refused, ["bad"], "{:?}", compiled.invalid);
}

/// Patterns and parts go through whole texts, so fewer of them fit into a decision, and what fits is decided.
#[test]
fn tests_of_whole_texts_are_bounded() {
    let decided = |op: &str, values: Vec<String>, text: &str| {
        let tests: Vec<Value> =
            values.iter().map(|value| json!({"attr":"x","op":op,"value":value})).collect();
        let compiled = compiled(json!({"experiments": [experiment("e", json!({"when": {"or": tests}}))]}));
        let reason = reason(&compiled.bytes, "e", &[USER, Attribute::text("x", text)]);
        let said = compiled.invalid.first().map(|entry| entry.reason.clone());
        assert_eq!(said.is_some(), reason == Reason::Invalid);
        (reason, said.unwrap_or_default())
    };
    let patterns = |n: usize| (0..n).map(|n| format!("(?:a?){{163}}a{{16{n}}}c")).collect();
    let text = "a".repeat(1024);
    assert_eq!(decided("regex", patterns(2), &text).0, Reason::NotTargeted);
    let (reason, said) = decided("regex", patterns(4), &text);
    assert!(reason == Reason::Invalid && said.contains("16384 is the most"), "{said}");
    let parts = |n: usize| (0..n).map(|n| format!("{n}{}", "a".repeat(100))).collect();
    assert_eq!(decided("contains", parts(900), &text).0, Reason::NotTargeted);
    assert_eq!(decided("contains", parts(1000), &text).0, Reason::Invalid);
    let long = |len: usize| format!("{}b", "a".repeat(len - 1));
    assert_eq!(decided("contains", vec!["ab".into()], &long(8192)).0, Reason::Assigned);
    assert_eq!(decided("contains", vec!["ab".into()], &long(8193)).0, Reason::NotTargeted);
}

/// Where the description of an attribute is damaged, its entries are, however many attributes a subject has room for.
#[test]
fn a_damaged_view_is_damage_for_every_subject() {
    let when = json!({"not": {"attr":"x","op":"eq","value":"y"}});
    let mut bytes = compiled(json!({"experiments": [experiment("e", json!({"when": when}))]})).bytes;
    let attributes = [USER, Attribute::text("x", "z")];
    assert_eq!(reason(&bytes, "e", &attributes), Reason::Assigned);
    let section =
        (0..).map(|section| 64 + 16 * section).find(|line| bytes[*line..line + 2] == [8, 0]).unwrap();
    let views =
        usize::try_from(u32::from_le_bytes(bytes[section + 4..section + 8].try_into().unwrap())).unwrap();
    for view in 0..2 {
        let place = views + 8 * view;
        let name: [u8; 4] = bytes[place..place + 4].try_into().unwrap();
        bytes[place..place + 4].fill(0xff);
        let bundle = Bundle::open(&bytes).unwrap();
        let (context, handle) = (Context::new(&attributes, 0), bundle.find("e").unwrap());
        let mut all = [Decision::EMPTY];
        bundle.bind_with::<0>(&context).decide_all(&mut all);
        let decisions = [
            bundle.bind_with::<0>(&context).decide(handle),
            bundle.bind_with::<1>(&context).decide(handle),
            bundle.bind(&context).decide(handle),
            all[0],
        ];
        assert_eq!(decisions.map(|decision| decision.reason()), [Reason::Invalid; 4], "view {view}");
        bytes[place..place + 4].copy_from_slice(&name);
    }
}

#[test]
fn any_number_of_attributes_is_looked_at() {
    let when = |n: usize| json!({"attr": format!("v{n}"), "op": "semver_gte", "value": "2.3.0"});
    let experiments: Vec<Value> =
        (0..254).map(|n| experiment(&format!("e{n}"), json!({"when": when(n)}))).collect();
    let compiled = compiled(json!({"experiments": experiments}));
    assert_eq!(compiled.invalid, []);
    let bundle = Bundle::open(&compiled.bytes).unwrap();
    let names: Vec<String> = (0..254).map(|n| format!("v{n}")).collect();
    let mut attributes = vec![USER];
    let version = |n: usize| if n.is_multiple_of(3) { "2.10" } else { "2.2" };
    attributes.extend(names.iter().enumerate().map(|(n, name)| Attribute::text(name, version(n))));
    let context = Context::new(&attributes, 0);
    let subject = bundle.bind(&context);
    let mut all = [Decision::EMPTY; 254];
    assert_eq!(subject.decide_all(&mut all), 254);
    for (n, key) in (0_usize..254).map(|n| (n, format!("e{n}"))) {
        let handle = bundle.find(&key).unwrap();
        let wanted = if n.is_multiple_of(3) { Reason::Assigned } else { Reason::NotTargeted };
        assert_eq!(
            (all[handle.index()].reason(), subject.decide(handle).reason()),
            (wanted, wanted),
            "{key}"
        );
    }
}

/// A flipped byte may name a variant that there is not: then the entry is damaged, and no such variant is given out.
#[test]
fn a_variant_beyond_the_last_is_damage() {
    let parts = json!({"experiments": [experiment("e", json!({"state":"killed"}))]});
    let mut bytes = compiled(parts).bytes;
    let entries =
        (0..).map(|section| 64 + 16 * section).find(|line| bytes[*line..line + 2] == [1, 0]).unwrap();
    let entry =
        usize::try_from(u32::from_le_bytes(bytes[entries + 4..entries + 8].try_into().unwrap())).unwrap();
    assert_eq!(reason(&bytes, "e", &[USER]), Reason::Killed);
    // The place of the control in an entry's record.
    bytes[entry + 27] = 200;
    assert_eq!(reason(&bytes, "e", &[USER]), Reason::Invalid);
}
