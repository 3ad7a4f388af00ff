//! From `http://user:password@host:port/` to a client.

use clickhouse::Client;
use percent_encoding::percent_decode_str;
use url::Url;

/// Why an address or a database name was refused.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// The address is no URL.
    #[error("CLICKHOUSE_URL is not a URL ({0}); it looks like http://user:password@host:8123/")]
    Url(#[from] url::ParseError),
    /// The address is for another protocol.
    #[error(
        "CLICKHOUSE_URL is {0}://…, but only http:// is spoken; put a TLS proxy beside ClickHouse where needed"
    )]
    Scheme(String),
    /// The user or the password is not UTF-8.
    #[error("the user or the password in CLICKHOUSE_URL is not UTF-8")]
    Encoding,
    /// The name could not stand in a statement as it is.
    #[error("{0:?} is not the name of a database: letters, digits and _, at most 64, no digit first")]
    Database(String),
}

/// A client for this server and database; nothing is sent yet.
///
/// # Errors
/// [`AddressError`] when the address or the name cannot be used.
pub fn connect(address: &str, database: &str) -> Result<Client, AddressError> {
    let mut url = Url::parse(address)?;
    if url.scheme() != "http" {
        return Err(AddressError::Scheme(url.scheme().to_owned()));
    }
    check_name(database)?;
    let user = decode(url.username())?;
    let password = decode(url.password().unwrap_or_default())?;
    // Both setters fail only for URLs without a host, which http:// cannot be.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    let mut client = Client::default().with_url(url).with_database(database);
    if !user.is_empty() {
        client = client.with_user(user);
    }
    if !password.is_empty() {
        client = client.with_password(password);
    }
    Ok(client)
}

fn decode(text: &str) -> Result<String, AddressError> {
    percent_decode_str(text).decode_utf8().map(Into::into).map_err(|_| AddressError::Encoding)
}

/// Database names go into statements unquoted, so they are held to what needs no quotes.
pub(crate) fn check_name(database: &str) -> Result<(), AddressError> {
    let word = database.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let first = database.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
    if word && first && database.len() <= 64 {
        Ok(())
    } else {
        Err(AddressError::Database(database.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_cannot_be_used_is_refused() {
        assert!(connect("http://default:p%40ss@127.0.0.1:8123/", "kerf").is_ok());
        assert!(matches!(
            connect("127.0.0.1:8123", "kerf"),
            Err(AddressError::Url(_) | AddressError::Scheme(_))
        ));
        assert!(matches!(connect("https://host/", "kerf"), Err(AddressError::Scheme(_))));
        assert!(matches!(connect("http://%ff@host/", "kerf"), Err(AddressError::Encoding)));
    }

    #[test]
    fn a_database_name_needs_no_quotes() {
        for good in ["kerf", "_x", "Kerf_2"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", "2kerf", "kerf;", "ke rf", "kerf`", "größe", &"x".repeat(65)] {
            assert!(matches!(check_name(bad), Err(AddressError::Database(_))), "{bad}");
        }
    }
}
