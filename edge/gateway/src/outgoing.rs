//! What a proxied request and its answer get from the edge.

use std::fmt::Write as _;

use kerf_core::{Bundle, Decision, Kind, Reason, VariantValue};

/// Prefix of the headers that are the edge's alone; a client's own are removed before the request is forwarded.
pub const REQUEST_HEADER_PREFIX: &str = "kerf-";

/// Largest `Kerf-Assignments`, bytes: common servers take 8 KiB of headers in all.
const LARGEST_ASSIGNMENTS: usize = 6 * 1024;

/// What to change on the way to the origin and back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outgoing {
    /// Headers to set on the request to the origin, after all `Kerf-*` of the client were removed.
    pub request_headers: Vec<(&'static str, String)>,
    /// `Set-Cookie` to append to the answer.
    pub set_cookie: Option<String>,
}

/// The RFC 8941 dictionary of what was decided: experiments that the unit is in, and flags that something switched.
///
/// What is not in it is control or the default. A dictionary that would be too large ends before the entry that does not
/// fit, and with `kerf-truncated=?1`, so that an origin can tell.
pub(crate) fn assignments(bundle: &Bundle<'_>, decisions: &[Decision]) -> String {
    let mut text = String::new();
    for decision in decisions.iter().filter(|decision| is_told(decision.reason())) {
        let Some(member) = member(bundle, decision) else { continue };
        if text.len() + member.len() + 2 > LARGEST_ASSIGNMENTS {
            text.push_str(", kerf-truncated=?1");
            break;
        }
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(&member);
    }
    text
}

const fn is_told(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::Assigned
            | Reason::Sticky
            | Reason::Override
            | Reason::Shipped
            | Reason::Static
            | Reason::Targeted
            | Reason::Rollout
    )
}

/// `key=variant`; a boolean flag is `key=?1` or `key=?0`.
fn member(bundle: &Bundle<'_>, decision: &Decision) -> Option<String> {
    let entry = bundle.entry(decision.handle())?;
    let variant = bundle.variant(decision)?;
    let mut text = entry.key().to_owned();
    text.push('=');
    match (entry.kind(), variant.value()) {
        (Kind::BooleanFlag, Some(VariantValue::Boolean(value))) => {
            text.push_str(if value { "?1" } else { "?0" });
        }
        _ => write_item(&mut text, variant.key()?),
    }
    Some(text)
}

/// A bare item: a token where the text is one, else a string. What neither can hold is `%`-escaped into a string.
fn write_item(out: &mut String, text: &str) {
    if is_token(text) {
        out.push_str(text);
        return;
    }
    out.push('"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => {
                out.push('\\');
                out.push(char::from(byte));
            }
            b' '..=b'~' => out.push(char::from(byte)),
            _ => {
                // Writing to a String cannot fail.
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out.push('"');
}

/// A token of RFC 8941, section 3.3.4.
fn is_token(text: &str) -> bool {
    let mut bytes = text.bytes();
    let first = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'*');
    first && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&byte))
}

/// An id as the value of a header: visible ASCII as it is, everything else `%`-escaped.
pub(crate) fn header_value(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_graphic() && byte != b'%' {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_tokens_or_strings() {
        for (text, item) in [
            ("treatment", "treatment"),
            ("*a/b:c", "*a/b:c"),
            ("2nd", "\"2nd\""),
            ("", "\"\""),
            ("blue green", "\"blue green\""),
            ("say \"hi\" \\", "\"say \\\"hi\\\" \\\\\""),
            ("größe", "\"gr%C3%B6%C3%9Fe\""),
        ] {
            let mut out = String::new();
            write_item(&mut out, text);
            assert_eq!(out, item);
        }
    }

    #[test]
    fn header_values_hold_no_line_break() {
        assert_eq!(header_value("u-1@kerf.dev"), "u-1@kerf.dev");
        assert_eq!(header_value("a\r\nSet-Cookie: x"), "a%0D%0ASet-Cookie:%20x");
        assert_eq!(header_value("100%"), "100%25");
    }
}
