//! Making API keys, for the API and for `kerf keys create`.

use kerf_control_domain::{Key, KeyError, Role};
use kerf_control_store::{ApiKey, Author, NewApiKey, Store, StoreError, WriteError};

use crate::auth::Token;
use crate::clock;

/// Longest name of a key, in characters.
pub(crate) const LONGEST_NAME: usize = 100;

/// Why no key was made.
#[derive(Debug, thiserror::Error)]
pub enum CreateKeyError {
    /// The role does not exist.
    #[error("`{0}` is not a role; there are viewer and admin")]
    UnknownRole(String),
    /// The name is empty or too long.
    #[error("a key has a name of 1 to {LONGEST_NAME} characters, so that people know whose it is")]
    BadName,
    /// The environment is no key.
    #[error("KERF_ENVIRONMENT `{0}` is not a key: {1}")]
    Environment(String, KeyError),
    /// Postgres failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Postgres failed while the key was written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Writes a new API key to the database and gives back its text, which is kept nowhere.
///
/// Applies the migrations first, so that the first key can be made before the service was ever started.
///
/// # Errors
/// [`CreateKeyError`] says what is wrong with the arguments, or that Postgres failed.
pub async fn create_key(
    database_url: &str,
    environment: &str,
    role: &str,
    name: &str,
) -> Result<String, CreateKeyError> {
    let role = Role::parse(role).ok_or_else(|| CreateKeyError::UnknownRole(role.to_owned()))?;
    if name.is_empty() || name.chars().count() > LONGEST_NAME {
        return Err(CreateKeyError::BadName);
    }
    Key::parse(environment).map_err(|error| CreateKeyError::Environment(environment.to_owned(), error))?;
    let store = Store::connect_lazy(database_url, environment)?;
    store.migrate(clock::now()).await?;
    let author = Author::system("command-line", "kerf keys create", clock::now());
    let (token, _) = issue(&store, &author, role, name).await?;
    store.close().await;
    Ok(token.reveal().to_owned())
}

/// Writes a new key; the token is the only place where its secret is.
pub(crate) async fn issue(
    store: &Store,
    author: &Author,
    role: Role,
    name: &str,
) -> Result<(Token, ApiKey), WriteError> {
    let token = Token::new(rand::random(), rand::random());
    let new = NewApiKey { id: token.id().to_owned(), name: name.to_owned(), role, sha256: token.sha256() };
    let key = store.api_key_create(author, new).await?;
    Ok((token, key))
}
