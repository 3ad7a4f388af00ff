//! Where the parts of a development run answer.

use crate::ports::Ports;
use anyhow::Result;
use serde::Serialize;
use std::fmt;

/// The base URL of each part.
#[derive(Clone, Serialize)]
pub(crate) struct Urls {
    /// The edge that visitors use: the Cloudflare Worker under workerd.
    pub(crate) edge: String,
    /// The same gateway as a native server.
    pub(crate) edge_native: String,
    /// The web site behind both.
    pub(crate) origin: String,
    /// Where experiments are made and results are read.
    pub(crate) control_plane: String,
    /// Where events go.
    pub(crate) collector: String,
    /// What fills ClickHouse; it answers for its health and metrics.
    pub(crate) loader: String,
    /// What computes results.
    pub(crate) analysis: String,
}

impl Urls {
    /// A port of its own for each part; the Worker's is chosen where it is prepared.
    ///
    /// # Errors
    /// When no port is free.
    pub(crate) fn choose(ports: &mut Ports) -> Result<Self> {
        let mut url = || -> Result<String> { Ok(format!("http://127.0.0.1:{}", ports.take()?)) };
        Ok(Self {
            edge: String::new(),
            edge_native: url()?,
            origin: url()?,
            control_plane: url()?,
            collector: url()?,
            loader: url()?,
            analysis: url()?,
        })
    }
}

/// One a line, for people.
impl fmt::Display for Urls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            ("edge (Worker)", &self.edge),
            ("edge (native)", &self.edge_native),
            ("origin", &self.origin),
            ("control plane", &self.control_plane),
            ("collector", &self.collector),
            ("loader", &self.loader),
            ("analysis", &self.analysis),
        ];
        parts.iter().try_for_each(|(name, url)| writeln!(f, "{name:<15}{url}"))
    }
}
