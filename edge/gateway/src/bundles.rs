//! The bundle that is served: held, looked after, and replaced only by a better one.

use std::future::Future;
use std::sync::{Arc, PoisonError, RwLock};

use kerf_core::Bundle;
use kerf_core::adopt::{AdoptError, Pointer, verify_bundle, verify_pointer};

use crate::{Now, Settings};

/// Where bundles come from: a key-value store whose keys are `kerf/{env}/current` and `kerf/{env}/bundle/{version}-{hash12}`.
pub trait ConfigSource {
    /// The value of a key, `None` when there is none.
    ///
    /// # Errors
    /// When the store cannot be asked.
    fn read(
        &self,
        key: &str,
        use_for: Lifetime,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, ConfigError>>;
}

/// How long a value stays true, for stores that cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// The pointer: may change every second.
    Short,
    /// A bundle: its key names its content.
    Immutable,
}

/// A store that could not be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the config store cannot be read: {0}")]
pub struct ConfigError(pub String);

/// Why a pointer or bundle was not adopted; the last good bundle stays.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The store could not be asked.
    #[error(transparent)]
    Store(#[from] ConfigError),
    /// There is no pointer: nothing was ever published for this environment.
    #[error("there is no pointer at `{0}`; nothing was published for this environment")]
    NoPointer(String),
    /// The pointer names a bundle that is not there.
    #[error("the pointer names `{0}`, which is not in the store")]
    NoBundle(String),
    /// Pointer or bundle failed a check of adoption.
    #[error(transparent)]
    Adopt(#[from] AdoptError),
}

impl Refusal {
    /// Stable name.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Store(_) => "store_unreachable",
            Self::NoPointer(_) => "no_pointer",
            Self::NoBundle(_) => "no_bundle",
            Self::Adopt(error) => error.code(),
        }
    }
}

/// A bundle in use.
#[derive(Debug)]
pub struct Held {
    bytes: Vec<u8>,
    pointer_text: Vec<u8>,
    sha256: [u8; 32],
    /// Number of the bundle.
    pub version: u64,
    /// `not-before` of its pointer, milliseconds since 1970.
    pub not_before_ms: i64,
    /// When it was adopted.
    pub adopted: Now,
}

impl Held {
    /// The bundle, opened. It was opened once before it was adopted, so `None` does not happen to the same bytes.
    pub fn bundle(&self) -> Option<Bundle<'_>> {
        Bundle::open(&self.bytes).ok()
    }

    /// What the next pointer is compared with.
    fn pointer<'a>(&'a self, environment: &'a str) -> Pointer<'a> {
        Pointer {
            environment,
            version: self.version,
            sha256: self.sha256,
            size: self.bytes.len() as u64,
            not_before_ms: self.not_before_ms,
        }
    }

    /// Size, bytes.
    pub const fn size(&self) -> usize {
        self.bytes.len()
    }
}

/// What a look at the store came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// The pointer names the bundle in use.
    Unchanged,
    /// This version is in use now.
    Adopted(u64),
    /// Nothing changed, for this reason.
    Refused(Refusal),
}

/// The last refusal and when it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) refusal: Refusal,
    pub(crate) at: Now,
}

#[derive(Debug, Default)]
struct State {
    held: Option<Arc<Held>>,
    /// When the store was last looked at: a time, not a flag, so that a refresh that was cut off cannot stick.
    looked: Option<Now>,
    refused: Option<Refused>,
}

/// The bundle in use.
#[derive(Debug, Default)]
pub struct Bundles {
    state: RwLock<State>,
}

impl Bundles {
    /// Nothing held yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The bundle in use.
    pub fn held(&self) -> Option<Arc<Held>> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).held.clone()
    }

    /// Whether nothing is held and the first look at the store is not over: a request may wait a moment for it.
    pub fn is_cold(&self) -> bool {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.held.is_none() && state.refused.is_none()
    }

    pub(crate) fn refused(&self) -> Option<Refused> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).refused.clone()
    }

    /// Whether it is time to look at the store; whoever is told so has to call [`Bundles::refresh`], nobody else is told.
    pub fn claim_look(&self, settings: &Settings, now: Now) -> bool {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let due = state
            .looked
            .is_none_or(|looked| now.0 < looked.0 || now.0.saturating_sub(looked.0) >= settings.refresh_ms);
        if due {
            state.looked = Some(now);
        }
        due
    }

    /// Looks at the store and adopts what it names: signature, then hash, then structure. Never on a visitor's way.
    pub async fn refresh(&self, source: &impl ConfigSource, settings: &Settings, now: Now) -> Refresh {
        let outcome = self.look(source, settings, now).await;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(Some(held)) => {
                let version = held.version;
                state.held = Some(Arc::new(held));
                state.refused = None;
                Refresh::Adopted(version)
            }
            Ok(None) => {
                state.refused = None;
                Refresh::Unchanged
            }
            Err(refusal) => {
                state.refused = Some(Refused { refusal: refusal.clone(), at: now });
                Refresh::Refused(refusal)
            }
        }
    }

    /// The bundle to adopt, or `None` when it is the one in use.
    async fn look(
        &self,
        source: &impl ConfigSource,
        settings: &Settings,
        now: Now,
    ) -> Result<Option<Held>, Refusal> {
        let environment = settings.environment.as_str();
        let key = format!("kerf/{environment}/current");
        let text = source.read(&key, Lifetime::Short).await?.ok_or(Refusal::NoPointer(key))?;
        let held = self.held();
        if held.as_ref().is_some_and(|held| held.pointer_text == text) {
            return Ok(None);
        }
        let last = held.as_ref().map(|held| held.pointer(environment));
        let pointer = verify_pointer(&text, &settings.public_keys, environment, last.as_ref(), now.0)?;
        let key = format!("kerf/{environment}/bundle/{}", pointer.bundle_name());
        let bytes = source.read(&key, Lifetime::Immutable).await?.ok_or(Refusal::NoBundle(key))?;
        verify_bundle(&pointer, &bytes)?;
        let Pointer { version, sha256, not_before_ms, .. } = pointer;
        Ok(Some(Held { bytes, pointer_text: text, sha256, version, not_before_ms, adopted: now }))
    }
}
