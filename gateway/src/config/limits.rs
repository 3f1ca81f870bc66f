//! The range of each number and that no file is named by nothing: what a slip of the hand would make useless or boundless.

use super::Config;
use domain::record::MAX_PLAINTEXT;
use std::path::Path;

/// A second at least, and at most a year: beyond, a timeout is none.
const SECONDS: (u64, u64) = (1, 31_536_000);
/// Connections of one listener.
const CONNECTIONS: (u64, u64) = (1, 100_000);
/// Connections to the database.
const DATABASE_CONNECTIONS: (u64, u64) = (1, 1_000);
/// Bytes of a frame: as much as an MSH segment needs, and no more than a record may have.
const LEAST_FRAME_BYTES: u64 = 1_024;

/// Refuses a number outside its range, with the key and the range, and a path without a name.
pub(super) fn limits(config: &Config) -> Result<(), (&'static str, String)> {
    within("max_connections", u64::from(config.database.max_connections), DATABASE_CONNECTIONS)?;
    for listener in &config.mllp {
        within("max_connections", whole(listener.max_connections), CONNECTIONS)?;
        within("max_frame_bytes", whole(listener.max_frame_bytes), (LEAST_FRAME_BYTES, whole(MAX_PLAINTEXT)))?;
        within("frame_timeout_seconds", listener.frame_timeout_seconds, SECONDS)?;
        within("idle_timeout_seconds", listener.idle_timeout_seconds, SECONDS)?;
    }
    within("max_connections", whole(config.fhir.max_connections), CONNECTIONS)?;
    within("request_timeout_seconds", config.fhir.request_timeout_seconds, SECONDS)?;
    named("slots_file", Some(&config.custody.slots_file))?;
    named("passphrase_file", config.custody.passphrase_file.as_deref())?;
    named("credential_file", config.custody.credential_file.as_deref())?;
    named("anchor_file", Some(&config.audit.anchor_file))?;
    named("sqlite_file", config.database.sqlite_file.as_deref())?;
    named("postgres_url_file", config.database.postgres_url_file.as_deref())?;
    for tls in config.mllp.iter().filter_map(|listener| listener.tls.as_ref()).chain(config.fhir.tls.as_ref()) {
        named("certificate_file", Some(&tls.certificate_file))?;
        named("key_file", Some(&tls.key_file))?;
        named("client_ca_file", tls.client_ca_file.as_deref())?;
    }
    Ok(())
}

fn within(key: &'static str, value: u64, (least, most): (u64, u64)) -> Result<(), (&'static str, String)> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err((key, format!("`{key}` is {value}: it must be from {least} to {most}")))
}

fn named(key: &'static str, path: Option<&Path>) -> Result<(), (&'static str, String)> {
    match path {
        Some(path) if path.as_os_str().is_empty() => Err((key, format!("`{key}` names no file: it is empty"))),
        Some(_) | None => Ok(()),
    }
}

fn whole(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(more: &str) -> Config {
        let text = format!(
            "[database]\nsqlite_file = \"a.db\"\n[custody]\nslots_file = \"slots\"\npassphrase_file = \"p\"\n\
             [audit]\nanchor_file = \"anchors\"\n{more}"
        );
        toml::from_str(&text).unwrap()
    }

    fn listener(key: &str, value: u64) -> String {
        format!("[[mllp]]\nname = \"main\"\nbind = \"127.0.0.1:0\"\n{key} = {value}\n")
    }

    #[test]
    fn the_defaults_are_within_their_limits() {
        assert_eq!(limits(&config("[[mllp]]\nname = \"main\"\nbind = \"127.0.0.1:0\"\n")), Ok(()));
    }

    #[test]
    fn a_number_outside_its_range_is_refused_by_its_name() {
        for (key, wrong, least, most) in [
            ("max_connections", 0, 1, 100_000),
            ("max_frame_bytes", 0, 1_024, 67_108_864),
            ("max_frame_bytes", 67_108_865, 1_024, 67_108_864),
            ("frame_timeout_seconds", 0, 1, 31_536_000),
            ("idle_timeout_seconds", 99_999_999, 1, 31_536_000),
        ] {
            let what = format!("`{key}` is {wrong}: it must be from {least} to {most}");
            assert_eq!(limits(&config(&listener(key, wrong))), Err((key, what)));
        }
        for key in ["max_connections", "request_timeout_seconds"] {
            assert_eq!(limits(&config(&format!("[fhir]\n{key} = 0\n"))).err().map(|(key, _)| key), Some(key));
        }
        let mut none = config("");
        none.database.max_connections = 0;
        assert_eq!(limits(&none).err().map(|(key, _)| key), Some("max_connections"));
    }

    #[test]
    fn a_file_without_a_name_is_refused() {
        let mut empty = config("");
        empty.audit.anchor_file = "".into();
        assert_eq!(limits(&empty), Err(("anchor_file", "`anchor_file` names no file: it is empty".to_owned())));
    }
}
