//! Who calls, what they may do, and how often.

mod authenticate;
mod caller;
mod rate;
mod token;

pub(crate) use authenticate::authenticate;
pub(crate) use caller::{Caller, ManageKeys, Read, ReadAudit, Write};
pub(crate) use rate::RateLimits;
pub(crate) use token::Token;
