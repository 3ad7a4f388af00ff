//! The whole platform as `kerf dev` runs it: real servers and services, each a process that can be killed.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::database::server;

/// How long a killed process may take to be back.
const RETURN_LIMIT: Duration = Duration::from_secs(60);

/// How long all processes may take to end.
const END_LIMIT: Duration = Duration::from_secs(90);

/// One platform at a time in a test program: several on two cores would only wait for one another.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A running platform; it ends when this is dropped.
#[derive(Debug)]
pub struct Platform {
    child: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    /// What `kerf dev --json` said when everything was ready.
    pub description: Value,
    _turn: MutexGuard<'static, ()>,
}

/// The program under test.
#[must_use]
pub fn program() -> PathBuf {
    PathBuf::from(server("KERF_TEST_BINARY"))
}

impl Platform {
    /// Starts everything on embedded servers of its own and waits until it is ready.
    ///
    /// # Panics
    /// If a part does not start; what it said is on stderr.
    #[must_use]
    #[expect(clippy::unwrap_used, reason = "test set-up")]
    pub fn start(options: &[&str]) -> Self {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let mut command = Command::new(program());
        command.args(["dev", "--json"]).args(options).stdin(Stdio::piped()).stdout(Stdio::piped());
        // The servers of `./dev test` are for other tests; this platform has its own.
        for external in ["DATABASE_URL", "KAFKA_BROKERS", "CLICKHOUSE_URL", "KERF_ORIGIN"] {
            command.env_remove(external);
        }
        let mut child = command.spawn().unwrap();
        let commands = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().unwrap());
        let mut platform = Self { child, commands, answers, description: Value::Null, _turn: turn };
        platform.description = platform.answer();
        platform
    }

    /// A URL by its name, such as `collector`.
    #[must_use]
    pub fn url(&self, name: &str) -> &str {
        text(&self.description, &["urls", name])
    }

    /// The API key of the admin role.
    #[must_use]
    pub fn admin_key(&self) -> &str {
        text(&self.description, &["keys", "admin"])
    }

    /// A `kerf replay` against this platform, still to be started.
    #[must_use]
    pub fn replay(&self) -> Command {
        let mut command = Command::new(program());
        command
            .arg("replay")
            .env("KERF_CONTROL_PLANE_URL", self.url("control_plane"))
            .env("KERF_COLLECTOR_URL", self.url("collector"))
            .env("KERF_API_KEY", self.admin_key())
            .env("KERF_ENVIRONMENT", text(&self.description, &["environment"]));
        command
    }

    /// Gives a command (`kill NAME`, `start NAME`, `status`) and returns the states of the processes.
    ///
    /// # Panics
    /// If the command is refused.
    #[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    pub fn tell(&mut self, command: &str) -> Value {
        writeln!(self.commands.as_mut().unwrap(), "{command}").unwrap();
        let answer = self.answer();
        assert_eq!(answer.get("error"), None, "{command}");
        answer.get("processes").cloned().unwrap_or_default()
    }

    /// Kills a process with -9 from outside, and waits until its successor is ready.
    ///
    /// # Panics
    /// If it is not running, or does not come back.
    #[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    pub fn kill(&mut self, name: &str) {
        let before = self.pid(name).unwrap();
        let killed = Command::new("kill").args(["-9", &before.to_string()]).status().unwrap();
        assert!(killed.success(), "kill -9 of {name}, process {before}");
        let killed_at = Instant::now();
        while self.pid(name).is_none_or(|pid| pid == before) {
            assert!(killed_at.elapsed() < RETURN_LIMIT, "{name} did not come back");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Interrupts it as Ctrl-C does, while whoever drives it stays, and sees that it leaves no process.
    ///
    /// # Panics
    /// If it is not at its end in time, or a process is left.
    #[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    pub fn interrupt(&mut self) {
        let states = self.tell("status");
        let processes = states.as_object().unwrap();
        let pids = processes.iter().map(|(name, state)| (name, state.get("pid").and_then(Value::as_u64)));
        let programs: Vec<_> =
            pids.map(|(name, pid)| (name, format!("/proc/{}/exe", pid.unwrap()))).collect();
        assert!(programs.iter().all(|(_, program)| fs::read_link(program).is_ok()), "{states}");
        let interrupted = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        assert!(interrupted.success());
        let interrupted_at = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(interrupted_at.elapsed() < END_LIMIT, "it does not end");
            std::thread::sleep(Duration::from_millis(50));
        }
        // A process that has ended has no program any more, whether somebody asked for its status or not.
        let left: Vec<_> = programs.iter().filter(|(_, program)| fs::read_link(program).is_ok()).collect();
        assert!(left.is_empty(), "left over: {left:?}");
    }

    fn pid(&mut self, name: &str) -> Option<u64> {
        self.tell("status").get(name)?.get("pid")?.as_u64()
    }

    #[expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        match serde_json::from_str(&line) {
            Ok(answer) => answer,
            Err(error) => panic!("`kerf dev --json` said '{line}' ({error}); its stderr says why"),
        }
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        // The end of its input ends the run.
        drop(self.commands.take());
        let _ = self.child.wait();
    }
}

fn text<'a>(value: &'a Value, path: &[&str]) -> &'a str {
    path.iter().try_fold(value, |value, name| value.get(name)).and_then(Value::as_str).unwrap_or_default()
}

/// Runs a command to its end and fails with what it said if it failed.
///
/// # Panics
/// If the command fails.
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
pub fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    succeeded(&output)
}

/// The output of a command that must have ended well.
///
/// # Panics
/// If it has not.
#[must_use]
pub fn succeeded(output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{out}\n{err}", output.status);
    out.into_owned()
}
