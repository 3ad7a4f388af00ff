//! IP ranges: addresses and CIDR blocks become ascending ranges that do not touch.

use alloc::vec::Vec;
use core::net::IpAddr;

use super::{Refusal, refuse};
use crate::context::ordinal;

/// First and last of the addresses `::ffff:a.b.c.d`, which are those of IPv4.
const MAPPED: (u128, u128) = (0xffff_0000_0000, 0xffff_ffff_ffff);

/// The ranges that blocks cover together, as words: from (upper, lower half), to (upper, lower half), the end included.
pub(super) fn ranges<'a>(blocks: impl Iterator<Item = &'a str>) -> Result<Vec<u64>, Refusal> {
    let mut ranges = Vec::new();
    for block in blocks {
        let (from, to) = range(block)?;
        if from < MAPPED.0 && MAPPED.1 <= to {
            // IPv4 addresses have a place on the line, but are in no larger block of IPv6.
            ranges.push((from, MAPPED.0 - 1));
            ranges.extend((MAPPED.1 < to).then_some((MAPPED.1 + 1, to)));
        } else {
            ranges.push((from, to));
        }
    }
    ranges.sort_unstable();
    let mut merged: Vec<(u128, u128)> = Vec::new();
    for (from, to) in ranges {
        match merged.last_mut() {
            Some((_, end)) if from <= end.saturating_add(1) => *end = to.max(*end),
            _ => merged.push((from, to)),
        }
    }
    Ok(merged.into_iter().flat_map(|(from, to)| [upper(from), lower(from), upper(to), lower(to)]).collect())
}

/// The range of a block; an address alone is a range of one. Bits behind the prefix are ignored.
fn range(block: &str) -> Result<(u128, u128), Refusal> {
    let wrong = || refuse!("{block:?} is no IP address or CIDR block");
    let (address, prefix) =
        block.split_once('/').map_or((block, None), |(address, prefix)| (address, Some(prefix)));
    let address: IpAddr = address.parse().map_err(|_| wrong())?;
    let width: u32 = if address.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix {
        None => width,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            digits.parse().ok().filter(|prefix| *prefix <= width).ok_or_else(wrong)?
        }
        Some(_) => return Err(wrong()),
    };
    let (upper, lower) = ordinal(address);
    let bits = u128::from(upper) << 64 | u128::from(lower);
    let mask = u128::MAX.checked_shr(128 - (width - prefix)).unwrap_or(0);
    Ok((bits & !mask, bits | mask))
}

const fn upper(bits: u128) -> u64 {
    (bits >> 64) as u64
}

#[expect(clippy::cast_possible_truncation, reason = "the two halves are what is wanted")]
const fn lower(bits: u128) -> u64 {
    bits as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_merged_and_sorted() {
        let mapped = 0xffff_0000_0000_u64;
        let v4 = |a: u64, b: u64| [0, mapped | a, 0, mapped | b];
        let words =
            ranges(["10.0.1.0/24", "10.0.0.0/24", "192.168.1.7", "10.0.0.128/25"].into_iter()).unwrap();
        assert_eq!(words, [v4(0x0a00_0000, 0x0a00_01ff), v4(0xc0a8_0107, 0xc0a8_0107)].concat());
        assert_eq!(
            ranges(["::/0"].into_iter()).unwrap(),
            [0, 0, 0, mapped - 1, 0, mapped + 0x1_0000_0000, u64::MAX, u64::MAX]
        );
        assert_eq!(ranges(["::/80"].into_iter()).unwrap(), [0, 0, 0, mapped - 1]);
        assert_eq!(ranges(["::ffff:0:0/96"].into_iter()).unwrap(), v4(0, 0xffff_ffff));
        assert_eq!(ranges(["::/0", "0.0.0.0/0"].into_iter()).unwrap(), [0, 0, u64::MAX, u64::MAX]);
        assert_eq!(ranges(["0.0.0.0/0"].into_iter()).unwrap(), v4(0, 0xffff_ffff));
        assert_eq!(
            ranges(["2001:db8::/32"].into_iter()).unwrap(),
            [0x2001_0db8_0000_0000, 0, 0x2001_0db8_ffff_ffff, u64::MAX]
        );
    }

    #[test]
    fn what_is_no_block_is_refused() {
        for block in ["", "10.0.0", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/ 8", "x/8"]
        {
            assert!(ranges([block].into_iter()).is_err(), "{block}");
        }
    }
}
