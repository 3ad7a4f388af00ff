//! When a program can be used.

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;
use tokio::process::Command;

const BETWEEN_LOOKS: Duration = Duration::from_millis(50);
const LOOK_WITHIN: Duration = Duration::from_secs(3);

/// How to find out whether a program is ready.
pub(crate) enum Ready {
    /// An HTTP GET answers with success.
    Http(String),
    /// A broker answers for the cluster's metadata.
    Broker(String),
    /// A command exits with success.
    Command(PathBuf, Vec<OsString>),
}

impl Ready {
    /// Returns once the program answers; the caller bounds the time.
    pub(crate) async fn wait(&self) {
        while !self.look().await {
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }

    async fn look(&self) -> bool {
        match self {
            Ready::Http(url) => {
                let client = reqwest::Client::builder().timeout(LOOK_WITHIN).no_proxy().build();
                let Ok(client) = client else { return false };
                client.get(url).send().await.is_ok_and(|answer| answer.status().is_success())
            }
            Ready::Broker(address) => {
                let address = address.clone();
                tokio::task::spawn_blocking(move || broker_answers(&address)).await.unwrap_or(false)
            }
            Ready::Command(program, arguments) => {
                let mut command = Command::new(program);
                command.args(arguments).stdin(std::process::Stdio::null());
                command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
                command.status().await.is_ok_and(|status| status.success())
            }
        }
    }
}

fn broker_answers(address: &str) -> bool {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", address).set("log_level", "0").set("reconnect.backoff.max.ms", "200");
    let Ok(client) = config.create::<BaseConsumer>() else { return false };
    client.fetch_metadata(None, LOOK_WITHIN).is_ok_and(|metadata| !metadata.brokers().is_empty())
}
