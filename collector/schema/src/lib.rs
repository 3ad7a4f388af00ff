//! ClickHouse tables, numbered.
//!
//! The files in `ddl/` are applied in order and never changed once they were: what is to change gets a file of its
//! own. `kerf_schema` in the same database says which were applied, with their SHA-256. See DESIGN.md for the tables.

mod connect;
mod migrations;

pub use connect::{AddressError, connect};
pub use migrations::{MIGRATIONS, Migration, SchemaError, apply};
