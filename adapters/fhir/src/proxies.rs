//! Whose address a request comes from when it comes through proxies.
//!
//! ```text
//!   client ─► proxy ─► proxy ─► us        X-Forwarded-For: whatever the client wrote, client, first proxy
//!                                                          never read               answer  trusted: passed over
//! ```
//!
//! Every proxy adds the address it was reached from at the right, so from the right only what trusted proxies wrote is read: the first
//! address that is none of theirs is the client's. What cannot be told is nobody's address, which lies in no list of allowed ones.
//!
//! Which header the proxies write is configured. Any other is as the client sent it, so it is not looked at: neither does it say who
//! the client is, nor can it make the client nobody.

use actix_web::http::header::HeaderMap;
use domain::directory::{AddressRange, NotARange};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The proxies that are believed about whose requests they pass on; none by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    ranges: Vec<AddressRange>,
    header: ForwardedHeader,
}

/// The header in which proxies name whose request they pass on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`: addresses with commas between.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// Most addresses that are passed over.
const MAX_HOPS: usize = 16;
/// Stands for an address that cannot be told.
const NOBODY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

impl Proxies {
    /// Takes a list of ranges, such as `10.0.0.0/8`, and the header that the proxies there write.
    ///
    /// # Errors
    /// [`NotARange`].
    pub fn read(ranges: &[String], header: ForwardedHeader) -> Result<Self, NotARange> {
        let ranges = ranges.iter().map(|range| range.parse()).collect::<Result<_, _>>()?;
        Ok(Self { ranges, header })
    }

    /// Returns whose request it is that came from this address with these headers.
    #[must_use]
    pub fn peer(&self, socket: IpAddr, headers: &HeaderMap) -> IpAddr {
        if !self.trusts(socket) {
            return socket.to_canonical();
        }
        let name = match self.header {
            ForwardedHeader::XForwardedFor => "x-forwarded-for",
            ForwardedHeader::Forwarded => "forwarded",
        };
        match (joined(headers, name), self.header) {
            (None, _) => NOBODY,
            // Nothing was passed on: the proxy asks for itself.
            (Some(None), _) => socket.to_canonical(),
            (Some(Some(listed)), ForwardedHeader::XForwardedFor) => self.of_list(&listed),
            (Some(Some(forwarded)), ForwardedHeader::Forwarded) => self.of_forwarded(&forwarded),
        }
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.ranges.iter().any(|range| range.contains(address))
    }

    fn of_list(&self, text: &str) -> IpAddr {
        self.first_of_others(text.rsplit(',').map(|one| address(one.trim_matches([' ', '\t']))))
    }

    fn of_forwarded(&self, text: &str) -> IpAddr {
        let Some(elements) = elements(text) else { return NOBODY };
        self.first_of_others(elements.iter().rev().map(|element| element.as_deref().and_then(address)))
    }

    /// Returns the first address from the right that is no trusted proxy's, else the leftmost; what is no address ends the search.
    fn first_of_others(&self, mut addresses: impl Iterator<Item = Option<IpAddr>>) -> IpAddr {
        let mut last = NOBODY;
        for _ in 0..MAX_HOPS {
            match addresses.next() {
                None => return last,
                Some(None) => return NOBODY,
                Some(Some(address)) if !self.trusts(address) => return address,
                Some(Some(address)) => last = address,
            }
        }
        NOBODY
    }
}

/// Joins the values of a header; `None` when one is not text, `Some(None)` when there is none.
fn joined(headers: &HeaderMap, name: &str) -> Option<Option<String>> {
    let values: Option<Vec<&str>> = headers.get_all(name).map(|value| value.to_str().ok()).collect();
    values.map(|values| (!values.is_empty()).then(|| values.join(",")))
}

/// Reads an address with or without a port; IPv6 may stand in brackets, and must with a port.
fn address(text: &str) -> Option<IpAddr> {
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    let with_port = || text.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    text.parse().ok().or_else(bracketed).or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

/// Reads the elements of `Forwarded`: the value of `for` of each, where it has one (RFC 7239 §4); `None` when the text has another form.
fn elements(text: &str) -> Option<Vec<Option<String>>> {
    let mut elements = Vec::new();
    let mut rest = text;
    loop {
        let mut named = None;
        loop {
            rest = rest.trim_start_matches([' ', '\t']);
            let (name, after) = token(rest)?;
            let (value, after) = value(after.strip_prefix('=')?)?;
            if name.eq_ignore_ascii_case("for") && named.replace(value).is_some() {
                return None;
            }
            rest = after.trim_start_matches([' ', '\t']);
            match rest.strip_prefix(';') {
                Some(more) => rest = more,
                None => break,
            }
        }
        elements.push(named);
        match rest.strip_prefix(',') {
            Some(more) => rest = more,
            None => return rest.is_empty().then_some(elements),
        }
    }
}

/// Splits a token off (RFC 9110 §5.6.2).
fn token(text: &str) -> Option<(&str, &str)> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let end = text.find(|c| !plain(c)).unwrap_or(text.len());
    text.split_at_checked(end).filter(|(token, _)| !token.is_empty())
}

