//! A batch: what was read from Kafka and is to be stored before its offsets may be committed.

use crate::assignment::Offsets;
use crate::rows::{Place, Rows};
use kerf_events::{Record, RecordFault};
use std::time::Instant;

/// A message that cannot be used, as it was.
pub(crate) struct DeadLetter {
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) payload: Vec<u8>,
    pub(crate) fault: RecordFault,
    pub(crate) place: Place,
}

/// Rows, dead letters, and the offsets that they cover.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) rows: Rows,
    pub(crate) dead_letters: Vec<DeadLetter>,
    pub(crate) offsets: Offsets,
    /// Bytes of the messages.
    bytes: usize,
    /// When the first message came.
    opened: Option<Instant>,
}

impl Batch {
    /// Takes a message in: as a row, or as a dead letter.
    pub(crate) fn push(&mut self, key: Option<&[u8]>, payload: &[u8], place: Place, epoch: u64) {
        self.opened.get_or_insert_with(Instant::now);
        self.bytes += payload.len();
        self.offsets.note(place.partition, place.offset, epoch);
        match Record::from_json(payload) {
            Ok(record) => self.rows.push(record, place),
            Err(fault) => self.dead_letters.push(DeadLetter {
                key: key.map(<[u8]>::to_vec),
                payload: payload.to_vec(),
                fault,
                place,
            }),
        }
    }

    /// Messages in it.
    pub(crate) fn len(&self) -> usize {
        self.rows.len() + self.dead_letters.len()
    }

    /// Bytes of the messages in it.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// When the first message came, `None` while there is none.
    pub(crate) fn opened(&self) -> Option<Instant> {
        self.opened
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Table;

    fn push(batch: &mut Batch, json: &str) {
        batch.push(Some(b"k"), json.as_bytes(), Place { partition: 3, offset: 7 }, 1);
    }

    const HEAD: &str = r#""event_id":"01981b2e-6f3a-7c11-8a4b-0123456789ab","unit":"00112233445566778899aabbccddeeff","ts":1795600800000,"received_at":1795600800100"#;

    #[test]
    fn each_kind_goes_to_its_table_and_what_is_bad_to_the_dead_letters() {
        let mut batch = Batch::default();
        push(&mut batch, &format!(r#"{{"v":1,"type":"metric",{HEAD},"metric":"m","value":1}}"#));
        push(&mut batch, &format!(r#"{{"v":1,"type":"exposure",{HEAD},"experiment_id":"e","variant":"a"}}"#));
        push(&mut batch, &format!(r#"{{"v":1,"type":"diagnostic",{HEAD},"name":"n"}}"#));
        push(&mut batch, &format!(r#"{{"v":2,"type":"metric",{HEAD},"metric":"m","value":1}}"#));
        push(&mut batch, &format!(r#"{{"v":1,"type":"metric",{HEAD},"metric":"m"}}"#));
        push(&mut batch, "not json");
        let reasons: Vec<_> = batch.dead_letters.iter().map(|letter| letter.fault.reason()).collect();
        assert_eq!(reasons, ["unknown_version", "invalid_field", "malformed"]);
        assert_eq!(batch.len(), 6);
        let tables: Vec<_> = batch.rows.into_tables().map(|(table, _, rows)| (table, rows)).collect();
        assert_eq!(tables, [(Table::Metric, 1), (Table::Exposure, 1), (Table::Diagnostic, 1)]);
    }
}
