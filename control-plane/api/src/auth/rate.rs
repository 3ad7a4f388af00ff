//! How often one principal may call: published, kept in memory, for each process.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};

use crate::config::{Limits, Rate};
use crate::http::problem::{Kind, Problem};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

type Limiter = RateLimiter<String, DefaultKeyedStateStore<String>, DefaultClock, StateInformationMiddleware>;

/// The limits of every principal.
#[derive(Debug)]
pub(crate) struct RateLimits {
    reads: Bucket,
    writes: Bucket,
}

#[derive(Debug)]
struct Bucket {
    name: &'static str,
    rate: Rate,
    limiter: Limiter,
}

/// What a request may know of its limit.
#[derive(Clone, Debug)]
pub(crate) struct Left {
    policy: String,
    limit: String,
}

impl RateLimits {
    /// Nobody has called yet.
    pub(crate) fn new(limits: Limits) -> Self {
        Self { reads: Bucket::new("reads", limits.reads), writes: Bucket::new("writes", limits.writes) }
    }

    /// Counts a request of the principal.
    pub(crate) fn count(&self, principal: &str, method: &Method) -> (Left, Result<(), Problem>) {
        let bucket = if method.is_safe() { &self.reads } else { &self.writes };
        bucket.count(principal)
    }
}

impl Bucket {
    fn new(name: &'static str, rate: Rate) -> Self {
        let quota = Quota::per_second(rate.per_second).allow_burst(rate.burst);
        Self { name, rate, limiter: RateLimiter::keyed(quota).with_middleware() }
    }

    fn count(&self, principal: &str) -> (Left, Result<(), Problem>) {
        match self.limiter.check_key(&principal.to_owned()) {
            Ok(state) => (self.left(state.remaining_burst_capacity(), 1), Ok(())),
            Err(not_until) => {
                let wait = not_until.wait_time_from(DefaultClock::default().now());
                let seconds = wait.as_secs().saturating_add(1);
                let detail = format!(
                    "{} {} a second with a burst of {} are allowed for each key",
                    self.rate.per_second, self.name, self.rate.burst
                );
                (self.left(0, seconds), Err(Problem::new(Kind::RateLimited, detail).retry_after(seconds)))
            }
        }
    }

    /// Headers of the IETF draft "RateLimit header fields for HTTP": the window is what it takes to refill the burst.
    fn left(&self, remaining: u32, seconds: u64) -> Left {
        let window = self.rate.burst.get().div_ceil(self.rate.per_second.get());
        Left {
            policy: format!("\"{}\";q={};w={window}", self.name, self.rate.burst),
            limit: format!("\"{}\";r={remaining};t={seconds}", self.name),
        }
    }
}

impl Left {
    /// Writes the headers.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        for (name, text) in [(POLICY, &self.policy), (LIMIT, &self.limit)] {
            if let Ok(value) = HeaderValue::from_str(text) {
                headers.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_principal_has_a_burst_of_its_own() {
        let limits = RateLimits::new(Limits { reads: Rate::new(1, 3), writes: Rate::new(1, 1) });
        let allowed = |who: &str, method: &Method| limits.count(who, method).1.is_ok();
        assert_eq!([0; 4].map(|_| allowed("a", &Method::GET)), [true, true, true, false]);
        assert!(allowed("b", &Method::GET));
        assert!(allowed("a", &Method::POST));
        assert!(!allowed("a", &Method::PATCH));
    }

    #[test]
    fn the_limits_are_published() {
        let limits = RateLimits::new(Limits::default());
        let mut headers = HeaderMap::new();
        limits.count("a", &Method::GET).0.write(&mut headers);
        assert_eq!(headers[POLICY], "\"reads\";q=200;w=4");
        assert_eq!(headers[LIMIT], "\"reads\";r=199;t=1");
    }
}
