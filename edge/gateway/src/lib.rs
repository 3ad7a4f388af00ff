//! What an edge does with a request, for any platform.
//!
//! [`Gateway`] owns the rules: who the visitor is, what the origin is told, which API paths there are, what counts as an
//! exposure, which bundle is served. It must not know a platform, wait on the way of a visitor, or make an error out of a
//! missing part: without a bundle every visitor gets control and the origin's page. DESIGN.md says why it looks as it does.

mod api;
mod attributes;
mod bundles;
mod exposure;
mod gateway;
mod identity;
mod outgoing;
mod problem;
mod settings;
mod visit;

pub use api::{Answer, Api, LARGEST_BODY, Route};
pub use bundles::{Bundles, ConfigError, ConfigSource, Held, Lifetime, Refresh, Refusal};
pub use exposure::{Batch, Exposures, Reply};
pub use gateway::Gateway;
pub use identity::Identity;
pub use outgoing::{Outgoing, REQUEST_HEADER_PREFIX};
pub use settings::{Settings, SettingsError};
pub use visit::{Moment, Now, Visit};
