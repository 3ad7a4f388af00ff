//! Who the visitor is.

use std::fmt::Write as _;

use crate::{Moment, Settings, Visit};

/// Name of the cookie that holds the anonymous id.
pub(crate) const COOKIE: &str = "kerf_id";
/// How long the cookie lives, seconds: 400 days, the most that browsers keep.
const COOKIE_SECONDS: u32 = 400 * 24 * 3600;
/// Longest id that is taken, bytes; a longer one is no id.
const LONGEST_ID: usize = 256;

/// The ids of a visitor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Id of the signed-in user, if there is one.
    pub signed_in: Option<String>,
    /// Anonymous id, `kerf_id`.
    pub anonymous: Option<String>,
    /// Whether the anonymous id was made for this request, so that the answer has to set the cookie.
    pub fresh: bool,
}

impl Identity {
    /// Reads the ids of a request; makes an anonymous one when there is none. Without consent there are no ids.
    pub(crate) fn of(visit: &Visit, settings: &Settings, moment: &mut Moment<'_>) -> Self {
        if !consents(visit, settings) {
            return Self { signed_in: None, anonymous: None, fresh: false };
        }
        let by_cookie = || visit.cookie(settings.user_id_cookie.as_deref()?);
        let signed_in = visit.user_id_header.as_deref().or_else(by_cookie).filter(|id| is_id(id));
        let known = visit.cookie(COOKIE).filter(|id| is_anonymous_id(id)).map(str::to_owned);
        let fresh = known.is_none();
        let anonymous = known.unwrap_or_else(|| anonymous_id(moment));
        Self { signed_in: signed_in.map(str::to_owned), anonymous: Some(anonymous), fresh }
    }

    /// The id that experiments on the default unit use: the signed-in user's, else the anonymous one.
    pub fn user(&self) -> Option<&str> {
        self.signed_in.as_deref().or(self.anonymous.as_deref())
    }

    /// `Set-Cookie` for an id made for this request.
    pub(crate) fn set_cookie(&self, settings: &Settings) -> Option<String> {
        let id = self.anonymous.as_deref().filter(|_| self.fresh)?;
        let http_only = if settings.cookie_http_only { "; HttpOnly" } else { "" };
        Some(format!("{COOKIE}={id}; Path=/; Max-Age={COOKIE_SECONDS}; SameSite=Lax; Secure{http_only}"))
    }
}

/// Whether the visitor agreed to take part: no privacy signal, and the consent cookie where one is asked for.
pub(crate) fn consents(visit: &Visit, settings: &Settings) -> bool {
    let refused = visit.privacy_control.as_deref() == Some("1");
    let agreed = settings
        .consent_cookie
        .as_deref()
        .is_none_or(|name| matches!(visit.cookie(name), Some("1" | "true" | "yes" | "granted")));
    !refused && agreed
}

fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= LONGEST_ID
}

/// 32 hexadecimal digits, as [`anonymous_id`] makes them: a cookie is the visitor's to change, and goes into a header.
fn is_anonymous_id(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// 128 random bits as hexadecimal digits.
fn anonymous_id(moment: &mut Moment<'_>) -> String {
    let mut bytes = [0; 16];
    (moment.random)(&mut bytes);
    hex(&bytes)
}

/// Hexadecimal digits, lower case.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
