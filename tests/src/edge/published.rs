//! Bundles as the control plane publishes them: compiled, hashed, signed.

use kerf_core::adopt::{Pointer, SigningKey};
use kerf_core::{Bundle, compile, wire as form};
use serde_json::{Value, json};

/// The environment of all test edges.
pub const ENVIRONMENT: &str = "production";

/// A bundle and its pointer.
#[derive(Clone, Debug)]
pub struct Published {
    /// Key of the bundle in the store.
    pub key: String,
    /// The bundle.
    pub bytes: Vec<u8>,
    /// The signed pointer.
    pub pointer: String,
}

/// Key of the pointer in the store.
pub(super) fn pointer_key() -> String {
    format!("kerf/{ENVIRONMENT}/current")
}

impl Published {
    /// A bundle whose pointer holds from second `version` of 1970 on.
    #[must_use]
    pub fn new(version: u64, wire: &Value) -> Self {
        Self::from_second(version, version, wire)
    }

    /// A bundle whose pointer holds from `second` of 1970 on: what orders pointers.
    ///
    /// # Panics
    /// If the bundle cannot be compiled.
    #[must_use]
    pub fn from_second(second: u64, version: u64, wire: &Value) -> Self {
        Self::signed(compiled(version, wire), second, &signing_key(7))
    }

    /// A bundle signed with a key that no edge knows.
    ///
    /// # Panics
    /// If the bundle cannot be compiled.
    #[must_use]
    pub fn forged(version: u64, wire: &Value) -> Self {
        Self::signed(compiled(version, wire), version, &signing_key(8))
    }

    #[expect(clippy::unwrap_used, reason = "test set-up")]
    fn signed(bytes: Vec<u8>, second: u64, key: &SigningKey) -> Self {
        let not_before_ms = i64::try_from(second).unwrap() * 1_000;
        let pointer = Pointer::to(&Bundle::open(&bytes).unwrap(), &bytes, not_before_ms);
        Self { key: bundle_key(&pointer), pointer: pointer.sign(key), bytes }
    }

    /// The same bundle with a rightly signed pointer to other bytes: what a publisher of another format would make.
    ///
    /// # Panics
    /// If the bundle is no bundle.
    #[must_use]
    #[expect(clippy::unwrap_used, reason = "test set-up")]
    pub fn with_bytes(&self, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut bytes = self.bytes.clone();
        change(&mut bytes);
        let bundle = Bundle::open(&self.bytes).unwrap();
        let not_before_ms = i64::try_from(bundle.version()).unwrap() * 1_000;
        let pointer = Pointer {
            sha256: kerf_core::adopt::content_hash(&bytes),
            size: bytes.len() as u64,
            ..Pointer::to(&bundle, &self.bytes, not_before_ms)
        };
        Self { key: bundle_key(&pointer), pointer: pointer.sign(&signing_key(7)), bytes }
    }
}

fn bundle_key(pointer: &Pointer<'_>) -> String {
    format!("kerf/{ENVIRONMENT}/bundle/{}", pointer.bundle_name())
}

#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test set-up")]
fn compiled(version: u64, wire: &Value) -> Vec<u8> {
    let mut wire = wire.clone();
    wire["version"] = json!(version);
    let wire: form::Bundle = serde_json::from_value(wire).unwrap();
    let compiled = compile(&wire).unwrap();
    assert_eq!(compiled.invalid, [], "every entry of a test is valid");
    compiled.bytes
}

/// The public key of every test edge, 64 hex digits.
#[must_use]
pub fn public_key() -> String {
    signing_key(7).public().to_hex()
}

fn signing_key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

/// A bundle with one experiment that takes everybody, one that takes a fifth, one that takes Germans, and two flags.
#[must_use]
pub fn wire() -> Value {
    let variants = json!([
        { "key": "control", "weight_bp": 5_000, "value": { "color": "blue" } },
        { "key": "treatment", "weight_bp": 5_000, "value": { "color": "green" } },
    ]);
    let experiment = |key: &str, traffic_bp: u32, when: Value| {
        json!({
            "key": key, "salt": key, "unit": "user_id", "state": "running", "traffic_bp": traffic_bp,
            "control": "control", "variants": variants, "when": when,
        })
    };
    json!({
        "format": 1, "environment": ENVIRONMENT, "version": 1, "created": "2026-11-25T04:00:00Z",
        "experiments": [
            experiment("everybody", 10_000, Value::Null),
            experiment("a_fifth", 2_000, Value::Null),
            experiment("germans", 10_000, json!({ "attr": "country", "op": "eq", "value": "DE" })),
        ],
        "flags": [{
            "key": "new_nav", "type": "boolean", "enabled": true, "unit": "user_id", "off_variant": "off",
            "default": "on", "variants": [{ "key": "on", "value": true }, { "key": "off", "value": false }], "rules": [],
        }],
    })
}
