//! Processes whose own parent was killed: they become ours, and end with the run.

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, getpid, kill_process, set_child_subreaper};
use std::fs;

/// A chain of orphans that adopts its own children is ended within so many looks.
const LOOKS: usize = 20;

/// From here on a descendant that loses its parent becomes our child.
///
/// # Errors
/// When the system refuses.
pub(super) fn adopt() -> Result<()> {
    set_child_subreaper(Some(getpid())).context("cannot take in the children of processes that are killed")
}

/// Kills every child that is left; their children become ours and follow.
pub(super) fn kill() {
    for _ in 0..LOOKS {
        let left = running_children();
        if left.is_empty() {
            return;
        }
        for pid in left {
            // One that has ended meanwhile takes no signal, which is what was wanted.
            let _ = kill_process(pid, Signal::KILL);
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

fn running_children() -> Vec<Pid> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let stats = processes.filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
    stats.filter_map(|stat| child_of(&stat, getpid())).collect()
}

/// The process of a line of `/proc/PID/stat`, when it runs and its parent is `parent`.
fn child_of(stat: &str, parent: Pid) -> Option<Pid> {
    // The second field is a name in parentheses that may hold anything.
    let (pid, _) = stat.split_once(' ')?;
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let (state, its_parent) = (fields.next()?, fields.next()?);
    let is_ours = its_parent.parse() == Ok(parent.as_raw_nonzero().get());
    if is_ours && state != "Z" { Pid::from_raw(pid.parse().ok()?) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_running_children_of_the_parent_are_found() {
        let parent = Pid::from_raw(7).unwrap();
        let found = |stat| child_of(stat, parent).map(|pid| pid.as_raw_nonzero().get());
        assert_eq!(found("12 (a b) c) S 7 12 12"), Some(12));
        assert_eq!(found("12 (workerd) S 8 12 12"), None);
        assert_eq!(found("12 (workerd) Z 7 12 12"), None);
        assert_eq!(found("nonsense"), None);
    }
}
