//! Bundles as a whole: invalid entries, adoption, kept assignments, patterns, older formats, no allocation.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "tests stop at what should not be"
)]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use kerf_core::adopt::{self, AdoptError, Pointer, SigningKey, cookie};
use kerf_core::sticky::StickyEntry;
use kerf_core::{Attribute, Bundle, Compiled, Context, Decision, Forced, OpenError, Reason, compile, wire};
use serde_json::{Value, json};

fn compiled(parts: Value) -> Compiled {
    let mut bundle =
        json!({"format":1,"environment":"production","version":7,"created":"2026-11-25T04:00:00Z"});
    for (name, value) in parts.as_object().unwrap() {
        bundle[name] = value.clone();
    }
    compile(&serde_json::from_value::<wire::Bundle>(bundle).unwrap()).unwrap()
}

fn halves() -> Value {
    json!([{"key":"control","weight_bp":5000},{"key":"treatment","weight_bp":5000}])
}

#[test]
fn an_invalid_entry_disables_its_key_and_says_why() {
    for (entry, reason) in [
        (json!({"key":"bad","variants":[]}), "at least one is needed"),
        (json!({"key":"bad","variants":halves(),"colour":1}), "unknown field `colour`"),
        (json!({"key":"bad","variants":[{"key":"a","weight_bp":4000}]}), "add up to 4000"),
        (json!({"key":"bad","variants":halves(),"salt":"other"}), "salt"),
        (json!({"key":"bad","variants":halves(),"layer":"gone","ranges":[[0,1]]}), "no layer \"gone\""),
        (
            json!({"key":"bad","variants":halves(),"layer":"l","ranges":[[0,600]]}),
            "overlaps a range of \"good\"",
        ),
        (json!({"key":"bad","variants":halves(),"when":{"attr":"x","op":"regex","value":"("}}), "pattern"),
        (json!({"key":"bad","variants":halves(),"when":{"attr":"x","op":"gt","value":"2.0"}}), "semver_*"),
        (json!({"key":"bad","variants":halves(),"when":{"segment":"a"}}), "a -> b -> a"),
        (
            json!({"key":"bad","variants":halves(),"prerequisites":[{"flag":"x","variant":"on"}]}),
            "no flag \"x\"",
        ),
        (json!({"key":"bad","variants":halves(),"holdouts":["none"]}), "no holdout \"none\""),
        (json!({"key":"bad","variants":halves(),"state":"shipped"}), "which variant"),
        (json!({"key":"good","variants":halves()}), "used twice"),
    ] {
        let good = json!({"key":"good","variants":halves(),"layer":"l","ranges":[[500,1000]]});
        let compiled = compiled(json!({
            "experiments": [good, {"key":"fine","variants":halves()}, entry],
            "layers": [{"key":"l"}],
            "segments": [{"key":"a","when":{"segment":"b"}},{"key":"b","when":{"segment":"a"}}],
        }));
        let bundle = Bundle::open(&compiled.bytes).unwrap();
        let key = entry["key"].as_str().unwrap();
        let invalid = compiled.invalid.iter().find(|invalid| invalid.key == key).unwrap();
        assert!(invalid.reason.contains(reason), "{invalid} should say {reason:?}");
        let handle = bundle.find(key).unwrap();
        assert_eq!(bundle.entry(handle).unwrap().invalid_reason(), Some(&*invalid.reason));
        let attributes = [Attribute::text("user_id", "user-1")];
        let context = Context::new(&attributes, 0);
        let decision = bundle.bind(&context).decide(handle);
        assert_eq!((decision.reason(), decision.variant_index()), (Reason::Invalid, None));
        let fine = bundle.bind(&context).decide(bundle.find("fine").unwrap());
        assert_eq!(fine.reason(), Reason::Assigned, "the others are not touched");
    }
}

#[test]
fn prerequisites_in_a_circle_are_refused() {
    let flag = |key: &str, needs: &str| {
        json!({"key":key,"type":"boolean","off_variant":"on","default":"on","variants":[{"key":"on","value":true}],
            "prerequisites":[{"flag":needs,"variant":"on"}]})
    };
    let compiled = compiled(json!({"flags":[flag("a","b"), flag("b","c"), flag("c","a")]}));
    assert_eq!(compiled.invalid.len(), 3);
    assert!(compiled.invalid[0].reason.contains("a -> b -> c -> a"), "{}", compiled.invalid[0]);
}

