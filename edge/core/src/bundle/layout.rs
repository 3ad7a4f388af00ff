//! Format of a bundle: header, directory, sections and their records. Little-endian; offsets from the start of the file.
//!
//! ```text
//! header 64 bytes | directory 16 bytes a section | sections, each at a multiple of 64
//! ```
//! To extend the format, append a field to a record (older bundles read it as zero, so zero means "as before") or add a
//! section with a new kind (older readers skip it). [`FORMAT`] goes up only when the meaning of something old changes.

use super::table::{record, view};

/// `KRFB`.
pub(crate) const MAGIC: u32 = u32::from_le_bytes(*b"KRFB");
/// Format that this version writes.
pub(crate) const FORMAT: u16 = 1;
/// Oldest format that this version reads.
pub(crate) const OLDEST: u16 = 1;
/// What is read in place is never shorter, in any format.
pub(crate) const SHORTEST_ENTRY: u16 = 64;
pub(crate) const SHORTEST_PREDICATE: u16 = 16;
pub(crate) const SHORTEST_DISPLACEMENT: u16 = 2;
/// Alignment of sections in the file.
#[cfg(feature = "compile")]
pub(crate) const ALIGNMENT: usize = 64;

/// No predicate, layer, holdout set.
pub(crate) const NONE: u16 = u16::MAX;
/// No slot, variant.
pub(crate) const NONE_U8: u8 = u8::MAX;
/// No extension.
pub(crate) const NONE_U32: u32 = u32::MAX;

/// Kinds of section.
pub(crate) mod section {
    pub(crate) const ENTRY: u16 = 1;
    pub(crate) const EXTENSION: u16 = 2;
    pub(crate) const DISPLACEMENT: u16 = 3;
    pub(crate) const PREDICATE: u16 = 4;
    pub(crate) const WORD: u16 = 5;
    pub(crate) const CHILD: u16 = 6;
    pub(crate) const VARIANT: u16 = 7;
    pub(crate) const VIEW: u16 = 8;
    pub(crate) const LAYER: u16 = 9;
    pub(crate) const RANGE: u16 = 10;
    pub(crate) const HOLDOUT: u16 = 11;
    pub(crate) const HOLDOUT_SET: u16 = 12;
    pub(crate) const HOLDOUT_REF: u16 = 13;
    pub(crate) const RULE: u16 = 14;
    pub(crate) const SPLIT: u16 = 15;
    pub(crate) const PREREQUISITE: u16 = 16;
    pub(crate) const OVERRIDE: u16 = 17;
    pub(crate) const ID: u16 = 18;
    pub(crate) const STRING: u16 = 19;
    pub(crate) const SETTINGS: u16 = 20;
}

record! {
    /// Start of the file.
    Header, 64, {
        magic: u32 = 0,
        format: u16 = 4,
        sections: u16 = 6,
        /// Length of the whole file.
        total_len: u32 = 8,
        /// Oldest format whose readers understand this bundle.
        min_reader: u16 = 12,
        version: u64 = 16,
        /// Milliseconds since 1970.
        created: i64 = 24,
        id_key: u128 = 32,
        environment: u32 = 48,
        environment_len: u16 = 52,
        key_seed: u32 = 56,
    }
}

record! {
    /// Where a section lies.
    Section, 16, {
        kind: u16 = 0,
        stride: u16 = 2,
        offset: u32 = 4,
        count: u32 = 8,
    }
}

/// Bits of [`EntryRecord::flags`]; an unknown bit makes the entry invalid.
pub(crate) mod flag {
    /// The entry could not be compiled; the payload is the reason.
    pub(crate) const INVALID: u16 = 1 << 0;
    /// Not running: paused, shipped, killed, archived, or a flag that is off.
    pub(crate) const STATE: u16 = 1 << 1;
    /// Has a schedule.
    pub(crate) const SCHEDULE: u16 = 1 << 2;
    /// Has prerequisites.
    pub(crate) const PREREQUISITE: u16 = 1 << 3;
    /// Needs consent; slow only for a visitor without.
    pub(crate) const CONSENT: u16 = 1 << 4;
    /// Has overrides.
    pub(crate) const OVERRIDE: u16 = 1 << 5;
    /// Keeps assignments; slow only for a visitor who brings some.
    pub(crate) const STICKY: u16 = 1 << 6;
    /// Has a holdout set.
    pub(crate) const HOLDOUT: u16 = 1 << 7;
    /// Is in a layer.
    pub(crate) const LAYER: u16 = 1 << 8;
    /// Is a flag: rules instead of gate and variants.
    pub(crate) const RULES: u16 = 1 << 9;
    /// The unit is a period.
    pub(crate) const SWITCHBACK: u16 = 1 << 10;
    /// All that this version knows.
    pub(crate) const KNOWN: u16 = (1 << 11) - 1;
}

