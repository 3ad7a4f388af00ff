//! Keeps the processes of a run alive: starts them, restarts what dies, ends them in order.

mod process;
mod ready;
mod tail;

pub(crate) use process::{Account, Program, Stop, THIS_PROGRAM};
pub(crate) use ready::Ready;

use anyhow::{Context, Result, bail};
use process::Process;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

/// How long a program may take until it is ready for the first time.
const READY_WITHIN: Duration = Duration::from_secs(120);

/// The wait before a restart doubles from the first of these to the second while a program keeps dying, and starts
/// over once it has run for the second.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// The processes of a run, in stages: a stage is started when the ones before it are ready, and ended before them.
#[derive(Default)]
pub(crate) struct Supervisor {
    stages: Vec<Vec<Supervised>>,
}

/// One program and the task that keeps it running.
struct Supervised {
    name: &'static str,
    log: PathBuf,
    orders: mpsc::Sender<Order>,
    state: watch::Receiver<State>,
    task: JoinHandle<()>,
}

/// What a program is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It runs (or is about to) and is not ready yet.
    Starting,
    /// It runs and was ready; its process id.
    Ready(i32),
    /// It was killed by order and stays down.
    Held,
    /// It ended before it was ready for the first time, and is not tried again.
    Failed,
}

enum Order {
    Kill,
    Start,
    Stop,
}

impl Supervisor {
    /// Starts the programs of the next stage and waits until all of them are ready.
    ///
    /// # Errors
    /// Names the program that ended early or was not ready in time, with the end of its log.
    pub(crate) async fn start(&mut self, programs: Vec<Program>) -> Result<()> {
        let stage: Vec<Supervised> = programs.into_iter().map(Supervised::launch).collect();
        let mut states: Vec<_> =
            stage.iter().map(|one| (one.name, one.log.clone(), one.state.clone())).collect();
        self.stages.push(stage);
        let deadline = Instant::now() + READY_WITHIN;
        for (name, log, state) in &mut states {
            let settled = state.wait_for(|state| matches!(state, State::Ready(_) | State::Failed));
            let problem = match tokio::time::timeout_at(deadline, settled).await {
                Ok(Ok(state)) if *state != State::Failed => continue,
                Ok(_) => "ended before it was ready".to_owned(),
                Err(_) => format!("was not ready within {} s", READY_WITHIN.as_secs()),
            };
            bail!("{name} {problem}; the end of {}:\n{}", log.display(), tail::of_file(log));
        }
        Ok(())
    }

    /// Kills a program as `kill -9` does, and keeps it down until [`Supervisor::revive`].
    ///
    /// # Errors
    /// When there is no program of that name.
    pub(crate) async fn kill(&self, name: &str) -> Result<()> {
        let program = self.find(name)?;
        program.orders.send(Order::Kill).await?;
        program.state.clone().wait_for(|state| matches!(state, State::Held | State::Failed)).await?;
        Ok(())
    }

    /// Starts a program that was killed, on the same port and data, and waits until it is ready.
    ///
    /// # Errors
    /// When there is no program of that name, or it is not ready in time.
    pub(crate) async fn revive(&self, name: &str) -> Result<()> {
        let program = self.find(name)?;
        program.orders.send(Order::Start).await?;
        let mut state = program.state.clone();
        let ready = state.wait_for(|state| matches!(state, State::Ready(_)));
        tokio::time::timeout(READY_WITHIN, ready)
            .await
            .with_context(|| format!("{name} does not come back"))??;
        Ok(())
    }

    /// What each program is doing, in the order of their start.
    pub(crate) fn states(&self) -> Vec<(&'static str, State)> {
        self.stages.iter().flatten().map(|one| (one.name, *one.state.borrow())).collect()
    }

    /// Ends every program: the last stage first, the programs of a stage together.
    pub(crate) async fn stop(self) {
        for stage in self.stages.into_iter().rev() {
            let mut ending = JoinSet::new();
            for program in stage {
                ending.spawn(program.stop());
            }
            while ending.join_next().await.is_some() {}
        }
    }

