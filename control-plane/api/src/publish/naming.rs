//! Names of what is published, the same in every KV.

use sha2::{Digest, Sha256};

/// How many hex digits of the hash stand in a bundle's name.
const DIGITS: usize = 12;

/// Name of a bundle: `{version}-{hash12}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BundleKey {
    version: i64,
    hash: String,
}

impl BundleKey {
    /// The name of a bundle with this number and hash.
    pub(crate) fn new(version: i64, sha256: &[u8]) -> Self {
        Self { version, hash: hex(sha256).chars().take(DIGITS).collect() }
    }

    /// Reads a name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (version, hash) = name.split_once('-')?;
        let version = version.parse().ok().filter(|version| *version >= 1)?;
        (hash.len() == DIGITS).then(|| Self { version, hash: hash.to_owned() })
    }

    /// Number of the bundle.
    pub(crate) const fn version(&self) -> i64 {
        self.version
    }

    /// Whether a bundle with this hash has this name.
    pub(crate) fn names(&self, sha256: &[u8]) -> bool {
        hex(sha256).starts_with(&self.hash)
    }

    /// Key in a KV: `kerf/{env}/bundle/{version}-{hash12}`.
    pub(crate) fn in_kv(&self, environment: &str) -> String {
        format!("kerf/{environment}/bundle/{}-{}", self.version, self.hash)
    }
}

/// Key of the pointer in a KV.
pub(crate) fn pointer_in_kv(environment: &str) -> String {
    format!("kerf/{environment}/current")
}

/// SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).to_vec()
}

/// Small hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        let hash = sha256(b"bundle");
        let key = BundleKey::new(42, &hash);
        assert_eq!(key.in_kv("production"), format!("kerf/production/bundle/42-{}", &hex(&hash)[..12]));
        let name = key.in_kv("e").rsplit('/').next().unwrap().to_owned();
        assert_eq!(BundleKey::parse(&name), Some(key.clone()));
        assert!(key.names(&hash));
        assert!(!key.names(&sha256(b"other")));
        for bad in ["", "42", "0-000000000000", "x-000000000000", "42-00"] {
            assert_eq!(BundleKey::parse(bad), None, "{bad}");
        }
    }
}
