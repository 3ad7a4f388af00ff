//! A request as the gateway sees it.

/// The time at which a request is handled, milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Now(pub i64);

/// What a request does not carry: the time, and random bytes.
pub struct Moment<'r> {
    /// When the request is handled.
    pub now: Now,
    /// Fills a slice with random bytes, fit for ids that nobody may guess.
    pub random: &'r mut dyn FnMut(&mut [u8]),
}

/// The parts of a request that the gateway looks at, as owned texts.
#[derive(Clone, Debug, Default)]
pub struct Visit {
    /// Method, upper case.
    pub method: String,
    /// Path, percent-encoded as it came.
    pub path: String,
    /// Query without the question mark.
    pub query: String,
    /// Host that was asked.
    pub host: String,
    /// `Cookie`.
    pub cookie: Option<String>,
    /// Value of the header that holds a signed-in user's id.
    pub user_id_header: Option<String>,
    /// Country as the platform gives it.
    pub country: Option<String>,
    /// `User-Agent`.
    pub user_agent: Option<String>,
    /// `Accept-Language`.
    pub accept_language: Option<String>,
    /// `Sec-GPC`, the Global Privacy Control.
    pub privacy_control: Option<String>,
}

impl Visit {
    /// Value of a cookie: the first of that name, as it came.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookie.as_deref()?.split(';').find_map(|pair| {
            let (key, value) = pair.trim().split_once('=')?;
            (key == name && !value.is_empty()).then_some(value)
        })
    }

    /// The language that the browser names first, without region or weight: `de` of `de-AT,en;q=0.5`.
    pub(crate) fn language(&self) -> Option<String> {
        let first = self.accept_language.as_deref()?.split([',', ';']).next()?;
        let language = first.trim().split('-').next()?.to_ascii_lowercase();
        (!language.is_empty() && language != "*").then_some(language)
    }

    /// `tablet`, `mobile` or `desktop`, from the user agent; rough, and the same on every platform.
    pub(crate) fn device(&self) -> Option<&'static str> {
        let agent = self.user_agent.as_deref()?;
        let has = |part: &str| agent.contains(part);
        Some(if has("iPad") || has("Tablet") || (has("Android") && !has("Mobile")) {
            "tablet"
        } else if has("Mobi") || has("iPhone") {
            "mobile"
        } else {
            "desktop"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_found_by_their_whole_name() {
        let visit =
            Visit { cookie: Some("xkerf_id=1; kerf_id=abc=; empty=; kerf_id=2".into()), ..Visit::default() };
        assert_eq!(visit.cookie("kerf_id"), Some("abc="));
        assert_eq!(visit.cookie("empty"), None);
        assert_eq!(visit.cookie("kerf"), None);
    }

    #[test]
    fn language_and_device() {
        for (header, language) in
            [("de-AT,en;q=0.5", Some("de")), ("*", None), ("", None), ("EN;q=1", Some("en"))]
        {
            let visit = Visit { accept_language: Some(header.into()), ..Visit::default() };
            assert_eq!(visit.language().as_deref(), language, "{header}");
        }
        for (agent, device) in [
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148", "mobile"),
            ("Mozilla/5.0 (Linux; Android 14; Pixel 8) Mobile Safari/537.36", "mobile"),
            ("Mozilla/5.0 (Linux; Android 14; SM-X910) Safari/537.36", "tablet"),
            ("Mozilla/5.0 (X11; Linux x86_64) Chrome/130.0", "desktop"),
        ] {
            let visit = Visit { user_agent: Some(agent.into()), ..Visit::default() };
            assert_eq!(visit.device(), Some(device), "{agent}");
        }
    }
}
