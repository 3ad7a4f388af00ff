//! What a handler asks of its caller, as an argument of the handler.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use kerf_control_domain::Permission;
use kerf_control_store::{Author, Idempotency};

use crate::auth::authenticate::Principal;
use crate::clock;
use crate::http::finish::RequestId;
use crate::http::problem::{Kind, Problem};

/// A permission as a type.
pub(crate) trait Needs: Send + Sync {
    /// The permission.
    const PERMISSION: Permission;
}

macro_rules! needs {
    ($($name:ident)*) => {$(
        /// The permission of the same name.
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct $name;

        impl Needs for $name {
            const PERMISSION: Permission = Permission::$name;
        }
    )*};
}

needs! { Read Write ReadAudit ManageKeys }

/// A caller who has the permission; a handler that takes one cannot be reached without it.
#[derive(Clone, Debug)]
pub(crate) struct Caller<N> {
    principal: Principal,
    request_id: String,
    idempotency_key: Option<String>,
    needs: PhantomData<N>,
}

impl<N> Caller<N> {
    /// The author of a change that is made now.
    pub(crate) fn author(&self, reason: Option<String>) -> Author {
        Author {
            actor: self.principal.actor.clone(),
            actor_name: self.principal.name.clone(),
            reason,
            request_id: self.request_id.clone(),
            at: clock::now(),
            idempotency: None,
        }
    }

    /// The author of a change that must not happen twice, if the caller named the request.
    pub(crate) fn author_once(&self, reason: Option<String>, request_sha256: &[u8]) -> Author {
        let idempotency = self
            .idempotency_key
            .clone()
            .map(|key| Idempotency { key, request_sha256: request_sha256.to_vec() });
        Author { idempotency, ..self.author(reason) }
    }
}

impl<N: Needs, S: Sync> FromRequestParts<S> for Caller<N> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(principal) = parts.extensions.get::<Principal>().cloned() else {
            return Err(Problem::new(Kind::Unauthenticated, "send Authorization: Bearer with an API key"));
        };
        if !principal.role.may(N::PERMISSION) {
            let detail = format!(
                "the key `{}` has the role {}, which lacks the permission {}",
                principal.name,
                principal.role.as_str(),
                N::PERMISSION.as_str()
            );
            return Err(Problem::new(Kind::Forbidden, detail));
        }
        let request_id = parts.extensions.get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
        let idempotency_key = idempotency_key(parts)?;
        Ok(Self { principal, request_id, idempotency_key, needs: PhantomData })
    }
}

fn idempotency_key(parts: &Parts) -> Result<Option<String>, Problem> {
    let Some(value) = parts.headers.get("idempotency-key") else { return Ok(None) };
    match value.to_str() {
        Ok(text) if (1..=255).contains(&text.len()) => Ok(Some(text.to_owned())),
        _ => Err(Problem::new(Kind::BadParameter, "Idempotency-Key is 1 to 255 visible ASCII characters")),
    }
}
