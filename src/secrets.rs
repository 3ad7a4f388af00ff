//! The secrets of a development run.

use crate::signing_key;
use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Keys that stay the same for as long as the data under them.
#[derive(Serialize, Deserialize)]
pub(crate) struct Secrets {
    pub(crate) signing_key: String,
    pub(crate) pseudonym_key: String,
}

impl Secrets {
    /// Reads the secrets of a folder, or makes them when it has none.
    ///
    /// # Errors
    /// When the file cannot be read or written, or is not what was written.
    pub(crate) fn of(folder: &Path) -> Result<Self> {
        let path = folder.join("secrets.json");
        let cannot = || format!("cannot use the secrets in {}", path.display());
        if path.exists() {
            let text = fs::read(&path).with_context(cannot)?;
            return serde_json::from_slice(&text).with_context(cannot);
        }
        let made = Self {
            signing_key: signing_key::random()?.to_hex(),
            pseudonym_key: URL_SAFE_NO_PAD.encode(random_bytes()?),
        };
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        serde_json::to_writer(file.with_context(cannot)?, &made).with_context(cannot)?;
        Ok(made)
    }
}

/// 32 random bytes of the system.
///
/// # Errors
/// When the system has none.
pub(crate) fn random_bytes() -> Result<[u8; 32]> {
    let mut bytes = [0; 32];
    File::open("/dev/urandom")
        .and_then(|mut random| random.read_exact(&mut bytes))
        .context("the system gives no random bytes")?;
    Ok(bytes)
}
