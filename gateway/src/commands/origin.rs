//! The public address of the gateway, for what operators and partners must type elsewhere.

use crate::config::Config;

/// Returns scheme, host and port under which browsers reach the gateway; `None` when the configuration names no listener.
///
/// It is that of `base_url` where there is one, else it is made from `bind`.
pub(super) fn of(config: &Config) -> Option<String> {
    match (&config.fhir.base_url, config.fhir.bind) {
        (Some(base), _) => {
            let (scheme, rest) = base.split_once("://")?;
            let host = rest.split(['/', '?', '#']).next().filter(|host| !host.is_empty())?;
            Some(format!("{scheme}://{host}"))
        }
        (None, Some(bind)) => {
            let scheme = if config.fhir.tls.is_some() { "https" } else { "http" };
            Some(format!("{scheme}://{bind}"))
        }
        (None, None) => None,
    }
}

/// Returns an address below the public one; where that is not known, the path alone.
pub(super) fn address(config: &Config, path: &str) -> String {
    format!("{}{path}", of(config).unwrap_or_default())
}
