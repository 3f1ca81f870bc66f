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
//! Which header the proxies write is configured. Any other is as the client sent it: beside the one that is configured it is not looked
//! at. Where it comes alone, the proxies write another than was said, and nobody is told from anybody.
//!
//! What is read is read from the right, and no further than needed: whatever a client wrote before cannot make its address nobody's.

use actix_web::http::header::HeaderMap;
use domain::directory::{AddressRange, NotARange};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Once;

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
const X_FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED: &str = "forwarded";
/// Whether it was said that proxies write another header than is configured: once, for every request would say it.
static WARNED: Once = Once::new();

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
        let (written, other) = match self.header {
            ForwardedHeader::XForwardedFor => (X_FORWARDED_FOR, FORWARDED),
            ForwardedHeader::Forwarded => (FORWARDED, X_FORWARDED_FOR),
        };
        let lines: Vec<&[u8]> = headers.get_all(written).map(|line| line.as_bytes()).collect();
        if lines.is_empty() && headers.contains_key(other) {
            WARNED.call_once(|| {
                tracing::warn!(
                    configured = written,
                    came = other,
                    proxy = %socket,
                    "a trusted proxy names its clients in another header than forwarded_header says: they are nobody"
                );
            });
            return NOBODY;
        }
        if lines.is_empty() {
            // Nothing was passed on: the proxy asks for itself.
            return socket.to_canonical();
        }
        let last_first = lines.into_iter().rev();
        match self.header {
            ForwardedHeader::XForwardedFor => {
                self.first_of_others(last_first.flat_map(listed).map(|one| address(one?)))
            }
            ForwardedHeader::Forwarded => {
                self.first_of_others(last_first.flat_map(elements).map(|element| address(&named(element?)?)))
            }
        }
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.ranges.iter().any(|range| range.contains(address))
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

/// Returns the parts of a line of `X-Forwarded-For`, last first; `None` for one that is no text.
fn listed(line: &[u8]) -> impl Iterator<Item = Option<&str>> {
    line.rsplit(|byte| *byte == b',').map(text)
}

/// Returns the elements of a line of `Forwarded`, last first (RFC 7239 §4); `None` for one that is no text.
///
/// They are told apart from the right, where the proxies wrote. A quoted string with an escaped quote in it is split in the wrong place, and
/// then has a part that is no element: it is refused, never misread.
fn elements(line: &[u8]) -> impl Iterator<Item = Option<&str>> {
    let mut quoted = false;
    let ends = move |byte: &u8| {
        quoted ^= *byte == b'"';
        *byte == b',' && !quoted
    };
    line.rsplit(ends).map(text)
}

fn text(bytes: &[u8]) -> Option<&str> {
    core::str::from_utf8(bytes).ok().map(|text| text.trim_matches([' ', '\t']))
}

/// Reads an address with or without a port; IPv6 may stand in brackets, and must with a port.
fn address(text: &str) -> Option<IpAddr> {
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    let with_port = || text.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    text.parse().ok().or_else(bracketed).or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

/// Reads an element of `Forwarded`: the value of its `for`; `None` when it has none, several, or another form.
fn named(element: &str) -> Option<String> {
    let (mut named, mut rest) = (None, element);
    loop {
        let (name, after) = token(rest.trim_start_matches([' ', '\t']))?;
        let (value, after) = value(after.strip_prefix('=')?)?;
        if name.eq_ignore_ascii_case("for") && named.replace(value).is_some() {
            return None;
        }
        let after = after.trim_start_matches([' ', '\t']);
        match after.strip_prefix(';') {
            Some(more) => rest = more,
            None => return named.filter(|_| after.is_empty()),
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
    }

    #[test]
    fn where_the_proxies_write_another_header_than_is_configured_clients_are_nobody_and_not_the_proxy() {
        for (configured, name, value) in [
            (ForwardedHeader::XForwardedFor, "forwarded", "for=203.0.113.9"),
            (ForwardedHeader::Forwarded, "x-forwarded-for", "203.0.113.9"),
        ] {
            let proxies = Proxies::read(&RANGES.map(str::to_owned), configured).unwrap();
            let mut map = HeaderMap::new();
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
            assert_eq!(proxies.peer(PROXY.parse().unwrap(), &map).to_string(), "0.0.0.0", "{name}");
            assert_eq!(proxies.peer(CLIENT.parse().unwrap(), &map).to_string(), CLIENT, "who is no proxy is itself");
        }
    }

    #[test]
    fn what_a_client_wrote_before_does_not_make_it_nobody() {
        for (header, value) in [
            ("x-forwarded-for", "\u{e9}, 192.0.2.7"),
            ("x-forwarded-for", "\u{e9}, 192.0.2.7, 10.0.0.8"),
            ("x-forwarded-for", "unknown,, 192.0.2.7"),
            ("forwarded", "junk, for=192.0.2.7"),
            ("forwarded", "for=\"203.0.113.9, for=192.0.2.7"),
            ("forwarded", "for=unknown;for=_x, for=192.0.2.7;proto=https, for=10.0.0.8"),
            ("forwarded", "\u{e9}, for=192.0.2.7"),
        ] {
            assert_eq!(peer(PROXY, &[(header, value)]), CLIENT, "{value}");
        }
        for junk in ["junk", "for=\"", "\u{e9}", "for=203.0.113.9,", ""] {
            assert_eq!(peer(PROXY, &[("forwarded", junk), ("forwarded", "for=192.0.2.7")]), CLIENT, "{junk}");
            assert_eq!(peer(PROXY, &[("x-forwarded-for", junk), ("x-forwarded-for", "192.0.2.7")]), CLIENT, "{junk}");
        }
    }

    #[test]
    fn what_a_proxy_repeats_of_the_clients_words_does_not_name_another() {
        for (value, expected) in [
            (r#"for=192.0.2.7;host="a, for=203.0.113.9""#, CLIENT),
            (r#"for=192.0.2.7;host="a\", for=203.0.113.9;x=\"""#, "0.0.0.0"),
            (r#"for=192.0.2.7;host="\", for=203.0.113.9;x=\"y""#, "0.0.0.0"),
        ] {
            assert_eq!(peer(PROXY, &[("forwarded", value)]), expected, "{value}");
        }
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