#[test]
fn hashed_ids_decide_like_the_ids_themselves() {
    let mut wire: wire::Bundle = serde_json::from_value(json!({
        "format":1,"environment":"production","version":7,"created":"2026-11-25T04:00:00Z",
        "experiments":[{"key":"e","traffic_bp":0,"variants":halves(),"overrides":[{"ids":["qa-1"],"variant":"treatment"}]}]}))
    .unwrap();
    let plain = compile(&wire).unwrap().bytes;
    wire.hash_ids();
    let text = serde_json::to_string(&wire).unwrap();
    assert!(!text.contains("qa-1"));
    assert_eq!(compile(&serde_json::from_str(&text).unwrap()).unwrap().bytes, plain);
}

/// What is given out must not decide where the binary form does not.
#[test]
fn an_id_that_is_refused_stays_refused_when_ids_are_hashed() {
    for id in [json!(""), json!({"hash":"0123456789abcdef"}), json!({"hash":"x"})] {
        let mut wire: wire::Bundle = serde_json::from_value(json!({
            "format":1,"environment":"production","version":7,"created":"2026-11-25T04:00:00Z",
            "experiments":[{"key":"e","variants":halves(),"overrides":[{"ids":[id],"variant":"treatment"}]},
                {"key":"s","variants":halves(),"when":{"segment":"s"}},
                {"key":"t","variants":halves(),"when":{"segment":"t"}}],
            "segments":[{"key":"s","included":[id,"u1"]},{"key":"t","include":["u1"]}]}))
        .unwrap();
        let refused = |wire: &wire::Bundle| -> Vec<String> {
            compile(wire).unwrap().invalid.into_iter().map(|entry| entry.key).collect()
        };
        let before = refused(&wire);
        assert_eq!(before.len(), 5, "{id}: {before:?}");
        wire.hash_ids();
        assert_eq!(refused(&wire), before, "{id}");
        let read = serde_json::from_str(&serde_json::to_string(&wire).unwrap()).unwrap();
        assert_eq!(refused(&read), before, "{id}, read back");
    }
}

#[test]
fn adoption_names_every_fault() {
    let bytes = compiled(json!({"experiments":[{"key":"e","variants":halves()}]})).bytes;
    let bundle = Bundle::open(&bytes).unwrap();
    let key = SigningKey::from_bytes(&[7; 32]);
    let keys = [SigningKey::from_bytes(&[8; 32]).public(), key.public()];
    let text = Pointer::to(&bundle, &bytes, 1000).sign(&key);
    let verify = |text: &str| {
        adopt::verify_pointer(text.as_bytes(), &keys, "production", None, 2000).map(|pointer| pointer.version)
    };
    assert_eq!(verify(&text), Ok(7));
    assert_eq!(verify(&text.replace("version 7", "version 8")), Err(AdoptError::BadSignature));
    assert_eq!(verify(&text.replace("pointer 1", "pointer 2")), Err(AdoptError::UnknownPointerVersion));
    assert_eq!(verify(text.split("signature").next().unwrap()), Err(AdoptError::Unsigned));
    assert_eq!(verify("<html>"), Err(AdoptError::Malformed { line: 1 }));
    let pointer = adopt::verify_pointer(text.as_bytes(), &keys, "production", None, 2000).unwrap();
    let other = adopt::verify_pointer(text.as_bytes(), &keys, "staging", None, 2000);
    assert_eq!(other, Err(AdoptError::WrongEnvironment));
    let early = adopt::verify_pointer(text.as_bytes(), &keys, "production", None, 999);
    assert_eq!(early, Err(AdoptError::NotYet { not_before_ms: 1000, now_ms: 999 }));
    let newer = Pointer { not_before_ms: 1500, ..pointer };
    let replayed = adopt::verify_pointer(text.as_bytes(), &keys, "production", Some(&newer), 2000);
    assert_eq!(replayed, Err(AdoptError::Older { offered_ms: 1000, held_ms: 1500 }));
    assert!(adopt::verify_bundle(&pointer, &bytes).is_ok());
    let (cut, mut altered) = (&bytes[..bytes.len() - 1], bytes.clone());
    altered[200] ^= 1;
    let fault = |bytes: &[u8]| adopt::verify_bundle(&pointer, bytes).map(|_| ()).unwrap_err();
    assert_eq!(fault(cut).code(), "bundle_truncated");
    assert_eq!(fault(&altered), AdoptError::Altered);
    let other = compiled(json!({})).bytes;
    let wrong =
        Pointer { version: 9, sha256: adopt::content_hash(&other), size: other.len() as u64, ..pointer };
    assert_eq!(
        adopt::verify_bundle(&wrong, &other).map(|_| ()),
        Err(AdoptError::OtherBundle { pointer: 9, bundle: 7 })
    );
    assert_eq!(Pointer::to(&bundle, &bytes, 0).bundle_name().len(), "7-".len() + 12);
}

