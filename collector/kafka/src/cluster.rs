//! How to reach the brokers.

use rdkafka::ClientConfig;
use std::collections::BTreeMap;

/// The brokers, and what an operator adds to the settings (TLS, SASL and the like).
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    /// `host:port`, several separated by commas.
    pub brokers: String,
    /// Properties of librdkafka by name; they win over those that the services set.
    pub options: BTreeMap<String, String>,
}

impl Cluster {
    /// A cluster at these brokers, without further options.
    pub fn new(brokers: impl Into<String>) -> Self {
        Self { brokers: brokers.into(), options: BTreeMap::new() }
    }

    /// What every client begins with. A lost broker is looked for again at least once a second.
    pub fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", "kerf")
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "1000")
            .set("socket.keepalive.enable", "true")
            .set("socket.connection.setup.timeout.ms", "5000");
        self.with_options(config)
    }

    /// Puts the operator's options last, so that they win.
    pub(crate) fn with_options(&self, mut config: ClientConfig) -> ClientConfig {
        for (name, value) in &self.options {
            config.set(name, value);
        }
        config
    }
}
