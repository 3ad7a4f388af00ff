//! Which bundles are adopted, and that the last good one stays.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use kerf_core::adopt::SigningKey;
use kerf_gateway::{Now, Refresh};
use support::{POINTER, Store, edge, refresh, signing_key};

/// Breaks the store after version 8 was published over version 7; says what the refusal was.
fn refused_as(break_it: impl FnOnce(&Store, &str)) -> &'static str {
    let (gateway, store) = edge();
    let key = store.publish(8, 3_000);
    break_it(&store, &key);
    let Refresh::Refused(refusal) = refresh(&gateway, &store, 4_000) else { panic!("it was not refused") };
    assert_eq!(gateway.bundles.held().unwrap().version, 7, "the last good bundle stays");
    refusal.code()
}

#[test]
fn a_newer_bundle_is_adopted_and_the_same_pointer_changes_nothing() {
    let (gateway, store) = edge();
    store.publish(8, 3_000);
    assert_eq!(refresh(&gateway, &store, 4_000), Refresh::Adopted(8));
    assert_eq!(refresh(&gateway, &store, 5_000), Refresh::Unchanged);
}

#[test]
fn a_rollback_is_a_newer_pointer_to_an_older_bundle() {
    let (gateway, store) = edge();
    store.publish(8, 3_000);
    refresh(&gateway, &store, 4_000);
    store.publish(7, 3_500);
    assert_eq!(refresh(&gateway, &store, 4_000), Refresh::Adopted(7));
}

#[test]
fn what_is_wrong_with_a_bundle_is_named() {
    assert_eq!(
        refused_as(|store, key| store.change(key, |bytes| bytes.truncate(bytes.len() - 1))),
        "bundle_truncated"
    );
    assert_eq!(refused_as(|store, key| store.change(key, |bytes| bytes.push(0))), "bundle_altered");
    assert_eq!(refused_as(|store, key| store.change(key, |bytes| bytes[100] ^= 1)), "bundle_altered");
    assert_eq!(refused_as(|store, key| drop(store.values.borrow_mut().remove(key))), "no_bundle");
}

#[test]
fn what_is_wrong_with_a_pointer_is_named() {
    let edit = |from: &'static str, to: &'static str| {
        move |store: &Store, _: &str| {
            store.change(POINTER, |text| {
                *text = String::from_utf8(text.clone()).unwrap().replacen(from, to, 1).into_bytes();
            });
        }
    };
    assert_eq!(refused_as(edit("version 8", "version 9")), "pointer_bad_signature");
    assert_eq!(refused_as(edit("kerf-pointer 1", "kerf-pointer 2")), "pointer_version_unknown");
    assert_eq!(refused_as(edit("\nsignature ", "\nsigned ")), "pointer_unsigned");
    assert_eq!(refused_as(|store, _| store.change(POINTER, Vec::clear)), "pointer_malformed");
    assert_eq!(refused_as(|store, _| drop(store.values.borrow_mut().remove(POINTER))), "no_pointer");
    assert_eq!(refused_as(|store, _| *store.broken.borrow_mut() = true), "store_unreachable");
}

#[test]
fn a_pointer_signed_with_another_key_is_refused() {
    let (mut gateway, store) = edge();
    gateway.settings.public_keys = vec![SigningKey::from_bytes(&[8; 32]).public()];
    store.publish(8, 3_000);
    let Refresh::Refused(refusal) = refresh(&gateway, &store, 4_000) else { panic!("it was not refused") };
    assert_eq!(refusal.code(), "pointer_bad_signature");
    // While a key is being replaced, both are known.
    gateway.settings.public_keys.push(signing_key().public());
    assert_eq!(refresh(&gateway, &store, 4_000), Refresh::Adopted(8));
}

#[test]
fn a_pointer_played_back_or_ahead_of_its_time_is_refused() {
    let (gateway, store) = edge();
    store.publish(8, 500);
    let Refresh::Refused(refusal) = refresh(&gateway, &store, 4_000) else { panic!("it was not refused") };
    assert_eq!(refusal.code(), "older_than_held");
    store.publish(8, 9_000);
    let Refresh::Refused(refusal) = refresh(&gateway, &store, 4_000) else { panic!("it was not refused") };
    assert_eq!(refusal.code(), "not_yet");
}

#[test]
fn the_store_is_looked_at_once_in_an_interval() {
    let (gateway, _) = edge();
    let (settings, bundles) = (&gateway.settings, &gateway.bundles);
    assert!(bundles.claim_look(settings, Now(10_000)));
    assert!(!bundles.claim_look(settings, Now(14_999)));
    assert!(bundles.claim_look(settings, Now(15_000)));
    assert!(bundles.claim_look(settings, Now(1_000)), "a clock that was set back does not stop the looks");
}