#[test]
fn an_unknown_format_is_refused() {
    let mut bytes = compiled(json!({})).bytes;
    (bytes[4], bytes[12]) = (9, 9);
    let refused = OpenError::UnknownFormat { format: 9, min_reader: 9 };
    assert_eq!(Bundle::open(&bytes).map(|_| ()), Err(refused));
    assert_eq!(refused.code(), "unknown_format");
    (bytes[4], bytes[12]) = (9, 1);
    assert!(Bundle::open(&bytes).is_ok(), "a newer format that says that readers of this one understand it");
    (bytes[4], bytes[12]) = (0, 0);
    assert_eq!(Bundle::open(&bytes).map(|_| ()), Err(OpenError::UnknownFormat { format: 0, min_reader: 0 }));
}

#[test]
fn a_sticky_cookie_belongs_to_its_visitor() {
    let entries = [StickyEntry::of("checkout", "treatment"), StickyEntry::of("nav:2", "control")];
    let mut text = String::new();
    cookie::write(&mut text, b"key", "visitor-1", &entries).unwrap();
    let mut read = [StickyEntry::EMPTY; 4];
    assert_eq!(cookie::read(&text, b"key", "visitor-1", &mut read), Ok(2));
    assert_eq!(&read[..2], entries);
    for (key, subject) in [(&b"other"[..], "visitor-1"), (b"key", "visitor-2")] {
        assert_eq!(cookie::read(&text, key, subject, &mut read), Err(cookie::CookieError::BadSignature));
    }
    assert!(cookie::read(&text.replacen('1', "2", 1), b"key", "visitor-1", &mut read).is_err());
}

#[test]
fn an_assignment_is_kept_over_login_and_bundles() {
    let bytes = |traffic: u16| {
        compiled(json!({"experiments":[{"key":"e","fallback_unit":"anonymous_id","sticky":true,"traffic_bp":traffic,"variants":halves()}]})).bytes
    };
    let (first, second) = (bytes(10_000), bytes(0));
    let (first, second) = (Bundle::open(&first).unwrap(), Bundle::open(&second).unwrap());
    let anonymous = [Attribute::text("anonymous_id", "a-1")];
    let context = Context::new(&anonymous, 0);
    let before = first.bind(&context).decide(first.find("e").unwrap());
    let kept = [first.sticky_entry(&before).unwrap()];
    let known = [Attribute::text("anonymous_id", "a-1"), Attribute::text("user_id", "u-1")];
    let context = Context::new(&known, 0).sticky(&kept);
    let after = second.bind(&context).decide(second.find("e").unwrap());
    assert_eq!((after.reason(), after.variant_index()), (Reason::Sticky, before.variant_index()));
    let forced = [Forced {
        handle: after.handle(),
        variant: second.entry(after.handle()).unwrap().variant_index("treatment").unwrap(),
    }];
    let context = Context::new(&known, 0).forced(&forced);
    let decision = second.bind(&context).decide(after.handle());
    assert_eq!((decision.reason(), decision.exposure()), (Reason::Override, None));
}

