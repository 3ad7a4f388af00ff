//! The line protocol by which a program drives a run: commands on stdin, answers in JSON on stdout.
//!
//! `kill NAME` kills a process as `kill -9` does and keeps it down, `start NAME` brings it back on the same port and
//! data, `status` tells the states. Every command has one answer. The end of stdin ends the run, so that nothing
//! outlives the program that drives it.

use crate::supervisor::{State, Supervisor};
use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Stdin};

/// Reads commands and answers them until stdin ends.
///
/// # Errors
/// When stdin cannot be read.
pub(crate) async fn obey(input: Stdin, supervisor: &Supervisor) -> Result<()> {
    let mut lines = BufReader::new(input).lines();
    while let Some(line) = lines.next_line().await.context("cannot read commands from stdin")? {
        if line.trim().is_empty() {
            continue;
        }
        let answer = match command(line.trim(), supervisor).await {
            Ok(()) => json!({ "processes": processes(supervisor) }),
            Err(error) => json!({ "error": format!("{error:#}") }),
        };
        println!("{answer}");
    }
    Ok(())
}

async fn command(line: &str, supervisor: &Supervisor) -> Result<()> {
    match line.split_once(' ') {
        Some(("kill", name)) => supervisor.kill(name.trim()).await,
        Some(("start", name)) => supervisor.revive(name.trim()).await,
        None if line == "status" => Ok(()),
        _ => bail!("'{line}' is no command; there are 'kill NAME', 'start NAME' and 'status'"),
    }
}

/// The state of each process, by name: `{"state": "ready", "pid": 123}`.
pub(crate) fn processes(supervisor: &Supervisor) -> Value {
    let described = supervisor.states().into_iter().map(|(name, state)| (name.to_owned(), describe(state)));
    Value::Object(described.collect::<Map<_, _>>())
}

fn describe(state: State) -> Value {
    match state {
        State::Starting => json!({ "state": "starting" }),
        State::Ready(pid) => json!({ "state": "ready", "pid": pid }),
        State::Held => json!({ "state": "held" }),
        State::Failed => json!({ "state": "failed" }),
    }
}
