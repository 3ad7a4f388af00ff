//! ClickHouse over HTTP: statements, typed answers, and nothing else.
//!
//! Statements are named (`query_id`) and answered only when they are done (`wait_end_of_query`), so that a status of
//! 200 means "done", and what a killed process left running on the server can be found and ended.

use std::{fmt, time::Duration};

use reqwest::{Client, Response, Url};
use serde::{Deserialize, de::DeserializeOwned};

/// Longest time that one statement may take; a rebuild of 10 million events takes 6 s.
const STATEMENT_LIMIT: Duration = Duration::from_secs(600);

/// ClickHouse's code for a table that does not exist.
const UNKNOWN_TABLE: i32 = 60;
/// ClickHouse's code for a database that does not exist.
const UNKNOWN_DATABASE: i32 = 81;

/// Why ClickHouse gave no answer, cut by what the caller does next.
#[derive(Debug, thiserror::Error)]
pub enum ClickHouseError {
    /// The server cannot be reached or went away while it answered: try again later.
    #[error("ClickHouse at {url} does not answer; check that it runs and that CLICKHOUSE_URL is right")]
    Away {
        /// The address without user and password.
        url: String,
        /// What the connection said.
        source: reqwest::Error,
    },
    /// The server refused the statement: a fault of the statement, or of the state of the server.
    #[error("ClickHouse refused the statement (code {code}): {message}")]
    Refused {
        /// ClickHouse's exception code; 0 when it gave none.
        code: i32,
        /// The first line of its message.
        message: String,
    },
    /// The answer is not what was asked for: cut short, or of other columns. Never read as "no rows".
    #[error("ClickHouse's answer is not complete or not of the columns asked for: {detail}")]
    Unreadable {
        /// What is wrong with it.
        detail: String,
    },
}

impl ClickHouseError {
    /// Whether the tables that were asked for do not exist (yet): the loader has not applied its schema.
    #[must_use]
    pub const fn is_missing_table(&self) -> bool {
        matches!(self, Self::Refused { code: UNKNOWN_TABLE | UNKNOWN_DATABASE, .. })
    }
}

/// A database of a ClickHouse server.
#[derive(Clone)]
pub struct ClickHouse {
    http: Client,
    url: Url,
    database: String,
}

impl fmt::Debug for ClickHouse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ClickHouse({}, {})", self.address(), self.database)
    }
}

/// The `JSON` format of an answer; `rows` tells a whole answer from a cut one.
#[derive(Deserialize)]
struct Answer<T> {
    data: Vec<T>,
    rows: usize,
}

impl ClickHouse {
    /// Names a database of the server at `url` (`http://user:password@host:port/`); nothing is sent yet.
    #[must_use]
    pub fn new(url: Url, database: impl Into<String>) -> Self {
        Self { http: Client::new(), url, database: database.into() }
    }

    /// The name of the database.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Creates the database when it is not there.
    ///
    /// # Errors
    /// See [`ClickHouseError`].
    pub async fn create_database(&self) -> Result<(), ClickHouseError> {
        let statement = format!("create database if not exists {}", identifier(&self.database));
        let request = self.request("default", &[]).body(statement);
        self.answer(request).await.map(drop)
    }

    /// Runs a statement to its end.
    ///
    /// # Errors
    /// See [`ClickHouseError`]. After [`ClickHouseError::Away`] the statement may still be running.
    pub async fn execute(&self, query_id: &str, statement: impl Into<String>) -> Result<(), ClickHouseError> {
        let request = self.request(&self.database, &[("query_id", query_id)]).body(statement.into());
        self.answer(request).await.map(drop)
    }

    /// Runs a `select` (without `format`) and reads its rows, column by name.
    ///
    /// # Errors
    /// See [`ClickHouseError`]. An answer that was cut short is an error, not fewer rows.
    pub async fn rows<T: DeserializeOwned>(
        &self,
        select: impl Into<String>,
    ) -> Result<Vec<T>, ClickHouseError> {
        let options = [("default_format", "JSON"), ("output_format_json_quote_64bit_integers", "0")];
        let body = self.answer(self.request(&self.database, &options).body(select.into())).await?;
        let answer: Answer<T> = serde_json::from_slice(&body)
            .map_err(|error| ClickHouseError::Unreadable { detail: error.to_string() })?;
        if answer.data.len() != answer.rows {
            let detail = format!("{} rows announced, {} read", answer.rows, answer.data.len());
            return Err(ClickHouseError::Unreadable { detail });
        }
        Ok(answer.data)
    }

    /// Starts a statement whose input is a stream; the response comes when the input ends or the server refuses it.
    ///
    /// # Errors
    /// See [`ClickHouseError`].
    pub(crate) async fn stream(
        &self,
        options: &[(&str, &str)],
        statement: &str,
        input: reqwest::Body,
    ) -> Result<(), ClickHouseError> {
        let options: Vec<_> = options.iter().copied().chain([("query", statement)]).collect();
        let request = self.request(&self.database, &options).body(input);
        let response = request.send().await.map_err(|error| self.away(error))?;
        self.body(response).await.map(drop)
    }

    fn request(&self, database: &str, options: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let mut url = self.url.clone();
        url.query_pairs_mut()
            .extend_pairs([("database", database), ("wait_end_of_query", "1")])
            .extend_pairs(options);
        self.http.post(url)
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Vec<u8>, ClickHouseError> {
        let response = request.timeout(STATEMENT_LIMIT).send().await.map_err(|error| self.away(error))?;
        self.body(response).await
    }

    async fn body(&self, response: Response) -> Result<Vec<u8>, ClickHouseError> {
        let refused = !response.status().is_success();
        let code = response
            .headers()
            .get("x-clickhouse-exception-code")
            .and_then(|code| code.to_str().ok()?.parse().ok());
        let body = response.bytes().await.map_err(|error| self.away(error))?;
        if refused || code.is_some() {
            let message = String::from_utf8_lossy(&body).lines().next().unwrap_or_default().to_owned();
            return Err(ClickHouseError::Refused { code: code.unwrap_or(0), message });
        }
        Ok(body.into())
    }

    fn away(&self, source: reqwest::Error) -> ClickHouseError {
        ClickHouseError::Away { url: self.address(), source: source.without_url() }
    }

    /// The address without user and password, for messages.
    fn address(&self) -> String {
        format!(
            "{}://{}:{}",
            self.url.scheme(),
            self.url.host_str().unwrap_or("?"),
            self.url.port_or_known_default().unwrap_or(0)
        )
    }
}

/// A text as a string literal of ClickHouse's SQL.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// A name as a quoted identifier of ClickHouse's SQL.
pub(crate) fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_cannot_be_left() {
        assert_eq!(literal(r"it's \"), r"'it\'s \\'");
        assert_eq!(identifier("a`b"), r"`a\`b`");
    }

    #[test]
    fn messages_do_not_carry_the_password() {
        let url = Url::parse("http://kerf:secret@localhost:8123/").unwrap();
        assert_eq!(format!("{:?}", ClickHouse::new(url, "kerf")), "ClickHouse(http://localhost:8123, kerf)");
    }
}
