//! The bundles and cases of the vectors: every operator, state, rule and reason, and the edges of every range.

use serde_json::{Value, json};

/// A bundle and what is asked of it.
pub(crate) struct Suite {
    pub(crate) name: &'static str,
    pub(crate) bundle: Value,
    pub(crate) cases: Vec<Value>,
}

/// 2026-11-25T04:00:00Z.
pub(crate) const NOW: i64 = 1_795_579_200_000;

pub(crate) fn suites() -> Vec<Suite> {
    vec![operators(), patterns(), buckets(), experiments(), flags(), holdouts()]
}

fn variants() -> Value {
    json!([{"key":"control","weight_bp":5000,"value":{"c":"blue"}},{"key":"treatment","weight_bp":5000,"value":{"c":"green"}}])
}

fn bundle(mut parts: Value) -> Value {
    for (name, value) in [("format", json!(1)), ("environment", json!("vectors")), ("version", json!(7))] {
        parts[name] = value;
    }
    parts["created"] = json!("2026-11-25T04:00:00Z");
    parts
}

fn case(key: &str, context: Value) -> Value {
    json!({"key": key, "context": context, "now_ms": NOW})
}

fn user(index: usize) -> String {
    format!("user-{index:08}")
}

/// One experiment for each condition, asked with every value.
fn operators() -> Suite {
    let values = [
        json!(null),
        json!(""),
        json!("DE"),
        json!("de"),
        json!("Deutschland"),
        json!("Österreich"),
        json!("user@kerf.dev"),
        json!("USER@KERF.DEV"),
        json!("22"),
        json!(22),
        json!(21),
        json!(21.5),
        json!(-1),
        json!(0),
        json!(1e300),
        json!(true),
        json!(false),
        json!("2.3.0"),
        json!("v2.3"),
        json!("2.3.0-beta.2"),
        json!("2.3.0-beta.11"),
        json!("2.3.0+b7"),
        json!("2.10.0"),
        json!("3"),
        json!("2.3.0.1"),
        json!("02.3.0"),
        json!("1.0.4294967295"),
        json!("1.0.4294967296"),
        json!("10.1.2.3"),
        json!("10.2.0.0"),
        json!("::ffff:10.1.2.3"),
        json!("2001:db8::1"),
        json!("fe80::1"),
        json!("999.1.1.1"),
        json!("2026-11-25T04:00:00Z"),
        json!("2026-11-25T05:00:00+01:00"),
        json!("2026-11-25T04:00:00.000001Z"),
        json!("2026-11-24T22:30:00-05:30"),
        json!("2026-02-30T00:00:00Z"),
        json!(1_795_579_200_000_i64),
        json!("1234567"),
        json!("12345678"),
        json!(["DE"]),
        json!({"a": 1}),
    ];
    let conditions = [
        json!({"attr":"x","op":"exists"}),
        json!({"not":{"attr":"x","op":"exists"}}),
        json!({"attr":"x","op":"eq","value":"DE"}),
        json!({"attr":"x","op":"eq","value":"DE","ignore_case":true}),
        json!({"attr":"x","op":"eq","value":"Deutschland"}),
        json!({"attr":"x","op":"eq","value":""}),
        json!({"attr":"x","op":"eq","value":22}),
        json!({"attr":"x","op":"eq","value":true}),
        json!({"attr":"x","op":"neq","value":"DE"}),
        json!({"attr":"x","op":"neq","value":21.5}),
        json!({"attr":"x","op":"in","values":["DE","FR","1234567"]}),
        json!({"attr":"x","op":"in","values":["Deutschland","Österreich","12345678","DE"]}),
        json!({"attr":"x","op":"in","values":["de","user@kerf.dev"],"ignore_case":true}),
        json!({"attr":"x","op":"in","values":["A","B","C","D","E","F","G","H","I","DE"]}),
        json!({"attr":"x","op":"in","values":[0,21,1e300]}),
        json!({"attr":"x","op":"not_in","values":["DE","FR"]}),
        json!({"attr":"x","op":"not_in","values":[22]}),
        json!({"attr":"x","op":"gt","value":21}),
        json!({"attr":"x","op":"gte","value":21}),
        json!({"attr":"x","op":"lt","value":21.5}),
        json!({"attr":"x","op":"lte","value":0}),
        json!({"attr":"x","op":"starts_with","value":"D"}),
        json!({"attr":"x","op":"starts_with","values":["user@","2."]}),
        json!({"attr":"x","op":"starts_with","value":"d","ignore_case":true}),
        json!({"attr":"x","op":"ends_with","value":"@kerf.dev"}),
        json!({"attr":"x","op":"ends_with","value":"@kerf.dev","ignore_case":true}),
        json!({"attr":"x","op":"contains","value":"kerf"}),
        json!({"attr":"x","op":"contains","value":"sterrei"}),
        json!({"attr":"x","op":"contains","value":""}),
        json!({"attr":"x","op":"contains","values":["LAND","kerf"],"ignore_case":true}),
        json!({"attr":"x","op":"semver_eq","value":"2.3.0"}),
        json!({"attr":"x","op":"semver_gt","value":"2.3.0"}),
        json!({"attr":"x","op":"semver_gte","value":"2.3.0-beta.11"}),
        json!({"attr":"x","op":"semver_lt","value":"2.3.0-beta.11"}),
        json!({"attr":"x","op":"semver_lte","value":"2.3"}),
        json!({"attr":"x","op":"date_gt","value":"2026-11-25T04:00:00Z"}),
        json!({"attr":"x","op":"date_gte","value":"2026-11-25T05:00:00+01:00"}),
        json!({"attr":"x","op":"date_lt","value":"2026-11-25T04:00:00.000001Z"}),
        json!({"attr":"x","op":"date_lte","value":"2026-11-25T04:00:00Z"}),
        json!({"attr":"x","op":"ip_in","values":["10.1.0.0/16"]}),
        json!({"attr":"x","op":"ip_in","values":["2001:db8::/32","10.2.0.0"]}),
        json!({"attr":"x","op":"ip_in","values":["::/0"]}),
        json!({"and":[{"attr":"x","op":"exists"},{"attr":"x","op":"neq","value":"DE"}]}),
        json!({"or":[{"attr":"x","op":"gt","value":21},{"attr":"x","op":"starts_with","value":"2."}]}),
        json!({"not":{"or":[{"attr":"x","op":"gt","value":21},{"attr":"x","op":"eq","value":"DE"}]}}),
        json!({"or":[{"not":{"attr":"x","op":"exists"}},{"attr":"x","op":"lt","value":0}]}),
        json!({"and":[]}),
        json!({"or":[]}),
        json!({"and":[{"attr":"x","op":"exists"},{"not":{"attr":"x","op":"eq","value":"DE"}},{"not":{"attr":"x","op":"eq","value":22}},
                      {"not":{"attr":"x","op":"eq","value":true}},{"attr":"country","op":"in","values":["DE","FR"]}]}),
        json!({"segment":"staff"}),
        json!({"not":{"segment":"staff"}}),
        json!({"segment":"outer"}),
    ];
    let experiments: Vec<Value> = conditions
        .iter()
        .enumerate()
        .map(|(index, when)| json!({"key": format!("condition_{index:02}"), "variants": variants(), "when": when}))
        .collect();
    let mut cases = Vec::new();
    for index in 0..experiments.len() {
        for (place, value) in values.iter().enumerate() {
            let mut context = json!({"user_id": user(place), "country": "FR"});
            if !value.is_null() {
                context["x"] = value.clone();
            }
            cases.push(case(&format!("condition_{index:02}"), context));
        }
    }
    for id in ["u1", "u2", "u3"] {
        for key in ["condition_49", "condition_50", "condition_51"] {
            for x in ["DE", "user@kerf.dev"] {
                cases.push(case(key, json!({"user_id": id, "x": x})));
            }
        }
    }
    cases.push(case("condition_49", json!({"x": "user@kerf.dev"})));
    let segments = json!([
        {"key":"staff","included":["u1"],"excluded":["u2"],"when":{"attr":"x","op":"ends_with","value":"@kerf.dev"}},
        {"key":"outer","included":["u2"],"when":{"and":[{"segment":"staff"},{"attr":"x","op":"exists"}]}}
    ]);
    Suite {
        name: "operators",
        bundle: bundle(json!({"experiments": experiments, "segments": segments})),
        cases,
    }
}

