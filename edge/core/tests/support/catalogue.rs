//! The bundles and cases of the vectors: every operator, state, rule and reason, and the edges of every range.

use serde_json::{Value, json};

#[path = "conditions.rs"]
mod conditions;

/// A bundle and what is asked of it.
pub(crate) struct Suite {
    pub(crate) name: &'static str,
    pub(crate) bundle: Value,
    pub(crate) cases: Vec<Value>,
}

/// 2026-11-25T04:00:00Z.
pub(crate) const NOW: i64 = 1_795_579_200_000;

pub(crate) fn suites() -> Vec<Suite> {
    vec![
        conditions::operators(),
        conditions::patterns(),
        buckets(),
        experiments(),
        flags(),
        holdouts(),
        invalid(),
    ]
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
            layered("without_ranges", json!([])),
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
    for key in ["half", "fifth", "nobody", "one", "first", "second", "third", "without_ranges"] {
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
        json!([["kept:3", "treatment"], ["kept:3", "control"]]),
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
            test("nav_paused_sticky", json!({"state":"paused","sticky":true,"traffic_bp":10,
                "overrides":[{"ids":["qa-1"],"variant":"on"}]})),
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
            with("paused_sticky_test", json!({"rules":[{"id":"test","experiment":"nav_paused_sticky"},{"id":"rest","serve":"on"}]})),
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
        let kept = json!([["nav_sticky", "on"], ["nav_paused_sticky", "on"]]);
        cases.push(json!({"key": key, "context": {"user_id":"user-1"}, "now_ms": NOW, "sticky": kept}));
    }
    let mut at = |key: &str, text: &dyn Fn(&str) -> String, wanted: &[u16]| {
        for bucket in wanted {
            let found = (0..).map(user).find(|id| kerf_core::hash::bucket(&text(id)) == *bucket);
            cases.push(case(key, json!({"user_id": found})));
            cases.push(case(key, json!({"device_id": found})));
        }
    };
    at("ramp", &|id| format!("ramp:ten:{id}"), &[0, 999, 1000, 9999]);
    for rule in ["half", "device"] {
        at("ramp", &|id| format!("ramp:{rule}:{id}"), &[0, 4999, 5000, 9999]);
        at("ramp", &|id| format!("ramp:{rule}:{id}:variant"), &[0, 4999, 5000, 9999]);
    }
    for key in ["held_test", "shipped_rule"] {
        at(key, &|id| format!("holdout:half:{id}"), &[0, 4999, 5000, 9999]);
    }
    at("tested", &|id| format!("nav_test:{id}"), &[0, 2999, 3000, 9999]);
    at("paused_test", &|id| format!("nav_paused:{id}"), &[0, 4999, 5000, 9999]);
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

/// Entries that cannot be compiled, and what becomes of those that have to do with them.
fn invalid() -> Suite {
    let flag = |key: &str, more: Value| {
        let mut flag = json!({"key": key, "type":"boolean","off_variant":"off","default":"off",
            "variants":[{"key":"on","value":true},{"key":"off","value":false}]});
        for (name, value) in more.as_object().unwrap() {
            flag[name] = value.clone();
        }
        flag
    };
    let requires = |key: &str| json!({"prerequisites": [{"flag": key, "variant": "off"}]});
    let bundle = bundle(json!({
        "experiments": [
            {"key":"invalid_field","variants":variants(),"wieght":1},
            {"key":"invalid_weights","variants":[{"key":"a","weight_bp":9000},{"key":"b","weight_bp":9000}]},
            {"key":"invalid_pattern","variants":variants(),"when":{"attr":"x","op":"regex","value":"("}},
            {"key":"invalid_layer","variants":variants(),"layer":"nowhere","ranges":[[0,1]]},
            {"key":"invalid_ranges","variants":variants(),"layer":"checkout","ranges":[[0,5000]],
                "when":{"attr":"x","op":"gt","value":"text"}},
            {"key":"beside_it","variants":variants(),"layer":"checkout","ranges":[[0,5000]]},
            {"key":"over","variants":variants(),"layer":"checkout","ranges":[[0,5000]],"state":"archived"},
            {"key":"invalid_segment","variants":variants(),"when":{"segment":"round"}},
            {"key":"invalid_holdout","variants":variants(),"holdouts":["invalid_size"]},
            {"key":"without_holdout","variants":variants()},
        ],
        "flags": [
            flag("invalid_circle", requires("invalid_circle_back")),
            flag("invalid_circle_back", requires("invalid_circle")),
            flag("needs_invalid", requires("invalid_circle")),
            flag("asks_invalid", json!({"rules":[{"id":"test","experiment":"invalid_field"},{"id":"rest","serve":"on"}]})),
        ],
        "layers": [{"key":"checkout"}],
        "segments": [{"key":"round","when":{"segment":"round"}}],
        "holdouts": [{"key":"invalid_size","bp":6000,"mode":"paired","scope":"global"}],
    }));
    let entries = ["experiments", "flags"].map(|list| bundle[list].as_array().unwrap());
    let keys: Vec<&str> = entries.into_iter().flatten().map(|entry| entry["key"].as_str().unwrap()).collect();
    let mut cases = Vec::new();
    for key in keys {
        for index in 0..8 {
            cases.push(case(key, json!({"user_id": user(index)})));
        }
    }
    Suite { name: "invalid", bundle, cases }
}
