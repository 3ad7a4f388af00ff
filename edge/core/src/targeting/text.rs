//! Parts of texts, byte by byte; with `any_case` ASCII letters of either case are the same, other letters are not folded.

/// Longest operand, bytes: a longer one is of a damaged bundle.
pub(super) const LONGEST: usize = 256;
/// Longest text in which a part is looked for, bytes; whether a longer one contains it is unknown.
pub(super) const LONGEST_TEXT: usize = 8192;

pub(super) fn starts_with(text: &[u8], wanted: &[u8], any_case: bool) -> bool {
    text.get(..wanted.len()).is_some_and(|start| equal(start, wanted, any_case))
}

pub(super) fn ends_with(text: &[u8], wanted: &[u8], any_case: bool) -> bool {
    text.len()
        .checked_sub(wanted.len())
        .and_then(|start| text.get(start..))
        .is_some_and(|end| equal(end, wanted, any_case))
}

/// Knuth, Morris and Pratt's search: each byte of the text is looked at once, however often the operand repeats itself.
pub(super) fn contains(text: &[u8], wanted: &[u8], any_case: bool) -> bool {
    let mut part = Part { wanted, borders: [0; LONGEST], any_case };
    let mut border = 0;
    for (byte, place) in wanted.iter().skip(1).zip(1..LONGEST) {
        border = part.matched(border, *byte);
        if let Some(slot) = part.borders.get_mut(place) {
            *slot = u8::try_from(border).unwrap_or_default();
        }
    }
    let mut matched = 0;
    wanted.is_empty()
        || text.iter().any(|byte| {
            matched = part.matched(matched, *byte);
            matched == wanted.len()
        })
}

/// A text that is looked for.
struct Part<'a> {
    wanted: &'a [u8],
    /// For each of its beginnings the length of the longest shorter beginning that ends it.
    borders: [u8; LONGEST],
    any_case: bool,
}

impl Part<'_> {
    /// How much is matched once `byte` follows what was.
    fn matched(&self, mut before: usize, byte: u8) -> usize {
        loop {
            if self.wanted.get(before).is_some_and(|wanted| equal(&[*wanted], &[byte], self.any_case)) {
                return before.saturating_add(1);
            }
            match before.checked_sub(1).and_then(|last| self.borders.get(last)) {
                Some(border) => before = usize::from(*border),
                None => return 0,
            }
        }
    }
}

fn equal(left: &[u8], right: &[u8], any_case: bool) -> bool {
    if any_case { left.eq_ignore_ascii_case(right) } else { left == right }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::{LONGEST, contains};

    #[test]
    fn parts_are_found_as_the_standard_library_finds_them() {
        let mut state = 1u32;
        let mut letters = |len: usize| -> String {
            let mut next = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state >> 30
            };
            (0..len).map(|_| if next() == 0 { 'b' } else { 'a' }).collect()
        };
        for len in 0..400 {
            let text = letters(len);
            for wanted in [letters(len % 9), letters(len % 4), letters(LONGEST.min(len / 3))] {
                let found = contains(text.as_bytes(), wanted.as_bytes(), false);
                assert_eq!(found, text.contains(&wanted), "{wanted} in {text}");
                let upper = wanted.to_uppercase();
                assert_eq!(contains(text.as_bytes(), upper.as_bytes(), true), found, "{upper} in {text}");
            }
        }
        let longest = letters(LONGEST);
        assert!(contains(alloc::format!("ab{longest}").as_bytes(), longest.as_bytes(), false));
        assert!(
            contains("ÄÖ".as_bytes(), "Ö".as_bytes(), true)
                && !contains("ÄÖ".as_bytes(), "ö".as_bytes(), true)
        );
    }
}