/// One experiment for each pattern and each range of versions, asked with every text.
fn patterns() -> Suite {
    let texts = [
        "",
        "a",
        "abc",
        "aéc",
        "a日c",
        "abbbc",
        "foo12",
        "bar1234",
        "x2026y",
        "٢٠٢٦",
        "a_1@kerf.dev",
        "ä@kerf.dev",
        "a cat sat",
        "concat",
        "STRAßE",
        "aaab",
        "line one\nline two",
        "1.2.2",
        "1.2.3-rc",
        "1.2.3-rc.2",
        "1.2.3",
        "1.2.99",
        "1.3.0-0",
        "1.3.0",
        "v1.9.9+b",
        "2.0.0-0",
        "2.0.0-beta",
        "2.0.0",
        "2.3.9",
        "2.4.0",
        "0.0.3",
        "0.0.4",
        "0.2.9",
        "0.3.0",
        "0.0.0-0",
        "4294967295.0.0",
    ];
    let expressions = [
        "^a.c$",
        "b+",
        "^(foo|bar)[0-9]{2,3}$",
        r"\d{4}",
        r"^\w+@kerf\.dev$",
        r"\bcat\b",
        "(?i)straße",
        "[^a-z]",
        "^$",
        "(a*)*b",
        "x{0}y?z",
        "(?m)^line two$",
        r"a\sc",
        "^[[:alpha:]]+$",
        "",
        "é|日",
    ];
    let ranges = [
        "^1.2.3",
        "^0.2.3",
        "^0.0.3",
        "^0.0",
        "^0",
        "~1.2.3",
        "~1",
        "1.2.x",
        "1",
        "*",
        ">1.2",
        "<=1.2",
        "<1.2",
        ">=1.2.3 <2 || =3.0.0",
        "1.2 - 2.3",
        "1.2.3 - 2.0.0",
        ">=1.2.3-rc.1",
        "=1.2.3",
        "v1.2.3",
        "1.2.3 || 2.0.0",
        "<=2 >=1.3",
    ];
    let conditions = expressions.iter().map(|pattern| json!({"attr":"x","op":"regex","value":pattern}));
    let conditions =
        conditions.chain(ranges.iter().map(|range| json!({"attr":"x","op":"semver_in","value":range})));
    let conditions = conditions.chain([
        json!({"not":{"attr":"x","op":"regex","values":["^a","^b"]}}),
        json!({"not":{"attr":"x","op":"semver_in","values":["^1","~2.3"]}}),
    ]);
    let experiments: Vec<Value> = conditions
        .enumerate()
        .map(|(index, when)| json!({"key": format!("pattern_{index:02}"), "variants": variants(), "when": when}))
        .collect();
    let mut cases = Vec::new();
    for index in 0..experiments.len() {
        let key = format!("pattern_{index:02}");
        for (place, text) in texts.iter().enumerate() {
            cases.push(case(&key, json!({"user_id": user(place), "x": text})));
        }
        for value in [json!({}), json!({"x": 1}), json!({"x": true}), json!({"x": "a".repeat(1025)})] {
            let mut context = value;
            context["user_id"] = json!("user-1");
            cases.push(case(&key, context));
        }
    }
    Suite { name: "patterns", bundle: bundle(json!({"experiments": experiments})), cases }
}

