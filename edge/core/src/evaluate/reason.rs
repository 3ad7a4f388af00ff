//! Why a decision is what it is.

/// Why a decision is what it is; each outcome has one, in the order of checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Reason {
    /// The entry could not be compiled or its bytes are damaged; the only decision without a variant.
    Invalid,
    /// The experiment was killed.
    Killed,
    /// The experiment is archived.
    Archived,
    /// The experiment is paused.
    Paused,
    /// The flag is off.
    Off,
    /// The schedule has not begun.
    NotStarted,
    /// The schedule is over.
    Ended,
    /// A flag that must have served a certain variant did not.
    PrerequisiteFailed,
    /// The visitor did not agree to take part.
    NoConsent,
    /// The context has no unit for the experiment.
    NoUnit,
    /// A fixed variant: a list of ids, or asked for by a tester.
    Override,
    /// Kept from an earlier decision.
    Sticky,
    /// Held out.
    Holdout,
    /// Held out of running experiments, but not of what was shipped.
    HoldoutPaired,
    /// The condition is false or unknown.
    NotTargeted,
    /// The unit's bucket is not in the share that takes part.
    NotInTraffic,
    /// The unit's bucket in the layer belongs to another experiment or to none.
    NotInRange,
    /// In the experiment, by hash.
    Assigned,
    /// The variant that was shipped.
    Shipped,
    /// A rule without a condition.
    Static,
    /// A rule whose condition is true.
    Targeted,
    /// A percentage rollout took the unit.
    Rollout,
    /// No rule took the unit.
    Default,
}

/// Reason as OpenFeature names it (specification 0.8, section 1.4, resolution details).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the specification's")]
pub enum OpenFeatureReason {
    Static,
    Default,
    TargetingMatch,
    Split,
    Disabled,
    Error,
}

/// Error code as OpenFeature names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the specification's")]
pub enum ErrorCode {
    ProviderNotReady,
    FlagNotFound,
    ParseError,
    TypeMismatch,
    TargetingKeyMissing,
    InvalidContext,
    General,
}

/// One line for each reason: the reason, its name, OpenFeature's reason, OpenFeature's error code.
const TABLE: [(Reason, &str, OpenFeatureReason, Option<ErrorCode>); 23] = {
    use OpenFeatureReason::{Default, Disabled, Error, Split, Static, TargetingMatch};
    [
        (Reason::Invalid, "invalid", Error, Some(ErrorCode::ParseError)),
        (Reason::Killed, "killed", Disabled, None),
        (Reason::Archived, "archived", Disabled, None),
        (Reason::Paused, "paused", Disabled, None),
        (Reason::Off, "off", Disabled, None),
        (Reason::NotStarted, "not_started", Disabled, None),
        (Reason::Ended, "ended", Disabled, None),
        (Reason::PrerequisiteFailed, "prerequisite_failed", Default, None),
        (Reason::NoConsent, "no_consent", Default, None),
        (Reason::NoUnit, "no_unit", Error, Some(ErrorCode::TargetingKeyMissing)),
        (Reason::Override, "override", TargetingMatch, None),
        (Reason::Sticky, "sticky", Split, None),
        (Reason::Holdout, "holdout", Split, None),
        (Reason::HoldoutPaired, "holdout_paired", Split, None),
        (Reason::NotTargeted, "not_targeted", Default, None),
        (Reason::NotInTraffic, "not_in_traffic", Default, None),
        (Reason::NotInRange, "not_in_range", Default, None),
        (Reason::Assigned, "assigned", Split, None),
        (Reason::Shipped, "shipped", Static, None),
        (Reason::Static, "static", Static, None),
        (Reason::Targeted, "targeted", TargetingMatch, None),
        (Reason::Rollout, "rollout", Split, None),
        (Reason::Default, "default", Default, None),
    ]
};

impl Reason {
    /// All reasons, in the order of checks.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|line| line.0)
    }

    const fn line(self) -> &'static (Self, &'static str, OpenFeatureReason, Option<ErrorCode>) {
        #[expect(
            clippy::indexing_slicing,
            reason = "the table has a line for each reason, in order; a test walks it"
        )]
        &TABLE[self as usize]
    }

    /// Stable name, in snake case.
    pub const fn as_str(self) -> &'static str {
        self.line().1
    }

    /// The reason that OpenFeature would give.
    pub const fn open_feature(self) -> OpenFeatureReason {
        self.line().2
    }

    /// The error code that OpenFeature would give, for reasons that are errors there.
    pub const fn error(self) -> Option<ErrorCode> {
        self.line().3
    }

    /// Whether the unit takes part in the experiment and the decision counts as an exposure.
    pub const fn counts(self) -> bool {
        matches!(self, Self::Assigned | Self::Sticky)
    }
}

impl OpenFeatureReason {
    /// The name in the specification.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Static => "STATIC",
            Self::Default => "DEFAULT",
            Self::TargetingMatch => "TARGETING_MATCH",
            Self::Split => "SPLIT",
            Self::Disabled => "DISABLED",
            Self::Error => "ERROR",
        }
    }
}

impl ErrorCode {
    /// The name in the specification.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ProviderNotReady => "PROVIDER_NOT_READY",
            Self::FlagNotFound => "FLAG_NOT_FOUND",
            Self::ParseError => "PARSE_ERROR",
            Self::TypeMismatch => "TYPE_MISMATCH",
            Self::TargetingKeyMissing => "TARGETING_KEY_MISSING",
            Self::InvalidContext => "INVALID_CONTEXT",
            Self::General => "GENERAL",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_every_reason_in_its_place() {
        for (index, line) in TABLE.iter().enumerate() {
            assert_eq!(line.0 as usize, index, "{}", line.1);
            assert_eq!(line.2 == OpenFeatureReason::Error, line.3.is_some(), "{}", line.1);
        }
        assert_eq!(Reason::Default as usize + 1, TABLE.len());
    }
}
