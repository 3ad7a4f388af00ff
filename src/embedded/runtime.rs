//! Where the programs of the embedded servers are: what `./dev setup` installed.

use anyhow::{Context, Result, bail};
use std::env;
use std::path::{Path, PathBuf};

/// The folder of tools that `./dev setup` fills.
pub(crate) struct Runtime {
    root: PathBuf,
}

impl Runtime {
    /// The folder that `KERF_RUNTIME` names, or the tools of the cache that `./dev` uses.
    ///
    /// # Errors
    /// When neither that variable nor a home folder is known.
    pub(crate) fn from_environment() -> Result<Self> {
        let root = match env::var_os("KERF_RUNTIME") {
            Some(root) => PathBuf::from(root),
            None => cache()?.join("tools"),
        };
        Ok(Self { root })
    }

    /// The jars of the broker, as a class path.
    pub(crate) fn kafka_class_path(&self) -> Result<String> {
        Ok(format!("{}/*", self.installed("kafka")?.display()))
    }

    /// The ClickHouse library.
    pub(crate) fn clickhouse_library(&self) -> Result<PathBuf> {
        self.installed("npm/node_modules/@chdb/lib-linux-x64-gnu/libchdb.so").context(
            "the ClickHouse library is for Linux on x86-64; elsewhere point CLICKHOUSE_URL at a server",
        )
    }

    /// The Node program, which drives workerd.
    pub(crate) fn node(&self) -> Result<PathBuf> {
        self.installed("node/bin/node")
    }

    /// The folder whose `node_modules` has Miniflare and workerd.
    pub(crate) fn npm(&self) -> Result<PathBuf> {
        self.installed("npm")
    }

    fn installed(&self, name: &str) -> Result<PathBuf> {
        let path = self.root.join(name);
        if !path.exists() {
            bail!("{} is not there; run ./dev setup (KERF_RUNTIME names its tools folder)", path.display());
        }
        Ok(path)
    }
}

fn cache() -> Result<PathBuf> {
    let of_kerf = env::var_os("KERF_CACHE").map(PathBuf::from);
    let of_user = || env::var_os("XDG_CACHE_HOME").map(|cache| Path::new(&cache).join("kerf"));
    let of_home = || env::var_os("HOME").map(|home| Path::new(&home).join(".cache/kerf"));
    of_kerf.or_else(of_user).or_else(of_home).context("set KERF_RUNTIME to the tools folder of ./dev setup")
}
