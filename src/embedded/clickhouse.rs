//! ClickHouse: a real server with its HTTP interface out of the chdb library, in a child process of this program.

use super::{Place, Server};
use crate::supervisor::{Program, Ready, Stop, THIS_PROGRAM};
use anyhow::{Context, Result, bail};
use clap::Args;
use libloading::Library;
use std::ffi::{CString, c_char, c_int, c_void};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The flags of the hidden subcommand that turns a process into the server.
#[derive(Args)]
pub(crate) struct LibraryOptions {
    #[arg(long)]
    library: PathBuf,
    #[arg(long)]
    data: PathBuf,
    #[arg(long)]
    port: u16,
}

/// Describes the server; the address is its URL.
///
/// # Errors
/// When the library is missing, the processor cannot run it, or the folder cannot be made.
pub(crate) fn prepare(place: &mut Place<'_>) -> Result<Server> {
    let library = place.runtime.clickhouse_library()?;
    require_avx2()?;
    let home = place.folder.data("clickhouse");
    fs::create_dir_all(&home).with_context(|| format!("cannot make {}", home.display()))?;
    let port = place.ports.take()?;
    let address = format!("http://127.0.0.1:{port}");
    let flag = |name: &str, value: &Path| [name.into(), value.into()];
    let files = [flag("--library", &library), flag("--data", &home)];
    let program = Program {
        name: "clickhouse",
        executable: THIS_PROGRAM.into(),
        arguments: [["embedded-clickhouse".into(), format!("--port={port}").into()]]
            .into_iter()
            .chain(files)
            .flatten()
            .collect(),
        environment: vec![],
        account: None,
        log: place.folder.log("clickhouse"),
        ready: Ready::Http(format!("{address}/ping")),
        stop: Stop::CloseInput,
    };
    Ok(Server { program, address })
}

fn require_avx2() -> Result<()> {
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    if processor.contains("flags") && !processor.contains("avx2") {
        bail!("the ClickHouse library needs a processor with AVX2; point CLICKHOUSE_URL at a server instead");
    }
    Ok(())
}

/// Serves until standard input ends: the query that keeps the server alive reads it.
///
/// # Errors
/// When the library cannot be loaded, or it ends with an error.
pub(crate) fn serve_library(options: &LibraryOptions) -> Result<ExitCode> {
    let arguments = [
        "clickhouse".to_owned(),
        format!("--path={}", options.data.display()),
        "--listen_host=127.0.0.1".to_owned(),
        format!("--http_port={}", options.port),
        "--query=SYSTEM START LISTEN HTTP; \
         SELECT count() FROM file('stdin', 'LineAsString', 'line String') FORMAT Null"
            .to_owned(),
    ];
    let arguments = arguments.into_iter().map(CString::new).collect::<Result<Vec<_>, _>>()?;
    if call(&options.library, &arguments)? {
        Ok(ExitCode::SUCCESS)
    } else {
        bail!("the ClickHouse library could not serve port {}", options.port)
    }
}

/// Calls `chdb_query_cmdline(argc, argv)`; false when it gives no result.
#[expect(unsafe_code, reason = "a C library is loaded and called; there is no other way to it")]
fn call(path: &Path, arguments: &[CString]) -> Result<bool> {
    type Cmdline = unsafe extern "C" fn(c_int, *mut *mut c_char) -> *mut c_void;
    let mut pointers: Vec<*mut c_char> = arguments.iter().map(|one| one.as_ptr().cast_mut()).collect();
    let count = c_int::try_from(pointers.len())?;
    // SAFETY: the library is ClickHouse as npm ships it; loading it runs its initialisers, which need nothing of us.
    let library = unsafe { Library::new(path) }.with_context(|| format!("cannot load {}", path.display()))?;
    // SAFETY: chdb.h declares the function with this signature.
    let cmdline = unsafe { library.get::<Cmdline>(b"chdb_query_cmdline\0") }?;
    // SAFETY: `pointers` holds `count` NUL-terminated strings that outlive the call; the library does not write them.
    let result = unsafe { cmdline(count, pointers.as_mut_ptr()) };
    Ok(!result.is_null())
}