/// States of an entry that is not running.
pub(crate) mod state {
    pub(crate) const RUNNING: u8 = 0;
    pub(crate) const PAUSED: u8 = 1;
    pub(crate) const SHIPPED: u8 = 2;
    pub(crate) const KILLED: u8 = 3;
    pub(crate) const ARCHIVED: u8 = 4;
    pub(crate) const OFF: u8 = 5;
}

// salt_state, salt_tail, salt_len: hash state after `{salt}:`. unit, fallback: views of the unit, and of the one to take where it
// is missing. cum_bp: upper thresholds of the first four variants, which is what most experiments need. control: variant of those
// outside, the off variant of a flag. range_from, range_to: first range in the layer. kind: 0 experiment, 1 to 4 flag. ordinal:
// position in the wire form, experiments first. iteration: 0, or the number behind the key in the salt. fixed: shipped variant of
// an experiment, default of a flag.
/// The fields of an entry, once for both ways of reading them.
macro_rules! entry_fields {
    ($declare:ident, $name:ident, $(#[$doc:meta])*) => {
        $declare! { $(#[$doc])* $name, 64, {
            salt_state: u32 = 0,
            salt_tail: u32 = 4,
            salt_len: u16 = 8,
            flags: u16 = 10,
            predicate: u16 = 12,
            unit: u8 = 14,
            fallback: u8 = 15,
            gate_bp: u16 = 16,
            cum_bp: Thresholds = 18,
            variants_n: u8 = 26,
            control: u8 = 27,
            layer: u16 = 28,
            holdouts: u16 = 30,
            range_from: u16 = 32,
            range_to: u16 = 34,
            key: u32 = 36,
            key_len: u8 = 40,
            kind: u8 = 41,
            ordinal: u16 = 42,
            variants: u32 = 44,
            extension: u32 = 48,
            iteration: u32 = 52,
            state: u8 = 56,
            fixed: u8 = 57,
            rules_n: u16 = 58,
            rules: u32 = 60,
        } }
    };
}

entry_fields!(record, EntryRecord, /// One experiment or flag, at its slot of the perfect hash.
);
entry_fields!(view, EntryView, /// An entry in place: the path of every decision reads only the fields it needs.
);

/// Cumulative weights of the first four variants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Thresholds(pub(crate) [u16; 4]);

impl Thresholds {
    #[inline]
    pub(crate) const fn from_le_bytes(bytes: [u8; 8]) -> Self {
        let [a, b, c, d, e, f, g, h] = bytes;
        Self([
            u16::from_le_bytes([a, b]),
            u16::from_le_bytes([c, d]),
            u16::from_le_bytes([e, f]),
            u16::from_le_bytes([g, h]),
        ])
    }

    #[cfg(feature = "compile")]
    pub(crate) const fn to_le_bytes(self) -> [u8; 8] {
        let Self([first, second, third, fourth]) = self;
        let ([a, b], [c, d]) = (first.to_le_bytes(), second.to_le_bytes());
        let ([e, f], [g, h]) = (third.to_le_bytes(), fourth.to_le_bytes());
        [a, b, c, d, e, f, g, h]
    }
}

record! {
    /// What few entries have.
    ExtensionRecord, 72, {
        /// Milliseconds since 1970; the least value where there is no start.
        start: i64 = 0,
        /// The greatest value where there is no end.
        end: i64 = 8,
        prerequisites: u32 = 16,
        prerequisites_n: u32 = 20,
        overrides: u32 = 24,
        overrides_n: u32 = 28,
        /// Ranges in the layer after the first.
        ranges: u32 = 32,
        ranges_n: u32 = 36,
        /// Length of a switchback period in milliseconds.
        period: u64 = 40,
        /// Upper 48 bits of the sticky tag; the lower 16 are the variant's.
        sticky: u64 = 48,
        payload: u32 = 56,
        payload_len: u32 = 60,
        /// View of the attribute that a switchback goes by.
        switch_by: u8 = 64,
    }
}

// op: [`op`]; the top bit says that several entries share it.
/// The fields of a predicate, once for both ways of reading them.
macro_rules! predicate_fields {
    ($declare:ident, $name:ident, $(#[$doc:meta])*) => {
        $declare! { $(#[$doc])* $name, 16, {
            op: u8 = 0,
            slot: u8 = 1,
            n: u16 = 2,
            a: u32 = 4,
            b: u64 = 8,
        } }
    };
}

predicate_fields!(record, PredicateRecord, /// A condition; children come before parents.
);
predicate_fields!(view, PredicateView, /// A predicate in place.
);

/// Operations of predicates, and what their fields hold.
pub(crate) mod op {
    /// Set where several entries use the predicate: worth remembering within a decision set.
    pub(crate) const SHARED: u8 = 0x80;
    /// `n` children: up to four in `b`, else from `a` in CHILD.
    pub(crate) const AND: u8 = 1;
    pub(crate) const OR: u8 = 2;
    /// Child in `b`.
    pub(crate) const NOT: u8 = 3;
    /// Child in `b`; name at `a`, `n` bytes.
    pub(crate) const SEGMENT: u8 = 4;
    /// Constants.
    pub(crate) const TRUE: u8 = 5;
    pub(crate) const FALSE: u8 = 6;
    pub(crate) const EXISTS: u8 = 7;
    /// Text of up to seven bytes packed in `b`.
    pub(crate) const EQ_SHORT: u8 = 8;
    /// Text at `a`, `b` bytes.
    pub(crate) const EQ_LONG: u8 = 9;
    /// From `a` in WORD: `n` packed short texts, sorted, then `b` references to long ones, sorted by text.
    pub(crate) const IN_TEXTS: u8 = 10;
    /// Text at `a`, `b` bytes; `n` = 1: ASCII letters of either case are the same.
    pub(crate) const STARTS_WITH: u8 = 11;
    pub(crate) const ENDS_WITH: u8 = 12;
    pub(crate) const CONTAINS: u8 = 13;
    pub(crate) const EQ_ANY_CASE: u8 = 14;
    /// `b` is 0 or 1.
    pub(crate) const EQ_BOOL: u8 = 16;
    /// `b` holds the bits of a double.
    pub(crate) const EQ_NUMBER: u8 = 17;
    pub(crate) const GT_NUMBER: u8 = 18;
    pub(crate) const GTE_NUMBER: u8 = 19;
    pub(crate) const LT_NUMBER: u8 = 20;
    pub(crate) const LTE_NUMBER: u8 = 21;
    /// `b` doubles from `a` in WORD, ascending.
    pub(crate) const IN_NUMBERS: u8 = 22;
    /// `b` = major · 2^32 + minor, `a` = patch, `n` = WORD index of the pre-release's reference or none.
    pub(crate) const EQ_VERSION: u8 = 23;
    pub(crate) const GT_VERSION: u8 = 24;
    pub(crate) const GTE_VERSION: u8 = 25;
    pub(crate) const LT_VERSION: u8 = 26;
    pub(crate) const LTE_VERSION: u8 = 27;
    /// `b` = microseconds since 1970.
    pub(crate) const GT_DATE: u8 = 28;
    pub(crate) const GTE_DATE: u8 = 29;
    pub(crate) const LT_DATE: u8 = 30;
    pub(crate) const LTE_DATE: u8 = 31;
    /// `b` ranges of four words (from low, from high, to low, to high) from `a` in WORD, ascending, apart.
    pub(crate) const IN_ADDRESSES: u8 = 32;
    /// `b` id hashes from `a` in ID, ascending.
    pub(crate) const IN_IDS: u8 = 33;
    /// Program of `n` instructions from `a` in WORD; `b` refers to the pattern's text.
    pub(crate) const REGEX: u8 = 34;
    /// Those whose `a` is a place in WORD.
    #[cfg(feature = "compile")]
    pub(crate) const HAS_WORDS: [u8; 4] = [IN_TEXTS, IN_NUMBERS, IN_ADDRESSES, REGEX];
    /// From here on a predicate is dear, or worth remembering.
    pub(crate) const REGEX_OR_SHARED: u8 = REGEX;
}

record! {
    /// A variant of an entry.
    VariantRecord, 24, {
        name: u32 = 0,
        name_len: u16 = 4,
        cum_bp: u16 = 6,
        value: u32 = 8,
        value_len: u32 = 12,
        /// [`value`].
        kind: u8 = 16,
        /// Lower 16 bits of the sticky tag.
        sticky: u16 = 18,
    }
}

/// Kinds of a variant's value.
pub(crate) mod value {
    pub(crate) const NONE: u8 = 0;
    pub(crate) const NULL: u8 = 1;
    pub(crate) const FALSE: u8 = 2;
    pub(crate) const TRUE: u8 = 3;
    pub(crate) const NUMBER: u8 = 4;
    pub(crate) const STRING: u8 = 5;
    pub(crate) const JSON: u8 = 6;
}

record! {
    /// An attribute as predicates want it: its slot in a subject.
    ViewRecord, 8, {
        name: u32 = 0,
        name_len: u8 = 4,
        /// [`view`].
        kind: u8 = 5,
    }
}

/// How an attribute is read.
pub(crate) mod view {
    pub(crate) const UNIT: u8 = 1;
    pub(crate) const TEXT: u8 = 2;
    pub(crate) const NUMBER: u8 = 3;
    pub(crate) const BOOLEAN: u8 = 4;
    pub(crate) const VERSION: u8 = 5;
    pub(crate) const DATE: u8 = 6;
    pub(crate) const ADDRESS: u8 = 7;
    pub(crate) const ANY: u8 = 8;
}

record! {
    /// A layer.
    LayerRecord, 16, {
        /// Hash state after `layer:{layer}:`.
        state: u32 = 0,
        tail: u32 = 4,
        len: u16 = 8,
        key_len: u8 = 10,
        key: u32 = 12,
    }
}

record! {
    /// Buckets `[from, to)`.
    RangeRecord, 4, {
        from: u16 = 0,
        to: u16 = 2,
    }
}

record! {
    /// A holdout.
    HoldoutRecord, 24, {
        /// Hash state after `holdout:{holdout}:`.
        state: u32 = 0,
        tail: u32 = 4,
        len: u16 = 8,
        bp: u16 = 10,
        key: u32 = 12,
        key_len: u8 = 16,
        /// [`mode`].
        mode: u8 = 17,
        exclude: u16 = 18,
    }
}

/// Modes of a holdout.
pub(crate) mod mode {
    pub(crate) const SIMPLE: u8 = 0;
    pub(crate) const PAIRED: u8 = 1;
}

record! {
    /// Holdouts that apply together, in HOLDOUT_REF.
    HoldoutSetRecord, 8, {
        first: u32 = 0,
        n: u32 = 4,
    }
}

record! {
    /// A rule of a flag.
    RuleRecord, 40, {
        /// Hash state after `{flag}:{rule}:`.
        state: u32 = 0,
        tail: u32 = 4,
        len: u16 = 8,
        predicate: u16 = 10,
        /// [`rule`].
        kind: u8 = 12,
        unit: u8 = 13,
        /// Variant to serve.
        variant: u8 = 14,
        id_len: u8 = 15,
        rollout_bp: u16 = 16,
        holdouts: u16 = 18,
        /// Entry of the experiment.
        experiment: u16 = 20,
        splits_n: u16 = 22,
        /// From here in SPLIT: the shares of a rollout, or the flag's variant for each of the experiment's.
        splits: u32 = 24,
        id: u32 = 28,
    }
}

/// Kinds of rule.
pub(crate) mod rule {
    pub(crate) const SERVE: u8 = 1;
    pub(crate) const ROLLOUT: u8 = 2;
    pub(crate) const EXPERIMENT: u8 = 3;
}

record! {
    /// A share of a rollout, or a variant that stands for another.
    SplitRecord, 4, {
        cum_bp: u16 = 0,
        variant: u8 = 2,
    }
}

record! {
    /// A flag that must serve a variant.
    PrerequisiteRecord, 4, {
        flag: u16 = 0,
        variant: u8 = 2,
    }
}

record! {
    /// A unit that gets a fixed variant; sorted by hash.
    OverrideRecord, 12, {
        hash: u64 = 0,
        variant: u8 = 8,
    }
}
