//! Where bundles come from: a folder, or the control plane.

use std::path::PathBuf;
use std::time::Duration;

use kerf_gateway::{ConfigError, ConfigSource, Lifetime};
use url::Url;

/// A place that holds pointer and bundles under their keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A folder, keys are paths in it.
    Folder(PathBuf),
    /// An HTTP server, keys are paths under `/config/`.
    Http(Url),
}

/// A text that names no source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither `file:FOLDER` nor an http(s) URL of a control plane")]
pub struct SourceError(String);

impl std::str::FromStr for Source {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(folder) = text.strip_prefix("file:").filter(|folder| !folder.is_empty()) {
            return Ok(Self::Folder(PathBuf::from(folder)));
        }
        Url::parse(text)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .map(Self::Http)
            .ok_or_else(|| SourceError(text.to_owned()))
    }
}

/// A source with what is needed to read it.
pub(crate) struct Reader {
    source: Source,
    client: reqwest::Client,
    key: Option<String>,
}

/// Longest wait for one value.
const TIMEOUT: Duration = Duration::from_secs(10);

impl Source {
    pub(crate) const fn reader(self, client: reqwest::Client, key: Option<String>) -> Reader {
        Reader { source: self, client, key }
    }
}

impl ConfigSource for Reader {
    async fn read(&self, key: &str, _lifetime: Lifetime) -> Result<Option<Vec<u8>>, ConfigError> {
        match &self.source {
            Source::Folder(folder) => read_file(folder.join(key)).await,
            Source::Http(base) => self.read_url(base, key).await,
        }
    }
}

impl Reader {
    async fn read_url(&self, base: &Url, key: &str) -> Result<Option<Vec<u8>>, ConfigError> {
        let failed = |error: &dyn std::fmt::Display| ConfigError(format!("{base}: {error}"));
        let url = base.join(&format!("/config/{key}")).map_err(|error| failed(&error))?;
        let mut request = self.client.get(url).timeout(TIMEOUT);
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        let answer = request.send().await.map_err(|error| failed(&error))?;
        if answer.status() == http::StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let answer = answer.error_for_status().map_err(|error| failed(&error))?;
        Ok(Some(answer.bytes().await.map_err(|error| failed(&error))?.to_vec()))
    }
}

async fn read_file(path: PathBuf) -> Result<Option<Vec<u8>>, ConfigError> {
    match tokio::fs::read(&path).await {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ConfigError(format!("{}: {error}", path.display()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_read_from_text() {
        assert_eq!("file:/var/kerf".parse(), Ok(Source::Folder(PathBuf::from("/var/kerf"))));
        assert!(matches!("http://127.0.0.1:8080".parse(), Ok(Source::Http(_))));
        for text in ["", "file:", "/var/kerf", "ftp://x/"] {
            assert_eq!(text.parse::<Source>(), Err(SourceError(text.to_owned())));
        }
    }
}
