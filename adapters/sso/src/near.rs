//! Addresses near the gateway: this machine, the networks behind it, and whatever else is not reached over the Internet.
//!
//! Who administers a tenant by API is not who operates the machine. Where such a connection leads is written as the name of a host, and
//! DNS says of a name whatever its owner likes. So what it says is looked at in the very look-up that the connection is made by.

use domain::directory::AddressRange;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

/// Looks names up, and keeps those addresses that are far from the gateway or in ranges that the operator allows.
#[derive(Clone)]
pub(crate) struct Guard {
    allowed: Arc<[AddressRange]>,
}

impl Guard {
    /// Makes a guard with the ranges that it allows all the same.
    pub(crate) fn allowing(ranges: &[AddressRange]) -> Self {
        Self { allowed: ranges.into() }
    }

    /// Says whether a connection may be made to an address.
    pub(crate) fn admits(&self, address: IpAddr) -> bool {
        is_far(address) || self.allowed.iter().any(|range| range.contains(address))
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let admitted: Vec<SocketAddr> = found.filter(|found| guard.admits(found.ip())).collect();
            if admitted.is_empty() {
                return Err(TooNear.into());
            }
            let admitted: Addrs = Box::new(admitted.into_iter());
            Ok(admitted)
        })
    }
}

/// Says that a name leads to addresses near the gateway alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooNear;

impl fmt::Display for TooNear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name leads to an address near the gateway")
    }
}

impl std::error::Error for TooNear {}

/// Says whether an address is one of the Internet (RFC 6890 and the registries that go on from it).
fn is_far(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_far_v4(address),
        IpAddr::V6(address) => is_far_v6(address),
    }
}

fn is_far_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || a == 0
        || a >= 224
        // Shared by providers with their customers (RFC 6598), of protocols (RFC 6890), for measurements (RFC 2544).
        || (a == 100 && (64..128).contains(&b))
        || (a, b, c) == (192, 0, 0)
        || (a == 198 && (18..20).contains(&b)))
}

fn is_far_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // Translated addresses lead to the one that is in them (RFC 6052 §2.1, RFC 3056 §2).
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => is_far_v4(embedded(high, low)),
        // Teredo hides the address in bits that are turned over (RFC 4380 §4); nobody offers a provider there.
        [0x2001, 0, ..] => false,
        // Unicast of the Internet is 2000::/3 (RFC 4291 §2.4, IANA).
        [first, ..] => (0x2000..0x4000).contains(&first),
    }
}

fn embedded(high: u16, low: u16) -> Ipv4Addr {
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    Ipv4Addr::new(a, b, c, d)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_refused_however_it_is_written_unless_its_range_is_allowed() {
        let far = |address: &str| Guard::allowing(&[]).admits(address.parse().unwrap());
        for near in [
            "0.0.0.0",
            "10.0.0.5",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.31.255.255",
            "192.0.0.8",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:10.0.0.5",
            "64:ff9b::a00:5",
            "64:ff9b:1::1",
            "2002:7f00:1::1",
            "2001:0:4136:e378::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "ff02::1",
        ] {
            assert!(!far(near), "{near}");
        }
        for distant in ["8.8.8.8", "100.128.0.1", "172.32.0.1", "198.20.0.1", "2a00:1450::1", "64:ff9b::808:808"] {
            assert!(far(distant), "{distant}");
        }
        let guard = Guard::allowing(&["10.20.0.0/16".parse().unwrap()]);
        assert!(guard.admits("10.20.3.4".parse().unwrap()) && guard.admits("::ffff:10.20.3.4".parse().unwrap()));
        assert!(!guard.admits("10.21.0.1".parse().unwrap()));
    }
}
