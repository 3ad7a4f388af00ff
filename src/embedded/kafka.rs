//! One Apache Kafka broker: the real jars, its own controller (KRaft), on loopback.

use super::{Place, Server};
use crate::supervisor::{Program, Ready, Stop};
use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// A random UUID in Kafka's text form; every private cluster may have the same, since none meets another.
const CLUSTER: &str = "a2VyZi1kZXYtY2x1c3Rlcg";

/// Writes the configuration, formats the folder when it is new, and describes the broker; the address is its
/// `host:port`.
///
/// # Errors
/// When the jars or Java are missing, or the folder cannot be formatted.
pub(crate) async fn prepare(place: &mut Place<'_>) -> Result<Server> {
    let class_path = place.runtime.kafka_class_path()?;
    let home = place.folder.data("kafka");
    let temporary = temporary(&home);
    fs::create_dir_all(&temporary).with_context(|| format!("cannot make {}", temporary.display()))?;
    let address = format!("127.0.0.1:{}", place.ports.take()?);
    let controller = format!("127.0.0.1:{}", place.ports.take()?);
    write_configuration(&home, &address, &controller)?;
    if !home.join("data/meta.properties").exists() {
        format_folder(&class_path, &home).await?;
    }
    let heap = ["-Xms256m", "-Xmx512m", "-XX:+UseSerialGC"].map(OsString::from);
    let program = Program {
        name: "kafka",
        executable: "java".into(),
        arguments: heap.into_iter().chain(java_arguments(&class_path, &home, "kafka.Kafka")).collect(),
        environment: vec![],
        account: None,
        log: place.folder.log("kafka"),
        ready: Ready::Broker(address.clone()),
        stop: Stop::Signal(Signal::TERM, Signal::KILL),
    };
    Ok(Server { program, address })
}

/// Where the broker unpacks its native libraries: it leaves them behind when it is killed.
fn temporary(home: &Path) -> PathBuf {
    home.join("tmp")
}

fn write_configuration(home: &Path, address: &str, controller: &str) -> Result<()> {
    let server = include_str!("kafka/server.properties")
        .replace("{address}", address)
        .replace("{controller}", controller)
        .replace("{data}", &home.join("data").display().to_string());
    let cannot = || format!("cannot write the broker's configuration into {}", home.display());
    fs::write(home.join("server.properties"), server).with_context(cannot)?;
    fs::write(home.join("log4j2.xml"), include_str!("kafka/log4j2.xml")).with_context(cannot)
}

fn java_arguments(class_path: &str, home: &Path, class: &str) -> Vec<OsString> {
    let logging = format!("-Dlog4j2.configurationFile={}", home.join("log4j2.xml").display());
    let temporary = format!("-Djava.io.tmpdir={}", temporary(home).display());
    let mut arguments: Vec<OsString> =
        ["-cp", class_path, &logging, &temporary, class].map(OsString::from).to_vec();
    if class != FORMAT {
        arguments.push(home.join("server.properties").into());
    }
    arguments
}

const FORMAT: &str = "kafka.tools.StorageTool";

async fn format_folder(class_path: &str, home: &Path) -> Result<()> {
    let mut command = Command::new("java");
    command.args(java_arguments(class_path, home, FORMAT));
    command.args(["format", "-t", CLUSTER, "-c"]).arg(home.join("server.properties"));
    let output = command.output().await.context("cannot run java; run ./dev setup")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("Kafka cannot format {} (it needs Java 17 or later):\n{said}", home.display());
    }
    Ok(())
}
