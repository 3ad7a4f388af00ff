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
    shown: Option<Instant>,
    terminal: bool,
}

impl Progress {
    /// Begins a step that does `total` of something.
    pub(super) fn begin(what: &'static str, total: usize) -> Self {
        Self { what, total, began: Instant::now(), shown: None, terminal: stderr().is_terminal() }
    }

    /// Says how many are done; the last one is always shown.
    pub(super) fn at(&mut self, done: usize) {
        let pause = if self.terminal { FLICKER } else { PAUSE };
        let last = done >= self.total;
        if !last && self.shown.is_some_and(|shown| shown.elapsed() < pause) {
            return;
        }
        self.shown = Some(Instant::now());
        let seconds = self.began.elapsed().as_secs_f64().max(1e-3);
        let percent = 100 * done / self.total.max(1);
        let line = format!(
            "{}: {done} of {} ({percent} %), {:.0} a second",
            self.what,
            self.total,
            done as f64 / seconds
        );
        let end = if self.terminal && !last { "\r" } else { "\n" };
        // Progress that cannot be shown must not stop the work.
        let _ = write!(stderr(), "{line}{end}");
    }
}
