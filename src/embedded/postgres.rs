//! A private Postgres: Debian's programs, our own cluster on loopback; no system service is touched.

use super::{Place, Server};
use crate::supervisor::{Account, Program, Ready, Stop};
use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::{env, iter};
use tokio::process::Command;

const SUPERUSER: &str = "kerf";

/// Makes the cluster when the folder has none, and describes the server; the address is a superuser's URL of the
/// database `postgres`.
///
/// # Errors
/// When Postgres is not installed, or the cluster cannot be made.
pub(crate) async fn prepare(place: &mut Place<'_>) -> Result<Server> {
    let programs = programs()?;
    let account = account()?;
    let home = place.folder.data("postgres");
    let cluster = home.join("cluster");
    if !cluster.join("PG_VERSION").exists() {
        make_home(&home, account)?;
        make_cluster(&programs, &home, account).await?;
    }
    let password = fs::read_to_string(home.join("password")).context("the cluster's password is gone")?;
    let port = place.ports.take()?;
    let address = format!("postgres://{SUPERUSER}:{}@127.0.0.1:{port}/postgres", password.trim());
    let probe = ["-q", "-h", "127.0.0.1", "-p", &port.to_string()].map(OsString::from).to_vec();
    let program = Program {
        name: "postgres",
        executable: programs.join("postgres"),
        arguments: arguments(&cluster, port, place.folder.is_temporary()),
        environment: vec![],
        account,
        log: place.folder.log("postgres"),
        ready: Ready::Command(programs.join("pg_isready"), probe),
        // Interrupt is Postgres' fast shutdown; when we are killed it must not wait for its clients either.
        stop: Stop::Signal(Signal::INT, Signal::QUIT),
    };
    Ok(Server { program, address })
}

/// Connections enough for tests that run side by side. What is deleted after the run need not survive a power cut;
/// `kill -9` it does survive.
fn arguments(cluster: &Path, port: u16, temporary: bool) -> Vec<OsString> {
    let port = port.to_string();
    let mut settings = vec!["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=300"];
    if temporary {
        settings.extend(["fsync=off", "full_page_writes=off"]);
    }
    let start = ["-D".into(), cluster.into(), "-p".into(), OsString::from(port)];
    start.into_iter().chain(settings.into_iter().flat_map(|one| ["-c".into(), one.into()])).collect()
}

/// The folder with `initdb` and `postgres`: `KERF_POSTGRES_BIN`, the search path, or Debian's newest.
fn programs() -> Result<PathBuf> {
    if let Some(folder) = env::var_os("KERF_POSTGRES_BIN") {
        return Ok(folder.into());
    }
    let debian = || -> Vec<PathBuf> {
        let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let mut versions: Vec<(u32, PathBuf)> = versions
            .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
            .collect();
        versions.sort();
        versions.into_iter().rev().map(|(_, path)| path).collect()
    };
    let searched =
        env::var_os("PATH").map(|path| env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    let found = debian().into_iter().chain(searched).find(|folder| folder.join("initdb").exists());
    found.context("Postgres is not installed; run ./dev setup, or set DATABASE_URL to a server of yours")
}

/// The account to run under: ours, but `postgres` when we are root, since it refuses root.
fn account() -> Result<Option<Account>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let accounts = fs::read_to_string("/etc/passwd").context("cannot read the system's accounts")?;
    let line = accounts.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let found = line.filter_map(|fields| match fields.as_slice() {
        ["postgres", _, uid, gid, ..] => Some(Account { uid: uid.parse().ok()?, gid: gid.parse().ok()? }),
        _ => None,
    });
    match found.into_iter().next() {
        Some(account) => Ok(Some(account)),
        None => bail!("Postgres does not run as root, and there is no account 'postgres' to run it under"),
    }
}

/// The folder of cluster and password, which only Postgres' account may enter.
fn make_home(home: &Path, account: Option<Account>) -> Result<()> {
    let cannot = || format!("cannot prepare {} for Postgres", home.display());
    fs::create_dir_all(home).with_context(cannot)?;
    let password = home.join("password");
    fs::write(&password, uuid::Uuid::new_v4().simple().to_string()).with_context(cannot)?;
    fs::set_permissions(&password, Permissions::from_mode(0o600)).with_context(cannot)?;
    fs::set_permissions(home, Permissions::from_mode(0o700)).with_context(cannot)?;
    if let Some(account) = account {
        for path in [home, &password] {
            chown(path, Some(account.uid), Some(account.gid)).with_context(cannot)?;
        }
    }
    Ok(())
}

async fn make_cluster(programs: &Path, home: &Path, account: Option<Account>) -> Result<()> {
    let mut command = Command::new(programs.join("initdb"));
    command.arg("-D").arg(home.join("cluster")).arg("--pwfile").arg(home.join("password"));
    command.args(["-U", SUPERUSER, "-E", "UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256", "--no-sync"]);
    if let Some(account) = account {
        command.uid(account.uid).gid(account.gid);
    }
    let output = command.output().await.context("cannot run initdb")?;
    if !output.status.success() {
        let said: Vec<_> = iter::once(output.stdout).chain(iter::once(output.stderr)).collect();
        let said = said.iter().map(|bytes| String::from_utf8_lossy(bytes)).collect::<String>();
        bail!(
            "initdb cannot make a cluster in {} (when we are root, the account 'postgres' has to reach it):\n{said}",
            home.display()
        );
    }
    Ok(())
}
