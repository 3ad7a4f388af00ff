//! How far a long step is, on stderr: a line that is rewritten on a terminal, a line every few seconds elsewhere.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// Time between two lines where there is no terminal.
const PAUSE: Duration = Duration::from_secs(5);
/// Time between two rewritings on a terminal.
const FLICKER: Duration = Duration::from_millis(100);

/// A step of known length.
pub(super) struct Progress {
    what: &'static str,
    total: usize,
    began: Instant,
    /// When a line was last shown, and the number in it.
    shown: Option<(Instant, usize)>,
    terminal: bool,
    /// Whether the pace is worth knowing.
    paced: bool,
}

impl Progress {
    /// Begins a step that does `total` of something.
    pub(super) fn begin(what: &'static str, total: usize) -> Self {
        Self {
            what,
            total,
            began: Instant::now(),
            shown: None,
            terminal: stderr().is_terminal(),
            paced: true,
        }
    }

    /// Begins to wait until `total` of something have come.
    pub(super) fn wait(what: &'static str, total: usize) -> Self {
        Self { paced: false, ..Self::begin(what, total) }
    }

    /// Says how many are done; the last one is always shown.
    pub(super) fn at(&mut self, done: usize) {
        let pause = if self.terminal { FLICKER } else { PAUSE };
        let last = done >= self.total;
        if self.shown.is_some_and(|(when, number)| number == done || (!last && when.elapsed() < pause)) {
            return;
        }
        self.shown = Some((Instant::now(), done));
        let seconds = self.began.elapsed().as_secs_f64().max(1e-3);
        let percent = 100 * done / self.total.max(1);
        let pace =
            if self.paced { format!(", {:.0} a second", done as f64 / seconds) } else { String::new() };
        let line = format!("{}: {done} of {} ({percent} %){pace}", self.what, self.total);
        let end = if self.terminal && !last { "\r" } else { "\n" };
        // Progress that cannot be shown must not stop the work.
        let _ = write!(stderr(), "{line}{end}");
    }
}