/// Splits a value off: a token, or a quoted string without escapes, which no address needs.
fn value(text: &str) -> Option<(String, &str)> {
    match text.strip_prefix('"') {
        Some(quoted) => {
            let (inside, rest) = quoted.split_once('"')?;
            (!inside.contains('\\')).then(|| (inside.to_owned(), rest))
        }
        None => token(text).map(|(token, rest)| (token.to_owned(), rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    const PROXY: &str = "10.0.0.5";
    const CLIENT: &str = "192.0.2.7";

    const RANGES: [&str; 2] = ["10.0.0.0/8", "fd00::/8"];

    /// The proxies write the header that comes first.
    fn peer(socket: &str, headers: &[(&'static str, &str)]) -> String {
        let written = match headers.first() {
            Some(("forwarded", _)) => ForwardedHeader::Forwarded,
            _ => ForwardedHeader::XForwardedFor,
        };
        let proxies = Proxies::read(&RANGES.map(str::to_owned), written).unwrap();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        proxies.peer(socket.parse().unwrap(), &map).to_string()
    }

    #[test]
    fn a_header_that_the_proxies_do_not_write_neither_names_nor_hides_anybody() {
        let listed = ("x-forwarded-for", CLIENT);
        let forwarded = ("forwarded", "for=192.0.2.7");
        for value in ["for=203.0.113.9", "for=unknown", "junk", "for=10.1.1.1", "\u{e9}"] {
            assert_eq!(peer(PROXY, &[listed, ("forwarded", value)]), CLIENT, "{value}");
        }
        for value in ["203.0.113.9", "unknown", "", "\u{e9}"] {
            assert_eq!(peer(PROXY, &[forwarded, ("x-forwarded-for", value)]), CLIENT, "{value}");
        }
        let proxies = Proxies::read(&RANGES.map(str::to_owned), ForwardedHeader::XForwardedFor).unwrap();
        let mut map = HeaderMap::new();
        map.append(HeaderName::from_static("forwarded"), HeaderValue::from_static("for=203.0.113.9"));
        assert_eq!(proxies.peer(PROXY.parse().unwrap(), &map).to_string(), PROXY, "it asks for itself");
    }

    #[test]
    fn whoever_is_no_trusted_proxy_is_not_believed() {
        for header in [("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=203.0.113.9")] {
            assert_eq!(peer(CLIENT, &[header]), CLIENT);
        }
        let none = Proxies::default();
        let mut map = HeaderMap::new();
        map.append(HeaderName::from_static("x-forwarded-for"), HeaderValue::from_static("203.0.113.9"));
        assert_eq!(none.peer(PROXY.parse().unwrap(), &map).to_string(), PROXY, "nobody is by default");
    }

    #[test]
    fn the_rightmost_address_that_is_no_proxys_is_the_clients() {
        for (header, value, expected) in [
            ("x-forwarded-for", "192.0.2.7", CLIENT),
            ("x-forwarded-for", "127.0.0.1, 10.9.9.9, 192.0.2.7", CLIENT),
            ("x-forwarded-for", "junk, 192.0.2.7,10.0.0.9 ,\t10.0.0.8", CLIENT),
            ("x-forwarded-for", "192.0.2.7:51234", CLIENT),
            ("x-forwarded-for", "::ffff:192.0.2.7", CLIENT),
            ("x-forwarded-for", "[2001:db8::1]:443, fd00::1", "2001:db8::1"),
            ("x-forwarded-for", "2001:db8::1", "2001:db8::1"),
            ("x-forwarded-for", "10.1.1.1, 10.2.2.2", "10.1.1.1"),
            ("forwarded", "for=192.0.2.7", CLIENT),
            ("forwarded", "For=\"[2001:db8::1]:4711\";proto=https;by=10.0.0.5", "2001:db8::1"),
            ("forwarded", "for=127.0.0.1, for=192.0.2.7;host=\"a,b;c\" , for=10.0.0.8", CLIENT),
        ] {
            assert_eq!(peer(PROXY, &[(header, value)]), expected, "{value}");
        }
        assert_eq!(peer(PROXY, &[("x-forwarded-for", "127.0.0.1"), ("x-forwarded-for", "192.0.2.7")]), CLIENT);
        assert_eq!(peer(PROXY, &[]), PROXY, "it asks for itself");
    }

    #[test]
    fn what_cannot_be_told_is_nobodys() {
        for headers in [
            &[("x-forwarded-for", "")][..],
            &[("x-forwarded-for", "unknown")],
            &[("x-forwarded-for", "192.0.2.7, ")],
            &[("x-forwarded-for", "192.0.2.7, 10.0.0.8:port")],
            &[("x-forwarded-for", "192.0.2.700")],
            &[("x-forwarded-for", "0300.0.2.7")],
            &[("x-forwarded-for", "é")],
            &[("forwarded", "for=_hidden")],
            &[("forwarded", "for=unknown")],
            &[("forwarded", "proto=https")],
            &[("forwarded", "for=192.0.2.7;for=192.0.2.8")],
            &[("forwarded", "for=\"192.0.2.7")],
            &[("forwarded", "for=\"192.0.2.\\7\"")],
            &[("forwarded", "for=192.0.2.7,")],
            &[("forwarded", "for = 192.0.2.7")],
        ] {
            assert_eq!(peer(PROXY, headers), "0.0.0.0", "{headers:?}");
        }
        assert_eq!(peer(PROXY, &[("x-forwarded-for", &vec!["10.1.1.1"; 100].join(","))]), "0.0.0.0");
    }

    #[test]
    fn a_range_that_is_none_is_refused() {
        for range in ["10.0.0.1/8", "proxy.example"] {
            assert!(Proxies::read(&[range.to_owned()], ForwardedHeader::default()).is_err());
        }
    }
}