/// What the patterns match was read off the documentation of the `regex` crate and of JavaScript's classes, by hand.
#[test]
fn patterns() {
    for (pattern, matching, other) in [
        ("^a.c$", &["abc", "aéc", "a日c"][..], &["ac", "abbc", "xabc"][..]),
        ("b+", &["abbbc", "b"], &["", "ac"]),
        ("^(foo|bar)[0-9]{2,3}$", &["foo12", "bar123"], &["foo1", "bar1234", "baz12"]),
        (r"\d{4}", &["x2026y"], &["202", "٢٠٢٦"]),
        (r"^\w+@kerf\.dev$", &["a_1@kerf.dev"], &["ä@kerf.dev", "a@kerfxdev"]),
        (r"\bcat\b", &["a cat sat", "cat"], &["concat", "cats"]),
        ("(?i)straße", &["STRAßE", "Straße"], &["strasse"]),
        ("[^a-z]", &["aBc", "é"], &["abc", ""]),
        ("^$", &[""], &["a"]),
        ("(a*)*b", &["aaab", "b"], &["aaaa"]),
        ("x{0}y?z", &["z", "yz"], &["x"]),
        (r"a\B.", &["ab"], &["a b"]),
        (r"^.\B.$", &["ab", "éé"], &["aé"]),
        (r"^[^a]\Ba$", &[], &["éa"]),
    ] {
        let compiled = compiled(
            json!({"experiments":[{"key":"e","variants":halves(),"when":{"attr":"x","op":"regex","value":pattern}}]}),
        );
        assert_eq!(compiled.invalid, [], "{pattern}");
        let bundle = Bundle::open(&compiled.bytes).unwrap();
        let reason = |text: &str| {
            let attributes = [Attribute::text("user_id", "u"), Attribute::text("x", text)];
            let context = Context::new(&attributes, 0);
            bundle.bind(&context).decide(bundle.find("e").unwrap()).reason()
        };
        for text in matching {
            assert_eq!(reason(text), Reason::Assigned, "{pattern} should match {text:?}");
        }
        for text in other {
            assert_eq!(reason(text), Reason::NotTargeted, "{pattern} should not match {text:?}");
        }
        assert_eq!(reason(&"b".repeat(1025)), Reason::NotTargeted, "a text that is too long is unknown");
    }
}

