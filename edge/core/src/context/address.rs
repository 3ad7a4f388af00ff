//! IP addresses as one ordered number line.

use core::net::{IpAddr, Ipv6Addr};

/// An address as upper and lower half of IPv6; IPv4 is mapped (`::ffff:a.b.c.d`), so both spellings are the same.
pub(crate) fn parse(text: &str) -> Option<(u64, u64)> {
    text.parse::<IpAddr>().ok().map(ordinal)
}

/// Place of an address on the line.
pub(crate) const fn ordinal(address: IpAddr) -> (u64, u64) {
    let mapped: Ipv6Addr = match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    };
    halves(mapped.to_bits())
}

#[expect(clippy::cast_possible_truncation, reason = "the two halves are what is wanted")]
const fn halves(bits: u128) -> (u64, u64) {
    ((bits >> 64) as u64, bits as u64)
}