    fn find(&self, name: &str) -> Result<&Supervised> {
        let found = self.stages.iter().flatten().find(|one| one.name == name);
        found.with_context(|| format!("there is no process '{name}' here"))
    }
}

impl Supervised {
    fn launch(program: Program) -> Self {
        let (orders, taken) = mpsc::channel(4);
        let (tell, state) = watch::channel(State::Starting);
        let (name, log) = (program.name, program.log.clone());
        let task = tokio::spawn(Keeper { program, orders: taken, tell }.keep());
        Self { name, log, orders, state, task }
    }

    async fn stop(self) {
        // The task is gone already when the program failed; then there is nothing to end.
        if self.orders.send(Order::Stop).await.is_ok()
            && let Err(error) = self.task.await
        {
            tracing::error!(name = self.name, %error, "its keeper failed");
        }
    }
}

/// What one attempt to run a program came to.
enum Outcome {
    /// The program ended by itself; whether it had been ready.
    Ended {
        was_ready: bool,
    },
    Killed,
    Stopped,
}

/// The task that keeps one program running.
struct Keeper {
    program: Program,
    orders: mpsc::Receiver<Order>,
    tell: watch::Sender<State>,
}

impl Keeper {
    async fn keep(mut self) {
        let mut pause = BACKOFF.0;
        let mut ever_ready = false;
        loop {
            let started = Instant::now();
            self.tell.send_replace(State::Starting);
            match self.run_once().await {
                Outcome::Stopped => return,
                Outcome::Killed => {
                    if !self.wait_for_start().await {
                        return;
                    }
                    pause = BACKOFF.0;
                }
                Outcome::Ended { was_ready } => {
                    ever_ready |= was_ready;
                    if !ever_ready {
                        self.tell.send_replace(State::Failed);
                        return;
                    }
                    pause = if started.elapsed() >= BACKOFF.1 { BACKOFF.0 } else { pause };
                    if !self.wait_before_restart(pause).await {
                        return;
                    }
                    pause = (pause * 2).min(BACKOFF.1);
                }
            }
        }
    }

    /// Runs the program until it ends or is told to.
    async fn run_once(&mut self) -> Outcome {
        let mut was_ready = false;
        let mut process = match Process::start(&self.program) {
            Ok(process) => process,
            Err(error) => {
                tracing::error!("{error:#}");
                return Outcome::Ended { was_ready };
            }
        };
        loop {
            tokio::select! {
                status = process.ended() => {
                    let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
                    tracing::warn!(name = self.program.name, "ended by itself: {status}");
                    // What it had started itself must not outlive it.
                    process.kill().await;
                    return Outcome::Ended { was_ready };
                }
                order = self.orders.recv() => match order {
                    Some(Order::Kill) => {
                        process.kill().await;
                        return Outcome::Killed;
                    }
                    Some(Order::Start) => {}
                    Some(Order::Stop) | None => {
                        process.stop().await;
                        return Outcome::Stopped;
                    }
                },
                () = self.program.ready.wait(), if !was_ready => {
                    was_ready = true;
                    self.tell.send_replace(State::Ready(process.pid()));
                }
            }
        }
    }

    /// Waits for the order to start again; false when the run ends instead.
    async fn wait_for_start(&mut self) -> bool {
        self.tell.send_replace(State::Held);
        loop {
            match self.orders.recv().await {
                Some(Order::Start) => return true,
                Some(Order::Kill) => {}
                Some(Order::Stop) | None => return false,
            }
        }
    }

    /// Waits before the next start; false when the run ends meanwhile.
    async fn wait_before_restart(&mut self, pause: Duration) -> bool {
        self.tell.send_replace(State::Starting);
        tokio::select! {
            () = tokio::time::sleep(pause) => true,
            order = self.orders.recv() => match order {
                Some(Order::Start) => true,
                Some(Order::Kill) => self.wait_for_start().await,
                Some(Order::Stop) | None => false,
            },
        }
    }
}
