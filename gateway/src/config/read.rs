//! Reading the file: TOML to values, then what no single value can say.

use super::fault::nearest;
use super::limits::limits;
use super::{Config, ConfigFault, Tls};
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Largest configuration file that is read, in bytes.
pub const MAX_CONFIG_BYTES: u64 = 1_048_576;

/// Reads and checks a configuration file.
///
/// # Errors
/// [`ConfigFault`] with the line of an unknown key, a wrong type or a contradiction.
pub fn read(path: &Path) -> Result<Config, ConfigFault> {
    let fault = |line, what: String, hint| ConfigFault { file: path.to_owned(), line, what, hint };
    let mut text = String::new();
    let opened = std::fs::File::open(path).map_err(|why| fault(None, format!("cannot be read: {why}"), init_hint()))?;
    opened
        .take(MAX_CONFIG_BYTES.saturating_add(1))
        .read_to_string(&mut text)
        .map_err(|why| fault(None, format!("cannot be read: {why}"), None))?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > MAX_CONFIG_BYTES {
        return Err(fault(None, format!("is larger than {MAX_CONFIG_BYTES} bytes"), None));
    }
    let mut config: Config = toml::from_str(&text).map_err(|error| {
        let line = error.span().map(|span| line_of(&text, span.start));
        let (what, hint) = explain(error.message());
        fault(line, what, hint)
    })?;
    contradictions(&config).map_err(|(key, what)| fault(find_line(&text, key), what.to_owned(), None))?;
    limits(&config).map_err(|(key, what)| fault(find_line(&text, key), what, None))?;
    let base = path.parent().map(Path::to_owned).unwrap_or_default();
    anchor_paths(&mut config, &base);
    Ok(config)
}

fn init_hint() -> Option<String> {
    Some("`sealgate init` makes one; `--config FILE` names another".to_owned())
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count().saturating_add(1)
}

fn find_line(text: &str, key: &str) -> Option<usize> {
    text.lines().position(|line| line.trim_start_matches(['[', ' ']).starts_with(key)).map(|at| at.saturating_add(1))
}

/// Says what the reader found in our words, with the nearest key for an unknown one.
fn explain(message: &str) -> (String, Option<String>) {
    let message = message.lines().next().unwrap_or_default();
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match (message.strip_prefix("unknown field"), quoted.split_first()) {
        (Some(_), Some((unknown, known))) => {
            let hint = nearest(unknown, known.iter().copied())
                .map(|near| format!("did you mean `{near}`?"))
                .unwrap_or_else(|| format!("known here: {}", known.join(", ")));
            (format!("unknown key `{unknown}`"), Some(hint))
        }
        _ => (message.to_owned(), None),
    }
}

fn contradictions(config: &Config) -> Result<(), (&'static str, &'static str)> {
    let database = &config.database;
    if database.sqlite_file.is_some() == database.postgres_url_file.is_some() {
        return Err(("database", "[database] needs exactly one of `sqlite_file` and `postgres_url_file`"));
    }
    let custody = &config.custody;
    let ways =
        [custody.passphrase_file.is_some(), custody.passphrase_descriptor.is_some(), custody.credential_file.is_some()];
    if ways.iter().filter(|way| **way).count() != 1 {
        return Err((
            "custody",
            "[custody] needs exactly one of `passphrase_file`, `passphrase_descriptor` and `credential_file`",
        ));
    }
    for (at, listener) in config.mllp.iter().enumerate() {
        if listener.name.is_empty()
            || config.mllp.iter().skip(at.saturating_add(1)).any(|other| other.name == listener.name)
        {
            return Err(("mllp", "every [[mllp]] listener needs a name of its own"));
        }
        if !may_be_plain(&listener.bind, listener.tls.as_ref(), listener.plain) {
            return Err((
                "mllp",
                "an [[mllp]] listener beyond loopback needs `tls`, or `plain = true` inside a protected network",
            ));
        }
    }
    if let Some(bind) = &config.fhir.bind
        && !may_be_plain(bind, config.fhir.tls.as_ref(), config.fhir.plain)
    {
        return Err(("fhir", "[fhir] beyond loopback needs `tls`, or `plain = true` behind a proxy that ends TLS"));
    }
    if fhir::Proxies::read(&config.fhir.trusted_proxies, config.fhir.forwarded_header).is_err() {
        return Err((
            "trusted_proxies",
            "`trusted_proxies` is a list of ranges of addresses, such as \"10.0.0.0/8\", with no bits set below the prefix",
        ));
    }
    if config.sign_on.enabled {
        sign_on(config)?;
    }
    if config.operations.bind.is_some_and(|bind| !bind.ip().is_loopback()) {
        return Err((
            "operations",
            "[operations] must be bound to loopback: health and metrics carry no authentication",
        ));
    }
    Ok(())
}

fn sign_on(config: &Config) -> Result<(), (&'static str, &'static str)> {
    let Some(bind) = &config.fhir.bind else {
        return Err(("sign_on", "[sign_on] is served on the address of [fhir], which has no `bind`"));
    };
    let secure = match &config.fhir.base_url {
        Some(base) => base.starts_with("https://") || (base.starts_with("http://") && bind.ip().is_loopback()),
        None => bind.ip().is_loopback() || (config.fhir.tls.is_some() && !bind.ip().is_unspecified()),
    };
    if !secure {
        return Err(("sign_on", "[sign_on] needs `base_url` in [fhir]: the https address that browsers use"));
    }
    config.sign_on.private_ranges().map_err(|wrong| ("api_private_ranges", wrong))?;
    let keys = config.sign_on.saml.as_ref();
    if keys.is_some_and(|saml| saml.signing.is_empty() || saml.encryption.is_empty()) {
        return Err(("sign_on", "[sign_on.saml] needs at least one pair under `signing` and one under `encryption`"));
    }
    Ok(())
}

fn may_be_plain(bind: &SocketAddr, tls: Option<&Tls>, plain: bool) -> bool {
    tls.is_some() || plain || bind.ip().is_loopback()
}

/// Makes relative paths start at the folder of the configuration file.
fn anchor_paths(config: &mut Config, base: &Path) {
    let place = |path: &mut PathBuf| *path = base.join(&*path);
    for path in [
        &mut config.database.sqlite_file,
        &mut config.database.postgres_url_file,
        &mut config.custody.passphrase_file,
        &mut config.custody.credential_file,
    ]
    .into_iter()
    .flatten()
    {
        place(path);
    }
    config.sign_on.paths().for_each(place);
    place(&mut config.custody.slots_file);
    place(&mut config.audit.anchor_file);
    let tls = config.mllp.iter_mut().filter_map(|listener| listener.tls.as_mut()).chain(config.fhir.tls.as_mut());
    for tls in tls {
        place(&mut tls.certificate_file);
        place(&mut tls.key_file);
        if let Some(authorities) = &mut tls.client_ca_file {
            place(authorities);
        }
    }
}
