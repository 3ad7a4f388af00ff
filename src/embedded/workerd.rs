//! The Cloudflare Worker under workerd, the runtime that Cloudflare runs, through Miniflare.
//!
//! Miniflare also gives the Worker's KV the REST API of Cloudflare, so that the control plane's publisher is the one
//! that production has.

use super::Place;
use crate::supervisor::{Program, Ready, Stop};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::{env, fs};

/// A Worker that is ready to be started.
pub(crate) struct Worker {
    pub(crate) program: Program,
    /// Where visitors reach it.
    pub(crate) url: String,
    /// Where the KV's REST API answers.
    pub(crate) kv_api: String,
}

/// Describes the Worker, with `origin` behind it and `bindings` as its configuration.
///
/// # Errors
/// When the Worker is not built, or Node or Miniflare is missing.
pub(crate) fn prepare(place: &mut Place<'_>, origin: &str, bindings: &Value) -> Result<Worker> {
    let build = build_folder();
    if !build.join("index.js").exists() {
        bail!("the Worker is not built ({}); run ./dev worker", build.display());
    }
    let (port, kv_port) = (place.ports.take()?, place.ports.take()?);
    let url = format!("http://127.0.0.1:{port}");
    let data = place.folder.data("workerd");
    let temporary = data.join("tmp");
    fs::create_dir_all(&temporary).with_context(|| format!("cannot make {}", temporary.display()))?;
    let settings = json!({
        "worker": build,
        "node_modules": place.runtime.npm()?,
        "port": port,
        "kv_port": kv_port,
        "upstream": origin,
        "bindings": bindings,
        "persist": data,
    });
    let program = Program {
        name: "workerd",
        executable: place.runtime.node()?,
        arguments: vec![source_folder().join("dev/worker.mjs").into(), settings.to_string().into()],
        // Miniflare leaves its temporary folder behind when it is killed.
        environment: vec![("TMPDIR", temporary.into())],
        account: None,
        log: place.folder.log("workerd"),
        ready: Ready::Http(format!("{url}/kerf/health")),
        stop: Stop::CloseInput,
    };
    Ok(Worker { program, url, kv_api: format!("http://127.0.0.1:{kv_port}/client/v4") })
}

/// Where the built Worker is.
pub(crate) fn build_folder() -> PathBuf {
    source_folder().join("build")
}

/// `edge/cloudflare` of the checkout: `KERF_WORKER`, or the one that this program was built from.
fn source_folder() -> PathBuf {
    let built_from = || Path::new(env!("CARGO_MANIFEST_DIR")).join("edge/cloudflare");
    env::var_os("KERF_WORKER").map_or_else(built_from, PathBuf::from)
}
