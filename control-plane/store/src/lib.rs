//! Postgres: the one write path, one module per resource.
//!
//! Every change of a resource goes through the module `write`, which puts version, audit row and outbox row into the transaction
//! of the change itself. What is not a change of a resource (bookkeeping of the publisher, when a key was last used)
//! is written by the module that owns the table. See `migrations/README.md` for what the database refuses by itself.

mod api_key;
mod audit;
mod bundle;
mod connect;
mod error;
mod experiment;
mod idempotency;
mod layer;
mod publish;
#[cfg(feature = "testing")]
pub mod testing;
mod time;
mod version;
mod write;

pub use api_key::{ApiKey, NewApiKey};
pub use audit::{AuditRow, ChainCheck};
pub use bundle::{Made, MakeError, MakeInputs, NewBundle};
pub use connect::Store;
pub use error::{Current, StoreError, WriteError};
pub use experiment::{Edit, ExperimentCursor, ExperimentFilter};
pub use idempotency::{Idempotency, Remembered};
pub use publish::{BundleInfo, Delivery, Lease, PublishStatus, Step, TargetStatus};
pub use version::VersionRow;
pub use write::{Author, Precondition};
