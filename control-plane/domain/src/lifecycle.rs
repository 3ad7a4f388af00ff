//! Where an experiment stands, and how it may move on.

use std::fmt;

/// Where an experiment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Being written; nothing is served.
    Draft,
    /// Assigns and counts.
    Running,
    /// Control for everybody, no exposures; ranges are kept.
    Paused,
    /// Over; ranges are released, results stay.
    Completed,
    /// Out of the lists; data and results stay readable.
    Archived,
}

/// What people do to an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// From draft to running.
    Start,
    /// Stop assigning, keep everything. Never waits for a precondition.
    Pause,
    /// Go on with the same units and variants.
    Resume,
    /// End it.
    Complete,
    /// Put it away.
    Archive,
}

/// Why a move is refused; each cell of the table that is no move names one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum IllegalTransition {
    /// Start of what runs or pauses.
    #[error("it was started already")]
    AlreadyStarted,
    /// Pause of what pauses.
    #[error("it is paused already")]
    AlreadyPaused,
    /// Resume of what runs.
    #[error("it is running already")]
    AlreadyRunning,
    /// Anything but start and archive of a draft.
    #[error("it was never started; start it first")]
    NeverStarted,
    /// Archive of what runs or pauses.
    #[error("it is still live; complete it first")]
    StillLive,
    /// Anything but archive of what is completed.
    #[error("it is completed; make a new experiment")]
    AlreadyCompleted,
    /// Anything at all of what is archived.
    #[error("it is archived; make a new experiment")]
    AlreadyArchived,
}

/// The lifecycle: every phase and action, with the phase after it or the reason why not.
pub const TABLE: [(Phase, [Result<Phase, IllegalTransition>; 5]); 5] = {
    use IllegalTransition::{
        AlreadyArchived, AlreadyCompleted, AlreadyPaused, AlreadyRunning, AlreadyStarted, NeverStarted,
        StillLive,
    };
    use Phase::{Archived, Completed, Draft, Paused, Running};
    #[rustfmt::skip]
    let table = [
        //            start                  pause                  resume                 complete               archive
        (Draft,     [Ok(Running),           Err(NeverStarted),     Err(NeverStarted),     Err(NeverStarted),     Ok(Archived)]),
        (Running,   [Err(AlreadyStarted),   Ok(Paused),            Err(AlreadyRunning),   Ok(Completed),         Err(StillLive)]),
        (Paused,    [Err(AlreadyStarted),   Err(AlreadyPaused),    Ok(Running),           Ok(Completed),         Err(StillLive)]),
        (Completed, [Err(AlreadyCompleted), Err(AlreadyCompleted), Err(AlreadyCompleted), Err(AlreadyCompleted), Ok(Archived)]),
        (Archived,  [Err(AlreadyArchived),  Err(AlreadyArchived),  Err(AlreadyArchived),  Err(AlreadyArchived),  Err(AlreadyArchived)]),
    ];
    table
};

impl Phase {
    /// Every phase, in the order of a life.
    pub const ALL: [Self; 5] = [Self::Draft, Self::Running, Self::Paused, Self::Completed, Self::Archived];

    /// The phase of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.as_str() == text)
    }

    /// The name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::Archived => "archived",
        }
    }

    /// The phase after an action.
    ///
    /// # Errors
    /// The reason that the table has for this cell.
    pub fn after(self, action: Action) -> Result<Self, IllegalTransition> {
        let [(_, draft), (_, running), (_, paused), (_, completed), (_, archived)] = TABLE;
        let [start, pause, resume, complete, archive] = match self {
            Self::Draft => draft,
            Self::Running => running,
            Self::Paused => paused,
            Self::Completed => completed,
            Self::Archived => archived,
        };
        match action {
            Action::Start => start,
            Action::Pause => pause,
            Action::Resume => resume,
            Action::Complete => complete,
            Action::Archive => archive,
        }
    }

    /// The actions that are possible now.
    pub fn actions(self) -> Vec<Action> {
        Action::ALL.into_iter().filter(|action| self.after(*action).is_ok()).collect()
    }

    /// Whether the edges know it: running or paused.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Running | Self::Paused)
    }
}

impl Action {
    /// Every action, in the order of the table's columns.
    pub const ALL: [Self; 5] = [Self::Start, Self::Pause, Self::Resume, Self::Complete, Self::Archive];

    /// The name, as it stands in the path.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Complete => "complete",
            Self::Archive => "archive",
        }
    }
}

impl IllegalTransition {
    /// Stable name of the refusal.
    pub const fn code(self) -> &'static str {
        match self {
            Self::AlreadyStarted => "already_started",
            Self::AlreadyPaused => "already_paused",
            Self::AlreadyRunning => "already_running",
            Self::NeverStarted => "never_started",
            Self::StillLive => "still_live",
            Self::AlreadyCompleted => "already_completed",
            Self::AlreadyArchived => "already_archived",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_columns_stand_where_lookup_expects_them() {
        for ((phase, row), expected) in TABLE.into_iter().zip(Phase::ALL) {
            assert_eq!(phase, expected);
            for (cell, action) in row.into_iter().zip(Action::ALL) {
                assert_eq!(phase.after(action), cell, "{phase} {action}");
            }
        }
    }

    #[test]
    fn the_moves_are_these_and_no_others() {
        let moves: Vec<_> = Phase::ALL
            .into_iter()
            .flat_map(|phase| Action::ALL.map(|action| (phase, action)))
            .filter_map(|(phase, action)| {
                Some((phase.as_str(), action.as_str(), phase.after(action).ok()?.as_str()))
            })
            .collect();
        assert_eq!(
            moves,
            [
                ("draft", "start", "running"),
                ("draft", "archive", "archived"),
                ("running", "pause", "paused"),
                ("running", "complete", "completed"),
                ("paused", "resume", "running"),
                ("paused", "complete", "completed"),
                ("completed", "archive", "archived"),
            ]
        );
    }

    #[test]
    fn names_read_back() {
        for phase in Phase::ALL {
            assert_eq!(Phase::parse(phase.as_str()), Some(phase));
        }
        assert_eq!(Phase::parse("stopped"), None);
    }
}
