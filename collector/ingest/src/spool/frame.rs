//! Frames: how messages lie in a segment, and how they are found again after a crash.
//!
//! ```text
//! frame    length u32 | crc u32 | content            little-endian; length counts the content alone
//! crc      CRC-32C over length and content, so that a damaged length is noticed too
//! content  key length u8 (0 or 32) | key | payload
//! ```
//! Bytes that are no frame are told apart: a short last frame or trailing zeros are a write that a kill or a power cut
//! stopped, and nothing of it was acknowledged; anything else is damage. After damage, reading goes on at the next
//! place where length and checksum fit.

use crate::pipeline::Outgoing;

const HEADER: usize = 8;

/// The longest content. A record of the greatest allowed event is below half of it.
const LONGEST: usize = 1 << 20;

/// What is found at a place of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A message, whole.
    Message(Outgoing),
    /// The segment ends in a write that was cut short.
    Truncated { at: usize, bytes: usize },
    /// Bytes that cannot be read.
    Damaged { at: usize, bytes: usize },
}

/// Appends the frame of a message.
pub(crate) fn append(to: &mut Vec<u8>, message: &Outgoing) {
    let key: &[u8] = message.key.as_ref().map_or(&[], <[u8; 32]>::as_slice);
    let length = 1 + key.len() + message.payload.len();
    // Lengths are bounded by the limits of an event, far below u32.
    let length_bytes = u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    let key_length = [u8::try_from(key.len()).unwrap_or(0)];
    let parts: [&[u8]; 4] = [&length_bytes, &key_length, key, &message.payload];
    let crc = parts.iter().fold(0, |crc, part| crc32c::crc32c_append(crc, part));
    to.reserve(HEADER + length);
    to.extend_from_slice(&length_bytes);
    to.extend_from_slice(&crc.to_le_bytes());
    for part in parts.iter().skip(1) {
        to.extend_from_slice(part);
    }
}

/// Reads the frames of a segment's bytes, in order.
pub(crate) fn frames(bytes: &[u8]) -> impl Iterator<Item = Piece> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let (piece, length) = match read(rest) {
            Some((message, length)) => (Piece::Message(message), length),
            None => broken(rest, at),
        };
        at += length;
        Some(piece)
    })
}

/// The message at the beginning of `bytes` and the length of its frame.
fn read(bytes: &[u8]) -> Option<(Outgoing, usize)> {
    let (length_bytes, rest) = bytes.split_first_chunk::<4>()?;
    let (crc, rest) = rest.split_first_chunk::<4>()?;
    let length =
        usize::try_from(u32::from_le_bytes(*length_bytes)).ok().filter(|length| *length <= LONGEST)?;
    let content = rest.get(..length)?;
    let found = crc32c::crc32c_append(crc32c::crc32c(length_bytes), content);
    if found != u32::from_le_bytes(*crc) {
        return None;
    }
    let (key, payload) = match content.split_first()? {
        (0, payload) => (None, payload),
        (32, rest) => rest.split_first_chunk::<32>().map(|(key, payload)| (Some(*key), payload))?,
        _ => return None,
    };
    Some((Outgoing { key, payload: payload.to_vec() }, HEADER + length))
}

/// What the bytes at a place without a frame are, and how many.
fn broken(rest: &[u8], at: usize) -> (Piece, usize) {
    let next = (1..rest.len()).find(|from| rest.get(*from..).is_some_and(|tail| read(tail).is_some()));
    let bytes = next.unwrap_or(rest.len());
    if next.is_none() && is_cut_short(rest) {
        (Piece::Truncated { at, bytes }, bytes)
    } else {
        (Piece::Damaged { at, bytes }, bytes)
    }
}

