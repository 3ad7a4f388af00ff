//! The vectors: decisions as data, for this core in every form and for any other implementation.
//!
//! `vectors/*.json` holds bundles in the wire form, cases, and for each case `variant reason experiment`. What is stored was
//! worked out by the reference evaluator, not by the core. To write it anew after the catalogue has changed:
//! `KERF_WRITE_VECTORS=1 cargo test -p kerf-core --test vectors`.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::too_many_lines,
    clippy::needless_pass_by_value,
    reason = "tests stop at what should not be, and the catalogue is a table"
)]

#[path = "support/catalogue.rs"]
mod catalogue;
mod reference;
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use kerf_core::{Bundle, Reason, compile, wire};
use reference::{INVALID, Reference, Visit};
use serde_json::{Value, json};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

fn stored() -> Vec<(String, Value)> {
    let mut files: Vec<_> = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        (path.file_stem().unwrap().to_string_lossy().into_owned(), serde_json::from_str(&text).unwrap())
    };
    files.into_iter().map(read).collect()
}

fn visit(case: &Value) -> Visit {
    let pair = |pair: &Value| (pair[0].as_str().unwrap().to_owned(), pair[1].as_str().unwrap().to_owned());
    Visit {
        attributes: case["context"].clone(),
        now_ms: case["now_ms"].as_i64().unwrap(),
        consent: case["consent"].as_bool().unwrap_or(true),
        sticky: case["sticky"].as_array().into_iter().flatten().map(pair).collect(),
    }
}

/// What the reference says; the experiment of an exposure through a flag is the one that its rule names.
fn expected(bundle: &Value, case: &Value) -> (String, &'static str) {
    let key = case["key"].as_str().unwrap();
    let (variant, reason) = Reference::new(bundle).decide(key, &visit(case));
    (variant.unwrap_or_else(|| "-".to_owned()), reason)
}

#[test]
fn the_catalogue_is_what_is_stored() {
    for suite in catalogue::suites() {
        let decided = suite.cases.iter().map(|case| {
            let (variant, reason) = expected(&suite.bundle, case);
            let mut case = case.clone();
            case["expect"] = json!({"variant": variant, "reason": reason});
            case
        });
        let vectors = json!({"bundle": suite.bundle, "cases": decided.collect::<Vec<_>>()});
        let path = folder().join(format!("{}.json", suite.name));
        if std::env::var_os("KERF_WRITE_VECTORS").is_some() {
            let cases = vectors["cases"]
                .as_array()
                .unwrap()
                .iter()
                .map(Value::to_string)
                .collect::<Vec<_>>()
                .join(",\n");
            fs::write(&path, format!("{{\"bundle\":{},\n\"cases\":[\n{cases}\n]}}\n", vectors["bundle"]))
                .unwrap();
        }
        let stored: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(stored, vectors, "{} differs from the catalogue", suite.name);
    }
}

#[test]
fn the_core_decides_as_stored() {
    let mut count = 0;
    let mut reasons = BTreeSet::new();
    for (name, vectors) in stored() {
        let wire: wire::Bundle = serde_json::from_value(vectors["bundle"].clone()).unwrap();
        let compiled = compile(&wire).unwrap();
        let lists = ["experiments", "flags"].map(|list| vectors["bundle"][list].as_array());
        let said = lists.into_iter().flatten().flatten();
        let said = said.filter_map(|entry| entry["key"].as_str()).filter(|key| key.starts_with(INVALID));
        let found = compiled.invalid.iter().filter(|entry| matches!(entry.kind, "experiment" | "flag"));
        let found: BTreeSet<&str> = found.map(|entry| entry.key.as_str()).collect();
        assert_eq!(found, said.collect(), "{name}: {:?}", compiled.invalid);
        let bundle = Bundle::open(&compiled.bytes).unwrap();
        for case in vectors["cases"].as_array().unwrap() {
            let expect = &case["expect"];
            let decided = support::decide(&bundle, case);
            let wanted =
                format!("{} {} ", expect["variant"].as_str().unwrap(), expect["reason"].as_str().unwrap());
            assert!(decided.starts_with(&wanted), "{name}: {case} gave {decided}");
            reasons.insert(expect["reason"].as_str().unwrap().to_owned());
            count += 1;
        }
    }
    assert!(count >= 2000, "{count} vectors");
    let all: BTreeSet<String> = Reason::all().map(|reason| reason.as_str().to_owned()).collect();
    assert_eq!(reasons, all, "every reason has vectors");
}
