//! One child process: started so that it cannot outlive us, ended in the way that it asks for.

use super::ready::Ready;
use anyhow::{Context, Result};
use rustix::process::{Pid, Signal};
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::{Child, ChildStdin, Command};

/// The running program itself, also when a build has replaced its file meanwhile.
pub(crate) const THIS_PROGRAM: &str = "/proc/self/exe";

/// What to run, where it writes, when it is ready, and how it ends.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) executable: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) environment: Vec<(&'static str, OsString)>,
    /// The account to run under, when it is not ours.
    pub(crate) account: Option<Account>,
    /// What it says is appended to this file.
    pub(crate) log: PathBuf,
    pub(crate) ready: Ready,
    pub(crate) stop: Stop,
}

/// A system account, as Postgres needs one when we are root.
#[derive(Clone, Copy)]
pub(crate) struct Account {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// How a program is asked to end, and what happens to it when we are killed.
#[derive(Clone, Copy)]
pub(crate) enum Stop {
    /// By a signal; the second one is what the kernel sends it when we die.
    Signal(Signal, Signal),
    /// By the end of its standard input, which also comes when we die.
    CloseInput,
}

/// How long a program may take to end before it is killed.
const STOP_WITHIN: Duration = Duration::from_secs(15);

/// A running child, in a process group of its own: Ctrl-C at the terminal reaches us alone, and we end the rest in
/// order.
pub(crate) struct Process {
    child: Child,
    pid: Pid,
    input: Option<ChildStdin>,
    stop: Stop,
}

impl Process {
    /// Starts the program.
    ///
    /// # Errors
    /// When its log cannot be opened or the system cannot start it.
    pub(crate) fn start(program: &Program) -> Result<Self> {
        let log = OpenOptions::new().append(true).create(true).open(&program.log);
        let log = log.with_context(|| format!("cannot write the log {}", program.log.display()))?;
        let mut command = Command::new(&program.executable);
        if program.executable.as_os_str() == THIS_PROGRAM {
            // Lists of processes show this instead of the path.
            command.arg0("kerf");
        }
        command.args(&program.arguments).envs(program.environment.iter().cloned());
        command.stdout(log.try_clone()?).stderr(log).process_group(0).kill_on_drop(true);
        if let Some(account) = program.account {
            command.uid(account.uid).gid(account.gid);
        }
        match program.stop {
            Stop::Signal(_, orphaned) => {
                command.stdin(Stdio::null());
                tie_to_parent(&mut command, orphaned);
            }
            Stop::CloseInput => {
                command.stdin(Stdio::piped());
                tie_to_parent(&mut command, Signal::TERM);
            }
        }
        let cannot = || format!("cannot start {} ({})", program.name, program.executable.display());
        let mut child = command.spawn().with_context(cannot)?;
        let pid = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)).with_context(cannot)?;
        let input = child.stdin.take();
        Ok(Self { child, pid, input, stop: program.stop })
    }

    /// The id of the process, which is also that of its group.
    pub(crate) fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub(crate) async fn ended(&mut self) -> Result<ExitStatus> {
        // tokio closes the standard input in `wait`, but ours is held apart, so the child keeps it.
        Ok(self.child.wait().await?)
    }

    /// Asks it to end, and kills it when it does not within 15 s.
    pub(crate) async fn stop(mut self) {
        match self.stop {
            Stop::Signal(signal, _) => signal_quietly(rustix::process::kill_process(self.pid, signal)),
            Stop::CloseInput => drop(self.input.take()),
        }
        if tokio::time::timeout(STOP_WITHIN, self.child.wait()).await.is_err() {
            tracing::warn!(pid = self.pid(), "did not end within {} s and is killed", STOP_WITHIN.as_secs());
        }
        self.kill().await;
    }

    /// Ends it and its own children at once, as `kill -9` does.
    pub(crate) async fn kill(mut self) {
        signal_quietly(rustix::process::kill_process_group(self.pid, Signal::KILL));
        if let Err(error) = self.child.wait().await {
            tracing::warn!(%error, pid = self.pid(), "cannot tell whether it has ended");
        }
    }
}

/// A process or group that has ended by itself takes no signal, which is what was wanted.
fn signal_quietly(sent: rustix::io::Result<()>) {
    if let Err(error) = sent
        && error != rustix::io::Errno::SRCH
    {
        tracing::warn!(%error, "cannot send a signal");
    }
}

/// Makes the kernel send `signal` to the child when the thread that starts it ends: also `kill -9` of this process
/// leaves no child. Worker threads of the runtime live as long as it does, since nothing here blocks in place.
#[expect(
    unsafe_code,
    reason = "no safe wrapper runs code between fork and exec; it makes two system calls only"
)]
fn tie_to_parent(command: &mut Command, signal: Signal) {
    let parent = rustix::process::getpid();
    let tie = move || {
        rustix::process::set_parent_process_death_signal(Some(signal))?;
        if rustix::process::getppid() == Some(parent) {
            Ok(())
        } else {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
    };
    // SAFETY: `tie` calls prctl and getppid, which are safe after a fork, and neither allocates nor locks.
    unsafe { command.pre_exec(tie) };
}
