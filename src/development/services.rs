//! The services of a development run as child processes of this program, so that each can die on its own.

use super::{ENVIRONMENT, Urls};
use crate::embedded::Place;
use crate::folder::RunFolder;
use crate::secrets::Secrets;
use crate::supervisor::{Program, Ready, Stop, THIS_PROGRAM};
use anyhow::Result;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::ffi::OsString;

/// Partitions of the topic of events: enough to see several at work, few enough to start quickly.
const PARTITIONS: &str = "8";

/// What the services are told.
pub(crate) struct Plan {
    pub(crate) urls: Urls,
    pub(crate) database_url: String,
    pub(crate) kafka_brokers: String,
    pub(crate) clickhouse_url: String,
    pub(crate) build_seconds: u64,
    pub(crate) batch_seconds: u64,
    pub(crate) batch_rows: Option<u64>,
    secrets: Secrets,
    public_key: String,
}

/// The settings of one service, by variable.
type Settings = Vec<(&'static str, OsString)>;

impl Plan {
    /// A plan with ports for every service, which still has to be told of the servers.
    ///
    /// # Errors
    /// When no port is free.
    pub(crate) fn new(place: &mut Place<'_>, secrets: Secrets, public_key: String) -> Result<Self> {
        Ok(Self {
            urls: Urls::choose(place.ports)?,
            database_url: String::new(),
            kafka_brokers: String::new(),
            clickhouse_url: String::new(),
            build_seconds: 2,
            batch_seconds: 1,
            batch_rows: None,
            secrets,
            public_key,
        })
    }

    /// The web site behind the edge.
    pub(crate) fn sample_site(&self, folder: &RunFolder) -> Program {
        service(folder, "sample-site", &self.urls.origin, "/healthz", vec![])
    }

    /// What the Worker is told.
    pub(crate) fn worker_bindings(&self) -> Value {
        json!({
            "KERF_ENVIRONMENT": ENVIRONMENT,
            "KERF_PUBLIC_KEY": self.public_key,
            "KERF_COLLECTOR_URL": self.urls.collector,
            "KERF_ORIGIN": self.urls.origin,
            "KERF_USER_ID_HEADER": USER_ID_HEADER,
            "KERF_REFRESH_SECONDS": "1",
        })
    }

    pub(crate) fn control_plane(&self, folder: &RunFolder, kv_api: &str) -> Program {
        let settings = vec![
            ("DATABASE_URL", self.database_url.clone().into()),
            ("KERF_SIGNING_KEY", self.secrets.signing_key.clone().into()),
            ("KERF_PUBLISH_DIR", folder.data("published").into()),
            ("KERF_CLOUDFLARE_API", kv_api.into()),
            ("KERF_CLOUDFLARE_ACCOUNT", "local".into()),
            ("KERF_CLOUDFLARE_NAMESPACE", "local".into()),
            ("KERF_CLOUDFLARE_TOKEN", "local".into()),
            ("KERF_ANALYSIS_URL", self.urls.analysis.clone().into()),
        ];
        service(folder, "control-plane", &self.urls.control_plane, "/readyz", settings)
    }

    pub(crate) fn collector(&self, folder: &RunFolder) -> Program {
        let mut settings = self.kafka();
        settings.push(("KERF_PSEUDONYM_KEY", self.secrets.pseudonym_key.clone().into()));
        settings.push(("KERF_SPOOL_DIR", folder.data("spool").into()));
        service(folder, "collector", &self.urls.collector, "/readyz", settings)
    }

    pub(crate) fn loader(&self, folder: &RunFolder) -> Program {
        let mut settings = self.kafka();
        settings.push(("CLICKHOUSE_URL", self.clickhouse_url.clone().into()));
        settings.push(("KERF_BATCH_SECONDS", self.batch_seconds.to_string().into()));
        settings.extend(self.batch_rows.map(|rows| ("KERF_BATCH_ROWS", rows.to_string().into())));
        service(folder, "loader", &self.urls.loader, "/healthz", settings)
    }

    pub(crate) fn analysis(&self, folder: &RunFolder, viewer_key: &str) -> Program {
        let settings = vec![
            ("CLICKHOUSE_URL", self.clickhouse_url.clone().into()),
            ("KERF_CONTROL_PLANE_URL", self.urls.control_plane.clone().into()),
            ("KERF_CONTROL_PLANE_KEY", viewer_key.into()),
            ("KERF_BUILD_SECONDS", self.build_seconds.to_string().into()),
        ];
        service(folder, "analysis", &self.urls.analysis, "/healthz", settings)
    }

    pub(crate) fn native_edge(&self, folder: &RunFolder) -> Program {
        let mut published = OsString::from("file:");
        published.push(folder.data("published"));
        let settings = vec![
            ("KERF_CONFIG", published),
            ("KERF_PUBLIC_KEY", self.public_key.clone().into()),
            ("KERF_COLLECTOR_URL", self.urls.collector.clone().into()),
            ("KERF_ORIGIN", self.urls.origin.clone().into()),
            ("KERF_USER_ID_HEADER", USER_ID_HEADER.into()),
            ("KERF_REFRESH_SECONDS", "1".into()),
        ];
        service(folder, "edge", &self.urls.edge_native, "/kerf/health", settings)
    }

    fn kafka(&self) -> Settings {
        vec![
            ("KAFKA_BROKERS", self.kafka_brokers.clone().into()),
            ("KERF_TOPIC_PARTITIONS", PARTITIONS.into()),
        ]
    }
}

/// Simulated and replayed visitors say by this header who they are.
pub(crate) const USER_ID_HEADER: &str = "x-user-id";

fn service(
    folder: &RunFolder,
    name: &'static str,
    url: &str,
    ready: &str,
    mut settings: Settings,
) -> Program {
    settings.push(("KERF_LISTEN", url.trim_start_matches("http://").into()));
    settings.push(("KERF_ENVIRONMENT", ENVIRONMENT.into()));
    Program {
        name,
        executable: THIS_PROGRAM.into(),
        arguments: vec![name.into()],
        environment: settings,
        account: None,
        log: folder.log(name),
        ready: Ready::Http(format!("{url}{ready}")),
        stop: Stop::Signal(Signal::TERM, Signal::KILL),
    }
}
