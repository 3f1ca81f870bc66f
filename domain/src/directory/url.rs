//! The little that the directory must know of web addresses and key sets; whoever uses one reads it anew and in full.

use alloc::format;
use alloc::string::String;
use core::net::IpAddr;

/// The parts of an absolute http or https address that the directory has rules about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WebAddress<'a> {
    pub(super) secure: bool,
    pub(super) host: Host<'a>,
    pub(super) has_query: bool,
    pub(super) has_fragment: bool,
}

/// A host with an optional port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Host<'a> {
    pub(super) name: &'a str,
    pub(super) port: Option<u16>,
}

impl<'a> WebAddress<'a> {
    /// Reads `http(s)://host[:port][/path][?query][#fragment]`; user names, blanks, back slashes and control characters
    /// are refused, for readers differ about them.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b'\\' | b'"' | b'<' | b'>' | b'`');
        if text.len() > MAX_ADDRESS_BYTES || !text.bytes().all(plain) {
            return None;
        }
        let (secure, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return None,
        };
        let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (path, fragment) = rest.split_once('#').map_or((rest, None), |(path, fragment)| (path, Some(fragment)));
        let host = Host::read(authority)?;
        Some(Self { secure, host, has_query: path.contains('?'), has_fragment: fragment.is_some() })
    }

    /// Returns the origin of a page there, as browsers write it (RFC 6454 §6.2).
    pub(super) fn origin(&self) -> String {
        let (scheme, usual) = if self.secure { ("https", 443) } else { ("http", 80) };
        let name = match self.host.name.parse::<core::net::Ipv6Addr>() {
            Ok(address) => format!("[{address}]"),
            Err(_) => self.host.name.to_ascii_lowercase(),
        };
        match self.host.port.filter(|port| *port != usual) {
            Some(port) => format!("{scheme}://{name}:{port}"),
            None => format!("{scheme}://{name}"),
        }
    }

    /// Says whether it is https, or, where that is allowed, at a loopback address.
    pub(super) fn is_safe(&self, http_loopback: bool) -> bool {
        self.secure || (http_loopback && self.host.is_loopback())
    }
}

impl<'a> Host<'a> {
    /// Reads `host`, `host:port`, `[v6]` or `[v6]:port`.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let (name, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (name, port) = rest.split_once(']')?;
                name.parse::<core::net::Ipv6Addr>().ok()?;
                (name, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
            }
            None => text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port))),
        };
        let bracketed = text.starts_with('[');
        let label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        };
        if !bracketed && (name.len() > 253 || !name.split('.').all(label)) {
            return None;
        }
        let port = match port {
            Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
                Some(digits.parse().ok().filter(|port| *port != 0)?)
            }
            Some(_) => return None,
            None => None,
        };
        Some(Self { name, port })
    }

    fn is_loopback(&self) -> bool {
        self.name.eq_ignore_ascii_case("localhost")
            || self.name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
    }
}

/// Accepts an address under a private-use scheme: a reversed domain name, so one with a dot (RFC 8252 §7.1).
pub(super) fn is_private_use(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let letters = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+');
    text.len() <= MAX_ADDRESS_BYTES
        && scheme.contains('.')
        && scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme.bytes().all(letters)
        && rest.starts_with('/')
        && rest.bytes().all(|b| b.is_ascii_graphic() && b != b'#')
}

/// Accepts a JSON Web Key Set of at least one key, none of which is secret or holds a private part (RFC 7517 §5, RFC 7518 §6).
pub(super) fn is_public_key_set(text: &str, most_bytes: usize) -> bool {
    if text.len() > most_bytes {
        return false;
    }
    let Ok(set) = serde_json::from_str::<serde_json::Value>(text) else { return false };
    let Some(keys) = set.get("keys").and_then(serde_json::Value::as_array) else { return false };
    let public = |key: &serde_json::Value| {
        let asymmetric = matches!(key.get("kty").and_then(serde_json::Value::as_str), Some("RSA" | "EC" | "OKP"));
        asymmetric && !["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().any(|private| key.get(private).is_some())
    };
    !keys.is_empty() && keys.iter().all(public)
}

/// Most bytes of an address.
const MAX_ADDRESS_BYTES: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_into_its_parts() {
        let read = WebAddress::read("https://idp.example:8443/realms/a?b#c").unwrap();
        assert!(read.secure && read.has_query && read.has_fragment);
        assert_eq!((read.host.name, read.host.port), ("idp.example", Some(8443)));
        let read = WebAddress::read("http://[::1]").unwrap();
        assert!(!read.secure && !read.has_query && read.is_safe(true) && !read.is_safe(false));
        assert!(WebAddress::read("http://localhost:1").unwrap().is_safe(true));
        assert!(!WebAddress::read("http://localhost.example").unwrap().is_safe(true));
        assert!(!WebAddress::read("http://10.0.0.1").unwrap().is_safe(true));
        assert!(!WebAddress::read("https://a/#?").unwrap().has_query);
    }

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        for (address, origin) in [
            ("https://App.Example/back?a#b", "https://app.example"),
            ("https://app.example:443/", "https://app.example"),
            ("https://app.example:8443", "https://app.example:8443"),
            ("http://localhost:80/a", "http://localhost"),
            ("http://localhost:443/a", "http://localhost:443"),
            ("http://127.0.0.1:9000/", "http://127.0.0.1:9000"),
            ("http://[0:0:0:0:0:0:0:1]:1/", "http://[::1]:1"),
        ] {
            assert_eq!(WebAddress::read(address).unwrap().origin(), origin, "{address}");
        }
    }

    #[test]
    fn what_readers_differ_about_is_no_address() {
        for text in [
            "",
            "https://",
            "https:///path",
            "https://user@host",
            "https://user:word@host",
            "https://host\\@other",
            "https://ho st",
            "https://host:0",
            "https://host:99999",
            "https://host:",
            "https://host:+1",
            "https://a..b",
            "https://[::1",
            "https://[1.2.3.4]",
            "HTTPS://host",
            "ftp://host",
            "javascript:alert(1)",
            "https://h\u{f6}st",
            "https://host/\n",
        ] {
            assert_eq!(WebAddress::read(text), None, "{text}");
        }
    }

    #[test]
    fn a_private_use_scheme_is_a_reversed_domain_name() {
        assert!(is_private_use("com.example.app:/callback"));
        for text in
            ["app:/callback", "https://a", "javascript:alert(1)", "com.example.app:callback", "com.example:/a#b"]
        {
            assert!(!is_private_use(text), "{text}");
        }
    }

    #[test]
    fn a_key_set_with_anything_secret_is_refused() {
        let is = |text| is_public_key_set(text, 1_000);
        assert!(is(r#"{"keys":[{"kty":"EC","crv":"P-384","x":"a","y":"b"},{"kty":"RSA","n":"a","e":"AQAB"}]}"#));
        for text in [
            "",
            "{}",
            "[]",
            r#"{"keys":[]}"#,
            r#"{"keys":[{}]}"#,
            r#"{"keys":{"kty":"EC"}}"#,
            r#"{"keys":[{"kty":"EC","d":"a"}]}"#,
            r#"{"keys":[{"kty":"oct","k":"a"}]}"#,
            r#"{"keys":[{"kty":"EC"},{"kty":"RSA","p":"a"}]}"#,
        ] {
            assert!(!is(text), "{text}");
        }
        assert!(!is_public_key_set(r#"{"keys":[{"kty":"EC"}]}"#, 10));
    }
}
