//! Idempotency keys.

use crate::Millis;
use crate::limits::EVENT_ID_BYTES;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha1::{Digest, Sha1};
use std::fmt;

/// UUIDv5 of `kerf.dev` in the DNS namespace: keys that are not UUIDs become UUIDv5 in this namespace.
const NAMESPACE: [u8; 16] =
    [0x2c, 0x89, 0x93, 0xff, 0xdf, 0x45, 0x5e, 0x39, 0x85, 0xc5, 0xbb, 0xbc, 0xb4, 0xaf, 0x56, 0x44];

/// Where the hyphens stand in the text of a UUID.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

/// The idempotency key of an event: a UUID (RFC 9562). Two events with the same key, unit, name and time are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub [u8; 16]);

impl EventId {
    /// The key that a sender's text stands for: a UUID (`8-4-4-4-12`, in either case) is taken as it is, any other
    /// text of 1 to 128 bytes becomes its UUIDv5. `None` for an empty or longer text and for the nil UUID, which
    /// senders without ids of their own like to send.
    pub fn from_text(text: &str) -> Option<Self> {
        match Self::from_uuid(text) {
            Some(Self([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])) => None,
            Some(id) => Some(id),
            None if text.is_empty() || text.len() > EVENT_ID_BYTES => None,
            None => Some(Self::v5(text)),
        }
    }

    /// A UUIDv7 of this time and these random bits, of which 74 are used.
    pub fn v7(at: Millis, random: [u8; 10]) -> Self {
        let [_, _, t0, t1, t2, t3, t4, t5] = at.0.to_be_bytes();
        let [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9] = random;
        Self([t0, t1, t2, t3, t4, t5, 0x70 | r0 & 0x0f, r1, 0x80 | r2 & 0x3f, r3, r4, r5, r6, r7, r8, r9])
    }

    /// The time inside a UUIDv7, `None` for every other version.
    pub fn time(self) -> Option<Millis> {
        let [t0, t1, t2, t3, t4, t5, version, _, variant, ..] = self.0;
        let is_v7 = version >> 4 == 7 && variant >> 6 == 0b10;
        is_v7.then(|| Millis(i64::from_be_bytes([0, 0, t0, t1, t2, t3, t4, t5])))
    }

    /// The UUID that this text writes out.
    fn from_uuid(text: &str) -> Option<Self> {
        let text = text.as_bytes();
        if text.len() != 36 {
            return None;
        }
        let mut nibbles = [0_u8; 32];
        let mut to = nibbles.iter_mut();
        for (at, byte) in text.iter().enumerate() {
            if HYPHENS.contains(&at) {
                (*byte == b'-').then_some(())?;
            } else {
                *to.next()? = u8::try_from(char::from(*byte).to_digit(16)?).ok()?;
            }
        }
        let mut id = [0; 16];
        for (to, pair) in id.iter_mut().zip(nibbles.chunks_exact(2)) {
            *to = pair.iter().fold(0, |high, nibble| high << 4 | nibble);
        }
        Some(Self(id))
    }

    /// UUIDv5 (RFC 9562, section 5.5): SHA-1 over namespace and name, cut to 16 bytes, version and variant set.
    fn v5(name: &str) -> Self {
        let digest = Sha1::new().chain_update(NAMESPACE).chain_update(name).finalize();
        let mut id = [0; 16];
        id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        let [_, _, _, _, _, _, version, _, variant, ..] = &mut id;
        *version = *version & 0x0f | 0x50;
        *variant = *variant & 0x3f | 0x80;
        Self(id)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [b'-'; 36];
        let digits = self.0.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let places = text.iter_mut().enumerate().filter(|(at, _)| !HYPHENS.contains(at));
        for ((_, to), nibble) in places.zip(digits) {
            *to = if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl Serialize for EventId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Reads a UUID alone; other texts are turned into keys where they enter, not later.
impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = crate::field::Text::deserialize(deserializer)?;
        Self::from_uuid(&text.0).ok_or_else(|| serde::de::Error::custom("not a UUID"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Expected by Python 3.11: uuid.uuid5(uuid.uuid5(uuid.NAMESPACE_DNS, "kerf.dev"), text)
    #[test]
    fn other_texts_become_uuid_v5() {
        for (text, expected) in [
            ("order-1", "a12151ec-1ef6-56ed-9899-fa5d6ddabcc0"),
            ("größe", "09d4c6b5-190e-54ec-98e9-9eff678fc375"),
        ] {
            assert_eq!(EventId::from_text(text).unwrap().to_string(), expected);
        }
    }

    #[test]
    fn a_uuid_is_taken_as_it_is_in_either_case() {
        let text = "01981b2e-6f3a-7c11-8a4b-0123456789ab";
        assert_eq!(EventId::from_text(text).unwrap().to_string(), text);
        assert_eq!(EventId::from_text(&text.to_uppercase()), EventId::from_text(text));
        assert_ne!(EventId::from_text(&text.replace('-', "")), EventId::from_text(text));
    }

    #[test]
    fn what_cannot_be_a_key_is_none() {
        assert_eq!(EventId::from_text(""), None);
        assert_eq!(EventId::from_text(&"x".repeat(129)), None);
        assert!(EventId::from_text(&"x".repeat(128)).is_some());
        assert_eq!(EventId::from_text("00000000-0000-0000-0000-000000000000"), None);
    }

    /// The example of RFC 9562, appendix A.6: Tuesday, February 22, 2022 2:22:22 PM GMT-05:00.
    #[test]
    fn the_time_inside_a_uuid_v7_is_read() {
        let id = EventId::from_text("017F22E2-79B0-7CC3-98C4-DC0C0C07398F").unwrap();
        assert_eq!(id.time(), Some(Millis(1_645_557_742_000)));
        let v4 = EventId::from_text("919108f7-52d1-4320-9bac-f847db4148a8").unwrap();
        assert_eq!(v4.time(), None);
    }

    proptest! {
        #[test]
        fn text_and_back(bytes: [u8; 16]) {
            let id = EventId(bytes);
            prop_assert_eq!(EventId::from_uuid(&id.to_string()), Some(id));
        }

        #[test]
        fn a_uuid_v7_gives_back_its_time(at in 0..1_i64 << 47, random: [u8; 10]) {
            prop_assert_eq!(EventId::v7(Millis(at), random).time(), Some(Millis(at)));
        }

        #[test]
        fn any_text_is_a_key_or_none(text: String) {
            let id = EventId::from_text(&text);
            prop_assert_eq!(id.is_some(), !text.is_empty() && text.len() <= EVENT_ID_BYTES);
        }
    }
}
