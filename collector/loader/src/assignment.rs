//! Which partitions are this loader's, and since when.
//!
//! A partition that was taken away and given back is read again from its committed offset. So offsets are kept with
//! the epoch of the assignment under which their messages were read, and only those of the current one are committed:
//! an older one could name an offset that others moved past, or skip what was never inserted.

use rdkafka::TopicPartitionList;
use rdkafka::topic_partition_list::Offset;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Partitions with the epoch of their assignment.
pub(crate) type Owned = HashMap<i32, u64>;

/// What rebalances said; written from librdkafka's callback.
#[derive(Default)]
pub(crate) struct Assignment {
    owned: Mutex<Owned>,
    /// Counts changes; a reader that knows the number need not look again.
    version: AtomicU64,
}

impl Assignment {
    /// Takes partitions in.
    pub(crate) fn add(&self, partitions: impl Iterator<Item = i32>) {
        let mut owned = self.owned.lock().unwrap_or_else(PoisonError::into_inner);
        let epoch = self.version.fetch_add(1, Ordering::AcqRel) + 1;
        owned.extend(partitions.map(|partition| (partition, epoch)));
    }

    /// Gives partitions up.
    pub(crate) fn remove(&self, partitions: impl Iterator<Item = i32>) {
        let mut owned = self.owned.lock().unwrap_or_else(PoisonError::into_inner);
        self.version.fetch_add(1, Ordering::AcqRel);
        for partition in partitions {
            owned.remove(&partition);
        }
    }

    /// How often the assignment has changed.
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// The partitions of now.
    pub(crate) fn owned(&self) -> Owned {
        self.owned.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Up to where messages were read, for each partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Offsets(BTreeMap<i32, Mark>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    epoch: u64,
    /// The offset after the last message.
    next: i64,
}

impl Offsets {
    /// Notes that the message at this offset was read under this epoch.
    pub(crate) fn note(&mut self, partition: i32, offset: i64, epoch: u64) {
        self.0.insert(partition, Mark { epoch, next: offset.saturating_add(1) });
    }

    /// Takes over the marks of a batch that was read after those here.
    pub(crate) fn merge(&mut self, later: Self) {
        self.0.extend(later.0);
    }

    /// Drops the marks of partitions that are not owned any more, or are owned anew.
    pub(crate) fn retain(&mut self, owned: &Owned) {
        self.0.retain(|partition, mark| owned.get(partition) == Some(&mark.epoch));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The list that is committed.
    ///
    /// # Errors
    /// When librdkafka does not take an offset.
    pub(crate) fn list(&self, topic: &str) -> rdkafka::error::KafkaResult<TopicPartitionList> {
        let mut list = TopicPartitionList::with_capacity(self.0.len());
        for (partition, mark) in &self.0 {
            list.add_partition_offset(topic, *partition, Offset::Offset(mark.next))?;
        }
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_an_earlier_assignment_are_not_committed() {
        let assignment = Assignment::default();
        assignment.add([0, 1].into_iter());
        let before = assignment.owned();
        let mut offsets = Offsets::default();
        offsets.note(0, 10, before[&0]);
        offsets.note(1, 20, before[&1]);

        assignment.remove([1].into_iter());
        assignment.add([1].into_iter());
        offsets.retain(&assignment.owned());
        let mut kept = Offsets::default();
        kept.note(0, 10, before[&0]);
        assert_eq!(offsets, kept);

        offsets.note(1, 15, assignment.owned()[&1]);
        offsets.retain(&assignment.owned());
        let list = offsets.list("t").unwrap();
        let committed: Vec<_> = list.elements().iter().map(|e| (e.partition(), e.offset())).collect();
        assert_eq!(committed, [(0, Offset::Offset(11)), (1, Offset::Offset(16))]);
    }

    #[test]
    fn a_later_batch_wins() {
        let (mut earlier, mut later) = (Offsets::default(), Offsets::default());
        earlier.note(0, 1, 1);
        earlier.note(1, 5, 1);
        later.note(0, 3, 1);
        earlier.merge(later);
        let mut expected = Offsets::default();
        expected.note(0, 3, 1);
        expected.note(1, 5, 1);
        assert_eq!(earlier, expected);
    }
}
