//! Which bundles are served, on both platforms: a better one replaces the last, a bad one never does.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, also in its helpers"
)]

use kerf_tests::edge::{Edge, PAGE, Platform, Published, wire};
use kerf_tests::on_both_platforms;
use reqwest::StatusCode;
use serde_json::json;

on_both_platforms!(
    without_a_bundle_every_visitor_gets_the_page_and_control,
    a_bad_bundle_is_refused_by_name_and_the_last_good_one_stays,
    a_bad_bundle_at_the_start_is_refused_and_the_page_served,
    a_new_bundle_and_a_rollback_are_served,
);

/// Serves a page; the bundle that the origin was told of.
async fn served(edge: &Edge) -> Option<String> {
    let response = edge.get("/page").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.text().await.unwrap(), PAGE);
    edge.site.last().header("kerf-bundle").map(str::to_owned)
}

async fn without_a_bundle_every_visitor_gets_the_page_and_control(platform: Platform) {
    let edge = Edge::start(platform).await;
    assert_eq!(served(&edge).await, None);
    let request = edge.client().get(format!("{}/page", edge.url)).header("kerf-unit", "planted");
    let response = request.send().await.unwrap();
    assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2, "the site's own");
    assert!(edge.site.last().headers.keys().all(|name| !name.as_str().starts_with("kerf-")));
    let health = edge.until(|health| health["last_refusal"]["code"] == "no_pointer").await;
    assert_eq!(health["bundle_version"], json!(null));
    let answer = edge.get("/api/v1/experiments/everybody/assignment?user_id=u").await;
    assert_eq!(answer.status(), StatusCode::OK);
    let answer: serde_json::Value = answer.json().await.unwrap();
    assert_eq!((&answer["variant"], &answer["reason"]), (&json!("control"), &json!("no_bundle")));
}

/// Ways to publish version 2 badly, with the name under which each is refused.
fn bad() -> Vec<(&'static str, Published)> {
    let good = Published::new(2, &wire());
    let with_pointer = |change: &dyn Fn(&str) -> String| {
        let mut bad = good.clone();
        bad.pointer = change(&good.pointer);
        bad
    };
    let with_bytes = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bad = good.clone();
        change(&mut bad.bytes);
        bad
    };
    vec![
        ("bundle_truncated", with_bytes(&|bytes| bytes.truncate(bytes.len() / 2))),
        ("bundle_truncated", with_bytes(&Vec::clear)),
        ("bundle_altered", with_bytes(&|bytes| bytes[40] ^= 1)),
        ("bundle_altered", with_bytes(&|bytes| bytes.push(0))),
        ("pointer_unsigned", with_pointer(&|text| text.split_inclusive('\n').take(6).collect())),
        ("pointer_bad_signature", with_pointer(&|text| text.replace("version 2", "version 3"))),
        ("pointer_bad_signature", Published::forged(2, &wire())),
        ("pointer_version_unknown", with_pointer(&|text| text.replace("kerf-pointer 1", "kerf-pointer 9"))),
        ("pointer_malformed", with_pointer(&|_| "not a pointer".to_owned())),
        // Rightly hashed and signed, and made for readers of format 99: byte 12 of the header.
        ("unknown_format", good.with_bytes(|bytes| bytes[12] = 99)),
        ("not_a_bundle", good.with_bytes(|bytes| bytes[0] ^= 1)),
        ("older_than_held", Published::new(0, &wire())),
    ]
}

async fn a_bad_bundle_is_refused_by_name_and_the_last_good_one_stays(platform: Platform) {
    let edge = Edge::serving(platform).await;
    for (code, bad) in bad() {
        edge.publish(&bad).await;
        let health = edge.until(|health| health["last_refusal"]["code"] == code).await;
        assert_eq!(health["bundle_version"], 1, "{code}");
        assert_eq!(served(&edge).await.as_deref(), Some("1"), "{code}");
    }
    edge.publish(&Published::new(3, &wire())).await;
    let health = edge.until(|health| health["bundle_version"] == 3).await;
    assert_eq!(health["last_refusal"], json!(null));
    assert_eq!(served(&edge).await.as_deref(), Some("3"));
}

async fn a_bad_bundle_at_the_start_is_refused_and_the_page_served(platform: Platform) {
    let edge = Edge::start(platform).await;
    edge.publish(&Published::forged(1, &wire())).await;
    edge.until(|health| health["last_refusal"]["code"] == "pointer_bad_signature").await;
    assert_eq!(served(&edge).await, None);
}

async fn a_new_bundle_and_a_rollback_are_served(platform: Platform) {
    let edge = Edge::serving(platform).await;
    assert_eq!(served(&edge).await.as_deref(), Some("1"));
    edge.publish(&Published::new(2, &wire())).await;
    edge.until(|health| health["bundle_version"] == 2).await;
    assert_eq!(served(&edge).await.as_deref(), Some("2"));
    edge.publish(&Published::from_second(3, 1, &wire())).await;
    edge.until(|health| health["bundle_version"] == 1).await;
    assert_eq!(served(&edge).await.as_deref(), Some("1"));
}
