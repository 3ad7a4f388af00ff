//! The JSON form as text: numbers exact, what cannot be read invalid alone, what compiles read back, and what is wrong said with
//! its place.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests stop at what should not be")]

use kerf_core::{Attribute, Bundle, Context, Reason, compile, wire};

const VARIANTS: &str = r#"[{"key":"control","weight_bp":10000}]"#;

/// A bundle with these lists, given as JSON text.
fn read(lists: &str) -> wire::Bundle {
    let header = r#""format":1,"environment":"production","version":1,"created":"2026-11-25T04:00:00Z""#;
    serde_json::from_str(&format!("{{{header},{lists}}}")).unwrap()
}

fn reason(bytes: &[u8], key: &str, attributes: &[Attribute<'_>]) -> Reason {
    let bundle = Bundle::open(bytes).unwrap();
    bundle.bind(&Context::new(attributes, 0)).decide(bundle.find(key).unwrap()).reason()
}

#[test]
fn numbers_are_read_exactly() {
    for text in ["9.072245435601365", "0.30000000000000004", "5e-324", "1.7976931348623157e308"] {
        let wire = read(&format!(
            r#""experiments":[{{"key":"e","variants":{VARIANTS},"when":{{"attr":"x","op":"eq","value":{text}}}}}],
            "flags":[{{"key":"f","type":"number","off_variant":"on","default":"on","variants":[{{"key":"on","value":{text}}}]}}]"#
        ));
        let bytes = compile(&wire).unwrap().bytes;
        let number: f64 = text.parse().unwrap();
        let attributes = [Attribute::text("user_id", "user-1"), Attribute::number("x", number)];
        assert_eq!(reason(&bytes, "e", &attributes), Reason::Assigned, "{text}");
        let bundle = Bundle::open(&bytes).unwrap();
        let decision = bundle.bind(&Context::new(&attributes, 0)).decide(bundle.find("f").unwrap());
        let served = bundle.variant(&decision).unwrap().value().unwrap().to_string();
        assert_eq!(served.parse(), Ok(number), "{text}");
    }
}

/// What is invalid in an experiment with these members, beside others that are not touched.
fn refusal(members: &str) -> String {
    let compiled = compile(&read(&format!(
        r#""experiments":[{{"key":"before","variants":{VARIANTS}}},{{"key":"bad",{members}}},{{"key":"after","variants":{VARIANTS}}}]"#
    )))
    .unwrap();
    let user = [Attribute::text("user_id", "user-1")];
    for (key, wanted) in [("before", Reason::Assigned), ("bad", Reason::Invalid), ("after", Reason::Assigned)]
    {
        assert_eq!(reason(&compiled.bytes, key, &user), wanted, "{key}: {:?}", compiled.invalid);
    }
    assert_eq!(compiled.invalid.len(), 1, "{:?}", compiled.invalid);
    compiled.invalid[0].to_string()
}

/// Members of an experiment, and what is wrong with them.
const WRONG: &[(&str, &str)] = &[
    (
        r#""variants":[{"key":"a","weight_bp":5000},{"key":"b","weight_bp":"5000"}]"#,
        r#"variants[1].weight_bp: invalid type: string "5000", expected a whole number from 0 to 10000"#,
    ),
    (
        r#""variants":[{"key":"a","weight_bp":70000}]"#,
        "variants[0].weight_bp: invalid value: integer `70000`, expected a whole number from 0 to 10000",
    ),
    (
        r#""variants":[{"key":"a","weigth_bp":1}]"#,
        "variants[0].weigth_bp: unknown field `weigth_bp`, expected one of `key`, `weight_bp`, `value`",
    ),
    (r#""variants":[{"key":"a"}]"#, "variants[0]: missing field `weight_bp`"),
    (r#""variants":["a"]"#, r#"variants[0]: invalid type: string "a", expected an object"#),
    (r#""variants":{"a":1}"#, "variants: invalid type: object, expected an array"),
    (
        r#""variants":[{"key":"a","weight_bp":1,"value":[1,1e400]}]"#,
        "variants[0].value[1]: number out of range: 1.7976931348623157e308 is the most",
    ),
    (
        r#""variants":[{"key":"a","weight_bp":1,"value":"\ud800"}]"#,
        "variants[0].value: unexpected end of hex escape",
    ),
    (
        r#""traffic_bp":0.5"#,
        "traffic_bp: invalid type: floating point `0.5`, expected a whole number from 0 to 10000",
    ),
    (r#""consent":null"#, "consent: invalid type: null, expected a boolean"),
    (
        r#""state":"runing""#,
        "state: unknown value `runing`, expected one of `running`, `paused`, `shipped`, `killed`, `archived`",
    ),
    (r#""state":null"#, "state: invalid type: null, expected a string or an object"),
    (r#""ranges":[[0]]"#, "ranges[0]: invalid length 1, expected an array of length 2"),
    (
        r#""switchback":{"period_ms":-1}"#,
        "switchback.period_ms: invalid value: integer `-1`, expected a whole number",
    ),
    (
        r#""overrides":[{"ids":[5],"variant":"control"}]"#,
        r#"overrides[0].ids[0]: an id is a string, or {"hash": "16 hex digits"}"#,
    ),
    (
        r#""overrides":[{"ids":["a",{"hash":5}],"variant":"control"}]"#,
        r#"overrides[0].ids[1]: an id is a string, or {"hash": "16 hex digits"}"#,
    ),
    (
        r#""when":{"attr":"country","op":"in","values":"DE"}"#,
        r#"when.values: invalid type: string "DE", expected an array"#,
    ),
    (
        r#""when":{"and":[{"attr":"a","op":"exists"},{"not":{"attr":"x","op":"eqq","value":1}}]}"#,
        "when.and[1].not.op: unknown operator `eqq`, expected one of `eq`, `neq`, `in`, `not_in`, `gt`, `gte`, `lt`, `lte`, \
             `starts_with`, `ends_with`, `contains`, `regex`, `semver_eq`, `semver_gt`, `semver_gte`, `semver_lt`, `semver_lte`, \
             `semver_in`, `date_gt`, `date_gte`, `date_lt`, `date_lte`, `ip_in`, `exists`",
    ),
    (r#""when":{"or":[{"attr":"a","op":5}]}"#, "when.or[0].op: invalid type: integer `5`, expected a string"),
    (
        r#""when":{"or":[{"attr":"a"}]}"#,
        r#"when.or[0]: a condition is exactly one of {"and"}, {"or"}, {"not"}, {"segment"} or {"attr", "op"}"#,
    ),
    (
        r#""when":{"attr":"a","op":"eq","value":1e400}"#,
        "when.value: number out of range: 1.7976931348623157e308 is the most",
    ),
];

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (members, wanted) in WRONG {
        let members = if members.starts_with(r#""variants""#) {
            (*members).to_owned()
        } else {
            format!(r#""variants":{VARIANTS},{members}"#)
        };
        assert_eq!(refusal(&members), format!("experiment \"bad\": {wanted}"));
    }
}

#[test]
fn what_has_no_key_is_named_by_its_place() {
    let wire = read(
        r#""experiments":[5,{},{"key":5},[],{"key":"\ud800"},{"key":"","variants":1}],"flags":[null],
        "segments":[{"key":"s","included":[1]},{"key":3}],"layers":["l"],
        "holdouts":[{"bp":1},{"key":"h","bp":1,"mode":"x"},{"key":"g","bp":1,"scope":{"layers":[1]}}]"#,
    );
    let invalid: Vec<String> = compile(&wire).unwrap().invalid.iter().map(ToString::to_string).collect();
    assert_eq!(
        invalid,
        [
            r#"segment "s": included[0]: an id is a string, or {"hash": "16 hex digits"}"#,
            "segment \"\": segments[1]: key: invalid type: integer `3`, expected a string",
            r#"layer "": layers[0]: invalid type: string "l", expected an object"#,
            r#"holdout "": holdouts[0]: missing field `key`"#,
            "holdout \"h\": mode: unknown value `x`, expected `simple` or `paired`",
            "holdout \"g\": scope.layers[0]: invalid type: integer `1`, expected a string",
            "experiment \"\": experiments[0]: invalid type: integer `5`, expected an object",
            "experiment \"\": experiments[1]: missing field `key`",
            "experiment \"\": experiments[2]: key: invalid type: integer `5`, expected a string",
            "experiment \"\": experiments[3]: invalid length 0, expected an object",
            "experiment \"\": experiments[4]: key: unexpected end of hex escape",
            "experiment \"\": experiments[5]: variants: invalid type: integer `1`, expected an array",
            "flag \"\": flags[0]: invalid type: null, expected an object",
        ]
    );
}

/// A condition with so many levels of `and`, `or` and, at every third, `not`.
fn nested(levels: usize) -> String {
    let (mut open, mut close) = (String::new(), String::new());
    for level in 0..levels {
        if level % 3 == 2 {
            open += r#"{"not":"#;
            close.insert(0, '}');
        } else {
            let name = if level % 3 == 0 { "and" } else { "or" };
            open += &format!(r#"{{"{name}":[{{"attr":"v{level}","op":"exists"}},"#);
            close.insert_str(0, "]}");
        }
    }
    format!(r#"{open}{{"attr":"x","op":"in","values":["y"]}}{close}"#)
}

#[test]
fn a_condition_nested_too_deep_is_invalid_alone() {
    let written = "\"and\", \"or\" and \"not\" nested more than 48 deep: move a part to a segment";
    for (levels, wanted) in [
        (49, written),
        (70, written),
        (90, "nested too deep: 127 levels of JSON are the most"),
        (20_000, "nested too deep: 127 levels of JSON are the most"),
    ] {
        let members = format!(r#""variants":{VARIANTS},"when":{}"#, nested(levels));
        assert_eq!(refusal(&members), format!("experiment \"bad\": when: {wanted}"), "{levels}");
    }
}

#[test]
fn what_compiles_is_read_back_from_its_text() {
    let and = |condition| wire::Condition::And(vec![wire::Condition::Segment("s".into()), condition]);
    let mut deepest: wire::Condition =
        serde_json::from_str(r#"{"attr":"x","op":"in","values":["y"]}"#).unwrap();
    for _ in 0..48 {
        deepest = and(deepest);
    }
    // A rule's condition stands deepest in its entry.
    let mut wire = read(&format!(
        r#""segments":[{{"key":"s","excluded":["u"],"when":{}}}],
        "flags":[{{"key":"f","type":"boolean","off_variant":"on","default":"on","variants":[{{"key":"on","value":true}}],
            "rules":[{{"id":"r","serve":"on"}}]}}]"#,
        nested(28)
    ));
    for (condition, invalid) in [(deepest.clone(), 0), (and(deepest), 1)] {
        let wire::Lenient::Valid(flag) = &mut wire.flags[0] else { panic!("a flag") };
        flag.rules[0].when = Some(condition);
        let compiled = compile(&wire).unwrap();
        assert_eq!(compiled.invalid.len(), invalid, "{:?}", compiled.invalid);
        let again: wire::Bundle = serde_json::from_str(&serde_json::to_string(&wire).unwrap()).unwrap();
        assert_eq!(again, wire);
        assert_eq!(compile(&again).unwrap(), compiled);
    }
}

#[test]
fn what_cannot_be_read_stays_invalid_when_it_is_passed_on() {
    let lists = r#""segments":[{"key":"s","x":1e400}],"layers":[{"key":"l","x":1e400}],"experiments":[{"key":"e","x":1e400},{"x":1e400}]"#;
    let wire = read(lists);
    let text = serde_json::to_string(&wire).unwrap();
    let keys = |wire: &wire::Bundle| -> Vec<_> {
        compile(wire).unwrap().invalid.into_iter().map(|entry| (entry.kind, entry.key)).collect()
    };
    assert_eq!(keys(&wire).len(), 4);
    assert_eq!(keys(&serde_json::from_str(&text).unwrap()), keys(&wire));
}

#[test]
fn every_reader_of_serde_json_reads_a_bundle() {
    let wire = read(&format!(
        r#""experiments":[{{"key":"e","variants":{VARIANTS},"when":{}}},{{"key":"bad"}},{{}}]"#,
        nested(10)
    ));
    let text = serde_json::to_string(&wire).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::from_slice::<wire::Bundle>(text.as_bytes()).unwrap(), wire);
    assert_eq!(serde_json::from_reader::<_, wire::Bundle>(text.as_bytes()).unwrap(), wire);
    assert_eq!(serde_json::from_value::<wire::Bundle>(value).unwrap(), wire);
}
