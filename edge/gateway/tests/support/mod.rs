//! A store in memory, a publisher, and visits.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::cell::RefCell;
use std::collections::HashMap;

use futures::executor::block_on;
use kerf_core::adopt::{Pointer, SigningKey};
use kerf_core::{Bundle, compile, wire};
use kerf_gateway::{
    Answer, ConfigError, ConfigSource, Gateway, Lifetime, Moment, Now, Outgoing, Refresh, Route, Settings,
    Visit,
};
use serde_json::{Value, json};

/// Signs what the tests publish.
pub fn signing_key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// A key-value store.
#[derive(Default)]
pub struct Store {
    pub values: RefCell<HashMap<String, Vec<u8>>>,
    pub broken: RefCell<bool>,
}

impl ConfigSource for Store {
    async fn read(&self, key: &str, _lifetime: Lifetime) -> Result<Option<Vec<u8>>, ConfigError> {
        if *self.broken.borrow() {
            return Err(ConfigError("the store is away".into()));
        }
        Ok(self.values.borrow().get(key).cloned())
    }
}

/// Where pointers of the test environment are.
pub const POINTER: &str = "kerf/test/current";

impl Store {
    /// Publishes a bundle as the control plane does; gives the bundle's key.
    pub fn publish(&self, version: u64, not_before_ms: i64) -> String {
        let bytes = bundle(version);
        let opened = Bundle::open(&bytes).unwrap();
        let pointer = Pointer::to(&opened, &bytes, not_before_ms);
        let key = format!("kerf/test/bundle/{}", pointer.bundle_name());
        let text = pointer.sign(&signing_key());
        self.values.borrow_mut().insert(key.clone(), bytes);
        self.values.borrow_mut().insert(POINTER.into(), text.into_bytes());
        key
    }

    pub fn change(&self, key: &str, change: impl FnOnce(&mut Vec<u8>)) {
        change(self.values.borrow_mut().get_mut(key).unwrap());
    }
}

/// A bundle with one experiment for everybody, one for adults in Germany, a paused one, and a flag.
pub fn bundle(version: u64) -> Vec<u8> {
    let split = json!([
        {"key": "control", "weight_bp": 5000, "value": {"color": "blue"}},
        {"key": "treatment", "weight_bp": 5000, "value": {"color": "green"}}
    ]);
    let wire: wire::Bundle = serde_json::from_value(json!({
        "format": 1, "environment": "test", "version": version, "created": "2026-11-25T04:00:00Z",
        "experiments": [
            {"key": "everybody", "variants": split},
            {"key": "adults", "variants": split, "when": {"and": [
                {"attr": "country", "op": "eq", "value": "DE"}, {"attr": "age", "op": "gte", "value": 18}]}},
            {"key": "paused", "state": "paused", "variants": split}
        ],
        "flags": [{"key": "new_nav", "type": "boolean", "enabled": true, "off_variant": "off", "default": "off",
            "variants": [{"key": "on", "value": true}, {"key": "off", "value": false}],
            "rules": [{"id": "all", "serve": "on"}]}]
    }))
    .unwrap();
    let compiled = compile(&wire).unwrap();
    assert!(compiled.invalid.is_empty(), "{:?}", compiled.invalid);
    compiled.bytes
}

pub fn settings() -> Settings {
    Settings::new("test", &signing_key().public().to_hex()).unwrap()
}

/// An edge that has adopted bundle 7.
pub fn edge() -> (Gateway, Store) {
    let (gateway, store) = (Gateway::new(settings()), Store::default());
    store.publish(7, 1_000);
    assert_eq!(refresh(&gateway, &store, 2_000), Refresh::Adopted(7));
    (gateway, store)
}

pub fn refresh(gateway: &Gateway, store: &Store, now: i64) -> Refresh {
    block_on(gateway.bundles.refresh(store, &gateway.settings, Now(now)))
}

pub fn with_moment<T>(act: impl FnOnce(&mut Moment<'_>) -> T) -> T {
    let mut next = 0_u8;
    let mut random = |bytes: &mut [u8]| {
        for byte in bytes {
            next = next.wrapping_mul(31).wrapping_add(17);
            *byte = next;
        }
    };
    act(&mut Moment { now: Now(5_000), random: &mut random })
}

pub fn page(cookie: Option<&str>) -> Visit {
    Visit {
        method: "GET".into(),
        path: "/".into(),
        host: "shop.example".into(),
        cookie: cookie.map(str::to_owned),
        country: Some("DE".into()),
        ..Visit::default()
    }
}

pub fn proxied(gateway: &Gateway, visit: &Visit) -> (Outgoing, Vec<Value>) {
    let (outgoing, events) = with_moment(|moment| gateway.visit(visit, moment));
    (outgoing, events.iter().map(|event| serde_json::from_str(event).unwrap()).collect())
}

/// Calls the API of an edge.
pub fn call(gateway: &Gateway, method: &str, target: &str, body: &str) -> (Answer, Value) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let visit = Visit { method: method.into(), path: path.into(), query: query.into(), ..page(None) };
    let Route::Api(api) = gateway.route(method, path) else { panic!("{method} {path} is no API call") };
    let answer = with_moment(|moment| gateway.answer(&api, &visit, body.as_bytes(), moment));
    let body = serde_json::from_str(&answer.body).unwrap();
    (answer, body)
}

pub fn header<'a>(outgoing: &'a Outgoing, name: &str) -> Option<&'a str> {
    outgoing.request_headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
}