/// Whether these last bytes can be the beginning of a frame whose end was never written, or blocks that the file
/// system had given but not filled.
fn is_cut_short(rest: &[u8]) -> bool {
    let announced = rest.first_chunk::<4>().map(|length| u32::from_le_bytes(*length) as usize);
    match announced {
        None => true,
        Some(length) if length <= LONGEST => {
            rest.len() < HEADER + length || rest.iter().all(|byte| *byte == 0)
        }
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(number: u8, bytes: usize) -> Outgoing {
        let key = (number > 2).then_some([number; 32]);
        Outgoing { key, payload: vec![number; bytes] }
    }

    fn segment(messages: &[Outgoing]) -> Vec<u8> {
        let mut bytes = Vec::new();
        messages.iter().for_each(|message| append(&mut bytes, message));
        bytes
    }

    fn messages(bytes: &[u8]) -> Vec<Outgoing> {
        let whole = |piece| if let Piece::Message(message) = piece { Some(message) } else { None };
        frames(bytes).filter_map(whole).collect()
    }

    fn some_messages() -> impl Strategy<Value = Vec<Outgoing>> {
        let one = (any::<Option<[u8; 32]>>(), prop::collection::vec(any::<u8>(), 0..200));
        prop::collection::vec(one.prop_map(|(key, payload)| Outgoing { key, payload }), 0..12)
    }

    #[test]
    fn the_layout_is_the_documented_one() {
        let bytes = segment(&[Outgoing { key: None, payload: b"{}".to_vec() }]);
        // CRC-32C of 03 00 00 00 00 7b 7d bit by bit in Python 3.11 (check value e3069283).
        assert_eq!(bytes, [3, 0, 0, 0, 0x4d, 0xb8, 0x21, 0xdb, 0, b'{', b'}']);
    }

    #[test]
    fn zeros_at_the_end_are_a_write_that_was_cut_short() {
        let mut bytes = segment(&[message(1, 10)]);
        let at = bytes.len();
        bytes.extend([0; 4096]);
        let pieces: Vec<_> = frames(&bytes).collect();
        assert_eq!(pieces, [Piece::Message(message(1, 10)), Piece::Truncated { at, bytes: 4096 }]);
    }

    #[test]
    fn a_flipped_bit_in_the_last_frame_is_damage_not_a_cut() {
        let mut bytes = segment(&[message(1, 10)]);
        *bytes.last_mut().unwrap() ^= 1;
        let length = bytes.len();
        assert_eq!(frames(&bytes).collect::<Vec<_>>(), [Piece::Damaged { at: 0, bytes: length }]);
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(all in some_messages()) {
            let pieces: Vec<_> = frames(&segment(&all)).collect();
            prop_assert_eq!(pieces, all.into_iter().map(Piece::Message).collect::<Vec<_>>());
        }

        #[test]
        fn a_cut_at_any_byte_loses_only_the_frame_that_it_cuts(all in some_messages(), share in 0.0..1.0_f64) {
            let bytes = segment(&all);
            let cut = (bytes.len() as f64 * share) as usize;
            let mut whole = Vec::new();
            let mut end = 0;
            for message in &all {
                end += segment(std::slice::from_ref(message)).len();
                if end <= cut {
                    whole.push(message.clone());
                }
            }
            let kept = &bytes[..cut];
            prop_assert_eq!(messages(kept), whole.clone());
            let covered = segment(&whole).len();
            let pieces: Vec<_> = frames(kept).collect();
            let rest = Piece::Truncated { at: covered, bytes: cut - covered };
            prop_assert_eq!(pieces.last() == Some(&rest), covered < cut);
        }

        #[test]
        fn one_damaged_byte_costs_one_frame(all in some_messages(), share in 0.0..1.0_f64, flip in 1..=255_u8) {
            prop_assume!(!all.is_empty());
            let mut bytes = segment(&all);
            let at = (bytes.len() as f64 * share) as usize;
            bytes[at] ^= flip;
            let mut end = 0;
            let mut expected = all.clone();
            for (index, message) in all.iter().enumerate() {
                let begin = end;
                end += segment(std::slice::from_ref(message)).len();
                if begin <= at && at < end {
                    expected.remove(index);
                }
            }
            prop_assert_eq!(messages(&bytes), expected);
        }

        #[test]
        fn any_bytes_are_covered_without_a_gap(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
            let mut covered = 0;
            for piece in frames(&bytes) {
                covered += match piece {
                    Piece::Message(message) => segment(&[message]).len(),
                    Piece::Truncated { at, bytes } | Piece::Damaged { at, bytes } => {
                        prop_assert_eq!(at, covered);
                        bytes
                    }
                };
            }
            prop_assert_eq!(covered, bytes.len());
        }
    }
}
