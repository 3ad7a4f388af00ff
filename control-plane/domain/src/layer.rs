//! Layers hand out ranges of buckets, so that a unit is in at most one experiment of a layer.

use jiff::Timestamp;

use crate::key::LayerKey;
use crate::share::BasisPoints;
use crate::spec::Unit;
use crate::version::Version;

/// Buckets of a layer; a range `[from, to)` lies within `0..BUCKETS`.
pub const BUCKETS: u16 = 10_000;

/// A layer and what is taken of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Key, part of the hashed text.
    pub key: LayerKey,
    /// Unit that every experiment of the layer must have.
    pub unit: Unit,
    /// Version of the resource.
    pub version: Version,
    /// When it was made.
    pub created_at: Timestamp,
    /// Ranges that live experiments own, with their owners, sorted.
    pub taken: Vec<(Range, String)>,
}

impl Layer {
    /// What nobody owns.
    pub fn free(&self) -> BasisPoints {
        let taken: u16 = self.taken.iter().map(|(range, _)| range.width()).fold(0, u16::saturating_add);
        BasisPoints::new(BUCKETS.saturating_sub(taken)).unwrap_or(BasisPoints::NONE)
    }
}

/// Buckets `from` (included) to `to` (excluded).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Range {
    from: u16,
    to: u16,
}

/// Why two numbers are no range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("[{from}, {to}) is not a range of buckets within 0 to 10000")]
pub struct RangeError {
    /// First bucket.
    pub from: i64,
    /// First bucket after it.
    pub to: i64,
}

/// A layer that has not enough left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the layer has {}% free, and {}% are asked for", free.percent(), wanted.percent())]
pub struct LayerFull {
    /// What is left.
    pub free: BasisPoints,
    /// What was asked for.
    pub wanted: BasisPoints,
}

impl Range {
    /// The range `[from, to)`.
    ///
    /// # Errors
    /// [`RangeError`] if it is empty or outside the buckets.
    pub fn new(from: i64, to: i64) -> Result<Self, RangeError> {
        match (u16::try_from(from), u16::try_from(to)) {
            (Ok(low), Ok(high)) if low < high && high <= BUCKETS => Ok(Self { from: low, to: high }),
            _ => Err(RangeError { from, to }),
        }
    }

    /// First bucket.
    pub const fn from(self) -> u16 {
        self.from
    }

    /// First bucket after it.
    pub const fn to(self) -> u16 {
        self.to
    }

    /// How many buckets.
    pub const fn width(self) -> u16 {
        self.to - self.from
    }
}

/// Takes `wanted` from what `taken` leaves free: the lowest free buckets, over several ranges if need be.
///
/// # Errors
/// [`LayerFull`] if there is not enough.
pub fn first_fit(taken: &[Range], wanted: BasisPoints) -> Result<Vec<Range>, LayerFull> {
    let mut taken = taken.to_vec();
    taken.sort_unstable();
    let mut missing = wanted.get();
    let mut found = Vec::new();
    let mut next_free = 0;
    let end = Range { from: BUCKETS, to: BUCKETS };
    for range in taken.iter().chain([&end]) {
        let gap = range.from.saturating_sub(next_free).min(missing);
        if gap > 0 {
            found.push(Range { from: next_free, to: next_free + gap });
            missing -= gap;
        }
        next_free = next_free.max(range.to);
    }
    if missing == 0 {
        return Ok(found);
    }
    let free = BasisPoints::new(wanted.get() - missing).unwrap_or(BasisPoints::NONE);
    Err(LayerFull { free, wanted })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn range(from: i64, to: i64) -> Range {
        Range::new(from, to).unwrap()
    }

    fn share(basis_points: u16) -> BasisPoints {
        BasisPoints::new(basis_points).unwrap()
    }

    #[test]
    fn the_lowest_free_buckets_are_taken() {
        assert_eq!(first_fit(&[], share(2_000)).unwrap(), [range(0, 2_000)]);
        let taken = [range(3_000, 9_000), range(0, 1_000)];
        assert_eq!(first_fit(&taken, share(500)).unwrap(), [range(1_000, 1_500)]);
        assert_eq!(first_fit(&taken, share(2_500)).unwrap(), [range(1_000, 3_000), range(9_000, 9_500)]);
        assert_eq!(
            first_fit(&taken, share(3_001)),
            Err(LayerFull { free: share(3_000), wanted: share(3_001) })
        );
        assert_eq!(first_fit(&taken, share(0)).unwrap(), []);
        assert_eq!(first_fit(&[range(0, 10_000)], share(1)).unwrap_err().free, share(0));
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for (from, to) in [(5, 5), (6, 5), (-1, 5), (0, 10_001), (70_000, 70_001)] {
            assert_eq!(Range::new(from, to), Err(RangeError { from, to }));
        }
    }

    proptest! {
        #[test]
        fn what_is_given_is_free_and_exactly_enough(wishes in prop::collection::vec(0_u16..4_000, 1..12)) {
            let mut owner = vec![None; usize::from(BUCKETS)];
            let mut taken = Vec::new();
            for (index, wish) in wishes.into_iter().enumerate() {
                let free = owner.iter().filter(|owner| owner.is_none()).count();
                match first_fit(&taken, share(wish)) {
                    Ok(ranges) => {
                        prop_assert!(usize::from(wish) <= free);
                        prop_assert_eq!(ranges.iter().map(|range| range.width()).sum::<u16>(), wish);
                        for bucket in ranges.iter().flat_map(|range| range.from()..range.to()) {
                            prop_assert_eq!(owner[usize::from(bucket)].replace(index), None);
                        }
                        taken.extend(ranges);
                        // Every third experiment ends, so that gaps appear.
                        if index % 3 == 1 {
                            let gone = index - 1;
                            taken.retain(|range| owner[usize::from(range.from())] != Some(gone));
                            owner.iter_mut().filter(|owner| **owner == Some(gone)).for_each(|owner| *owner = None);
                        }
                    }
                    Err(full) => {
                        prop_assert_eq!(usize::from(full.free.get()), free);
                        prop_assert!(usize::from(wish) > free);
                    }
                }
            }
        }
    }
}
