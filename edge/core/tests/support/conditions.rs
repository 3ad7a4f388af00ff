//! Suites of conditions: every operator, pattern and range of versions.

use serde_json::{Value, json};

use super::{Suite, bundle, case, user, variants};

/// One experiment for each condition, asked with every value.
pub(crate) fn operators() -> Suite {
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
        json!("1.0.20240115093000"),
        json!("99999999999999999999999.999999999999999999.99999999999999999"),
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
        json!({"attr":"x","op":"ip_in","values":["::/80","10.1.0.0/16"]}),
        json!({"attr":"x","op":"semver_gt","value":"1.0.4294967294"}),
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
pub(crate) fn patterns() -> Suite {
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
