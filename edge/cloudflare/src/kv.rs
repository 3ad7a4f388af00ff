//! Bundles from Workers KV.

use kerf_gateway::{ConfigError, ConfigSource, Lifetime};
use worker::{Env, KvStore};

/// Seconds that a data centre may keep the pointer; KV takes no less.
const POINTER_SECONDS: u64 = 30;
/// Seconds that a data centre may keep a bundle, whose key names its content.
const BUNDLE_SECONDS: u64 = 86_400;

/// The namespace bound as `KERF_CONFIG`, or why there is none.
pub(crate) struct Kv(Result<KvStore, ConfigError>);

impl Kv {
    pub(crate) fn of(env: &Env) -> Self {
        Self(env.kv("KERF_CONFIG").map_err(|error| ConfigError(format!("the binding KERF_CONFIG: {error}"))))
    }
}

impl ConfigSource for Kv {
    async fn read(&self, key: &str, lifetime: Lifetime) -> Result<Option<Vec<u8>>, ConfigError> {
        let seconds = match lifetime {
            Lifetime::Short => POINTER_SECONDS,
            Lifetime::Immutable => BUNDLE_SECONDS,
        };
        let store = self.0.as_ref().map_err(Clone::clone)?;
        store
            .get(key)
            .cache_ttl(seconds)
            .bytes()
            .await
            .map_err(|error| ConfigError(format!("{key}: {error}")))
    }
}
