//! Keys in paths and parameters in queries, refused as problems.

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use kerf_control_domain::Key;
use serde::de::DeserializeOwned;

use crate::http::problem::{Kind, Problem};

/// The key of an experiment in the path. What is no key names nothing.
#[derive(Clone, Debug)]
pub(crate) struct ExperimentKey(pub(crate) Key);

impl<S: Send + Sync> FromRequestParts<S> for ExperimentKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        let key = path.ok().and_then(|Path(text)| Key::parse(&text).ok());
        key.map(Self).ok_or_else(|| Problem::new(Kind::NotFound, "there is no experiment with this key"))
    }
}

/// Query parameters; unknown ones are refused, because a filter that is silently dropped is a wrong answer.
#[derive(Clone, Debug)]
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(params)) => Ok(Self(params)),
            Err(rejection) => Err(Problem::new(Kind::BadParameter, rejection.body_text())),
        }
    }
}
