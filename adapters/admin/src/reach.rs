//! Where a connection that is made or changed by API may have the gateway go: to providers by their names, and with a secret to
//! the one that it was given for.
//!
//! Who administers a tenant is not who operates the machine. A number, a name of the local network, or the machine itself, as an address
//! would let a tenant's token find out what else answers near the gateway; such connections are made at the operator's console. What
//! DNS says of other names is looked at whenever the provider is asked: the connection is marked for that.

use crate::fields::Fault;
use domain::directory::{Connection, OidcSettings, Protocol};
use std::net::IpAddr;

/// Refuses where a connection now leads, unless it led there before; where it leads anew, that is marked as named by API.
///
/// `origin` is where the gateway itself is reached: one that is tried out on its own machine may ask that machine.
pub(crate) fn check(origin: &str, before: Option<&Connection>, after: &mut Connection) -> Result<(), Fault> {
    let Protocol::Oidc(settings) = &mut after.protocol else { return Ok(()) };
    let before = before.and_then(Connection::oidc);
    if before.is_some_and(|before| places(before) == places(settings)) || host(origin).is_some_and(is_this_machine) {
        return Ok(());
    }
    let console = "that is for the operator's console: sealgate connection add-oidc";
    if settings.allow_http_loopback {
        return Err(Fault::new("/protocol/oidc/allow_http_loopback", console));
    }
    if !host(&settings.issuer).is_some_and(is_a_name) {
        let needed = "a provider is named by its full host name here, not by a number or a short name";
        return Err(Fault::new("/protocol/oidc/issuer", needed));
    }
    if let Some(at) = settings.egress.iter().position(|place| !host(place).is_some_and(is_a_name)) {
        let needed = "a full host name is needed here, not a number or a short name";
        return Err(Fault::new(format!("/protocol/oidc/egress/{at}"), needed));
    }
    settings.by_api = true;
    Ok(())
}

/// Refuses to take a secret along to another issuer: it would be told to whoever that is.
pub(crate) fn keeps_its_secret(before: &OidcSettings, after: &OidcSettings, given: bool) -> Result<(), Fault> {
    if before.issuer == after.issuer || given || before.client_secret.is_none() {
        return Ok(());
    }
    Err(Fault::new("/protocol/oidc/client_secret", "another issuer is another secret: give it, or null"))
}

fn places(settings: &OidcSettings) -> (&str, &[String], bool) {
    (&settings.issuer, &settings.egress, settings.allow_http_loopback)
}

/// Returns the host of an address, or of a host with or without a port.
fn host(address: &str) -> Option<&str> {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next()?;
    let place = authority.rsplit('@').next()?;
    match place.strip_prefix('[') {
        Some(number) => number.split(']').next(),
        None => place.split(':').next(),
    }
}

fn is_a_name(host: &str) -> bool {
    // `127.1` and `2130706433` are numbers too, in the way of old.
    let numeric = host.rsplit('.').next().is_some_and(|last| last.starts_with(|c: char| c.is_ascii_digit()));
    let full = host.trim_end_matches('.').contains('.');
    full && !numeric && host.parse::<IpAddr>().is_err() && !is_this_machine(host)
}

fn is_this_machine(host: &str) -> bool {
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_and_no_number_however_it_is_written() {
        for name in ["https://idp.example/realms/a", "idp.example:8443", "https://idp.example:443"] {
            assert!(host(name).is_some_and(is_a_name), "{name}");
        }
        for other in [
            "https://10.0.0.5:8443",
            "https://127.0.0.1",
            "https://127.1/",
            "https://2130706433",
            "https://0x7f000001",
            "https://[::1]:9100",
            "[fe80::1]:80",
            "https://user@10.0.0.5/",
            "localhost:80",
            "https://a.localhost./",
            "https://db:5432",
            "https://db.:5432",
            "https://intranet/",
            "https://",
        ] {
            assert!(!host(other).is_some_and(is_a_name), "{other}");
        }
    }
}
