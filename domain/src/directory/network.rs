//! Ranges of IP addresses: which peers an interface accepts.

use core::net::IpAddr;
use core::str::FromStr;

/// A range of addresses of one family, such as `10.1.0.0/16` or `2001:db8::/32` (RFC 4632 §3.1, RFC 4291 §2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRange {
    base: IpAddr,
    prefix: u8,
}

/// Says that a text is no range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotARange;

impl AddressRange {
    /// Says whether the address lies in the range. An IPv4 address that came mapped into IPv6 counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        masked(address.to_canonical(), self.prefix) == Some(self.base)
    }

    /// Returns how many leading bits are fixed; the more, the narrower.
    #[must_use]
    pub const fn prefix(&self) -> u8 {
        self.prefix
    }
}

impl FromStr for AddressRange {
    type Err = NotARange;

    /// Reads an address with an optional prefix. Bits set below the prefix are refused: `10.1.2.3/8` is a slip, not a range.
    fn from_str(text: &str) -> Result<Self, NotARange> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let base: IpAddr = address.parse().map_err(|_| NotARange)?;
        let widest = if base.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().map_err(|_| NotARange)?,
            Some(_) => return Err(NotARange),
            None => widest,
        };
        let mapped = base.to_canonical() != base;
        if mapped || prefix > widest || masked(base, prefix) != Some(base) {
            return Err(NotARange);
        }
        Ok(Self { base, prefix })
    }
}

/// Clears what lies below the prefix; `None` when the family has fewer bits.
fn masked(address: IpAddr, prefix: u8) -> Option<IpAddr> {
    let prefix = u32::from(prefix);
    match address {
        IpAddr::V4(address) => {
            let below = 32u32.checked_sub(prefix)?;
            let mask = u32::MAX.checked_shl(below).unwrap_or(0);
            Some(IpAddr::V4((address.to_bits() & mask).into()))
        }
        IpAddr::V6(address) => {
            let below = 128u32.checked_sub(prefix)?;
            let mask = u128::MAX.checked_shl(below).unwrap_or(0);
            Some(IpAddr::V6((address.to_bits() & mask).into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    fn range(text: &str) -> AddressRange {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_lies_in_the_ranges_that_share_its_leading_bits() {
        for (text, inside, outside) in [
            ("10.1.0.0/16", "10.1.255.255", "10.2.0.0"),
            ("10.1.2.3", "10.1.2.3", "10.1.2.4"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("::/0", "::1", "127.0.0.1"),
            ("::1", "::1", "::2"),
        ] {
            assert!(range(text).contains(inside.parse().unwrap()), "{text} {inside}");
            assert!(!range(text).contains(outside.parse().unwrap()), "{text} {outside}");
        }
    }

    #[test]
    fn an_ipv4_peer_on_an_ipv6_socket_counts_as_ipv4() {
        assert!(range("192.0.2.0/24").contains("::ffff:192.0.2.7".parse().unwrap()));
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in [
            "",
            "/",
            "10.1.2.3/8",
            "10.0.0.0/33",
            "10.0.0.0/+8",
            "10.0.0.0/",
            "::/129",
            "host",
            "::ffff:1.2.3.4",
            "1.2.3",
        ] {
            assert_eq!(text.to_string().parse::<AddressRange>(), Err(NotARange), "{text}");
        }
    }
}
