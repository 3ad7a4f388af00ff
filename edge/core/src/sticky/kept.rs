//! A set of kept assignments.

use super::StickyEntry;

/// Up to `N` kept assignments, one for each iteration of an experiment, the newest last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept<const N: usize> {
    entries: [StickyEntry; N],
    len: usize,
}

impl<const N: usize> Default for Kept<N> {
    fn default() -> Self {
        Self { entries: [StickyEntry::EMPTY; N], len: 0 }
    }
}

impl<const N: usize> Kept<N> {
    /// Reads the text form; nothing is kept from a text that cannot be read.
    pub fn read(text: &str) -> Self {
        let mut kept = Self::default();
        kept.len = super::read(text, &mut kept.entries).unwrap_or(0);
        kept
    }

    /// The entries, for [`Context::sticky`](crate::Context::sticky).
    pub fn entries(&self) -> &[StickyEntry] {
        self.entries.get(..self.len).unwrap_or_default()
    }

    /// Keeps an assignment in place of another of the same iteration; of more than `N` the oldest goes. Whether anything
    /// changed, so that a cookie is only set when it has to be.
    pub fn keep(&mut self, entry: StickyEntry) -> bool {
        if self.entries().contains(&entry) {
            return false;
        }
        let old = self.entries().iter().position(|other| other.salt_tag() == entry.salt_tag());
        let gone = old.or((self.len == N).then_some(0));
        if let Some(gone) = gone {
            // What is behind moves up, so that the order stays that of keeping.
            let moved = self.entries.get_mut(gone..self.len);
            if let Some(moved) = moved.filter(|moved| !moved.is_empty()) {
                moved.rotate_left(1);
                self.len -= 1;
            }
        }
        match self.entries.get_mut(self.len) {
            Some(place) => {
                *place = entry;
                self.len += 1;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec::Vec;

    use super::*;
    use crate::sticky;

    fn entry(salt: u64, variant: u16) -> StickyEntry {
        StickyEntry::new(salt << 16, variant)
    }

    #[test]
    fn the_newest_stay() {
        let mut kept = Kept::<3>::default();
        assert!(kept.keep(entry(1, 1)) && kept.keep(entry(2, 1)) && kept.keep(entry(3, 1)));
        assert!(!kept.keep(entry(2, 1)), "nothing new");
        assert!(kept.keep(entry(2, 7)));
        assert_eq!(kept.entries(), [entry(1, 1), entry(3, 1), entry(2, 7)]);
        assert!(kept.keep(entry(4, 1)));
        assert_eq!(kept.entries(), [entry(3, 1), entry(2, 7), entry(4, 1)]);
        assert!(!Kept::<0>::default().keep(entry(1, 1)));
    }

    #[test]
    fn text_form_and_back() {
        for count in 0..10u64 {
            let entries: Vec<_> =
                (0..count).map(|i| entry(i.wrapping_mul(0x1234_5678_9abc) + 1, 5)).collect();
            let mut text = String::new();
            sticky::write(&mut text, &entries).unwrap();
            assert_eq!(Kept::<10>::read(&text).entries(), entries);
            let newest = entries.len().saturating_sub(4);
            assert_eq!(Kept::<4>::read(&text).entries(), &entries[newest..]);
        }
        for text in ["", "0", "2AAAA", "1A", "1AAAA", "1AAAAAAAAAA!", "1AAAAAAAAAAA=", "1AAAAAAAAAAB"] {
            assert_eq!(sticky::read(text, &mut [StickyEntry::EMPTY; 4]), None, "{text}");
        }
    }
}
