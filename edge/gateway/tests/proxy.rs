//! What a proxied request gets.

mod support;

use kerf_gateway::{Gateway, Outgoing, Visit};
use support::{edge, header, page, proxied, settings};

const ID: &str = "0123456789abcdef0123456789abcdef";

fn known() -> Visit {
    page(Some(&format!("kerf_id={ID}")))
}

#[test]
fn the_origin_is_told_what_was_decided_and_the_collector_who_saw_it() {
    let (gateway, _) = edge();
    let (outgoing, events) = proxied(&gateway, &known());
    let told = header(&outgoing, "kerf-assignments").unwrap();
    let mut members: Vec<_> = told.split(", ").collect();
    members.sort_unstable();
    // mmh3 5.3.1: hash("everybody:0123456789abcdef0123456789abcdef:variant") mod 10000 is 947, below 5000.
    assert_eq!(members[0], "everybody=control");
    assert_eq!(members[1..], ["new_nav=?1"], "{told}");
    assert_eq!(header(&outgoing, "kerf-unit"), Some(ID));
    assert_eq!(header(&outgoing, "kerf-bundle"), Some("7"));
    assert_eq!(outgoing.set_cookie, None);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["experiment_id"], "everybody");
    assert_eq!(events[0]["variant"], "control");
    assert_eq!(events[0]["user_id"], ID);
    assert_eq!(events[0]["context"], serde_json::json!({"country": "DE", "platform": "web"}));
}

#[test]
fn a_new_visitor_gets_a_cookie_and_keeps_its_variant() {
    let (gateway, _) = edge();
    let (first, _) = proxied(&gateway, &page(None));
    let cookie = first.set_cookie.clone().unwrap();
    let (id, attributes) = cookie.split_once(';').unwrap();
    assert_eq!(attributes, " Path=/; Max-Age=34560000; SameSite=Lax; Secure");
    let (second, _) = proxied(&gateway, &page(Some(id)));
    assert_eq!(second.set_cookie, None);
    assert_eq!(header(&second, "kerf-assignments"), header(&first, "kerf-assignments"));
    assert_eq!(header(&second, "kerf-unit"), id.strip_prefix("kerf_id="));
}

#[test]
fn a_cookie_that_is_no_id_of_ours_is_replaced() {
    let (gateway, _) = edge();
    for cookie in ["kerf_id=x", "kerf_id=0123456789ABCDEF0123456789ABCDEF", "kerf_id=\"; Path=/"] {
        assert!(proxied(&gateway, &page(Some(cookie))).0.set_cookie.is_some(), "{cookie}");
    }
}

#[test]
fn a_signed_in_user_is_the_unit() {
    let (mut gateway, _) = edge();
    gateway.settings.user_id_cookie = Some("uid".into());
    let (outgoing, events) = proxied(&gateway, &page(Some(&format!("kerf_id={ID}; uid=u-1"))));
    assert_eq!(header(&outgoing, "kerf-unit"), Some("u-1"));
    assert_eq!(events[0]["user_id"], "u-1");
    gateway.settings.user_id_header = Some("x-user".into());
    let visit = Visit { user_id_header: Some("u-2".into()), ..page(Some("uid=u-1")) };
    assert_eq!(header(&proxied(&gateway, &visit).0, "kerf-unit"), Some("u-2"));
}

#[test]
fn without_consent_there_is_no_id_no_experiment_and_no_event() {
    let (mut gateway, _) = edge();
    let refused = Visit { privacy_control: Some("1".into()), ..known() };
    gateway.settings.consent_cookie = Some("consent".into());
    for visit in [refused, known(), page(Some("consent=0"))] {
        let (outgoing, events) = proxied(&gateway, &visit);
        assert_eq!(header(&outgoing, "kerf-assignments"), Some("new_nav=?1"));
        assert_eq!(header(&outgoing, "kerf-unit"), None);
        assert_eq!((outgoing.set_cookie, events.len()), (None, 0));
    }
    let agreed = page(Some(&format!("consent=granted; kerf_id={ID}")));
    assert_eq!(proxied(&gateway, &agreed).1.len(), 1);
}

#[test]
fn without_a_bundle_nothing_is_added() {
    let gateway = Gateway::new(settings());
    assert_eq!(proxied(&gateway, &page(None)), (Outgoing::default(), Vec::new()));
}
