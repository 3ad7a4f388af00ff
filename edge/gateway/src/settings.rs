//! What an operator decides about one edge.

use kerf_core::adopt::PublicKey;

/// Settings of one edge.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Environment whose bundle is served.
    pub environment: String,
    /// Keys that pointers may be signed with; two while a key is being replaced.
    pub public_keys: Vec<PublicKey>,
    /// Request header that holds the id of a signed-in user; whoever sets it must be in front of the edge.
    pub user_id_header: Option<String>,
    /// Cookie that holds the id of a signed-in user.
    pub user_id_cookie: Option<String>,
    /// Request header in which the platform gives the visitor's country, ISO 3166-1 alpha-2.
    pub country_header: String,
    /// Cookie without which a visitor has not agreed to take part; `1`, `true`, `yes` and `granted` agree.
    pub consent_cookie: Option<String>,
    /// Whether scripts of the page are kept from reading `kerf_id`.
    pub cookie_http_only: bool,
    /// Path before the API paths, for an origin that has such paths of its own: empty, or `/…` without a slash at the end.
    pub api_prefix: String,
    /// Least time between two looks at the pointer, milliseconds.
    pub refresh_ms: i64,
}

/// A text that is no list of public keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "KERF_PUBLIC_KEY: `{0}` is no Ed25519 public key (64 hex digits; several are separated by commas). The control plane \
     logs its public key when it starts"
)]
pub struct SettingsError(String);

impl Settings {
    /// Settings with defaults for everything but the environment and the public keys, separated by commas.
    ///
    /// # Errors
    /// When there is no key, or one is not 64 hex digits.
    pub fn new(environment: &str, public_keys: &str) -> Result<Self, SettingsError> {
        let key = |text: &str| PublicKey::from_hex(text.trim()).ok_or_else(|| SettingsError(text.to_owned()));
        let public_keys = public_keys.split(',').map(key).collect::<Result<_, _>>()?;
        Ok(Self { public_keys, ..Self::without_keys(environment) })
    }

    /// Settings that trust nobody: no bundle is adopted, so every visitor gets the origin's page. For an edge that has to
    /// serve although its settings are wrong.
    pub fn without_keys(environment: &str) -> Self {
        Self {
            environment: environment.to_owned(),
            public_keys: Vec::new(),
            user_id_header: None,
            user_id_cookie: None,
            country_header: "cf-ipcountry".to_owned(),
            consent_cookie: None,
            cookie_http_only: false,
            api_prefix: String::new(),
            refresh_ms: 5_000,
        }
    }
}