/// The units whose buckets lie at the edges of gates, ranges and cumulative weights.
fn buckets() -> Suite {
    let layered = |key: &str, ranges: Value| {
        json!({"key": key, "layer": "checkout", "ranges": ranges, "variants": [
            {"key":"a","weight_bp":3333},{"key":"b","weight_bp":3333},{"key":"c","weight_bp":3333}]})
    };
    let bundle = bundle(json!({
        "experiments": [
            {"key":"half","traffic_bp":5000,"variants":variants()},
            {"key":"fifth","salt":"fifth:2","traffic_bp":2000,"variants":[
                {"key":"a","weight_bp":1},{"key":"b","weight_bp":2499},{"key":"c","weight_bp":0},{"key":"d","weight_bp":2500},
                {"key":"e","weight_bp":2500},{"key":"f","weight_bp":2500}]},
            {"key":"nobody","traffic_bp":0,"variants":variants()},
            {"key":"one","traffic_bp":1,"variants":[{"key":"only","weight_bp":10000}]},
            layered("first", json!([[0, 1000]])),
            layered("second", json!([[1000, 2000], [5000, 5001], [9999, 10000]])),
            layered("third", json!([[2000, 5000], [5001, 9000]])),
        ],
        "layers": [{"key":"checkout"}],
    }));
    let mut cases = Vec::new();
    let mut at = |text: &dyn Fn(&str) -> String, wanted: &[u16], key: &str| {
        for bucket in wanted {
            let found = (0..).map(user).find(|id| kerf_core::hash::bucket(&text(id)) == *bucket);
            cases.push(case(key, json!({"user_id": found})));
        }
    };
    at(&|id| format!("half:{id}"), &[0, 1, 4998, 4999, 5000, 5001, 9999], "half");
    at(&|id| format!("half:{id}:variant"), &[0, 4999, 5000, 9999], "half");
    at(&|id| format!("fifth:2:{id}"), &[0, 1999, 2000, 9999], "fifth");
    at(&|id| format!("fifth:2:{id}:variant"), &[0, 1, 2499, 2500, 4999, 5000, 7499, 7500, 9999], "fifth");
    at(&|id| format!("one:{id}"), &[0, 1], "one");
    for key in ["first", "second", "third"] {
        let edges = [0, 999, 1000, 1999, 2000, 4999, 5000, 5001, 8999, 9000, 9998, 9999];
        at(&|id| format!("layer:checkout:{id}"), &edges, key);
        at(&|id| format!("{key}:{id}:variant"), &[0, 3332, 3333, 6665, 6666, 9999], key);
    }
    let ids = [
        "a",
        "ab",
        "abc",
        "abcd",
        "abcde",
        "é",
        "e\u{301}",
        "日本語",
        "0",
        "00000000-0000-4000-8000-000000000000",
        " ",
        "A",
    ];
    for key in ["half", "fifth", "nobody", "one", "first", "second", "third"] {
        for id in ids {
            cases.push(case(key, json!({"user_id": id})));
        }
        for id in [
            json!(42),
            json!(42.0),
            json!("42"),
            json!(-0.0),
            json!(1.5),
            json!(1e21),
            json!(1e300),
            json!(true),
            json!(""),
        ] {
            cases.push(case(key, json!({"user_id": id})));
        }
        cases.push(case(key, json!({"user_id": "x".repeat(40)})));
        cases.push(case(key, json!({"user_id": "x".repeat(41)})));
        cases.push(case(key, json!({"user_id": "x".repeat(1000)})));
    }
    Suite { name: "buckets", bundle, cases }
}

