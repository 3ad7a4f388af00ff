//! Parts of texts, byte by byte; with `any_case` ASCII letters of either case are the same, other letters are not folded.

/// Longest operand, bytes: a longer one is of a damaged bundle.
pub(super) const LONGEST: usize = 256;

pub(super) fn starts_with(text: &[u8], wanted: &[u8], any_case: bool) -> bool {
    text.get(..wanted.len()).is_some_and(|start| equal(start, wanted, any_case))
}

pub(super) fn ends_with(text: &[u8], wanted: &[u8], any_case: bool) -> bool {
    text.len()
        .checked_sub(wanted.len())
        .and_then(|start| text.get(start..))
        .is_some_and(|end| equal(end, wanted, any_case))
}

/// Knuth, Morris and Pratt need a table, which would be an allocation; operands are short, so the windows are compared.
pub(super) fn contains(text: &[u8], wanted: &[u8], any_case: bool) -> bool {
    wanted.is_empty() || text.windows(wanted.len()).any(|window| equal(window, wanted, any_case))
}

fn equal(left: &[u8], right: &[u8], any_case: bool) -> bool {
    if any_case { left.eq_ignore_ascii_case(right) } else { left == right }
}
