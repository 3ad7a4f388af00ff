//! The JSON form as text: numbers exact, what cannot be read invalid alone, what compiles read back, and what is wrong said with
//! its place.

#![expect(
    clippy::unwrap_used,
    reason = "tests stop at what should not be"
)]

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