/// The vectors of a suite.
fn vectors(name: &str) -> Value {
    let path = format!("{}/vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A suite's bundle as it is compiled today.
fn bytes_of(vectors: &Value) -> Vec<u8> {
    compile(&serde_json::from_value(vectors["bundle"].clone()).unwrap()).unwrap().bytes
}

/// Every decision is the one that the vectors say. How many there were: what came to the vectors later has no entry in a sample.
fn assert_decides(bundle: &Bundle<'_>, vectors: &Value, what: &str) -> usize {
    let cases = vectors["cases"].as_array().unwrap().iter();
    let known = |case: &&Value| bundle.find(case["key"].as_str().unwrap()).is_some();
    let cases: Vec<_> = cases.filter(known).collect();
    for case in &cases {
        let expect = &case["expect"];
        let wanted =
            format!("{} {} ", expect["variant"].as_str().unwrap(), expect["reason"].as_str().unwrap());
        let decided = support::decide(bundle, case);
        assert!(decided.starts_with(&wanted), "{what}: {case} gave {decided}");
    }
    cases.len()
}

/// Samples of each format stay as they were written. Those that a format does not have yet are written by
/// `KERF_WRITE_SAMPLES=1 cargo test -p kerf-core --test bundles`.
#[test]
fn stored_bundles_stay_readable() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors");
    let today = compiled(json!({})).bytes;
    let today = Bundle::open(&today).unwrap().format();
    for name in ["buckets", "experiments", "flags", "holdouts", "operators", "patterns"] {
        let vectors = vectors(name);
        for format in 1..=today {
            let path = format!("{folder}/format-{format}/{name}.krfb");
            let absent = format == today && !std::fs::exists(&path).unwrap();
            if absent && std::env::var_os("KERF_WRITE_SAMPLES").is_some() {
                std::fs::create_dir_all(format!("{folder}/format-{format}")).unwrap();
                std::fs::write(&path, bytes_of(&vectors)).unwrap();
            }
            let bytes = std::fs::read(&path).unwrap();
            let bundle = Bundle::open(&bytes).unwrap();
            assert_eq!(bundle.format(), format);
            // The writer of that sample took IPv4 addresses to lie in `::/0`.
            let mut vectors = vectors.clone();
            vectors["cases"].as_array_mut().unwrap().retain(|case| case["key"] != "condition_41");
            assert!(assert_decides(&bundle, &vectors, &path) > 90, "{path}: most vectors are older than it");
        }
    }
}

/// The bundle as a writer would have it whose records of some kinds have other lengths: longer ones, with fields that this reader does
/// not know, or shorter ones, without those that it added.
fn with_strides(bytes: &[u8], stride_of: impl Fn(u16, u16) -> u16) -> Vec<u8> {
    let u16_at = |place: usize| u16::from_le_bytes(bytes[place..place + 2].try_into().unwrap());
    let u32_at = |place: usize| {
        usize::try_from(u32::from_le_bytes(bytes[place..place + 4].try_into().unwrap())).unwrap()
    };
    let sections = usize::from(u16_at(6));
    let mut file = bytes[..64 + 16 * sections].to_vec();
    for index in 0..sections {
        let line = 64 + 16 * index;
        let (kind, old, offset, count) = (u16_at(line), u16_at(line + 2), u32_at(line + 4), u32_at(line + 8));
        let new = stride_of(kind, old);
        let start = u32::try_from(file.len()).unwrap();
        for record in bytes[offset..offset + usize::from(old) * count].chunks(usize::from(old)) {
            let mut record = record.to_vec();
            record.resize(usize::from(new), 0xa5);
            file.extend(record);
        }
        file[line + 2..line + 4].copy_from_slice(&new.to_le_bytes());
        file[line + 4..line + 8].copy_from_slice(&start.to_le_bytes());
    }
    let len = u32::try_from(file.len()).unwrap();
    file[8..12].copy_from_slice(&len.to_le_bytes());
    file
}

#[test]
fn records_may_be_longer_or_shorter_than_today() {
    // Words, children, strings, ids and references are lists of plain values and have one length for ever.
    let plain = [3, 5, 6, 13, 18, 19, 20];
    for name in ["buckets", "experiments", "flags", "holdouts", "operators"] {
        let vectors = vectors(name);
        let bytes = bytes_of(&vectors);
        let longer =
            with_strides(&bytes, |kind, stride| if plain.contains(&kind) { stride } else { stride + 8 });
        // An extension without the places of texts and of a switchback's attribute, which only one suite has.
        let shorter =
            with_strides(&bytes, |kind, stride| if kind == 2 && name != "experiments" { 56 } else { stride });
        for bytes in [longer, shorter] {
            let bundle = Bundle::open(&bytes).unwrap();
            assert_decides(&bundle, &vectors, name);
        }
        let too_short = with_strides(&bytes, |kind, stride| if kind == 1 { 56 } else { stride });
        assert!(
            matches!(Bundle::open(&too_short), Err(OpenError::Section { .. })),
            "entries are never shorter"
        );
    }
}

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

#[expect(unsafe_code, reason = "an allocator is unsafe to write; it only counts")]
// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn nothing_is_allocated_from_bytes_to_decisions() {
    for name in ["experiments", "flags", "operators", "patterns"] {
        let vectors = vectors(name);
        let bytes = bytes_of(&vectors);
        let mut decisions = vec![Decision::EMPTY; 200];
        for case in vectors["cases"].as_array().unwrap().iter().take(400) {
            let attributes = support::attributes(&case["context"]);
            let key = case["key"].as_str().unwrap();
            let before = ALLOCATIONS.with(Cell::get);
            let bundle = Bundle::open(&bytes).unwrap();
            let context = Context::new(&attributes, 1_795_579_200_000);
            let subject = bundle.bind(&context);
            let decision = subject.decide(bundle.find(key).unwrap());
            let _ = bundle.variant(&decision).map(|variant| (variant.key(), variant.value()));
            subject.decide_all(&mut decisions);
            assert_eq!(ALLOCATIONS.with(Cell::get) - before, 0, "{case}");
        }
    }
}
