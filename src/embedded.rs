//! Real servers for development and tests, started as children on loopback: no stand-ins.

pub(crate) mod clickhouse;
pub(crate) mod kafka;
pub(crate) mod postgres;
mod runtime;
pub(crate) mod workerd;

pub(crate) use runtime::Runtime;

use crate::folder::RunFolder;
use crate::ports::Ports;
use crate::supervisor::Program;
use anyhow::Result;

/// A server that is ready to be started: its program, and the address that its clients need.
pub(crate) struct Server {
    pub(crate) program: Program,
    pub(crate) address: String,
}

/// What every server needs to be prepared.
pub(crate) struct Place<'a> {
    pub(crate) runtime: &'a Runtime,
    pub(crate) folder: &'a RunFolder,
    pub(crate) ports: &'a mut Ports,
}

/// The servers that stand in for what the user did not point elsewhere.
pub(crate) struct Wanted {
    pub(crate) postgres: bool,
    pub(crate) kafka: bool,
    pub(crate) clickhouse: bool,
}

/// The prepared servers; `None` where one is not wanted.
pub(crate) struct Servers {
    pub(crate) postgres: Option<Server>,
    pub(crate) kafka: Option<Server>,
    pub(crate) clickhouse: Option<Server>,
}

impl Servers {
    /// Prepares the wanted servers: ports, folders, configuration.
    ///
    /// # Errors
    /// When something that one of them needs is missing, or its folder cannot be made.
    pub(crate) async fn prepare(wanted: &Wanted, place: &mut Place<'_>) -> Result<Self> {
        let postgres = if wanted.postgres { Some(postgres::prepare(place).await?) } else { None };
        let kafka = if wanted.kafka { Some(kafka::prepare(place).await?) } else { None };
        let clickhouse = if wanted.clickhouse { Some(clickhouse::prepare(place)?) } else { None };
        Ok(Self { postgres, kafka, clickhouse })
    }
}