fn experiments() -> Suite {
    let flag = json!({"key":"gate","type":"boolean","off_variant":"off","default":"off","variants":[
        {"key":"on","value":true},{"key":"off","value":false}],
        "rules":[{"id":"de","when":{"attr":"country","op":"eq","value":"DE"},"serve":"on"}]});
    let with = |key: &str, more: Value| {
        let mut experiment = json!({"key": key, "variants": variants()});
        for (name, value) in more.as_object().unwrap() {
            experiment[name] = value.clone();
        }
        experiment
    };
    let bundle = bundle(json!({"flags": [flag], "experiments": [
        with("paused", json!({"state":"paused"})),
        with("killed", json!({"state":"killed"})),
        with("archived", json!({"state":"archived"})),
        with("shipped", json!({"state":"shipped","shipped":"treatment","when":{"attr":"country","op":"eq","value":"DE"}})),
        with("last_control", json!({"control":"treatment","traffic_bp":100})),
        with("scheduled", json!({"schedule":{"start":"2026-11-25T04:00:00Z","end":"2026-11-25T05:00:00.0005Z"}})),
        with("needs", json!({"prerequisites":[{"flag":"gate","variant":"on"}]})),
        with("free", json!({"consent":false})),
        with("listed", json!({"traffic_bp":0,"overrides":[{"ids":["qa-1","7"],"variant":"treatment"},{"ids":["qa-2","qa-1"],"variant":"control"}]})),
        with("kept", json!({"sticky":true,"salt":"kept:3","traffic_bp":100})),
        with("login", json!({"fallback_unit":"anonymous_id"})),
        with("by_city", json!({"unit":"city"})),
        with("periods", json!({"switchback":{"period_ms":3_600_000}})),
        with("city_periods", json!({"switchback":{"period_ms":60_000,"by":"city"},"overrides":[{"ids":["qa-1"],"variant":"treatment"}]})),
    ]}));
    let keys: Vec<String> = bundle["experiments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["key"].as_str().unwrap().to_owned())
        .collect();
    let contexts = [
        json!({"user_id":"user-1","country":"DE","city":"Berlin"}),
        json!({"user_id":"user-2","country":"FR","city":"Paris"}),
        json!({"anonymous_id":"anon-1","country":"DE"}),
        json!({"user_id":"","anonymous_id":"anon-2"}),
        json!({"user_id":"qa-1"}),
        json!({"user_id":"qa-2","city":"Köln"}),
        json!({"user_id":7}),
        json!({}),
    ];
    let moments = [NOW, NOW - 1, NOW + 3_600_000, NOW + 3_600_001, -1, 0];
    let kept = [
        json!([]),
        json!([["kept:3", "treatment"]]),
        json!([["kept:2", "treatment"]]),
        json!([["other", "x"], ["kept:3", "gone"]]),
    ];
    let mut cases = Vec::new();
    for key in &keys {
        for context in &contexts {
            for moment in moments {
                cases.push(json!({"key": key, "context": context, "now_ms": moment}));
            }
            cases.push(json!({"key": key, "context": context, "now_ms": NOW, "consent": false}));
            for kept in &kept {
                cases.push(json!({"key": key, "context": context, "now_ms": NOW, "sticky": kept}));
            }
        }
    }
    Suite { name: "experiments", bundle, cases }
}

fn flags() -> Suite {
    let boolean = json!([{"key":"on","value":true},{"key":"off","value":false}]);
    let with = |key: &str, more: Value| {
        let mut flag =
            json!({"key": key, "type":"boolean","off_variant":"off","default":"off","variants": boolean});
        for (name, value) in more.as_object().unwrap() {
            flag[name] = value.clone();
        }
        flag
    };
    let german = json!({"attr":"country","op":"eq","value":"DE"});
    let both = json!([{"key":"on","weight_bp":5000},{"key":"off","weight_bp":5000}]);
    let test = |key: &str, more: Value| {
        let mut experiment = json!({"key": key, "variants": both, "control": "off"});
        for (name, value) in more.as_object().unwrap() {
            experiment[name] = value.clone();
        }
        experiment
    };
    let bundle = bundle(json!({
        "experiments": [
            test("nav_test", json!({"traffic_bp":3000})),
            test("nav_paused", json!({"state":"paused","traffic_bp":5000,"when":german})),
            test("nav_held", json!({"holdouts":["half"],"traffic_bp":5000})),
            test("nav_sticky", json!({"sticky":true,"traffic_bp":10})),
        ],
        "holdouts": [{"key":"half","bp":5000}],
        "flags": [
            with("plain", json!({})),
            with("dead", json!({"enabled":false,"rules":[{"id":"all","serve":"on"}]})),
            with("all_on", json!({"rules":[{"id":"all","serve":"on"}]})),
            with("targeted", json!({"rules":[{"id":"de","when":german,"serve":"on"},{"id":"rest","when":{"attr":"age","op":"gte","value":18},"serve":"off"}]})),
            with("ramp", json!({"rules":[{"id":"ten","rollout":{"bp":1000,"variants":[{"key":"on","weight_bp":10000}]}},
                {"id":"half","rollout":{"bp":5000,"variants":both}},{"id":"device","rollout":{"bp":5000,"unit":"device_id","variants":both}}]})),
            with("tested", json!({"rules":[{"id":"test","experiment":"nav_test"},{"id":"de","when":german,"serve":"on"}]})),
            with("paused_test", json!({"rules":[{"id":"test","experiment":"nav_paused"},{"id":"rest","serve":"on"}]})),
            with("held_test", json!({"rules":[{"id":"test","experiment":"nav_held"},{"id":"rest","serve":"on"}]})),
            with("sticky_test", json!({"rules":[{"id":"test","experiment":"nav_sticky"}]})),
            with("shipped_rule", json!({"rules":[{"id":"won","serve":"on","holdouts":["half"]}]})),
            with("needs_on", json!({"prerequisites":[{"flag":"targeted","variant":"on"}],"default":"on"})),
            with("needs_chain", json!({"prerequisites":[{"flag":"needs_on","variant":"on"},{"flag":"all_on","variant":"on"}],"rules":[{"id":"all","serve":"on"}]})),
            with("seasonal", json!({"schedule":{"start":"2026-11-25T04:00:00Z"},"default":"on"})),
            with("over", json!({"schedule":{"end":"2026-11-25T04:00:00Z"},"default":"on"})),
            with("listed_flag", json!({"overrides":[{"ids":["qa-1"],"variant":"on"}]})),
            {"key":"text","type":"string","off_variant":"a","default":"b","variants":[{"key":"a","value":"A\"\n"},{"key":"b","value":"ü"}]},
            {"key":"number","type":"number","off_variant":"a","default":"a","variants":[{"key":"a","value":1.50}]},
            {"key":"json","type":"json","off_variant":"a","default":"a","variants":[{"key":"a","value":{"z":[1,null],"a":{}}}]},
        ],
    }));
    let keys: Vec<String> = bundle["flags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|flag| flag["key"].as_str().unwrap().to_owned())
        .collect();
    let mut cases = Vec::new();
    for key in &keys {
        for index in 0..16 {
            let country = ["DE", "FR"][index % 2];
            let context = json!({"user_id": user(index), "device_id": format!("d{index}"), "country": country, "age": 10 + index});
            cases.push(case(key, context));
        }
        for context in [json!({}), json!({"device_id":"d1","country":"DE"}), json!({"user_id":"qa-1"})] {
            cases.push(case(key, context.clone()));
            cases.push(json!({"key": key, "context": context, "now_ms": NOW - 1, "consent": false}));
        }
        cases.push(json!({"key": key, "context": {"user_id":"user-1"}, "now_ms": NOW, "sticky": [["nav_sticky","on"]]}));
    }
    Suite { name: "flags", bundle, cases }
}

fn holdouts() -> Suite {
    let bundle = bundle(json!({
        "holdouts": [
            {"key":"global","bp":1000,"scope":"global","exclude":{"attr":"staff","op":"eq","value":true}},
            {"key":"twice","bp":2000,"mode":"paired"},
            {"key":"layered","bp":3000,"mode":"paired","scope":{"layers":["nav"]}},
        ],
        "layers": [{"key":"nav"}],
        "experiments": [
            {"key":"plain","variants":variants()},
            {"key":"named","variants":variants(),"holdouts":["twice"]},
            {"key":"in_layer","variants":variants(),"layer":"nav","ranges":[[0,5000]]},
            {"key":"done","variants":variants(),"state":"shipped","shipped":"treatment","holdouts":["twice"]},
            {"key":"other_unit","unit":"city","variants":variants()},
        ],
        "flags": [{"key":"won","type":"boolean","off_variant":"off","default":"off","variants":[{"key":"on","value":true},{"key":"off","value":false}],
            "rules":[{"id":"won","serve":"on","shipped":true,"holdouts":["twice"]}]}],
    }));
    let mut cases = Vec::new();
    for key in ["plain", "named", "in_layer", "done", "other_unit", "won"] {
        for index in 0..24 {
            cases.push(case(key, json!({"user_id": user(index), "city": "Berlin", "staff": index % 3 == 0})));
        }
        for (holdout, edges) in [
            ("global", vec![0, 999, 1000]),
            ("twice", vec![0, 1999, 2000, 3999, 4000]),
            ("layered", vec![2999, 3000, 5999, 6000]),
        ] {
            for edge in edges {
                let at_edge =
                    |id: &String| kerf_core::hash::bucket(&format!("holdout:{holdout}:{id}")) == edge;
                cases.push(case(key, json!({"user_id": (0..).map(user).find(at_edge)})));
            }
        }
    }
    Suite { name: "holdouts", bundle, cases }
}
